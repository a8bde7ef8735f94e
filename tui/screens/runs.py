"""The Runs screen: every run of the file, filtered, sorted, marked, live. How it reads is up to the view models."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container, Vertical

from store.errors import NoDatabaseError
from store.queries import NEWEST
from tui.actions import Need, Scope
from tui.places import MonitorPlace
from tui.runs_reading import RunsPicture, read_known, read_marked, read_preview, read_runs
from tui.screens.marking import MarkingScreen
from tui.screens.steering import Steerable
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import about, counts_line
from tui.viewmodel.runs_columns import columns_named
from tui.viewmodel.runs_filter import TypedFilter, parse_filter
from tui.viewmodel.runs_hints import Known, completed, faults_line, hints
from tui.viewmodel.runs_line import MARKED
from tui.viewmodel.runs_marks import MOST_MARKS
from tui.viewmodel.runs_preview import preview_lines
from tui.viewmodel.runs_sorting import SORTS, sort_choices, turned_to
from tui.viewmodel.text import Line, Span, joined, span
from tui.viewmodel.words import count
from tui.widgets.bindings import bindings_of
from tui.widgets.chooser import Chooser
from tui.widgets.dialogue import Question, Reply
from tui.widgets.filter_prompt import FilterPrompt
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.prompt import Prompt
from tui.widgets.run_preview import RunPreview
from tui.widgets.runs_table import WINDOW, RunsHeader, RunsTable

if TYPE_CHECKING:
    from collections.abc import Collection

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.errors import OpscopeError
    from store.queries import RunOrder
    from store.rows import RunRow

PREVIEW_FROM = 120
"""Columns from which the chosen run is shown beside the list unless somebody says otherwise."""
_REST_SECONDS = 0.08
"""How long the cursor must rest before the chosen run is read."""
_RESTS_MOST = 6


def _moves(picture: RunsPicture) -> bool:
    """True while an engine works on one of the runs."""
    return any(row.needs_engine and row.run_id not in picture.lost for row in picture.window.rows)


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
    RunsScreen > #hints { display: none; height: 1; }
    RunsScreen > #about { dock: bottom; height: 2; margin-bottom: 1; }
    RunsScreen.-previewed > #about { height: 1; }
    RunsScreen.-blank #body, RunsScreen.-blank > #about { display: none; }
    RunsScreen > Chooser { margin: 2 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._start_wanted = 0
        self._typed = ""
        self._filter = TypedFilter()
        self._order = NEWEST
        self._picture: RunsPicture | None = None
        self._known: Known | None = None
        self._chosen_row: RunRow | None = None
        self._preview_wish: bool | None = None
        # What the next reading is for; neither is set where the file has changed.
        self._asked_all = True
        self._asked_preview = False

    def compose(self) -> ComposeResult:
        """Title, filter, table beside the chosen run, about, keys."""
        yield TitleLine(id="title")
        yield FilterPrompt("filter", "status:failed  plan:safe*  dur:>10s  words", id="filter")
        yield Lines(id="hints")
        table = RunsTable(id="runs")
        table.columns = columns_named(self.inspector.preferences.columns or ())
        with Container(id="body"):
            with Vertical(id="list"):
                yield RunsHeader(table)
                yield table
            yield RunPreview(id="preview")
        yield Notice(id="notice")
        yield Lines(id="about")
        yield Chooser("SORT", "twice turns it")
        yield Question()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The table has the keys."""
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), (Span("reading", Role.DIM),))
        self._show_preview()
        self.table.focus()

    @property
    def table(self) -> RunsTable:
        """The runs."""
        return self.query_one(RunsTable)

    @property
    def prompt(self) -> FilterPrompt:
        """The filter."""
        return self.query_one(FilterPrompt)

    @property
    def is_previewed(self) -> bool:
        """True while the chosen run is shown beside the table."""
        return self.app.size.width >= PREVIEW_FROM if self._preview_wish is None else self._preview_wish

    # Reading

    def want(self) -> None:
        """Ask for everything anew."""
        self._asked_all = True
        super().want()

    def _want_preview(self) -> None:
        if self.is_previewed:
            self._asked_preview = True
            super().want()

    async def read(self) -> RunsPicture:
        """What was asked for: all that is shown, or only what is shown of another run under the cursor."""
        source = self.inspector.source
        picture = self._picture
        if self._asked_preview and not self._asked_all and picture is not None and picture.preview is not None:
            await self._cursor_rests()
        is_of_cursor = self._asked_preview and not self._asked_all and picture is not None
        self._asked_all = self._asked_preview = False
        if not is_of_cursor or picture is None:
            moment = self.inspector.moment()
            typed = parse_filter(self._typed, moment)
            picture = await read_runs(
                source, typed, replace(self._order, now_us=moment.now_us), self._start_wanted, WINDOW
            )
            picture = replace(picture, marked=await read_marked(source, tuple(self.marks.rows)))
            if self.prompt.is_open and self._known is None:
                self._known = await read_known(source)
        if self._picture is None:
            # The list first; what stands beside it follows.
            return picture
        row = self._chosen_row or next(iter(picture.window.rows), None)
        preview = await read_preview(source, row) if row is not None and self.is_previewed else None
        return replace(picture, preview=preview)

    async def _cursor_rests(self) -> None:
        """Return when the cursor stays where it is, or something else is asked for."""
        for _ in range(_RESTS_MOST):
            row = self._chosen_row
            await asyncio.sleep(_REST_SECONDS)
            if self._asked_all or row is self._chosen_row:
                return

    def shown(self, answer: RunsPicture) -> None:
        """Table, counts, and the right words where there is nothing."""
        before, self._picture = self._picture, answer
        if before is not None and before.window is answer.window:
            self._tell_preview()
            return
        self._filter = answer.filter
        window = answer.window
        self._marks = self.marks.seen_again(answer.marked) if self.marks else self.marks
        self.table.marks = self.marks.rows.keys()
        self.table.order = answer.order
        self.table.show(window.rows, window.start, window.total, self.inspector.moment(), lost=answer.lost)
        self._chosen_row = self.table.chosen
        self.query_one(RunsHeader).follow()
        self._tell_title()
        notice = self.query_one(Notice)
        if window.total:
            notice.close()
            self.set_class(False, "-blank")
        elif answer.filter.is_empty:
            self._no_runs(notice)
        else:
            self.set_class(True, "-blank")
            notice.say(
                (Span("No run passes this filter", bold=True),),
                (),
                ((self.key("clear_filter"), "show all runs again"),),
            )
        self._tell_filter(answer)
        self._tell_hints()
        self._tell_about()
        if before is None:
            self._want_preview()

    def failed(self, error: OpscopeError) -> None:
        """No file yet, or one that cannot be read."""
        notice = self.query_one(Notice)
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), ())
        if isinstance(error, NoDatabaseError):
            self._no_runs(notice)
            return
        self.inspector.note_error(error)
        self.set_class(True, "-blank")
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), (Span("✗ NOT READABLE", Role.FAILED, bold=True),))
        headline = (Span("✗ ", Role.FAILED), span(error.cause, bold=True))
        notice.say(headline, [text for text in (error.place, error.hint) if text], ((self.key("quit"), "quit"),))

    def tick(self) -> bool:
        """Durations of running runs go on."""
        picture = self._picture
        if picture is None:
            return False
        self.table.tick(self.inspector.moment())
        self._tell_preview()
        return _moves(picture)

    # What is said

    def _no_runs(self, notice: Notice) -> None:
        self.set_class(True, "-blank")
        notice.say(
            (Span("No runs yet", bold=True),),
            (f"They are kept in {self.inspector.db_path}.",),
            (
                ("opscope demo", "runs the shipped plans on this host and shows them here"),
                ("opscope run PLAN", "runs a plan of yours"),
                (self.key("quit"), "quit"),
            ),
        )

    def _tell_title(self) -> None:
        answer = self._picture
        if answer is None:
            return
        live: Line = (Span("● live", Role.DIM),) if self.inspector.follows else ()
        if live and _moves(answer):
            live = (Span("● live", Role.RUNNING),)
        marked: Line = (
            (Span(f"{MARKED} {count(len(self.marks))} marked", Role.STRONG, bold=True),) if self.marks else ()
        )
        still = sum(row.imported_at_us is not None and not row.status.is_final for row in answer.window.rows)
        counts = counts_line(answer.counts, lost=len(answer.lost), still=still)
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), joined((marked, live, counts), "   "))

    def _tell_filter(self, answer: RunsPicture) -> None:
        if answer.filter.is_empty:
            self.prompt.note("esc clears")
        else:
            self.prompt.note(f"{count(answer.window.total)} of {count(answer.counts.total)}   esc clears")

    def _tell_hints(self) -> None:
        """What can be typed, while something is; what was not understood, afterwards."""
        lines = self.query_one("#hints", Lines)
        if self.focused is self.prompt.typed:
            text, cursor = self.prompt.text, self.prompt.cursor
            typed = parse_filter(text, self.inspector.moment())
            line = hints(text, cursor, typed, self._known or Known(), self.size.width)
        else:
            line = faults_line(self._filter)
        lines.show([line])
        lines.display = bool(line)

    def _tell_about(self) -> None:
        row = self.table.chosen
        lost = row is not None and row.run_id in self.table.lost
        rule = (Span("─" * self.size.width, Role.BORDER),)
        said = (Span(" "), *about(row, engine_lost=lost))
        self.query_one("#about", Lines).show([rule] if self.is_previewed else [rule, said])
        self._tell_preview()

    def _tell_preview(self) -> None:
        if not self.is_previewed or self._picture is None:
            return
        panel = self.query_one(RunPreview)
        row = self.table.chosen
        lost = row is not None and row.run_id in self.table.lost
        cells = max(1, panel.scrollable_content_region.width)
        panel.show(preview_lines(row, self._picture.preview, self.inspector.moment(), cells, engine_lost=lost))

    def _show_preview(self) -> None:
        self.query_one(RunPreview).set_class(self.is_previewed, "-open")
        self.set_class(self.is_previewed, "-previewed")

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
        if self._typed.strip() or self.prompt.is_open or self.query_one(Reply).is_open:
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

    def perform(self, action_id: str) -> None:
        """Open, filter, mark, sort, copy."""
        match action_id:
            case "open_run":
                self._open()
            case "filter":
                self._known = None
                self.prompt.open()
                self.want()
            case "clear_filter":
                self._clear()
            case "mark" if self.table.chosen is not None:
                self.marks = self.marks.turned(self.table.chosen)
                self.table.cursor += 1
            case "mark_all":
                self._mark_all()
            case "sort":
                now = next(number for number, (by, _, _) in enumerate(SORTS) if by is self._order.by)
                self.query_one(Chooser).open(sort_choices(self._order), now)
            case "sort_reverse":
                self._sort(replace(self._order, reversed=not self._order.reversed))
            case "monitor":
                self.inspector.go(MonitorPlace())
            case "preview":
                self._preview_wish = not self.is_previewed
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
            self.marks = self.marks.seen_again(())
        else:
            self.prompt.close()
            self._filter_by("")
            self.table.focus()

    def _mark_all(self) -> None:
        picture = self._picture
        if picture is None:
            return
        rows = picture.window.rows
        if all(row.run_id in self.marks for row in rows):
            self.marks = self.marks.seen_again(row for row in self.marks.runs if row not in rows)
        elif picture.window.total > MOST_MARKS:
            many = count(picture.window.total)
            self.inspector.say(f"{many} runs pass the filter: at most {MOST_MARKS} are marked at once, so filter first")
        else:
            self.marks = self.marks.with_all(rows)

    def _sort(self, order: RunOrder) -> None:
        self._order = order
        self._start_wanted = 0
        self.table.forget_choice()
        self.want()

    def _filter_by(self, text: str) -> None:
        self._typed = text
        self._start_wanted = 0
        self.table.forget_choice()
        self.want()

    @on(Chooser.Chosen)
    def _sort_chosen(self, event: Chooser.Chosen) -> None:
        event.stop()
        self._sort(turned_to(self._order, SORTS[event.index][0]))

    @on(LineList.Opened)
    def _clicked(self) -> None:
        if self._is_looked_at:
            self._open()

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        if event.line_list is not self.table:
            return
        row = self.table.chosen
        if row is not None and (self._chosen_row is None or row.run_id != self._chosen_row.run_id):
            self._chosen_row = row
            self._want_preview()
        self._tell_about()
        self.keys_changed()

    @on(RunsTable.WindowWanted)
    def _window_wanted(self, event: RunsTable.WindowWanted) -> None:
        event.stop()
        if event.start != self._start_wanted:
            self._start_wanted = event.start
            self.want()

    @on(FilterPrompt.Typing)
    def _typing(self, event: FilterPrompt.Typing) -> None:
        event.stop()
        self._tell_hints()

    @on(FilterPrompt.CompletionWanted)
    def _complete(self, event: FilterPrompt.CompletionWanted) -> None:
        event.stop()
        found = completed(event.text, event.cursor, self._known or Known())
        if found is not None:
            self.prompt.put(found.text, found.cursor)
            self._tell_hints()

    @on(Prompt.Changed)
    def _rested(self, event: Prompt.Changed) -> None:
        self._filter_by(event.text)

    @on(Prompt.Kept)
    def _kept(self) -> None:
        if not self.prompt.text.strip():
            self.prompt.close()
        self.table.focus()
        self._tell_hints()

    @on(Prompt.Cleared)
    def _cleared(self) -> None:
        self._filter_by("")
        self.table.focus()
        self._tell_hints()

    def on_resize(self) -> None:
        """The rule fills the width; the panel comes and goes with it."""
        self._show_preview()
        self._tell_about()
        self._want_preview()
        self.call_after_refresh(self._tell_preview)
