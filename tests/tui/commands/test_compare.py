"""`opscope compare` on recorded runs: how sides are named and chosen, what is printed, kept and found again, exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

import pytest

from engine.errors import StoreError
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


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (("--list", "--format", "junit"), "--format junit does nothing with --list", "--format text or json"),
        (("--history", "checks", "--format", "markdown"), "--format markdown does nothing with --history", ""),
        (("--predictions", "checks", "--format", "junit"), "--format junit does nothing with --predictions", ""),
        (("--list", "--fail-over", "none"), "--fail-over does nothing with --list", "it goes with --with, --show"),
        (("--history", "checks", "--fail-over", "none"), "--fail-over does nothing with --history", ""),
        (("--list", "--stage", "execute"), "--stage does nothing with --list", "it goes with --with"),
        (("--show", "last", "--stage", "execute"), "--stage does nothing with --show", "it goes with --with"),
        (("--show", "last", "--floor", "1"), "--floor does nothing with --show", "it goes with --with"),
        (("--show", "last", "--baseline", "last:3"), "--baseline does nothing with --show", "it goes with --with"),
        (("--confirm", "last", "--floor", "1"), "--floor does nothing with --confirm", ""),
        (("--bisect", "last", "--baseline", "last:3"), "--baseline does nothing with --bisect", ""),
        (("--show", "last", "--no-save"), "--no-save does nothing with --show", ""),
        (("--list", "--save"), "--save does nothing with --list", ""),
        (("--put-back", "last", "1", "--no-save"), "--no-save does nothing with --put-back", "kept in any case"),
        (("--show", "last", "--runs", "3"), "--runs does nothing with --show", "it goes with --confirm"),
        (("--predictions", "checks", "--step", "last"), "--step does nothing with --predictions", "--history"),
        (("--with", "last", "--limit", "3"), "--limit does nothing with --with", "--list, --history and --predictions"),
        (("last", "--list"), "BASE does nothing with --list", "it goes with --with"),
        (("--list", "--json", "--format", "text"), "--json and --format text are two things", "give one"),
        (("--list", "--show", "last"), "--list and --show are two things", "give one of them"),
    ],
)
def test_no_option_is_silently_without_effect(
    cli: Cli, recorded: Path, words: tuple[str, ...], cause: str, hint: str
) -> None:
    answer = cli("compare", *words)
    assert (answer.code, answer.out) == (2, "")
    first, *rest = answer.err.splitlines()
    assert first == f"opscope: {cause}"
    assert hint in " ".join(" ".join(rest).split())
    assert rest


def test_json_is_the_format_of_that_name(cli: Cli, checks: list[str]) -> None:
    words = ("compare", *checks[:5], "--with", *checks[5:], "--no-save")
    assert cli(*words, "--json").out == cli(*words, "--format", "json").out
    assert cli(*words, "--json", "--format", "json").code == 0
    assert json.loads(cli("compare", "--list", "--json").out) == []


def test_a_list_that_is_cut_says_so(cli: Cli, checks: list[str]) -> None:
    for one in checks[5:]:
        assert cli("compare", "--with", one).code == 0
    answer = cli("compare", "--list", "--limit", "2")
    assert len(answer.out.splitlines()) == 3
    assert answer.err == "the newest 2; --limit N lists more\n"
    assert len(json.loads(cli("compare", "--list", "--limit", "2", "--json").out)) == 2
    assert cli("compare", "--list", "--limit", "3").err == ""


@pytest.mark.parametrize("what", ["--predictions", "--history"])
def test_a_plan_that_never_ran_is_not_found(cli: Cli, recorded: Path, what: str) -> None:
    answer = cli("compare", what, "work")
    assert (answer.code, answer.out) == (2, "")
    cause, hint = answer.err.splitlines()
    assert cause == "opscope: no run is of a plan 'work'"
    assert hint.strip() == "did you mean works? There are runs of breaks, works"
    assert cli("compare", what, "nope", "--format", "json").code == 2
    assert "There are runs of breaks, works" in cli("compare", what, "nope").err


def test_a_dash_in_the_name_of_a_plan_may_be_an_underscore(cli: Cli, home: Path) -> None:
    (home / "a.yaml").write_text("plan_id: a-plan\nsteps:\n  - {id: one, command: 'true'}\n")
    assert cli("run", "-q", "./a.yaml").code == 0
    assert document(cli("compare", "--history", "a_plan", "--json"))["plan_id"] == "a-plan"
    assert cli("compare", "--predictions", "a_plan").out.startswith("nothing was expected of any run of a-plan")


def test_before_anything_has_run(cli: Cli, database: Path) -> None:
    assert cli("compare", "--with", "last").code == 2
    assert not database.parent.exists()


def test_a_file_that_is_no_database(cli: Cli, home: Path) -> None:
    (home / "broken.db").write_text("x" * 5000)
    assert cli("--db", "broken.db", "compare", "--with", "last").code == 4


def test_each_with_adds_to_the_runs_in_question(cli: Cli, checks: list[str]) -> None:
    words = ("compare", *checks[:5], "--with", checks[5], "--with", checks[6], checks[7], "--no-save", "--json")
    assert document(cli(*words))["candidates"] == checks[5:]


def test_too_few_runs_are_said_by_a_gate_and_can_be_a_failure(cli: Cli, checks: list[str]) -> None:
    words = ("compare", *checks[:3], "--with", *checks[5:7], "--fail-over", "minor", "--no-save")
    answer = cli(*words)
    assert answer.code == 0
    said = r"! undecided: 3 v 2 runs prove nothing, a verdict needs 5 v \d: 2 more runs in the baseline, \d more to compare"
    assert re.fullmatch(said, answer.err.splitlines()[0])
    assert cli(*words, "--fail-undecided").code == 1
    assert cli(*words[:-3], "--no-save", "--fail-undecided").code == 1
    assert cli(*words[:-3], "--no-save").err == ""
    assert cli("compare", "--list", "--fail-undecided").code == 2
    decided = cli("compare", *checks[:5], "--with", *checks[5:], "--fail-over", "critical", "--fail-undecided")
    assert (decided.code, decided.err) == (0, "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to any file")
def test_a_file_that_cannot_be_written_to_is_compared_and_nothing_is_kept(
    cli: Cli, checks: list[str], database: Path
) -> None:
    database.chmod(0o444)
    database.parent.chmod(0o555)
    try:
        answer = cli("compare", "--with", checks[5])
    finally:
        database.parent.chmod(0o755)
    assert answer.code == 0
    assert answer.out.startswith("! SUSPECT")
    assert answer.err.startswith("! not kept: ")


def test_what_cannot_be_kept_is_printed_all_the_same(
    cli: Cli, checks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> str:
        raise StoreError("the disk is full")

    monkeypatch.setattr("store.analyses.save_analysis", full)
    answer = cli("compare", "--with", checks[5])
    assert (answer.code, answer.err) == (0, "! not kept: the disk is full\n")
    assert answer.out.startswith("! SUSPECT")
    assert "kept as" not in answer.out
    must = cli("compare", "--with", checks[5], "--save")
    assert (must.code, must.out) == (4, "")


def test_runs_of_two_plans_are_refused(cli: Cli, checks: list[str], home: Path) -> None:
    (home / "other.yaml").write_text(PLAN.replace("plan_id: checks", "plan_id: other"))
    assert cli("run", "-q", str(home / "other.yaml")).code == 0
    answer = cli("compare", checks[0], "--with", "last")
    assert (answer.code, answer.out) == (2, "")
    assert "the runs are of two different plans: other (" in answer.err
    assert "opscope show" in answer.err
