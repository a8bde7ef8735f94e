"""The curve of a part over its runs: as wide as it may be, flat where nothing happened, marked where the level changed."""

from __future__ import annotations

import pytest

from engine.model.states import Stage
from engine.regression.parts import PartKey
from engine.regression.series import Change, Series
from tui.viewmodel.history import MARK, change_text, curve, part_lines


def series(values: list[float], *changes: Change) -> Series:
    return Series(
        PartKey(Stage.EXECUTE, "ping"), tuple(f"{n:032x}" for n in range(len(values))), tuple(values), changes
    )


def text(one: Series, width: int) -> str:
    return "".join(piece.text for piece in curve(one, width))


CHANGE = Change(3, "7f3a02" + "0" * 26, 0.2, 3.3, ("lookup query/ci@2 → query/ci@3",))


def test_a_column_a_run_and_a_mark_before_the_new_level() -> None:
    assert text(series([1, 1, 1, 8, 8], CHANGE), 20) == f"▁▁▁{MARK}██"


def test_the_newest_runs_are_shown_where_there_is_no_room_for_all() -> None:
    assert text(series([1, 1, 1, 8, 8], CHANGE), 3) == f"{MARK}██"
    assert text(series([1, 1, 1, 8, 8], CHANGE), 2) == "█"


@pytest.mark.parametrize("width", range(1, 12))
def test_it_is_never_wider(width: int) -> None:
    assert len(text(series([1.0, 2, 3, 8, 8, 9, 1], CHANGE), width)) <= width


def test_what_hardly_varies_is_flat() -> None:
    assert set(text(series([1.0, 1.01, 0.99, 1.0]), 20)) == {"▁"}


def test_a_change_says_from_where_how_much_and_what_else() -> None:
    assert change_text(CHANGE) == "from 7f3a02 on +3.1s (200ms → 3.3s): lookup query/ci@2 → query/ci@3"
    assert len(part_lines(series([1, 1, 1, 8, 8], CHANGE), 20)) == 2
