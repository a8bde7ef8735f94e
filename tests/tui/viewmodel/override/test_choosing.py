"""What choosing in the list comes to: another draft, and the way back to the first one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.model.plan import Param
from tests.tui.viewmodel.override.samples import LOOKUP, givens
from tui.viewmodel.override.choosing import enter_label, switched, taken_back, with_chosen_version, with_typed
from tui.viewmodel.override.draft import After, Against, Draft
from tui.viewmodel.override.form import Form
from tui.viewmodel.override.givens import GivenParam
from tui.viewmodel.override.rows import Row, RowKind

if TYPE_CHECKING:
    from engine.model.json import Json
    from tui.viewmodel.override.givens import Givens

ALL_SET = Draft(
    versions={LOOKUP: 3},
    params={"host": "db-04"},
    from_steps=("ci",),
    latest_assets=True,
    reason="why",
    against=Against.USUAL,
    after=After.OPENED,
)


@pytest.mark.parametrize("kind", [RowKind.STEP, RowKind.LATEST, RowKind.AGAINST, RowKind.AFTER])
def test_what_is_switched_twice_is_as_it_was(kind: RowKind) -> None:
    once = switched(Draft(), givens(), Row(kind))
    assert once != Draft()
    assert Form(givens(), once, (), {}).is_set(Row(kind))
    assert switched(once, givens(), Row(kind)) == Draft()


def with_switch(value: Json, **declared: Json) -> Givens:
    """The same with a parameter that is true or false."""
    param = Param.model_validate({"type": "boolean", **declared})
    return replace(givens(), params=(*givens().params, GivenParam("fast", param, value)))


@pytest.mark.parametrize(("value", "turned"), [(False, "true"), (True, "false"), (None, "true")])
def test_a_parameter_that_is_true_or_false_is_turned(value: bool | None, turned: str) -> None:
    """And back: what the run had is no change; nothing at all is not false, so only taking it back gives that again."""
    known, row = with_switch(value), Row(RowKind.PARAM, 2)
    once = switched(Draft(), known, row)
    assert once.params == {"fast": turned}
    twice = switched(once, known, row)
    assert twice.params == ({"fast": "false"} if value is None else {})
    assert taken_back(twice, known, row) == Draft()
    assert enter_label(Form(known, Draft(), (), {}), row) == "change"


def test_what_was_typed_before_is_turned_too() -> None:
    """A masked value is not known, so it is turned from what stands there now."""
    known, row = with_switch("***"), Row(RowKind.PARAM, 2)
    assert switched(Draft(params={"fast": "YES"}), known, row).params == {"fast": "false"}
    assert switched(Draft(), known, row).params == {"fast": "true"}


@pytest.mark.parametrize("kind", [RowKind.ASSET, RowKind.PARAM, RowKind.STEPS, RowKind.REASON, RowKind.RUN])
def test_what_is_chosen_elsewhere_is_not_switched(kind: RowKind) -> None:
    assert switched(ALL_SET, givens(), Row(kind)) is ALL_SET


def test_each_line_takes_back_its_own_and_all_lines_everything() -> None:
    left = ALL_SET
    for kind in RowKind:
        if kind is RowKind.STEPS:  # the steps are taken back one by one by their own line
            assert taken_back(ALL_SET, givens(), Row(kind)).from_steps == ()
            continue
        before = left
        left = taken_back(left, givens(), Row(kind))
        assert (left == before) is (kind is RowKind.RUN)
        assert not Form(givens(), left, (), {}).is_set(Row(kind))
    assert left == Draft()


def test_the_version_that_was_used_is_an_override_only_where_all_are_looked_up_anew() -> None:
    asset = givens().assets[0]
    assert with_chosen_version(Draft(), asset, 3).versions == {LOOKUP: 3}
    assert with_chosen_version(Draft(versions={LOOKUP: 3}), asset, 2).versions == {}
    assert with_chosen_version(Draft(latest_assets=True), asset, 2).versions == {LOOKUP: 2}


def test_the_value_that_was_given_is_no_change() -> None:
    assert with_typed(Draft(), givens(), "host", "db-04").params == {"host": "db-04"}
    assert with_typed(Draft(params={"host": "db-04"}), givens(), "host", "db-03").params == {}


def test_enter_says_what_it_does() -> None:
    form = Form(givens(), Draft(from_steps=("ci",)), (), {}, steps_open=True)
    said = {kind: enter_label(form, Row(kind)) for kind in RowKind}
    assert said == {
        RowKind.ASSET: "versions",
        RowKind.PARAM: "edit",
        RowKind.STEPS: "hide",
        RowKind.STEP: "as before",
        RowKind.LATEST: "change",
        RowKind.AGAINST: "change",
        RowKind.AFTER: "change",
        RowKind.REASON: "edit",
        RowKind.RUN: "run it",
    }
    assert enter_label(form, None) == "change"
