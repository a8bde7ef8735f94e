"""A line of typed text: what is typed or pasted in one go has its effect in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.app import App
from textual.widgets import Input

from tui.widgets.typed_line import TypedLine

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Typing(App[None]):
    """One line and nothing else."""

    def compose(self) -> ComposeResult:
        """The line, with something in it."""
        yield TypedLine("plan:old")


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ([events.Key("ctrl+u", None), events.Paste("status:failed")], "status:failed"),
        ([events.Key("ctrl+u", None), events.Key("a", "a"), events.Key("b", "b")], "ab"),
        ([events.Key("a", "a"), events.Key("backspace", None), events.Key("b", "b")], "plan:oldb"),
        ([events.Key("left", None), events.Key("x", "x"), events.Key("end", None), events.Paste("y")], "plan:olxdy"),
    ],
)
async def test_nothing_overtakes_a_key_that_edits(sent: list[events.Event], left: str) -> None:
    """As from a slow line, a script or a fast hand: all of it is there at once."""
    app = Typing()
    async with app.run_test() as pilot:
        line = app.query_one(Input)
        line.focus()
        await pilot.pause()
        line.cursor_position = len(line.value)
        for event in sent:
            app.post_message(event)
        await pilot.pause()
        assert line.value == left
