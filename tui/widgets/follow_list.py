"""A list to which lines are added at the end: stays at the newest while it follows, and counts what comes while it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from textual import events


class FollowList(LineList):
    """Moving up ends the following; `G` goes to the end and takes it up again while something can still be added."""

    @dataclass
    class FollowingChanged(Message):
        """It follows now, or it does not any more."""

        following: bool

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.following = False
        self.goes_on = False
        self.added = 0
        """Lines that came since the list stopped following."""

    def follow(self, following: bool) -> None:
        """Follow, or stay where the cursor is."""
        self.following = following and self.goes_on
        if self.following:
            self.added = 0
            self.cursor = self.line_count - 1
            self.show_cursor()
        self.post_message(self.FollowingChanged(self.following))

    def ended(self) -> None:
        """Nothing is added any more."""
        self.goes_on = self.following = False

    def grown(self, by: int) -> None:
        """Call when lines were added at the end, after the list knows of them."""
        self.lines_changed()
        if self.following:
            self.cursor = self.line_count - 1
            self.show_cursor()
        elif self.goes_on:
            self.added += by

    def action_do(self, action_id: str) -> None:
        """Moving up is a wish to look at something."""
        super().action_do(action_id)
        match action_id:
            case "cursor_up" | "first" | "half_up" if self.following:
                self.follow(False)
            case "last" if self.goes_on:
                self.follow(True)
            case "last":
                self.added = 0

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:  # noqa: ARG002
        """So is the wheel."""
        if self.following:
            self.follow(False)

    def on_click(self, event: events.Click) -> None:
        """And a click."""
        super().on_click(event)
        if self.following:
            self.follow(False)
