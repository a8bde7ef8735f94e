"""The JSON viewer: folds, searches and copies a value of any size, building only the lines in view. How rows read is in the view model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.message import Message

from tui.actions import Need, Scope
from tui.viewmodel.json_lines import copy_text, path_text, row_aside, row_line
from tui.viewmodel.json_nodes import Deferred, Fold, Node, Path
from tui.viewmodel.json_search import find
from tui.viewmodel.json_tree import JsonTree
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, crop, marked, spread
from tui.widgets.bindings import bindings_of
from tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from textual import events
    from textual.binding import BindingType

MATCHES_MOST = 10_000
"""Matches that a search counts; beyond them it says so."""
TELLING = frozenset({"params", "applied_assets", "previous_output", "result"})
"""What of a stage's input and output starts unfolded."""
_EDGE = 2


class JsonView(LineList):
    """One value. The stage's colour is a thin edge at the left."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.JSON)

    @dataclass
    class LoadRequested(Message):
        """Something was unfolded that has to be read first; answer with `deliver` or `cannot_load`."""

        view: JsonView
        token: Hashable

    @dataclass
    class CopyRequested(Message):
        """The operator wants this text on the clipboard. `what` names it."""

        text: str
        what: str

    @dataclass
    class Searched(Message):
        """A search found something more, or has come to its end."""

        view: JsonView

    @dataclass
    class Refused(Message):
        """An action is not possible now; `why` says it."""

        why: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.document = JsonTree()
        self.edge: Role = Role.DIM
        self.empty_text = ""
        self.needle = ""
        self.matches: list[Path] = []
        self.match_index = 0
        self.search_ended = True

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
            self.document = JsonTree(text_cells=self._text_cells())
            self.matches, self.needle, self.match_index, self.search_ended = [], "", 0, True
        if not fresh and not was_empty and root == self.document.root:
            return
        path = self._path()
        self.document.replace(root, budget=self._budget() if fresh or was_empty else 0, telling=telling)
        self.lines_changed()
        if fresh:
            self.cursor = 0
            self.scroll_to(y=0, animate=False)
        elif path is not None:
            self.cursor = self.document.nearest(path)
        self._request_missing()

    def deliver(self, token: Hashable, value: Node) -> None:
        """What was asked for has been read."""
        path = self._path()
        self.document.deliver(token, value)
        self._rows_changed(path)
        self._request_missing()

    def cannot_load(self, token: Hashable, why: str) -> None:
        """What was asked for cannot be read."""
        path = self._path()
        self.document.fail(token, why)
        self._rows_changed(path)

    def go_to(self, path: Path) -> None:
        """Put the cursor on what is at `path`, unfolded."""
        index = self.document.reveal(path)
        self.lines_changed()
        self.cursor = index
        if self.document.rows and self.document.rows[index].fold is Fold.FOLDED:
            self._toggle()
        self.show_cursor()

    def unfold_all(self) -> None:
        """Unfold everything that is loaded."""
        path = self._path()
        if not self.document.unfold_all():
            self.post_message(self.Refused("very much is in here: the first levels are unfolded"))
        self._rows_changed(path)
        self._request_missing()

    def fold_all(self) -> None:
        """Fold everything."""
        path = self._path()
        self.document.fold_all()
        self._rows_changed(path)

    @property
    def given(self) -> set[Need]:
        """What holds for the actions of this view."""
        given: set[Need] = set()
        rows = self.document.rows
        if self.line_count and rows:
            row = rows[self.cursor]
            given.add(Need.VALUE_CHOSEN)
            if row.fold is not Fold.LEAF:
                given.add(Need.FOLDABLE)
            if not isinstance(self.document.content(row.node), Deferred):
                given.add(Need.VALUE_LOADED)
        if self.matches:
            given.add(Need.SEARCHED)
        return given

    @property
    def line_count(self) -> int:
        """The visible rows; nothing at all while there is no value."""
        return 0 if self.document.root is None else len(self.document.rows)

    def line_at(self, index: int, cells: int) -> Line:
        """Edge, row, and what stands at the right."""
        row = self.document.rows[index]
        line = row_line(self.document, row)
        if self.needle:
            line = marked(line, self.needle)
        inner = spread(line, row_aside(row), cells - _EDGE - 1) if row_aside(row) else crop(line, cells - _EDGE - 1)
        return (Span("▎", self.edge), Span(" "), *inner)

    def empty_line(self, cells: int) -> Line:
        """What stands there while there is no value."""
        return crop((Span("▎ ", self.edge), Span(self.empty_text, Role.DIM)), cells)

    # Moving and folding

    def action_do(self, action_id: str) -> None:
        """Do one of the actions of this view; one that is not possible says why."""
        from tui.actions import by_id

        why = by_id(action_id).why_not(self.given)
        if why is not None:
            self.post_message(self.Refused(why))
            return
        match action_id:
            case "toggle":
                self._toggle()
            case "unfold":
                self._unfold_or_enter()
            case "fold":
                self._fold_or_leave()
            case "next_match":
                self._go_to_match(1)
            case "previous_match":
                self._go_to_match(-1)
            case "copy_value":
                self._copy_value()
            case "copy_path":
                path = path_text(self.document.rows[self.cursor].path)
                self.post_message(self.CopyRequested(path, "path"))
            case _:
                super().action_do(action_id)

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
            self._toggle()
        else:
            self.cursor = index

    def on_resize(self) -> None:
        """Long strings are broken to the new width; the cursor stays on its row."""
        if self.document.text_cells != self._text_cells():
            path = self._path()
            self.document.text_cells = self._text_cells()
            self.document.replace(self.document.root)
            self._rows_changed(path)

    def _toggle(self) -> None:
        row = self.document.rows[self.cursor]
        match row.fold:
            case Fold.FOLDED:
                self.document.unfold(row.path)
            case Fold.UNFOLDED:
                self.document.fold(row.path)
            case Fold.LEAF:
                return
        self._rows_changed(row.path)
        self._request_missing()

    def _unfold_or_enter(self) -> None:
        if not self.line_count:
            return
        row = self.document.rows[self.cursor]
        if row.fold is Fold.FOLDED:
            self._toggle()
        elif row.fold is Fold.UNFOLDED:
            self.cursor += 1

    def _fold_or_leave(self) -> None:
        if not self.line_count:
            return
        if self.document.rows[self.cursor].fold is Fold.UNFOLDED:
            self._toggle()
        elif (parent := self.document.parent_index(self.cursor)) is not None:
            self.cursor = parent

    def _copy_value(self) -> None:
        row = self.document.rows[self.cursor]
        text = copy_text(self.document, row.node)
        if text is None:
            self.post_message(self.Refused(Need.VALUE_LOADED.value))
        else:
            self.post_message(self.CopyRequested(text, "value"))

    # Searching

    @work(exclusive=True, group="search")
    async def search(self, needle: str) -> None:
        """Find `needle` everywhere in what is loaded and go to the first match at or after the cursor."""
        self.needle, self.matches, self.match_index = needle, [], 0
        self.search_ended = not needle
        self.refresh()
        if needle:
            for path in find(self.document, needle):
                if path is None:
                    await asyncio.sleep(0)
                elif len(self.matches) >= MATCHES_MOST:
                    break
                else:
                    self.matches.append(path)
                    if len(self.matches) == 1:
                        self._go_to_match(0)
            self.search_ended = True
        self.post_message(self.Searched(self))

    @property
    def search_note(self) -> str:
        """How the search stands: `2 of 7`."""
        if not self.needle:
            return ""
        if not self.matches:
            return "no match" if self.search_ended else "searching"
        more = "+" if len(self.matches) >= MATCHES_MOST else ""
        return f"{self.match_index + 1} of {len(self.matches):,}{more}"

    def _go_to_match(self, step: int) -> None:
        self.match_index = (self.match_index + step) % len(self.matches)
        index = self.document.reveal(self.matches[self.match_index])
        self.lines_changed()
        self.cursor = index
        self.keep_in_view()
        self.post_message(self.Searched(self))

    # Bookkeeping

    def _path(self) -> Path | None:
        rows = self.document.rows
        return rows[self.cursor].path if self.document.root is not None and self.cursor < len(rows) else None

    def _rows_changed(self, path: Path | None) -> None:
        self.lines_changed()
        if path is not None and self.document.rows:
            self.cursor = self.document.nearest(path)
            self.keep_in_view()
        self.post_message(self.Moved(self, self.cursor))

    def _request_missing(self) -> None:
        for token in dict.fromkeys(self.document.missing()):
            self.post_message(self.LoadRequested(self, token))

    def _budget(self) -> int:
        return max(12, self.size.height - 2)

    def _text_cells(self) -> int:
        return max(20, self.scrollable_content_region.width - 14)
