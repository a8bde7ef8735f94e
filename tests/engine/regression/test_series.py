"""Durations over the runs of a plan: where the level changed, what else changed there, and which parts are looked at."""

from __future__ import annotations

from engine.model.states import RunMode, RunStatus, Stage
from engine.regression.baseline import RunHead
from engine.regression.parts import PartKey
from engine.regression.series import MOST_PARTS, series_of
from tests.engine.regression.building import around

PING = PartKey(Stage.EXECUTE, "ping")


def heads(number: int, *, changed_at: int | None = None) -> list[RunHead]:
    return [
        RunHead(
            run_id=f"r{place:03}",
            plan_hash="h",
            environment="e",
            assets={"lookup": f"query/ci@{3 if changed_at is not None and place >= changed_at else 2} 0a1b2c"},
            status=RunStatus.SUCCEEDED,
            mode=RunMode.NORMAL,
            created_at_us=place,
            duration_us=None,
        )
        for place in range(number)
    ]


def by_run(values: list[float]) -> dict[str, float]:
    return {f"r{place:03}": value for place, value in enumerate(values)}


def test_a_change_of_level_is_marked_with_what_else_changed() -> None:
    values = [*around(1.0, 20), *around(3.0, 12, seed=2)]
    [series] = series_of({PING: by_run(values)}, heads(32, changed_at=20))
    [change] = series.changes
    assert (change.run_id, change.also) == ("r020", ("lookup query/ci@2 → query/ci@3",))
    assert 0.9 < change.before_sec < 1.1
    assert 2.8 < change.after_sec < 3.2
    assert 2.8 < series.level_sec < 3.2


def test_a_steady_part_has_no_change_and_runs_without_it_are_left_out() -> None:
    values = by_run(around(1.0, 30))
    del values["r004"]
    [series] = series_of({PING: values}, heads(30))
    assert series.changes == ()
    assert len(series.runs) == 29
    assert "r004" not in series.runs


def test_of_many_parts_the_longest_are_looked_at_in_their_order() -> None:
    durations = {
        PartKey(Stage.EXECUTE, f"s{number:03}"): by_run([float(number)] * 3) for number in range(MOST_PARTS + 5)
    }
    found = series_of(durations, heads(3))
    assert [series.part.step_id for series in found] == [f"s{number:03}" for number in range(5, MOST_PARTS + 5)]
