"""The Runs screen by its keys: open, filter, mark, sort, watch. What it shows is in showing_runs.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on

from tui.actions import Need, Scope
from tui.places import MonitorPlace
from tui.screens.showing_runs import ShowingRuns
from tui.screens.steering import Steerable
from tui.viewmodel.runs_marks import Marks
from tui.viewmodel.runs_sorting import SORTS, sort_choices, turned_to
from tui.widgets.bindings import bindings_of
from tui.widgets.chooser import Chooser
from tui.widgets.dialogue import Reply
from tui.widgets.line_list import LineList
from tui.widgets.prompt import Prompt
from tui.widgets.runs_table import RunsTable

if TYPE_CHECKING:
    from collections.abc import Collection

    from textual.binding import BindingType

    from store.queries import RunOrder
    from tui.actions import Action

_MONITOR_RANK = 27
"""Where the key stands that watches what runs, while something does: in the place of comparing."""


class RunsScreen(ShowingRuns):
    """Every run of the file, filtered, sorted, marked, live."""

    SCOPES = (Scope.RUNS, Scope.STEER)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.RUNS, Scope.STEER)

    @property
    def given(self) -> set[Need]:
        """A run under the cursor, a filter."""
        given = super().given
        if self._reader.typed.strip() or self.filter.prompt.is_open or self.query_one(Reply).is_open:
            given.add(Need.FILTER_SET)
        return given

    @property
    def lost_runs(self) -> Collection[str]:
        """Those of the window, as far as they are known."""
        return self.table.lost

    @property
    def steerable(self) -> Steerable | None:
        """The run under the cursor."""
        row = self.table.chosen
        if row is None or self.has_class("-blank"):
            return None
        return Steerable(row, row.run_id in self.table.lost, is_canceling=False)

    def worded(self, action: Action) -> Action:
        """What runs now can be watched."""
        match action.id:
            case "monitor" if self._picture is not None and self._picture.goes_on:
                return action._replace(rank=_MONITOR_RANK)
            case _:
                return super().worded(action)

    def is_ahead(self, action_id: str) -> bool:
        """A key behind a filter that has only just been typed is for the runs that pass it, not for those still shown."""
        if self._picture is None or self._is_unreadable or action_id in ("filter", "clear_filter"):
            return False
        # A filter of nothing but blanks is closed as none.
        return self._picture.typed.strip() != self.filter.prompt.text.strip()

    def perform(self, action_id: str) -> None:
        """Open, filter, mark, sort, copy."""
        match action_id:
            case "open_run":
                self._open()
            case "filter":
                self.filter.open()
                self.want()
            case "clear_filter":
                self._clear()
            case "mark" if self.table.chosen is not None:
                self.marks = self.marks.turned(self.table.chosen)
                self.table.cursor += 1
            case "mark_all":
                self._mark_all()
            case "sort":
                now = next(number for number, (by, _, _) in enumerate(SORTS) if by is self._reader.order.by)
                self.query_one(Chooser).open(sort_choices(self._reader.order), now)
            case "sort_reverse":
                self._sort(self._reader.order._replace(reversed=not self._reader.order.reversed))
            case "monitor":
                self.inspector.go(MonitorPlace())
            case "preview":
                self.preview.turn()
                self._show_preview()
                self._tell_about()
                self._want_preview()
            case "copy_id":
                if self.table.chosen is not None:
                    self.inspector.copy(self.table.chosen.run_id, "run id")
            case _:
                super().perform(action_id)

    def _open(self) -> None:
        if self.table.chosen is not None:
            self.inspector.open_run(self.table.chosen.run_id)

    def _clear(self) -> None:
        """One thing at a time: what was said, the marks, the filter."""
        if self.close_reply():
            self.keys_changed()
        elif self.marks:
            self.marks = Marks()
        else:
            self.filter.prompt.close()
            self._show_all()
            self.table.focus()

    def _show_all(self) -> None:
        """Without the filter, the chosen run stays under the cursor: one may have looked for it."""
        self._reader.typed = ""
        row = self.table.chosen
        if row is None:
            self._want_from_start()
        else:
            self._reader.kept = row.run_id
            self.want()

    def _mark_all(self) -> None:
        if self._picture is None:
            return
        window = self._picture.window
        marks = self.marks.turned_all(window.rows, window.total)
        if isinstance(marks, str):
            self.inspector.say(marks)
        else:
            self.marks = marks

    def _sort(self, order: RunOrder) -> None:
        self._reader.order = order
        self._want_from_start()

    def _filter_by(self, text: str) -> None:
        self._reader.typed = text
        self._want_from_start()

    def _want_from_start(self) -> None:
        """Another list, and whatever comes first in it."""
        self._reader.start = 0
        self.table.forget_choice()
        self.want()

    @on(Chooser.Chosen)
    def _sort_chosen(self, event: Chooser.Chosen) -> None:
        event.stop()
        self._sort(turned_to(self._reader.order, SORTS[event.index][0]))

    @on(LineList.Opened)
    def _clicked(self) -> None:
        if self._is_looked_at:
            self._open()

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        if event.line_list is not self.table:
            return
        row = self.table.chosen
        if row is not None and (self._reader.chosen is None or row.run_id != self._reader.chosen.run_id):
            self._reader.chosen = row
            self._want_preview()
        self._tell_about()
        self.keys_changed()

    @on(RunsTable.WindowWanted)
    def _window_wanted(self, event: RunsTable.WindowWanted) -> None:
        event.stop()
        if event.start != self._reader.start:
            self._reader.start = event.start
            self.want()

    @on(Prompt.Changed)
    def _rested(self, event: Prompt.Changed) -> None:
        self._filter_by(event.text)

    @on(Prompt.Kept)
    def _kept(self) -> None:
        if not self.filter.prompt.text.strip():
            self.filter.prompt.close()
        self.table.focus()
        self.filter.tell_hints()

    @on(Prompt.Cleared)
    def _cleared(self) -> None:
        self._show_all()
        self.table.focus()
        self.filter.tell_hints()
