"""Which rows cost points: each second once, items through their step, rates by their weight."""

from __future__ import annotations

from typing import Any

from engine.model.states import Stage
from engine.regression.evidence import Finding
from engine.regression.parts import PartKey
from engine.regression.scoring import drops_of, score_of, slowdowns_of
from engine.regression.verdict import RateFinding, RateRow, TimeRow

EXECUTE = PartKey(Stage.EXECUTE)


def slower(part: PartKey, low: float, drag: float | None, *, finding: Finding = Finding.SLOWER) -> TimeRow:
    return TimeRow(
        part, finding, 30, 5, 1.0, 1.0 + low, low * 1.2, low, 1.0, 0.5, 1.5, 0.95, 0.1, 0.001, 0.01, "test", drag
    )


def dropped(part: PartKey | None, low: float) -> RateRow:
    return RateRow(part, RateFinding.DROPPED, 30, 30, 0, 5, 1.0, low, 1.0, 0.001, 0.01, "test")


def costs(*rows: TimeRow) -> dict[str, float]:
    return {one.name: one.cost_sec for one in slowdowns_of(rows)}


def step(name: str, item: int | None = None) -> PartKey:
    return PartKey(Stage.EXECUTE, name, item)


def test_the_stage_costs_what_its_steps_do_not_explain() -> None:
    rows = [slower(EXECUTE, 9, 100), slower(step("a"), 5, 5), slower(step("b"), 7, 1)]
    assert costs(*rows) == {"execute/a": 5, "execute/b": 1, "execute": 3}
    assert costs(*rows[:2], slower(step("b"), 7, 4)) == {"execute/a": 5, "execute/b": 4}


def test_another_stage_costs_all_of_its_own() -> None:
    assert costs(slower(PartKey(Stage.COMPOSE), 4, 9), slower(step("a"), 5, 5)) == {"compose": 4, "execute/a": 5}


def test_items_cost_only_where_their_step_does_not_and_then_the_slowest() -> None:
    items = [slower(step("loop", number), number, 10) for number in (1, 3, 2)]
    assert costs(*items) == {"execute/loop[3]": 3}
    assert costs(slower(step("loop"), 2, 10), *items) == {"execute/loop": 2}


def test_without_a_known_drag_all_of_it_is_counted() -> None:
    assert costs(slower(step("a"), 5, None)) == {"execute/a": 5}


def test_what_is_faster_or_drifts_costs_nothing() -> None:
    others: list[Any] = [Finding.FASTER, Finding.DRIFT, Finding.SUSPECT, Finding.NOTHING, Finding.TOO_FEW]
    assert costs(*(slower(step(finding.value), 5, 5, finding=finding) for finding in others)) == {}


def test_the_run_has_half_the_weight_and_the_parts_share_the_rest() -> None:
    drops = drops_of([dropped(None, 0.5), dropped(step("a"), 0.5), dropped(step("a", 1), 0.5)], 5)
    assert [(one.name, one.weight) for one in drops] == [("run", 0.5), ("execute/a", 0.1)]
    found = score_of([], [dropped(None, 0.1), dropped(step("a"), 0.1)], [], baseline_sec=10)
    assert round(found.rate_points, 6) == 100 * (0.5 * 0.1 + 0.5 * 0.1) / 0.25
    assert found.value == 60
