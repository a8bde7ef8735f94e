"""The calibration on made-up histories: it reads their shape, claims little where nothing changed, finds what did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.bench.calibrate import main
from tests.bench.calibration import changes_between, false_alarms, power
from tests.bench.ci_generator import made_up
from tests.bench.ci_history import Stage, history_of, read_history

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_jobs_and_steps_become_stages_the_oldest_run_first() -> None:
    runs = made_up(runs=3, jobs=2, steps=2)
    runs[0]["jobs"][0]["conclusion"] = "failure"
    runs[1]["jobs"][1]["steps"][1]["name"] = "step 0"
    history = history_of(reversed(runs))
    seconds = history.seconds()
    assert len(seconds[Stage("Build", "job 0")]) == 2
    assert seconds[Stage("Build", "job 1")] == [run["jobs"][1]["exec_seconds"] for run in runs]
    assert seconds[Stage("Build", "job 1", "step 0", 1)] == [runs[1]["jobs"][1]["steps"][1]["seconds"]]


def test_alarms_where_nothing_changed_are_rare_and_the_naive_rule_always_has_one(scaled: Callable[[int], int]) -> None:
    tries = scaled(200)
    found = false_alarms(history_of(made_up()), baseline=30, candidates=3, tries=tries, seed=1)
    assert found.stages == 48
    assert found.ours.hits <= max(1, tries // 20)
    assert found.naive.value > 0.9


def test_what_doubled_is_mostly_found(scaled: Callable[[int], int]) -> None:
    history = history_of(made_up())
    found = power(history, baseline=30, candidates=5, times=2.0, tries=scaled(100), seed=1, least_sec=4.0)
    assert found.found.value > 0.7
    among = power(history, baseline=30, candidates=5, times=1.5, tries=1, seed=1, only_what_counts=True)
    assert 0 < among.eligible < among.stages


def test_the_same_seed_gives_the_same_figures() -> None:
    history = history_of(made_up())
    assert len({false_alarms(history, baseline=30, candidates=3, tries=5, seed=4) for _ in range(2)}) == 1


def test_a_change_between_windows_is_one_line_for_all_jobs() -> None:
    before, after = history_of(made_up()), history_of(made_up(seed=2, times={"step 3": 3.0}))
    found, lines = changes_between(before, after)
    slower = {one.key for one in found if one.key.step}
    assert {stage.step for stage in slower} == {"step 3"}
    assert len(slower) >= 4
    assert lines[0].text == f"step 3 is slower in {len(slower)} places: one cause is likely"


def test_the_command_prints_figures_with_their_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / name for name in ("one.json", "two.json")]
    for seed, path in enumerate(paths, start=1):
        path.write_text(json.dumps({"runs": made_up(seed=seed)}))
    assert main([*map(str, paths), "--tries", "2", "--seed", "9"]) == 0
    said = capsys.readouterr().out
    assert "one.json: 60 runs, 2 comparisons a figure, seed 9" in said
    assert "30 v 5, +100%" in said
    assert "one.json to two.json: " in said


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("[]")
    with pytest.raises(ValueError, match="no CI history"):
        read_history(tmp_path / "no.json")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "no.json")])
