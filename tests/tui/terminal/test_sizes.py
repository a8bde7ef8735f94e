"""Every size from too small to a wall of screens, and storms of them. The last size counts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.tui import samples
from tests.tui.terminal.programs import inspector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZES = ((80, 24), (40, 10), (300, 80), (30, 6), (100, 30), (1, 1), (200, 15), (61, 70), (120, 40))


@pytest.mark.parametrize("keys", ["", "\r", "\r2", "\r2v", "\r3", "\r4", "\r5", "\r6", "\r7", "w", "?"])
@pytest.mark.sampled(one_in=12)
def test_every_screen_lives_through_every_size(database: Path, keys: str, scaled: Callable[[int], int]) -> None:
    """Fast changes on each screen; then it fills the terminal it has: the last line is the last row, none is too long."""
    chance = random.Random(keys)
    with inspector(database) as screen:
        screen.wait_for(r"28 runs(?s:.*)\? help")
        for key in keys:
            screen.press(key)
            screen.read()
        for _ in range(scaled(60)):
            screen.tell_size(*chance.choice(SIZES))
            if chance.random() < 0.3:
                screen.press(chance.choice(["j", "k", "\t", "G", "g"]))
            screen.read()
        for columns, rows in ((300, 80), (80, 24)):
            screen.resize(columns, rows)
            screen.wait_for(r"(?s)\A opscope ›.*(q quit|esc closes|esc back)")
            lines = screen.text.split("\n")
            assert len(lines) == rows
        screen.resize(20, 5)
        screen.wait_for("20x5")
        screen.resize(101, 33)
        screen.wait_for(r"(?s)\A opscope ›.*(q quit|esc closes|esc back)")
        if keys == "?":
            screen.press("\x1b")
            screen.wait_for("q quit")
        screen.press("\x03")
        assert screen.wait_for_end() == 0
        assert "unexpected error" not in bytes(screen.raw).decode()


@pytest.mark.long
def test_the_widest_terminal_shows_the_same_runs(database: Path) -> None:
    """300 columns and 80 rows: all 28 runs with their columns."""
    with inspector(database, 300, 80) as screen:
        for number in range(1, 29):
            screen.wait_for(samples.run_id(number)[:6])
        screen.press("q")
        assert screen.wait_for_end() == 0
