"""`opscope rerun --compare`: once is suspect at most, three times are a verdict, against the baseline of the run that is repeated."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tui.commands import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

PLAN = """\
plan_id: timed
description: takes as long as it is asked to
params: {sec: {type: number, default: 0.02}, end: {type: integer, default: 0}}
steps:
  - {id: quick, command: "true"}
  - {id: work, depends_on: [quick], command: sh, args: [-c, 'sleep "$1"; exit "$2"', sh, "{params.sec}", "{params.end}"]}
"""


@pytest.fixture(scope="module")
def timed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timed")
    (folder / "timed.yaml").write_text(PLAN)
    for _ in range(12):
        assert main(["--db", str(folder / "runs.db"), "run", "-q", str(folder / "timed.yaml")]) == 0
    return folder / "runs.db"


@pytest.fixture
def timed(timed_file: Path, database: Path) -> Path:
    """The user's database with twelve quick runs."""
    database.parent.mkdir(parents=True)
    shutil.copy(timed_file, database)
    return database


def test_once_is_suspect_and_three_times_are_a_regression(cli: Cli, timed: Path) -> None:
    once = cli("rerun", "last", "-p", "sec=0.6", "--compare", "--json", "--fail-over", "none")
    found = json.loads(once.out)
    assert (once.code, found["verdict"], found["severity"]) == (0, "suspect", "none")
    source = json.loads(cli("runs", "--json").out)[1]["run_id"]
    assert source in found["baseline"]
    # What was taken over took no time, and the stage that was so much shorter says nothing.
    assert {row["part"]["step_id"] for row in found["times"] if row["part"]["stage"] == "execute"} == {"work"}
    thrice = cli("rerun", source, "-p", "sec=0.6", "--compare", "--runs", "3", "--fail-over", "major")
    assert thrice.code == 1
    assert thrice.out.startswith("✗ REGRESSED")
    assert "parameter sec 0.02 → 0.6: work refers to it" in thrice.out
    assert "kept as " in thrice.out


def test_one_that_fails_is_compared_and_still_a_failure(cli: Cli, timed: Path) -> None:
    answer = cli("rerun", "last", "-p", "end=3", "--compare")
    assert answer.code == 1
    assert answer.out.startswith("! SUSPECT")
    assert "work fails in 1 of 1 runs" in answer.out


@pytest.mark.parametrize(
    "words",
    [
        ("--runs", "3"),
        ("--fail-over", "minor"),
        ("--fail-undecided",),
        ("--compare", "--detach"),
        ("--compare", "--dry-run"),
    ],
)
def test_options_that_say_nothing_together(cli: Cli, timed: Path, words: tuple[str, ...]) -> None:
    answer = cli("rerun", "last", *words)
    assert (answer.code, answer.out) == (2, "")
    assert len(json.loads(cli("runs", "--json").out)) == 12


def test_a_gate_that_cannot_decide_says_so_and_what_it_takes(cli: Cli, timed: Path) -> None:
    first = json.loads(cli("runs", "--json").out)[-1]["run_id"]
    words = ("rerun", first, "-p", "sec=0.6", "--compare", "--fail-over", "minor")
    passes = cli(*words)
    assert passes.code == 0
    assert passes.out.startswith("! SUSPECT")
    said = next(line for line in passes.err.splitlines() if "undecided" in line)
    assert said == "! undecided: 12 v 1 runs prove nothing, a verdict needs 12 v 3: 2 more to compare"
    assert "--fail-undecided makes it a failure" in passes.err
    fails = cli(*words, "--fail-undecided")
    assert fails.code == 1
    assert "✗ undecided: 12 v 1 runs prove nothing" in fails.err
    assert "makes it a failure" not in fails.err
    assert "undecided" not in cli(*words[:5], "--json").err


def test_good_runs_since_then_are_of_the_baseline_too(cli: Cli, timed: Path) -> None:
    """Whoever repeats the first run holds it against all that went well since, and not against nothing."""
    runs = [run["run_id"] for run in json.loads(cli("runs", "--json").out)][::-1]
    found = json.loads(cli("rerun", runs[0], "-p", "sec=0.6", "--compare", "--runs", "2", "--json").out)
    assert found["baseline"] == runs
    assert not {*found["candidates"]} & {*runs}
