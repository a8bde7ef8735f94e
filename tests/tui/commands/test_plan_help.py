"""`opscope run PLAN --help` describes the plan too, and never stumbles over one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.shipped import shipped_plans

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


@pytest.mark.parametrize("name", shipped_plans())
def test_every_shipped_plan_says_what_it_takes(cli: Cli, name: str) -> None:
    plain = cli("run", "--help")
    said = cli("run", name, "--help")
    assert (plain.code, said.code, said.err) == (0, 0, "")
    assert said.out.startswith(plain.out)
    assert f"the plan {name}" in said.out[len(plain.out) :]
    assert "-p " in said.out[len(plain.out) :]


def test_parameters_with_their_types_defaults_and_meanings(cli: Cli) -> None:
    lines = cli("run", "-p", "source=x", "safe-merge", "-h").out.splitlines()
    at = lines.index("  -p source=...  string, required")
    assert (
        lines[at + 1] == "      the branch to merge, for example feature or origin/feature; a tag or a commit will do"
    )
    assert "  -p gate=...  array, [] if not given" in lines


def test_a_required_parameter_is_asked_for_with_its_meaning(cli: Cli) -> None:
    assert "give it with -p source=...: the branch to merge" in cli("run", "safe_merge").err


def test_a_plan_that_cannot_be_read_is_left_out(cli: Cli, home: Path) -> None:
    (home / "torn.yaml").write_text("plan_id: [")
    plain = cli("run", "--help").out
    for words in (("./torn.yaml",), ("no_such_plan",), ("./nowhere.yaml",), ("--detach",)):
        assert cli("run", *words, "--help").out == plain
