"""The shipped plan with a slow version of its query: one run is suspect and no more, fresh ones confirm it, three are a regression
with its cause; and with nothing changed next to nothing is claimed."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engine.regression.analysis import analyse
from engine.regression.verdict import Verdict
from store.reader import Reader
from store.run_facts import read_runs
from tui.commands import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.tui.commands.conftest import Cli
    from tests.tui.commands.hosts import Hosts

SLOW = ("--override", "query/ci-lookup@3")


@pytest.fixture
def runs(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    def call(number: int, *words: str) -> None:
        for _ in range(number):
            assert main(["run", "-q", "ci_lookup", *words]) == 0
        capsys.readouterr()

    return call


@pytest.fixture
def compare(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[int], dict[str, Any]]:
    """Compare the newest runs with the baseline that is chosen for them."""

    def call(newest: int) -> dict[str, Any]:
        assert main(["runs", "--json"]) == 0
        ids = [run["run_id"] for run in json.loads(capsys.readouterr().out)][:newest]
        assert main(["compare", "--with", *ids, "--format", "json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return call


def test_a_slow_version_is_suspected_found_and_attributed(
    runs: Callable[..., None], compare: Callable[[int], dict[str, Any]], scaled: Callable[[int], int]
) -> None:
    runs(max(12, scaled(30)))
    runs(1, *SLOW)
    one = compare(1)
    assert (one["verdict"], one["score"], one["severity"]) == ("suspect", None, "none")
    assert {row["finding"] for row in one["times"]} <= {"suspect", "nothing"}
    runs(2, *SLOW)
    three = compare(3)
    assert (three["verdict"], three["severity"]) == ("regressed", "critical")
    assert three["score"] <= 40
    slower = {row["part"]["step_id"] for row in three["times"] if row["finding"] == "slower"}
    assert "ci" in slower
    [cause] = [cause for cause in three["causes"] if "ci" in {part["step_id"] for part in cause["parts"]}]
    [suspect] = cause["suspects"]
    assert (suspect["baseline"], suspect["candidates"]) == ("query/ci-lookup@2", "query/ci-lookup@3")
    assert suspect["rerun"] == "--override query/ci-lookup@2"
    assert three["losses"][0]["name"] == "execute/ci"


@pytest.mark.long
def test_one_run_is_suspect_by_itself_and_confirmed_with_its_cause(
    runs: Callable[..., None], cli: Cli, hosts: Hosts, scaled: Callable[[int], int]
) -> None:
    number = max(12, scaled(30))
    runs(number)
    said = cli("run", "ci_lookup", *SLOW).err
    assert "! suspect: execute/ci +" in said
    # Nothing but a suspicion is raised by one run, and it costs points that are no verdict.
    [head] = json.loads(cli("runs", "--json", "--limit", "1").out)
    assert head["score"] < 50
    assert head["suspects"][0]["part"] == "execute/ci"
    ranked = json.loads(cli("compare", "--show", "last", "--format", "json").out)
    assert (ranked["verdict"], ranked["severity"], ranked["score"]) == ("suspect", "none", None)
    assert head["suspects"][0]["rank"] == head["suspects"][0]["of"] == len(ranked["baseline"]) + 1
    # Five fresh runs are enough for a baseline of five, as it may be cut to on a busy host.
    answer = cli("compare", "--confirm", "last", "--runs", "5", "--format", "json", "--fail-over", "major")
    confirmed = json.loads(answer.out)
    assert (answer.code, confirmed["verdict"], confirmed["severity"]) == (1, "regressed", "critical")
    assert confirmed["score"] <= 40
    assert any(note.startswith("confirmed: execute") for note in confirmed["notes"])
    [suspect] = confirmed["causes"][0]["suspects"]
    assert (suspect["baseline"], suspect["candidates"]) == ("query/ci-lookup@2", "query/ci-lookup@3")
    assert not {*confirmed["candidates"]} & {*ranked["candidates"], *ranked["baseline"]}
    back = json.loads(cli("compare", "--put-back", ranked["analysis_id"], "1", "--format", "json").out)
    assert back["notes"][-1].endswith("what was found is gone")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nothing_changed_and_next_to_nothing_is_claimed(
    runs: Callable[..., None], database: Path, cli: Cli, scaled: Callable[[int], int]
) -> None:
    number, comparisons = max(24, scaled(60)), scaled(100)
    runs(number)
    ids = [run["run_id"] for run in json.loads(cli("runs", "--json", "--limit", "100").out)]
    with Reader.open(database) as reader:
        facts = read_runs(reader, ids)
    random = Random(20261121)
    claims = 0
    for _ in range(comparisons):
        # In any order: what the host did meanwhile must not fall on one side.
        chosen = random.sample(facts, min(35, number))
        claims += analyse(chosen[5:], chosen[:5]).verdict in (Verdict.REGRESSED, Verdict.IMPROVED)
    assert claims <= max(1, comparisons // 20)  # one in twenty
