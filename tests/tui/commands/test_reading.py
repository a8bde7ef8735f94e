"""`runs`, `show`, `logs` and `events` on recorded runs, and the ways to name a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from engine.model.states import Stage
from tui.commands.logs import Lines
from tui.viewmodel.links import Target, parse_target

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("last", Target("last")),
        ("7f3a", Target("7f3a")),
        ("7F3A91", Target("7f3a91")),
        ("last/stage/execute", Target("last", Stage.EXECUTE)),
        ("7f3a91/stage/execute?step=ping", Target("7f3a91", Stage.EXECUTE, "ping")),
        ("7f3a91?step=ping", Target("7f3a91", None, "ping")),
    ],
)
def test_ways_to_name_a_run(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    ["", "7f3", "xyzzy", "7f3a/stage", "7f3a/stage/nope", "7f3a/step/x", "7f3a?x=1", "7f3a/a/b/c", "a" * 33, "%00"],
)
def test_what_is_no_run(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_target(text)
    assert refused.value.hint


@pytest.mark.parametrize("command", ["show", "logs", "events"])
def test_a_run_that_is_not_there(cli: Cli, recorded: Path, command: str) -> None:
    answer = cli(command, "ffffffff")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "opscope: no run begins with ffffffff\n  opscope runs lists them\n"


@pytest.mark.parametrize("command", ["show", "logs", "events"])
def test_before_anything_has_run(cli: Cli, database: Path, command: str) -> None:
    answer = cli(command, "last")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("opscope: nothing has been run yet\n")
    assert not database.parent.exists()


def test_runs_before_anything_has_run(cli: Cli, database: Path) -> None:
    answer = cli("runs")
    assert (answer.code, answer.out) == (0, "no runs yet\n")
    assert cli("runs", "--json").out == "[]\n"
    assert not database.parent.exists()


def test_runs_lists_the_newest_first(cli: Cli, recorded: Path) -> None:
    head, newest, older = cli("runs").out.splitlines()
    assert head.split()[:6] == ["STATUS", "RUN", "PLAN", "ROUTE", "STAGE", "STEPS"]
    assert newest.startswith("✗ FAILED ")
    assert "breaks" in newest
    assert "break_it: " in newest
    assert older.startswith("✓ SUCCEEDED ")


@pytest.mark.parametrize(
    ("words", "plans"),
    [
        ((), ["breaks", "works"]),
        (("--status", "failed"), ["breaks"]),
        (("--status", "running"), []),
        (("--plan", "works"), ["works"]),
        (("--plan", "*r*k*"), ["breaks", "works"]),
        (("--limit", "1"), ["breaks"]),
        (("--filter", "status:failed dur:<1h"), ["breaks"]),
        (("--filter", "-plan:br since:1h"), ["works"]),
        (("--filter", "-plan:br"), ["works"]),
        (("--filter", "works", "--status", "failed"), []),
        (("--filter", "status:succeeded", "--plan", "w*"), ["works"]),
        (("--sort", "plan", "--reverse"), ["works", "breaks"]),
        (("--sort", "status"), ["breaks", "works"]),
    ],
)
def test_runs_can_be_narrowed(cli: Cli, recorded: Path, words: tuple[str, ...], plans: list[str]) -> None:
    heads = json.loads(cli("runs", "--json", *words).out)
    assert [head["plan_id"] for head in heads] == plans
    assert all(head["engine_lost"] is False for head in heads)
    text = cli("runs", *words)
    assert text.code == 0
    if not plans:
        assert text.out == "no run of this kind\n"


def test_a_filter_that_is_not_understood_lists_nothing(cli: Cli, recorded: Path) -> None:
    """A list that holds more than was asked for would mislead a program."""
    answer = cli("runs", "--json", "--filter", "stauts:failed dur:10s")
    assert (answer.code, answer.out) == (2, "")
    assert "no field stauts; did you mean 'status'?; dur: longer or shorter? >10s or <10s" in answer.err
    assert "the fields are status, plan, dur" in answer.err


def test_ascii_and_no_color(cli: Cli, recorded: Path) -> None:
    answer = cli("--ascii", "runs")
    assert answer.out.isascii()
    assert "x FAILED" in answer.out


def test_show_tells_the_whole_run(cli: Cli, recorded: Path) -> None:
    answer = cli("show", "last")
    assert answer.code == 0
    assert answer.out.startswith("✗ FAILED  ")
    for said in ("breaks 2", "who=me", "route_plan", "break_it", "exit 7", "⊘ CANCELED", "next: opscope show '"):
        assert said in answer.out, said


def test_show_by_prefix_is_show_of_the_run(cli: Cli, recorded: Path) -> None:
    works = json.loads(cli("runs", "--json").out)[1]["run_id"]
    assert json.loads(cli("show", works[:6].upper(), "--json").out)["run_id"] == works
    assert "# Said: hello" in cli("show", works[:4]).out


def test_show_of_a_stage_and_of_a_step(cli: Cli, recorded: Path) -> None:
    stage = cli("show", "last/stage/validate")
    assert stage.code == 0
    assert "INPUT" in stage.out
    assert "OUTPUT" in stage.out
    assert json.loads(cli("show", "last/stage/validate", "--json").out)["stage"] == "validate"
    step = cli("show", "last/stage/execute?step=break_it")
    assert step.code == 0
    for said in ("break_it", "✗ FAILED", "attempt 1", "exit code 7", "sh -c 'echo broken >&2; exit 7'", "broken"):
        assert said in step.out, said
    assert json.loads(cli("show", "last?step=break_it", "--json").out)["id"] == "break_it"


def test_a_stage_the_run_never_reached(cli: Cli, recorded: Path) -> None:
    assert "has not come to present" in cli("show", "last/stage/present").out
    answer = cli("show", "last/stage/present", "--json")
    assert answer.code == 2
    assert "has not come to present" in answer.err


@pytest.mark.parametrize("words", [("logs", "last", "break"), ("show", "last/stage/execute?step=break")])
def test_a_step_that_is_not_there(cli: Cli, recorded: Path, words: tuple[str, ...]) -> None:
    answer = cli(*words)
    assert answer.code == 2
    assert answer.err == "opscope: the run has no step 'break'\n  did you mean break_it?\n"


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ((), {"greet       hello", "greet     ! careful", "break_it  ! broken"}),
        (("greet",), {"hello", "! careful"}),
        (("greet", "--stdout"), {"hello"}),
        (("--stderr",), {"greet     ! careful", "break_it  ! broken"}),
        (("after",), set()),
    ],
)
def test_logs(cli: Cli, recorded: Path, words: tuple[str, ...], lines: set[str]) -> None:
    answer = cli("logs", "last", *words)
    assert answer.code == 0
    assert set(answer.out.splitlines()) == lines
    assert cli("logs", "last", "-f", *words).out == answer.out


def test_raw_logs_are_the_bytes(cli: Cli, recorded: Path) -> None:
    assert cli("logs", "last", "greet", "--stdout", "--raw").out == "hello\n"


def test_events_in_their_order(cli: Cli, recorded: Path) -> None:
    answer = cli("events", "last", "--json")
    events = [json.loads(line) for line in answer.out.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["kind"] == "run.created"
    assert events[-1]["kind"] == "run.failed"
    assert {"run_id", "at", "kind", "actor", "data", "pass_index"} <= set(events[0])
    assert events[0]["at"].endswith("Z")
    assert cli("events", "last", "-f", "--json").out == answer.out
    text = cli("events", "last").out
    assert len(text.splitlines()) == len(events)
    steps = [json.loads(line) for line in cli("events", "last?step=greet", "--json").out.splitlines()]
    assert {event["step_id"] for event in steps} == {"greet"}


def test_pieces_of_output_become_lines() -> None:
    from engine.model.states import Stream
    from store.rows import LogRow

    def piece(content: bytes, stream: Stream = Stream.STDOUT) -> LogRow:
        return LogRow(1, "r", 0, "s", None, 1, stream, 0, 0, content)

    lines = Lines()
    assert [text for _, text in lines.feed(piece(b"one\ntw"))] == ["one"]
    assert [text for _, text in lines.feed(piece(b"err", Stream.STDERR))] == []
    assert [text for _, text in lines.feed(piece(b"o\r\n\xff\n"))] == ["two", "\\xff"]
    assert [text for _, text in lines.rest()] == ["err"]
    assert list(lines.rest()) == []
    assert [len(text) for _, text in lines.feed(piece(b"x" * (1 << 21)))] == [1 << 21]


LARGE_PLAN = """\
plan_id: large
steps:
  - {id: much, command: sh, args: [-c, "head -c 200000 /dev/zero | tr '\\\\0' x"]}
compose: {said: "{much.data}"}
"""


def test_a_large_value_is_shown_once_or_wherever_it_is(cli: Cli, home: Path) -> None:
    (home / "large.yaml").write_text(LARGE_PLAN)
    printed = json.loads(cli("run", "./large.yaml", "--no-ui", "--json").out)
    shown = json.loads(cli("show", "last", "--json").out)
    assert printed["stages"] == shown["stages"]
    compose = next(stage for stage in shown["stages"] if stage["stage"] == "compose")
    assert compose["$blobs"] == ["output/result/said"]
    head = compose["output"]["result"]["said"]
    assert (head["at"], head["size"], len(head["$blob"])) == ("/steps/0/result/data", 200_002, 64)
    assert shown["steps"][0]["result"]["data"] == "x" * 200_000
    whole = json.loads(cli("show", "last", "--json", "--whole").out)
    of_stage = json.loads(cli("show", "last/stage/compose", "--json").out)
    for stage in (of_stage, next(stage for stage in whole["stages"] if stage["stage"] == "compose")):
        assert stage["output"]["result"] == {"said": "x" * 200_000}
        assert "$blobs" not in stage
