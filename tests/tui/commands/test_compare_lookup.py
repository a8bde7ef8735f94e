"""The shipped plan with a slow version of its query: one run is suspect and no more, three are a regression with its cause."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tui.commands import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
