"""A list of things that take several lines each, with an empty line between them. What the lines say is up to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.strip import Strip

    from tui.viewmodel.text import Line


class BlockList(LineList):
    """`height` lines a block. The cursor is the number of a block's first line, and is drawn behind all of them."""

    def __init__(self, height: int, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.height = height
        self.blocks = 0
        self._line: Callable[[int, int, int], Line] | None = None

    @property
    def chosen(self) -> int:
        """The block under the cursor."""
        return self.cursor // (self.height + 1)

    def show(self, blocks: int, line: Callable[[int, int, int], Line]) -> None:
        """Show so many; `line` gives line 0 to `height - 1` of a block for a width."""
        self.blocks, self._line = blocks, line
        self.lines_changed()

    def choose(self, block: int) -> None:
        """Put the cursor on a block."""
        self.cursor = block * (self.height + 1)

    @property
    def line_count(self) -> int:
        """The lines of all blocks and between them."""
        return max(0, self.blocks * (self.height + 1) - 1)

    def line_at(self, index: int, cells: int) -> Line:
        """A line of a block, or the empty one behind it."""
        block, line = divmod(index, self.height + 1)
        return self._line(block, line, cells) if self._line is not None and line < self.height else ()

    def validate_cursor(self, cursor: int) -> int:
        """Always at the first line of a block."""
        inside = super().validate_cursor(cursor)
        return inside - inside % (self.height + 1)

    def watch_cursor(self, before: int, now: int) -> None:
        """Repaint both blocks."""
        for start in (before, now):
            for line in range(self.height):
                self.refresh_line(start + line)
        self.keep_in_view()
        self.post_message(self.Moved(self, now))

    def keep_in_view(self) -> None:
        """The whole block is visible."""
        room = self.scrollable_content_region.height
        if room <= 0:
            return
        top = round(self.scroll_y)
        if self.cursor < top or room < self.height:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor + self.height > top + room:
            self.scroll_to(y=self.cursor + self.height - room, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """A visible line, with the cursor's background behind the chosen block."""
        index = y + round(self.scroll_y)
        cells = self.scrollable_content_region.width
        painter = painter_of(self)
        line = self._drawn[y] = self._line_for(index)
        is_chosen = self.blocks and self.cursor <= index < self.cursor + self.height
        behind = (painter.palette.cursor if self.has_focus else painter.palette.cursor_blurred) if is_chosen else None
        return painter.strip(line, cells, behind=behind)

    def on_focus(self) -> None:
        """The chosen block shows that keys come here."""
        self.refresh()

    def on_blur(self) -> None:
        """And that they do not."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Anywhere on a block is on the block."""
        event.stop()
        event.prevent_default()
        self.clicked(event.y + round(self.scroll_y), event.chain)

    def clicked(self, index: int, chain: int) -> None:
        """A line was clicked for the `chain`th time in a row: it chooses its block, and opens the one that is chosen."""
        start = index - index % (self.height + 1)
        if index >= self.line_count or index >= start + self.height:
            return
        if chain == 1:
            self._has_opened = False
        if start != self.cursor:
            self.cursor = start
        elif not self._has_opened:
            self._has_opened = True
            self.post_message(self.Opened(self, start))

    def action_do(self, action_id: str) -> None:
        """Move by blocks."""
        step = self.height + 1
        half = max(1, self.scrollable_content_region.height // 2 // step)
        match action_id:
            case "cursor_down":
                self.cursor += step
            case "cursor_up":
                self.cursor -= step
            case "half_down":
                self.cursor += half * step
            case "half_up":
                self.cursor -= half * step
            case _:
                super().action_do(action_id)
