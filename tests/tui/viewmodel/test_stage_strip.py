"""The strip of five stages as text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from engine.model.states import Stage
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.pictures import NOW, RUNNING
from tui.viewmodel.runs import Moment
from tui.viewmodel.stage_strip import strip_lines
from tui.viewmodel.text import plain, width


def test_the_strip_on_a_wide_terminal_is_one_line() -> None:
    """Name, sign and time of every stage."""
    (line,), places = strip_lines(RUNNING, NOW, 120)
    assert " ".join(plain(line).replace("─", "").split()) == (
        "route_plan ✓ 4ms validate ✓ 2ms execute ● 12.1s compose · present ·"
    )
    assert [place.stage for place in places] == list(Stage)
    assert all(plain(line)[place.start :].startswith(place.stage.value) for place in places)


def test_the_strip_at_80_columns_is_two_lines() -> None:
    """Names above, states below, each at its place."""
    (names, states), places = strip_lines(RUNNING, NOW, 80)
    assert plain(names) == " route_plan ─── validate ───── execute ────── compose ────── present"
    assert plain(states).rstrip() == " ✓ 4ms          ✓ 2ms          ● 12.1s        ·              ·"
    assert max(width(names), width(states)) <= 80
    assert places[2].start == plain(names).index("execute")


@pytest.mark.parametrize("cells", [80, 160])
def test_nothing_on_the_strip_moves_while_times_go_on(cells: int) -> None:
    """The places are the same at every moment."""
    later = Moment(NOW_US + 3_000_000_000, UTC)
    assert strip_lines(RUNNING, NOW, cells)[1] == strip_lines(RUNNING, later, cells)[1]


def test_a_stage_whose_engine_is_gone_is_lost() -> None:
    """And no time goes on."""
    (line,), _ = strip_lines(replace(RUNNING, engine_lost=True), NOW, 120)
    assert "execute ✗ lost" in plain(line)
