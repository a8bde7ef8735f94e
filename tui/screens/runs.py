"""The Runs screen: every run of the file, filtered, sorted, marked, live. How it reads is up to the view models."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container, Vertical

from store.errors import NoDatabaseError
from tui.actions import Need, Scope
from tui.early import WINDOW
from tui.places import MonitorPlace
from tui.runs_reader import RunsReader
from tui.runs_reading import RunsPicture, read_known
from tui.screens.marking import MarkingScreen
from tui.screens.steering import Steerable
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import about
from tui.viewmodel.runs_columns import columns_named
from tui.viewmodel.runs_marks import Marks
from tui.viewmodel.runs_sorting import SORTS, sort_choices, turned_to
from tui.viewmodel.runs_title import title_right
from tui.viewmodel.text import Span
from tui.widgets.bindings import bindings_of
from tui.widgets.chooser import Chooser
from tui.widgets.dialogue import Question, Reply
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.prompt import Prompt
from tui.widgets.run_preview import RunPreview
from tui.widgets.runs_filter import RunsFilter
from tui.widgets.runs_notice import RunsNotice
from tui.widgets.runs_table import RunsHeader, RunsTable

if TYPE_CHECKING:
    from collections.abc import Collection

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.errors import OpscopeError
    from store.queries import RunOrder
    from store.rows import RunRow
    from tui.actions import Action

_MONITOR_RANK = 27
"""Where the key stands that watches what runs, while something does: in the place of comparing."""


class RunsScreen(MarkingScreen[RunsPicture]):
    """The table, its filter, and the chosen run: a line about it, or a panel beside the table."""

    SCOPES = (Scope.RUNS, Scope.STEER)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.RUNS, Scope.STEER)

    DEFAULT_CSS = """
    RunsScreen { layers: default above; }
    RunsScreen #body { height: 1fr; layout: horizontal; }
    RunsScreen.-narrow #body { layout: vertical; }
    RunsScreen #list { width: 1fr; height: 1fr; }
    RunsScreen.-wide RunPreview { width: 38%; min-width: 40; border-left: solid $border; }
    RunsScreen.-narrow RunPreview { width: 1fr; height: 45%; border-top: solid $border; }
    RunsScreen > #about { dock: bottom; height: 2; margin-bottom: 1; }
    RunsScreen.-previewed > #about { height: 1; }
    RunsScreen.-blank #body, RunsScreen.-blank > #about { display: none; }
    RunsScreen > Chooser { margin: 2 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._reader = RunsReader(WINDOW)
        self._picture: RunsPicture | None = None
        self._is_unreadable = False

    def compose(self) -> ComposeResult:
        """Title, filter, table beside the chosen run, about, keys."""
        yield TitleLine(id="title")
        yield RunsFilter(self.inspector.moment)
        table = RunsTable(id="runs")
        table.columns = columns_named(self.inspector.preferences.columns or ())
        with Container(id="body"):
            with Vertical(id="list"):
                yield RunsHeader(table)
                yield table
            yield RunPreview(id="preview")
        yield RunsNotice(id="notice")
        yield Lines(id="about")
        yield Chooser("SORT", "twice turns it")
        yield Question()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The table has the keys."""
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), (Span("reading", Role.DIM),))
        self._show_preview()
        # At once: a screen that has no focus yet gives it to the line of the filter, which is hidden.
        self.set_focus(self.table)

    @property
    def table(self) -> RunsTable:
        """The runs."""
        return self.query_one(RunsTable)

    @property
    def filter(self) -> RunsFilter:
        """The filter."""
        return self.query_one(RunsFilter)

    @property
    def preview(self) -> RunPreview:
        """The chosen run beside the table."""
        return self.query_one(RunPreview)

    # Reading

    def want(self) -> None:
        """Ask for everything anew."""
        self._reader.wants_all = True
        super().want()

    def _want_preview(self) -> None:
        if self.preview.is_open:
            self._reader.wants_preview = True
            super().want()

    async def read(self) -> RunsPicture:
        """What was asked for: all that is shown, or only what is shown of another run under the cursor."""
        picture = await self._reader.read(
            self.inspector.source,
            self.inspector.moment,
            marked=lambda: tuple(self.marks.rows),
            with_preview=lambda: self.preview.is_open,
        )
        if self.filter.wants_known:
            self.filter.known = await read_known(self.inspector.source)
        return picture

    def shown(self, answer: RunsPicture) -> None:
        """Table, counts, and the right words where there is nothing."""
        before, self._picture = self._picture, answer
        self._is_unreadable = False
        if before is not None and before.window is answer.window:
            self._tell_preview()
            return
        window = answer.window
        self._marks = self.marks.seen_again(answer.marked) if self.marks else self.marks
        self.table.marks = self.marks.rows.keys()
        self.table.order = answer.order
        self.table.show(window.rows, window.start, window.total, self.inspector.moment(), lost=answer.lost)
        self._reader.chosen = self.table.chosen
        self.query_one(RunsHeader).follow()
        self._tell_title()
        self._tell_notice(answer)
        self.filter.applied(answer.filter, window.total, answer.counts.total)
        self._tell_about()
        if before is None:
            self._want_preview()

    def failed(self, error: OpscopeError) -> None:
        """No file yet, or one that cannot be read."""
        title = self.query_one("#title", TitleLine)
        self._is_unreadable = True
        self.set_class(True, "-blank")
        if isinstance(error, NoDatabaseError):
            title.tell(breadcrumb("runs"), ())
            if self._picture is not None and self._picture.counts.total:
                self.query_one(RunsNotice).say_gone(self.inspector.db_path, self.key("quit"))
            else:
                self._no_runs()
            return
        self.inspector.note_error(error)
        title.tell(breadcrumb("runs"), (Span("✗ NOT READABLE", Role.FAILED, bold=True),))
        self.query_one(RunsNotice).say_unreadable(error, self.key("quit"))

    def tick(self) -> bool:
        """Durations of running runs go on."""
        picture = self._picture
        if picture is None:
            return False
        self.table.tick(self.inspector.moment())
        self._tell_preview()
        return picture.goes_on

    # What is said

    def _no_runs(self) -> None:
        self.query_one(RunsNotice).say_none(self.inspector.db_path, self.key("quit"))

    def _tell_notice(self, answer: RunsPicture) -> None:
        is_blank = not answer.window.total
        self.set_class(is_blank, "-blank")
        if not is_blank:
            self.query_one(RunsNotice).close()
        elif answer.filter.is_empty:
            self._no_runs()
        else:
            self.query_one(RunsNotice).say_none_passes(self.key("clear_filter"))

    def _tell_title(self) -> None:
        answer = self._picture
        if answer is None:
            return
        follows = self.inspector.follows
        right = title_right(
            answer.counts,
            answer.window.rows,
            lost=len(answer.lost),
            marks=len(self.marks),
            follows=follows,
            goes_on=answer.goes_on,
        )
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), right)

    def _tell_about(self) -> None:
        row, lost = self._chosen_and_lost()
        rule = (Span("─" * self.size.width, Role.BORDER),)
        said = (Span(" "), *about(row, engine_lost=lost))
        self.query_one("#about", Lines).show([rule] if self.preview.is_open else [rule, said])
        self._tell_preview()

    def _tell_preview(self) -> None:
        if self.preview.is_open and self._picture is not None:
            row, lost = self._chosen_and_lost()
            self.preview.tell(row, self._picture.preview, self.inspector.moment(), engine_lost=lost)

    def _chosen_and_lost(self) -> tuple[RunRow | None, bool]:
        row = self.table.chosen
        return row, row is not None and row.run_id in self.table.lost

    def _show_preview(self) -> None:
        self.preview.set_class(self.preview.is_open, "-open")
        self.set_class(self.preview.is_open, "-previewed")

    def marks_changed(self) -> None:
        """In the table, the title and the keys."""
        self.table.mark(self.marks.rows.keys())
        self._tell_title()
        self.keys_changed()

    # What a person does

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

    def on_resize(self) -> None:
        """The rule fills the width; the panel comes and goes with it."""
        self._show_preview()
        self._tell_about()
        self._want_preview()
        self.call_after_refresh(self._tell_preview)
