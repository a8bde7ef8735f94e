"""Options that say nothing together are refused with what goes with what; every refusal says what to do."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.tui.commands.conftest import Answer, Cli

COMMANDS = Path(__file__).parents[3] / "tui" / "commands"


def refused(answer: Answer, cause: str, hint: str) -> None:
    assert (answer.code, answer.out) == (2, "")
    first, *rest = answer.err.splitlines()
    assert first == f"opscope: {cause}"
    assert hint in " ".join(" ".join(rest).split())


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (("export", "last", "--no-logs", "--log-bytes", "1M"), "--no-logs and --log-bytes are two things", "give one"),
        (("export", "last/stage/execute"), "'last/stage/execute' is a part of a run", "for the whole run give"),
        (("export", "last?step=greet"), "'last?step=greet' is a part of a run", "for the whole run give"),
        (("rerun", "last", "--dry-run", "--detach"), "--dry-run runs nothing, so nothing is detached", "leave one out"),
        (("show", "last", "--whole"), "--whole does nothing without --json", "give --json too"),
        (
            ("show", "last", "--explain", "greet", "--against", "last"),
            "--explain and --against are two things",
            "give one",
        ),
        (
            ("show", "last", "--explain", "greet", "--whole", "--json"),
            "--whole does nothing with --explain",
            "--json alone",
        ),
        (
            ("show", "last", "--against", "last", "--whole", "--json"),
            "--whole does nothing with --against",
            "--json alone",
        ),
        (
            ("show", "last/stage/execute", "--explain", "greet"),
            "--explain names the step of a whole run",
            "for the run give",
        ),
        (("logs", "last?step=greet", "after"), "the link is to greet, STEP is after", "give one of them"),
        (("logs", "last/stage/validate"), "only the steps of execute write anything", "for the run give"),
        (("logs", "last", "--json", "--raw"), "--raw and --json are two things", "give one of them"),
        (("stage", "last/stage/validate", "present"), "'last/stage/validate' is a part of a run", "for the whole run"),
    ],
)
def test_no_option_is_silently_without_effect(
    cli: Cli, recorded: Path, words: tuple[str, ...], cause: str, hint: str
) -> None:
    refused(cli(*words), cause, hint)


def test_a_dry_run_shows_the_reason_and_is_quiet_where_it_is_to_be(cli: Cli, recorded: Path) -> None:
    words = ("rerun", "last", "--dry-run", "--reason", "after  the move")
    answer = cli(*words)
    assert "  reason  after the move\n" in answer.out
    assert answer.err.startswith("  next: the same with --confirm ")
    assert cli(*words, "--quiet").err == ""
    assert json.loads(cli(*words, "--json").out)["reason"] == "after the move"


def test_logs_for_programs_are_a_line_of_json_each(cli: Cli, recorded: Path) -> None:
    found = [json.loads(line) for line in cli("logs", "last", "--json").out.splitlines()]
    assert [(one["step_id"], one["stream"], one["line"]) for one in found] == [
        ("greet", "stdout", "hello"),
        ("greet", "stderr", "careful"),
        ("break_it", "stderr", "broken"),
    ]
    assert {(one["item_index"], one["attempt"], one["pass_index"]) for one in found} == {(None, 1, 0)}
    assert len({one["run_id"] for one in found}) == 1
    assert [
        one["line"] for one in map(json.loads, cli("logs", "last", "greet", "--stderr", "--json").out.splitlines())
    ] == ["careful"]


def test_a_part_of_a_link_that_nobody_knows_is_refused(cli: Cli, recorded: Path) -> None:
    refused(cli("show", "last/stage/execute?step=greet&colour=red"), "a link has no part 'colour'", "it may have step")


def test_every_refusal_of_a_command_has_a_hint() -> None:
    """Only causes that another error words itself, and what nobody can do anything about, stand without."""
    errors = ("InputError", "StoreError", "WaitingError", "InfrastructureError")
    without = [
        f"{path.name}:{call.lineno}"
        for path in sorted(COMMANDS.glob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in errors
        if not any(keyword.arg == "hint" for keyword in call.keywords)
    ]
    assert without == []
