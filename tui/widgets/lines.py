"""Widgets that show a few lines of typed text and repaint only the lines that changed: title, strip, facts, keys, notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.geometry import Region, Size
from textual.message import Message
from textual.widget import Widget

from tui.actions import Footer
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, crop, span, spread, width
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.strip import Strip

    from tui.actions import Action

_KEY_GAP = 2


class Lines(Widget):
    """A fixed block of lines."""

    DEFAULT_CSS = """
    Lines { height: auto; width: 1fr; }
    """

    @dataclass
    class Pressed(Message):
        """The mouse was pressed on a line."""

        lines: Lines
        x: int
        y: int

        @property
        def control(self) -> Lines:
            """Who sent it."""
            return self.lines

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines. What is the same as before is not painted again."""
        before, self._lines = self._lines, list(lines)
        if len(before) != len(self._lines):
            self.refresh(layout=True)
            return
        changed = [
            Region(0, y, self.size.width, 1)
            for y, (old, new) in enumerate(zip(before, self._lines, strict=True))
            if old != new
        ]
        if changed:
            self.refresh(*changed)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """One row a line."""
        return max(1, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Line `y`, cut to the width there is."""
        line = self._lines[y] if y < len(self._lines) else ()
        return painter_of(self).strip(crop(line, self.size.width), self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Tell where it was."""
        self.post_message(self.Pressed(self, event.x, event.y))


class TitleLine(Lines):
    """The first line: where am I on the left, what state on the right."""

    DEFAULT_CSS = """
    TitleLine { height: 1; dock: top; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._left: Line = ()
        self._right: Line = ()

    def tell(self, left: Line, right: Line) -> None:
        """Show both ends."""
        self._left, self._right = left, right
        self._arrange()

    def on_resize(self) -> None:
        """Both ends stay at the ends."""
        self._arrange()

    def _arrange(self) -> None:
        right = (*self._right, Span(" "))
        if getattr(self.app, "read_only", False):
            right = (Span("READ ONLY   " if self._right else "READ ONLY", Role.DIM), *right)
        self.show([spread((Span(" "), *self._left), right, self.size.width)])


def breadcrumb(*places: str) -> Line:
    """`opscope › runs › 7f3a91 ci_lookup`, the last place bold."""
    out: list[Span] = [Span("opscope", Role.DIM)]
    for index, place in enumerate(places):
        last = index == len(places) - 1
        out.extend((Span(" › ", Role.DIM), span(place, Role.TEXT if last else Role.DIM, bold=last)))
    return tuple(out)


class KeyBar(Lines):
    """The last line: the keys that matter here. A key can be pressed with the mouse too."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; }
    """

    @dataclass
    class Chosen(Message):
        """A key of the bar was clicked."""

        action_id: str

    def __init__(self) -> None:
        super().__init__()
        self._footer = Footer()
        self._places: list[tuple[int, int, str]] = []

    def offer(self, footer: Footer) -> None:
        """Show these actions, as many as fit."""
        self._footer = footer
        self._arrange()

    def on_resize(self) -> None:
        """More or fewer keys fit."""
        self._arrange()

    def _arrange(self) -> None:
        self._places.clear()
        end_cells = sum(len(a.shown) + 1 + len(a.label) + _KEY_GAP for a in self._footer.end)
        room = self.size.width - end_cells - 1
        out: list[Span] = [Span(" ")]
        at = 1
        for action, is_possible in self._footer.keys:
            cells = len(action.shown) + 1 + len(action.label)
            if at + cells > room:
                break
            out.append(Span(" " * (at - width(tuple(out)))))
            out.extend(self._key(at, action, is_possible=is_possible))
            at += len(action.shown) + 1 + action.label_cells + _KEY_GAP
        out.append(Span(" " * (room - width(tuple(out)))))
        at = room
        for action in self._footer.end:
            out.extend((Span(" " * _KEY_GAP), *self._key(at + _KEY_GAP, action, is_possible=True)))
            at += _KEY_GAP + len(action.shown) + 1 + len(action.label)
        self.show([tuple(out)])

    def _key(self, at: int, action: Action, *, is_possible: bool) -> Line:
        self._places.append((at, at + len(action.shown) + 1 + len(action.label), action.id))
        role = Role.TEXT if is_possible else Role.DIM
        return (Span(action.shown, role, bold=is_possible), Span(f" {action.label}", Role.DIM))

    def on_click(self, event: events.Click) -> None:
        """A click on a key does what the key does."""
        event.stop()
        event.prevent_default()
        for start, stop, action_id in self._places:
            if start <= event.x < stop:
                self.post_message(self.Chosen(action_id))
