"""The mouse: tabs, rows, keys of the last line, the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tui import samples
from tests.tui.terminal.programs import RUNS, at, click, inspector, wheel

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_tabs_and_keys_are_pressed_and_the_wheel_scrolls(database: Path) -> None:
    """A click chooses a run, a second one opens it, a tab is a click away, so is every key of the last line."""
    with inspector(database) as screen:
        screen.wait_for(rf"{RUNS}(?s:.*)\? help")
        for _ in range(12):
            screen.press(wheel(20, 10, down=True))
        screen.wait_for(samples.run_id(28)[:6])
        for _ in range(12):
            screen.press(wheel(20, 10, down=False))
        screen.wait_for(samples.run_id(1)[:6])
        column, row = at(screen, samples.run_id(2)[:6])
        screen.press(click(column, row))
        screen.wait_for(r"\n ci_lookup 1\.2 ")
        screen.press("\x1b[999~")  # a key between two clicks makes them two clicks
        screen.press(click(column, row))
        screen.wait_for(r"runs › \w{6} ci_lookup")
        screen.press(click(*at(screen, "4 Logs")))
        screen.wait_for(r"\[4 Logs")
        screen.press(click(*at(screen, "5 Events")))
        screen.wait_for(r"\[5 Events\](?s:.*)attempt\.finished(?s:.*)\? help")
        screen.press(click(*at(screen, "? help")))
        screen.wait_for("opscope › help")
        screen.press("\x1b")
        screen.wait_for(r"\[5 Events(?s:.*)q quit")
        screen.press(click(*at(screen, "q quit")))
        assert screen.wait_for_end() == 0
