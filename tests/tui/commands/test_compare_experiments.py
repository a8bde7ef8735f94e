"""`opscope compare` settling what it found by reruns, and looking back: confirm, put back, bisect, history, predictions."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.states import RunStatus
from store.queries import runs_page
from store.reader import Reader
from tests.tui.commands.hosts import PROGRAM, until
from tui.commands import main

if TYPE_CHECKING:
    from pathlib import Path

    from store.rows import RunRow
    from tests.tui.commands.conftest import Answer, Cli
    from tests.tui.commands.hosts import Hosts

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

PLAN = """\
plan_id: timed
description: takes as long as it is asked to
params: {sec: {type: number, default: 0.02}, word: {type: string, default: calm}}
steps:
  - {id: work, command: sh, args: [-c, 'sleep "$1"', sh, "{params.sec}", "{params.word}"]}
"""


@pytest.fixture(scope="module")
def timed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten quick runs and a slow one, for which two parameters are others."""
    folder = tmp_path_factory.mktemp("timed")
    (folder / "timed.yaml").write_text(PLAN)
    for words in (*([()] * 10), ("-p", "sec=0.6", "-p", "word=wild")):
        assert main(["--db", str(folder / "runs.db"), "run", "-q", str(folder / "timed.yaml"), *words]) == 0
    return folder / "runs.db"


@pytest.fixture
def timed(timed_file: Path, database: Path, hosts: Hosts) -> Path:
    """The user's database with these runs; what hosts are left over is ended."""
    database.parent.mkdir(parents=True)
    shutil.copy(timed_file, database)
    return database


def document(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.out)
    return found


def runs(database: Path) -> list[RunRow]:
    with Reader.open(database) as reader:
        rows = reader.run(runs_page(limit=50))
    return list(rows)


def suspicion(cli: Cli, database: Path) -> dict[str, Any]:
    """The slow run against all others, named: on a busy host the chosen baseline could be cut short."""
    newest, *rest = (run.run_id for run in runs(database))
    return document(cli("compare", *rest, "--with", newest, "--format", "json"))


def test_what_was_found_when_a_run_ended_can_be_confirmed(cli: Cli, timed: Path) -> None:
    answer = cli("compare", "--confirm", "last", "--runs", "1")
    assert "tested execute, execute/work alone, on fresh runs" in answer.out
    assert (answer.code, len(runs(timed))) == (0, 12)


def test_fresh_runs_confirm_a_suspicion(cli: Cli, timed: Path) -> None:
    kept = suspicion(cli, timed)["analysis_id"]
    answer = cli("compare", "--confirm", kept, "--fail-over", "minor")
    assert answer.code == 1
    assert answer.out.startswith("✗ REGRESSED")
    assert "confirmed: execute" in answer.out
    # Three could confirm one part of two only if both changed.
    assert "  0/4  4 fresh runs: fewer could not confirm it against a baseline of 10 runs" in answer.err
    assert "  0/4  rerun 1 of 4: run " in answer.err
    assert len(runs(timed)) == 15
    heads = json.loads(cli("compare", "--list", "--format", "json").out)
    assert [head["verdict"] for head in heads] == ["regressed", "suspect"]


def test_the_one_of_two_is_found_and_a_suspect_is_put_back(cli: Cli, timed: Path) -> None:
    kept = suspicion(cli, timed)
    names = [suspect["name"] for suspect in kept["causes"][0]["suspects"]]
    assert sorted(names) == ["sec", "word"]
    found = document(cli("compare", "--bisect", kept["analysis_id"], "--format", "json"))
    assert [suspect["name"] for suspect in found["causes"][0]["suspects"]] == ["sec"]
    number = str(names.index("word") + 1)
    back = document(cli("compare", "--put-back", kept["analysis_id"], number, "--format", "json"))
    assert back["notes"][-1] == "with word as it was (calm), what was found is still there"
    assert back["verdict"] == "suspect"


def test_ctrl_c_cancels_the_run_under_way_and_starts_no_more(timed: Path) -> None:
    process = subprocess.Popen([*PROGRAM, "compare", "--confirm", "last"], stderr=subprocess.PIPE, env=dict(os.environ))
    try:
        until(lambda: len(runs(timed)) == 12, "the first rerun")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.communicate()
    until(lambda: runs(timed)[0].status.is_final, "the end of the rerun")
    assert runs(timed)[0].status is RunStatus.CANCELED
    assert len(runs(timed)) == 12


@pytest.mark.parametrize(
    "words",
    [
        ("--confirm", "zz"),
        ("--confirm", "last", "--runs", "0"),
        ("--runs", "4", "--with", "last"),
        ("--put-back", "last", "first"),
        ("--put-back", "last", "9"),
        ("--confirm", "last", "--bisect", "last"),
        ("--confirm", "last", "--no-save"),
        ("--step", "work", "--with", "last"),
        ("--history", "unheard-of"),
        ("--history", "timed", "--step", "unheard-of"),
    ],
)
def test_what_cannot_be_asked(cli: Cli, timed: Path, words: tuple[str, ...]) -> None:
    answer = cli("compare", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("opscope: ")
    assert len(runs(timed)) == 11


@pytest.mark.parametrize("number", ["0", "3", "first"])
def test_which_suspects_there_are_is_said_where_one_is_not_there(cli: Cli, timed: Path, number: str) -> None:
    kept = suspicion(cli, timed)
    answer = cli("compare", "--put-back", kept["analysis_id"], number)
    assert (answer.code, answer.out) == (2, "")
    cause, place, *hint = answer.err.splitlines()
    assert cause == f"opscope: there is no possible cause {number!r} to put back"
    assert place.strip() == f"analysis {kept['analysis_id']}"
    said = " ".join(" ".join(hint).split())
    assert said.startswith("they are 1 parameter ")
    assert {"sec (0.02 → 0.6)", "word (calm → wild)"} == {
        one.removeprefix(f"{n} parameter ") for n, one in enumerate(said.removeprefix("they are ").split("; "), 1)
    }
    assert len(runs(timed)) == 11


def test_the_suspects_are_numbered_where_an_analysis_is_printed(cli: Cli, timed: Path) -> None:
    kept = suspicion(cli, timed)
    names = [suspect["name"] for suspect in kept["causes"][0]["suspects"]]
    said = cli("compare", "--show", kept["analysis_id"]).out
    assert f"one of them as it was: opscope compare --put-back {kept['analysis_id'][:6]} N" in said
    assert f"N is 1 for {names[0]}, 2 for {names[1]}" in said


def test_where_nothing_is_suspect_nothing_is_put_back(cli: Cli, timed: Path) -> None:
    _, second, third, *_ = (run.run_id for run in runs(timed))
    kept = document(cli("compare", second, "--with", third, "--format", "json"))["analysis_id"]
    answer = cli("compare", "--put-back", kept, "1")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines()[0] == "opscope: it names no possible cause, so there is nothing to put back"


def test_a_secret_of_the_baseline_is_not_put_back_as_it_is_shown(
    cli: Cli, home: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would run with three asterisks for its value."""
    monkeypatch.setenv("TOKEN", "hush-hush-hush")
    secretive = PLAN.replace("params:", "secrets: {t: {env: TOKEN}}\nparams:")
    (home / "timed.yaml").write_text(secretive)
    for _ in range(6):
        assert cli("run", "-q", "./timed.yaml", "-p", "word=hush-hush-hush").code == 0
    assert cli("run", "-q", "./timed.yaml", "-p", "sec=0.6").code == 0
    kept = suspicion(cli, database)
    names = [suspect["name"] for suspect in kept["causes"][0]["suspects"]]
    answer = cli("compare", "--put-back", kept["analysis_id"], str(names.index("word") + 1))
    assert (answer.code, answer.out) == (2, "")
    cause, *hint = answer.err.splitlines()[-2:]
    assert cause == "opscope: the parameter word held a secret in the baseline, which is not recorded"
    assert hint == ["  give it again: opscope rerun RUN -p word=..."]
    assert len(runs(database)) == 7


def test_history_shows_every_part_and_the_runs_of_one(cli: Cli, timed: Path) -> None:
    answer = cli("compare", "--history", "timed")
    assert answer.code == 0
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0][:3] == ["PART", "RUNS", "NOW"]
    assert {line[0] for line in lines if line} >= {"execute", "execute/work", "validate"}
    one = cli("compare", "--history", "timed", "--step", "work")
    assert one.out.splitlines()[0] == "execute/work"
    assert len(one.out.splitlines()) == 13
    [series] = document(cli("compare", "--history", "timed", "--step", "work", "--format", "json"))["series"]
    assert len(series["runs"]) == 11
    assert series["runs"][-1]["duration_ms"] > 500


def test_what_a_rerun_was_expected_to_take_is_kept_with_its_error(cli: Cli, timed: Path) -> None:
    assert cli("compare", "--predictions", "timed").out.startswith("nothing was expected")
    assert cli("rerun", "last", "-q").code == 0
    shown = document(cli("show", "last", "--json"))["forecast"]
    assert 500 < shown["predicted_ms"] < 3000
    assert shown["actual_ms"] > 500
    assert shown["error"] == pytest.approx(shown["actual_ms"] / shown["predicted_ms"] - 1, abs=1e-3)
    assert "forecast  expected " in cli("show", "last").out
    [one] = json.loads(cli("compare", "--predictions", "timed", "--format", "json").out)
    assert one["error"] == shown["error"]
    assert "over 1 rerun" in cli("compare", "--predictions", "timed").out
