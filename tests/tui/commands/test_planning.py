"""Which plan a person means: paths, the user's names, the shipped names, and what is never opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from engine.shipped import shipped_plans
from tests.tui.commands.conftest import GOOD_PLAN
from tui.commands.planning import is_path, locate, read_plan, user_plan_folder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


@pytest.mark.parametrize("text", ["./x", "a/b", "x.yaml", "x.yml", "x.json", "/etc/x"])
def test_a_path(text: str) -> None:
    assert is_path(text)


@pytest.mark.parametrize("text", ["x", "host_triage", "x.toml", "yaml", "host-triage", ".", ".."])
def test_a_name(text: str) -> None:
    assert not is_path(text)


def test_shipped_names_with_either_sign(home: Path) -> None:
    env = {"HOME": str(home)}
    for text in ("host_triage", "host-triage"):
        assert locate(text, env) == shipped_plans()["host_triage"]


def test_the_users_own_plan_comes_first(home: Path) -> None:
    env = {"HOME": str(home)}
    folder = user_plan_folder(env)
    assert folder == home / ".config" / "opscope" / "plans"
    folder.mkdir(parents=True)
    (folder / "host-triage.yml").write_text(GOOD_PLAN)
    assert locate("host_triage", env) == folder / "host-triage.yml"
    assert read_plan("host-triage", env).compiled.plan.plan_id == "works"
    assert read_plan("host-triage", env).folder == folder


def test_where_the_users_plans_are_can_be_said(home: Path) -> None:
    assert user_plan_folder({"OPSCOPE_PLANS": "/srv/plans"}).as_posix() == "/srv/plans"
    assert user_plan_folder({"XDG_CONFIG_HOME": "/c"}).as_posix() == "/c/opscope/plans"
    assert user_plan_folder({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}).as_posix() == "/h/.config/opscope/plans"


@pytest.mark.parametrize("file", ["deploy", "deploy.yaml"])
def test_a_bare_name_never_opens_a_file_of_the_current_folder(home: Path, file: str) -> None:
    (home / file).write_text(GOOD_PLAN)
    with pytest.raises(InputError) as refused:
        locate("deploy", {"HOME": str(home)})
    assert refused.value.cause == "there is no plan named 'deploy'"
    assert refused.value.hint.splitlines() == [
        f"for the file of this folder write ./{file}",
        "plans: ci_lookup, doc_id_restore, host_triage, safe_merge, test_gate",
    ]


def test_a_typo_is_answered_with_what_was_meant(cli: Cli) -> None:
    answer = cli("run", "host_triag")
    assert answer.code == 2
    assert answer.err == (
        "opscope: there is no plan named 'host_triag'\n  did you mean host_triage?\n"
        "  plans: ci_lookup, doc_id_restore, host_triage, safe_merge, test_gate\n"
    )
