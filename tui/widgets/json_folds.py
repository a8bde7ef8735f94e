"""A JSON value of any size as rows that fold: only those in view are built, what was not read is asked for when it is unfolded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.actions import Need
from tui.viewmodel.json_lines import row_aside, row_line
from tui.viewmodel.json_nodes import Deferred, Fold, Node, Path, Row
from tui.viewmodel.json_tree import JsonTree
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, crop, spread
from tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from textual import events

TELLING = frozenset({"params", "applied_assets", "previous_output", "result"})
"""What of a stage's input and output starts unfolded."""
_EDGE = 2


class FoldedJson(LineList):
    """One value, its folds and the row that the cursor is on. A colour is a thin edge at the left."""

    @dataclass
    class LoadRequested(Message):
        """Something was unfolded that has to be read first; answer with `deliver` or `cannot_load`."""

        view: FoldedJson
        token: Hashable

    @dataclass
    class Refused(Message):
        """An action is not possible now; `why` says it."""

        why: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.document = JsonTree()
        self.edge: Role = Role.DIM
        self.empty_text = ""
        self._wanted: Path | None = None

    # What is shown

    def show(
        self,
        root: Node,
        *,
        fresh: bool,
        empty_text: str = "",
        edge: Role = Role.DIM,
        telling: Collection[str] | None = TELLING,
    ) -> None:
        """Show a value. `fresh`: it is another thing, so folds, cursor and search start anew; else they stay.

        `telling` are the keys that may start unfolded, None stands for all of them and for long texts.
        """
        self.empty_text, self.edge = empty_text, edge
        was_empty = self.document.root is None
        if fresh:
            self.document = JsonTree(text_cells=self._text_cells(), wraps=self.document.wraps)
            self.forget_findings()
        if not fresh and not was_empty and root == self.document.root:
            return
        path = self.path
        self.document.replace(root, budget=self._budget() if fresh or was_empty else 0, telling=telling)
        self.lines_changed()
        if fresh:
            self.cursor = 0
            self.scroll_to(y=0, animate=False)
        elif path is not None:
            self.cursor = self.document.nearest(path)
        self.request_missing()

    def deliver(self, token: Hashable, value: Node) -> None:
        """What was asked for has been read."""
        path = self.path
        self.document.progress.pop(token, None)
        self.document.deliver(token, value)
        self.rows_changed(path)
        self.request_missing()
        if self._wanted is not None:
            self.reveal(self._wanted)

    def cannot_load(self, token: Hashable, why: str) -> None:
        """What was asked for cannot be read."""
        path = self.path
        self.document.progress.pop(token, None)
        self.document.fail(token, why)
        self.rows_changed(path)

    def tell_progress(self, token: Hashable, words: str) -> None:
        """How far the reading of something has come; its row says so."""
        if self.document.progress.get(token) != words:
            self.document.progress[token] = words
            self.document.rebuild()
            self.lines_changed()

    def give_up(self, token: Hashable) -> None:
        """What was asked for is not read after all: it is folded again."""
        self.document.progress.pop(token, None)
        waiting = next((row for row in self.document.rows if row.node == Deferred(token)), None)
        if waiting is not None:
            self.document.fold(waiting.path[:-1])
            self.rows_changed(waiting.path[:-1])

    def go_to(self, path: Path) -> None:
        """Put the cursor on what is at `path`, unfolded; what has to be read first is waited for."""
        self.reveal(path)
        index = self.cursor
        if self.document.rows and self.document.rows[index].fold is Fold.FOLDED:
            self.toggle()
        self.show_cursor()

    def unfold_all(self) -> None:
        """Unfold everything that is loaded."""
        path = self.path
        if not self.document.unfold_all():
            self.post_message(self.Refused("very much is in here: the first levels are unfolded"))
        self.rows_changed(path)
        self.request_missing()

    def fold_all(self) -> None:
        """Fold everything."""
        path = self.path
        self.document.fold_all()
        self.rows_changed(path)

    @property
    def given(self) -> set[Need]:
        """What holds for the row under the cursor."""
        given: set[Need] = set()
        rows = self.document.rows
        if self.line_count and rows:
            row = rows[self.cursor]
            given.add(Need.VALUE_CHOSEN)
            if row.fold is not Fold.LEAF:
                given.add(Need.FOLDABLE)
            if not isinstance(self.document.content(row.node), Deferred):
                given.add(Need.VALUE_LOADED)
        return given

    @property
    def path(self) -> Path | None:
        """Where the cursor is, None while there is nothing."""
        rows = self.document.rows
        return rows[self.cursor].path if self.document.root is not None and self.cursor < len(rows) else None

    @property
    def line_count(self) -> int:
        """The visible rows; nothing at all while there is no value."""
        return 0 if self.document.root is None else len(self.document.rows)

    def line_at(self, index: int, cells: int) -> Line:
        """Edge, row, and what stands at the right."""
        row = self.document.rows[index]
        line = self.row_text(row)
        inner = spread(line, row_aside(row), cells - _EDGE - 1) if row_aside(row) else crop(line, cells - _EDGE - 1)
        return (Span("▎", self.edge), Span(" "), *inner)

    def row_text(self, row: Row) -> Line:
        """What a row says, without its edge and what stands at the right."""
        return row_line(self.document, row)

    def empty_line(self, cells: int) -> Line:
        """What stands there while there is no value."""
        return crop((Span("▎ ", self.edge), Span(self.empty_text, Role.DIM)), cells)

    # Moving and folding

    def on_click(self, event: events.Click) -> None:
        """A click chooses a row; a click on its fold sign, or on the chosen row, folds or unfolds it."""
        event.stop()
        event.prevent_default()
        index = event.y + round(self.scroll_y)
        if index >= self.line_count:
            return
        sign = _EDGE + 2 * self.document.rows[index].depth
        if index == self.cursor or sign <= event.x <= sign + 1:
            self.cursor = index
            self.toggle()
        else:
            self.cursor = index

    def on_resize(self) -> None:
        """Long strings are broken to the new width; the cursor stays on its row."""
        if self.document.text_cells != self._text_cells():
            path = self.path
            self.document.text_cells = self._text_cells()
            self.document.replace(self.document.root)
            self.rows_changed(path)
            self.texts_rebroken()

    def toggle(self) -> None:
        """Fold or unfold the row under the cursor."""
        row = self.document.rows[self.cursor]
        match row.fold:
            case Fold.FOLDED:
                self.document.unfold(row.path)
            case Fold.UNFOLDED:
                self.document.fold(row.path)
            case Fold.LEAF:
                return
        self.rows_changed(row.path)
        self.request_missing()

    def unfold_or_enter(self) -> None:
        """To the right: unfold, or go to the first row inside."""
        if not self.line_count:
            return
        row = self.document.rows[self.cursor]
        if row.fold is Fold.FOLDED:
            self.toggle()
        elif row.fold is Fold.UNFOLDED:
            self.cursor += 1

    def fold_or_leave(self) -> None:
        """To the left: fold, or go to the row around."""
        if not self.line_count:
            return
        if self.document.rows[self.cursor].fold is Fold.UNFOLDED:
            self.toggle()
        elif (parent := self.document.parent_index(self.cursor)) is not None:
            self.cursor = parent

    def wrap(self) -> None:
        """Let long strings stand whole, or cut them again."""
        path = self.path
        self.document.wrap(not self.document.wraps)
        self.rows_changed(path)

    def reveal(self, path: Path) -> None:
        """Go to a path; what has to be read first is waited for."""
        index = self.document.reveal(path)
        self.lines_changed()
        self.cursor = index
        self.keep_in_view()
        arrived = self.document.rows[index].path == path
        self._wanted = None if arrived or not self.document.missing() else path
        self.request_missing()

    # For what is found in it

    def forget_findings(self) -> None:
        """Another value is shown: nothing that was found is in it."""

    def texts_rebroken(self) -> None:
        """The lines of long strings are others now."""

    # Bookkeeping

    def rows_changed(self, path: Path | None) -> None:
        """Draw the rows as they are now, the cursor on `path` or what is nearest to it."""
        self.lines_changed()
        if path is not None and self.document.rows:
            self.cursor = self.document.nearest(path)
            self.keep_in_view()
        self.post_message(self.Moved(self, self.cursor))

    def request_missing(self) -> None:
        """Ask for what is unfolded and not read yet."""
        for token in dict.fromkeys(self.document.missing()):
            self.post_message(self.LoadRequested(self, token))

    def _budget(self) -> int:
        return max(12, self.size.height - 2)

    def _text_cells(self) -> int:
        return max(20, self.scrollable_content_region.width - 14)
