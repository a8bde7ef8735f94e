"""Suspects: only what differs and can reach the part, the nearest first; and what is told in one line."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.states import Stage
from engine.regression.attribution import advice_for, suspects_of, uses_of
from engine.regression.grouping import Moved, one_line_each
from engine.regression.parts import PartKey
from engine.regression.verdict import Difference, DifferenceKind

NEEDS = {"a": (), "b": ("a",), "c": ("b",), "other": ()}
USES = {
    "a": uses_of("{assets.old} {params.host}"),
    "b": uses_of({"args": ["{assets.mid}"]}),
    "c": uses_of(["{assets.new}"]),
    "other": uses_of("{assets.apart} {params.apart}"),
}
PART = PartKey(Stage.EXECUTE, "c")


def differs(kind: DifferenceKind, name: str, *, separates: bool = True) -> Difference:
    return Difference(kind, name, ((f"query/{name}@1", 30),), ((f"query/{name}@2", 3),), separates)


@pytest.mark.parametrize(
    ("text", "params", "assets"),
    [
        ("{params.host}/{assets.gates.min_rows}", {"host"}, {"gates"}),
        ("assets[\"look up\"] and params['x'] == 1", {"x"}, {"look up"}),
        ("nothing here, parameters.host", set(), set()),
    ],
)
def test_what_a_text_refers_to(text: str, params: set[str], assets: set[str]) -> None:
    found = uses_of({"deep": [{"er": text}]})
    assert (set(found.params), set(found.assets)) == (params, assets)


def test_the_nearest_first_and_none_that_cannot_reach_it() -> None:
    differences = [
        differs(DifferenceKind.ENVIRONMENT, "host"),
        *(differs(DifferenceKind.ASSET, name) for name in ("old", "mid", "new", "apart", "unnamed")),
        differs(DifferenceKind.PARAM, "host"),
        differs(DifferenceKind.PARAM, "apart"),
        differs(DifferenceKind.PLAN_STEP, "b"),
        differs(DifferenceKind.PLAN_STEP, "other"),
        differs(DifferenceKind.REPLAN, "pass 0"),
    ]
    found = suspects_of([PART], differences, NEEDS, USES)
    assert [(one.name, one.distance) for one in found][:5] == [
        ("new", 0),
        ("b", 1),
        ("mid", 1),
        ("host", 2),
        ("old", 2),
    ]
    assert {one.name for one in found[5:]} == {"unnamed", "host"}
    assert [one.why for one in found][:3] == [
        "c refers to it",
        "a step before it was changed, 1 step back",
        "b, 1 step before it, refers to it",
    ]


def test_what_stands_on_both_sides_is_no_suspect() -> None:
    assert suspects_of([PART], [differs(DifferenceKind.ASSET, "new", separates=False)], NEEDS, USES) == []


def test_a_step_nobody_knows_is_reached_by_the_whole_run_alone() -> None:
    unknown = PartKey(Stage.EXECUTE, "gone")
    found = suspects_of(
        [unknown], [differs(DifferenceKind.ASSET, "new"), differs(DifferenceKind.ENVIRONMENT, "host")], NEEDS, USES
    )
    assert [one.name for one in found] == ["host"]


def test_a_late_stage_leans_on_everything() -> None:
    found = suspects_of([PartKey(Stage.COMPOSE)], [differs(DifferenceKind.ASSET, "apart")], NEEDS, USES)
    assert [one.name for one in found] == ["apart"]


def test_advice() -> None:
    one = suspects_of([PART], [differs(DifferenceKind.ASSET, "new")], NEEDS, USES)
    assert one[0].rerun == "--override query/new@1"
    assert advice_for(one) == "rerun with only this one as it was: new query/new@1"
    two = suspects_of([PART], [differs(DifferenceKind.ASSET, name) for name in ("new", "mid")], NEEDS, USES)
    assert (
        advice_for(two)
        == "confounded: 2 things changed together (new, mid); bisecting tells them apart, one rerun after the other"
    )
    assert advice_for([]) == "nothing that could have caused it differs between the runs"


def moved(key: str, name: str, delta: float, within: str = "s") -> Moved[str]:
    return Moved(key, name, delta > 0, delta, within)


def test_the_same_step_in_several_places_is_one_line() -> None:
    lines = one_line_each([moved("j1/x", "x", 3), moved("j2/x", "x", 5), moved("j1/y", "y", 4)], looked_at=9)
    assert [(line.text, len(line.moved)) for line in lines] == [
        ("x is slower in 2 places: one cause is likely", 2),
        ("y is slower", 1),
    ]


def test_a_whole_belongs_to_the_largest_of_its_parts() -> None:
    lines = one_line_each([moved("whole", "s", 9, ""), moved("x", "x", 5), moved("y", "y", 4)], looked_at=9)
    assert [[one.key for one in line.moved] for line in lines] == [["x", "whole"], ["y"]]


def test_most_of_all_at_once_is_the_environment_and_the_slower_come_first() -> None:
    many: list[Any] = [moved(name, name, 2) for name in "abc"]
    lines = one_line_each([*many, moved("z", "z", -50)], looked_at=4)
    assert [line.is_everywhere for line in lines] == [True, False]
    assert lines[0].text == "3 of 4 steps are slower at once: this looks like the environment"
    assert not one_line_each(many, looked_at=6)[0].is_everywhere
