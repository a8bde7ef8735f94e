"""`opscope compare` on recorded runs: how sides are named and chosen, what is printed, kept and found again, exit codes."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

import pytest

from tui.commands import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Answer, Cli

PLAN = """\
plan_id: checks
description: fails where it is asked to
params: {end: {type: integer, default: 0}}
steps:
  - {id: first, command: "true"}
  - {id: last, depends_on: [first], command: sh, args: [-c, 'exit "$1"', sh, "{params.end}"]}
"""


@pytest.fixture(scope="module")
def checks_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with five runs that succeeded and then three that failed."""
    folder = tmp_path_factory.mktemp("checks")
    (folder / "checks.yaml").write_text(PLAN)
    path = folder / "runs.db"
    for end in (0, 0, 0, 0, 0, 1, 1, 1):
        assert main(["--db", str(path), "run", "-q", str(folder / "checks.yaml"), "-p", f"end={end}"]) == end
    return path


@pytest.fixture
def checks(cli: Cli, checks_file: Path, database: Path) -> list[str]:
    """The ids of these runs in the user's database, the oldest first."""
    database.parent.mkdir(parents=True)
    shutil.copy(checks_file, database)
    return [run["run_id"] for run in json.loads(cli("runs", "--json").out)][::-1]


def document(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.out)
    return found


def test_a_baseline_is_chosen_and_one_run_is_suspect_at_most(cli: Cli, checks: list[str]) -> None:
    found = document(cli("compare", "--with", checks[5], "--format", "json"))
    assert found["baseline"] == checks[:5]
    assert found["candidates"] == checks[5:6]
    assert (found["verdict"], found["score"], found["runs_needed"]) == ("suspect", None, [0, 3])
    assert all(row["rank"] in range(1, 7) for row in found["times"])
    assert all(row["method"] == f"rank {row['rank']} of 6; 2 more runs for a verdict" for row in found["times"])


def test_runs_that_failed_count_for_the_rates_alone(cli: Cli, checks: list[str]) -> None:
    found = document(cli("compare", "--with", "last", "--format", "json"))
    assert (found["baseline"], found["baseline_failed"]) == (checks[:5], checks[5:7])
    assert found["verdict"] == "too_few"  # it has failed before, so one more failure is no news
    assert "2 runs that failed count for the rates alone" in found["notes"]
    run = next(row for row in found["rates"] if row["part"] is None)
    assert (run["baseline_good"], run["baseline_n"]) == (5, 7)
    assert all(row["baseline_n"] <= 5 for row in found["times"])


def test_three_that_fail_are_a_regression_and_over_a_limit(cli: Cli, checks: list[str]) -> None:
    words = ("compare", *checks[:5], "--with", *checks[5:])
    answer = cli(*words, "--fail-over", "major")
    assert (answer.code, answer.err) == (1, "")
    first, *rest = answer.out.splitlines()
    assert re.match(r"✗ REGRESSED  score (\d|1\d|2[0-5]) of 100  critical  confidence low  5 v 3 runs  checks$", first)
    assert "run succeeds" in answer.out
    assert "Fisher's exact test" in answer.out
    assert "parameter end 0 → 1: last refers to it  (-p end=0)" in answer.out
    assert rest[-1].startswith("kept as ")
    assert cli(*words, "--fail-over", "critical").code == 0
    assert cli(*words).code == 0


def test_kept_listed_and_shown_again(cli: Cli, checks: list[str]) -> None:
    kept = document(cli("compare", *checks[:5], "--with", *checks[5:], "--format", "json"))
    assert kept["plan_id"] == "checks"
    [head] = json.loads(cli("compare", "--list", "--format", "json").out)
    assert (head["analysis_id"], head["score"], head["severity"]) == (kept["analysis_id"], kept["score"], "critical")
    assert kept["analysis_id"][:8] in cli("compare", "--list").out
    assert document(cli("compare", "--show", kept["analysis_id"][:6], "--format", "json")) == kept
    again = cli("compare", "--show", kept["analysis_id"], "--fail-over", "none")
    assert again.code == 1
    assert again.out.startswith("✗ REGRESSED")


def test_nothing_is_kept_where_nothing_is_to_be(cli: Cli, checks: list[str]) -> None:
    answer = cli("compare", checks[0], "--with", checks[1], "--no-save")
    assert "kept as" not in answer.out
    assert answer.out.startswith("· NO VERDICT  1 v 1 runs")
    assert cli("compare", "--list").out == "no analysis has been kept\n"
    assert (
        document(cli("compare", checks[0], "--with", checks[1], "--no-save", "--format", "json"))["analysis_id"] is None
    )


def test_other_formats_and_one_stage(cli: Cli, checks: list[str]) -> None:
    words = ("compare", *checks[:5], "--with", *checks[5:], "--no-save", "--format")
    suite = Xml.fromstring(cli(*words, "junit").out)
    assert int(str(suite.get("failures"))) >= 2
    assert cli(*words, "markdown").out.startswith("## checks, 5 v 3 runs\n")
    only = document(cli(*words, "json", "--stage", "validate"))
    assert {row["part"]["stage"] for row in only["times"]} == {"validate"}
    assert only["stage"] == "validate"


def test_from_when_on_a_change_counts_is_said_where_it_is_not_the_usual(cli: Cli, checks: list[str]) -> None:
    words = ("compare", *checks[:5], "--with", checks[5], "--no-save", "--format", "json")
    assert "a change counts from 0.25 s on" in document(cli(*words, "--floor", "0.25"))["notes"]
    assert document(cli(*words))["notes"] == []


def test_at_most_so_many_are_chosen(cli: Cli, checks: list[str]) -> None:
    found = document(cli("compare", "--with", "last", "--baseline", "last:2", "--no-save", "--format", "json"))
    assert found["baseline"] == checks[3:5]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("last",),
        ("--with", "last", "--list"),
        ("--with", "last", "--baseline", "30"),
        ("--with", "last", "--floor", "nan"),
        ("--with", "last", "--floor", "-1"),
        ("--with", "last", "--fail-over", "tiny"),
        ("last", "--with", "last"),
        ("last", "--with", "last", "--baseline", "last:3"),
        ("--with", "last/stage/execute"),
        ("--with", "ffffffff"),
        ("--show", "ffff"),
        ("--show", "xyz"),
    ],
)
def test_bad_input(cli: Cli, recorded: Path, words: tuple[str, ...]) -> None:
    answer = cli("compare", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("opscope: ")


def test_before_anything_has_run(cli: Cli, database: Path) -> None:
    assert cli("compare", "--with", "last").code == 2
    assert not database.parent.exists()


def test_a_file_that_is_no_database(cli: Cli, home: Path) -> None:
    (home / "broken.db").write_text("x" * 5000)
    assert cli("--db", "broken.db", "compare", "--with", "last").code == 4
