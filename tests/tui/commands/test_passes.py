"""Links that name a pass: the commands show that one, and those that cannot say so."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tui.commands import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


@pytest.fixture(scope="module")
def replanned_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a run of two passes: the first finds nothing."""
    path = tmp_path_factory.mktemp("replanned") / "runs.db"
    assert main(["--db", str(path), "run", "-q", "ci_lookup", "-p", "host=db01"]) == 0
    return path


@pytest.fixture
def replanned(replanned_file: Path, database: Path) -> Path:
    """The user's database with that run."""
    database.parent.mkdir(parents=True)
    shutil.copy(replanned_file, database)
    return database


@pytest.mark.parametrize("where", ["last/stage/execute?{}", "last?step=ci&{}", "last/stage/execute?step=ci&{}"])
def test_a_pass_is_shown(cli: Cli, replanned: Path, where: str) -> None:
    first, last = (json.loads(cli("show", where.format(f"pass={number}"), "--json").out) for number in (0, 1))
    assert (first["pass_index"], last["pass_index"]) == (0, 1)
    assert last == json.loads(cli("show", where.format("").rstrip("?&"), "--json").out)
    told = [cli("show", where.format(f"pass={number}")).out for number in (0, 1)]
    assert told[0] != told[1]
    assert told[1] == cli("show", where.format("").rstrip("?&")).out


def test_events_of_a_pass(cli: Cli, replanned: Path) -> None:
    whole = [json.loads(line) for line in cli("events", "last", "--json").out.splitlines()]
    for number in (0, 1):
        found = [json.loads(line) for line in cli("events", f"last?pass={number}", "--json").out.splitlines()]
        assert found == [event for event in whole if event["pass_index"] == number]
        assert found


def test_logs_of_a_pass(cli: Cli, home: Path, database: Path) -> None:
    (home / "policy.yaml").write_text(POLICY)
    assert cli("asset", "add", "policy.yaml", "--as", "policy/twice", "--publish").code == 0
    (home / "p.yaml").write_text(TWICE)
    assert cli("run", "-q", "./p.yaml").code == 0
    assert cli("logs", "last").out.split()[1::2] == ["first", "second"]
    assert cli("logs", "last?pass=0").out.split()[1:] == ["first"]
    assert cli("logs", "last?pass=1").out.split()[1:] == ["second"]


POLICY = """\
kind: replan
limit: 1
rules:
  - trigger: step_failed
    mode: auto
    reason: once more
    patch: {say: {args: [-c, "echo second"]}}
"""
TWICE = """\
plan_id: twice
assets: {replans: policy/twice}
steps:
  - {id: say, command: sh, args: [-c, "echo first; exit 1"]}
"""


def test_a_picture_of_a_pass(cli: Cli, replanned: Path) -> None:
    first, last = (cli("screenshot", f"last?pass={number}", "--format", "text").out for number in (0, 1))
    assert "pass 0, last 1" in first
    assert "pass 0, last 1" not in last
    assert last == cli("screenshot", "last", "--format", "text").out


@pytest.mark.parametrize("command", ["show", "events", "logs", "screenshot"])
def test_a_pass_that_there_is_not(cli: Cli, replanned: Path, command: str) -> None:
    answer = cli(command, "last?pass=2")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines() == ["opscope: the run has no pass 2", "  it has the passes 0 to 1"]


@pytest.mark.parametrize(
    "words",
    [
        ("cancel", "last?pass=0"),
        ("rerun", "last?pass=0"),
        ("export", "last?pass=0"),
        ("compare", "--with", "last?pass=0"),
        ("screenshot", "last?pass=0", "--screen", "why"),
        ("show", "last?pass=0"),
        ("show", "last", "--against", "last?pass=0"),
        ("show", "last?pass=0", "--explain", "ci"),
        ("why", "last?pass=0"),
    ],
)
def test_a_pass_is_refused_where_it_would_do_nothing(cli: Cli, replanned: Path, words: tuple[str, ...]) -> None:
    answer = cli(*words)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) > 1
