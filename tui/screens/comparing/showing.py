"""What the Compare screen shows: verdict and score first, then a section's rows with what is behind one. What keys do is the screen's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Container, Vertical
from textual.message import Message

from tui.screens.comparing.exporting import ExportingScreen
from tui.screens.comparing.lazily import Lazily
from tui.screens.comparing.lists import RowsList
from tui.screens.comparing.reading import ComparisonRead, StoppedError, read_comparison
from tui.viewmodel.comparing.differing import DifferenceRows
from tui.viewmodel.comparing.evidence import EvidenceRows
from tui.viewmodel.comparing.headline import head_lines, reading_words
from tui.viewmodel.comparing.overview import overview_rows
from tui.viewmodel.comparing.rows import Rows, View
from tui.viewmodel.comparing.run_rows import RunRows
from tui.viewmodel.comparing.section_row import SectionPlace, numbers_of, said_of, section_row
from tui.viewmodel.comparing.sides import Standing, chosen_pair
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.viewmodel.words import clock
from tui.widgets.chooser import Chooser
from tui.widgets.dialogue import Question, Reply
from tui.widgets.edit_line import EditLine
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from engine.errors import OpscopeError
    from store.comparing import Other
    from store.rows import RunRow
    from tui.places import ComparePlace


class ShowingScreen(ExportingScreen[ComparisonRead]):
    """Reads the analysis once, and what is behind its rows when they are looked at."""

    @dataclass
    class ReadSoFar(Message):
        """So many runs have been read."""

        runs: int

    def __init__(self, place: ComparePlace) -> None:
        super().__init__()
        self.place = place
        self._compared: ComparisonRead | None = None
        self._read_for: ComparePlace | None = None
        self._stops = False
        self._view = next((view for view in View if view.key == place.section), View.VERDICT)
        self._cursors: dict[View, str] = {self._view: place.row} if place.row else {}
        self._rows: dict[View, Rows] = {}
        self._places: list[SectionPlace] = []
        self._left_out: dict[str, RunRow] = {}
        self._others: dict[str, tuple[RunRow, Other]] = {}
        self._marked: frozenset[str] = frozenset()
        self._shown_key = ""
        self._lazy: Lazily | None = None

    def compose(self) -> ComposeResult:
        """Title, verdict, what it rests on, the runs, the sections, the rows of one with what is behind, keys."""
        yield TitleLine(id="title")
        yield Lines(id="head")
        yield Lines(id="sections")
        with Container(id="compared"):
            with Vertical(id="listed"):
                yield Lines(id="columns")
                yield RowsList()
            yield TextPanel("DETAIL", id="behind")
        yield Notice(id="notice")
        yield Chooser("EXPORT", "")
        yield Lines(id="under-way")
        yield Question()
        yield EditLine()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The list has the keys; nothing is there before something was read."""
        self._tell_reading(0)
        self.set_class(True, "-blank")
        self.list.focus()

    @property
    def compared(self) -> ComparisonRead | None:
        """What is shown."""
        return self._compared

    @property
    def view(self) -> View:
        """The section that is shown."""
        return self._view

    @property
    def list(self) -> RowsList:
        """The rows."""
        return self.query_one(RowsList)

    @property
    def behind(self) -> TextPanel:
        """What is behind the chosen row."""
        return self.query_one("#behind", TextPanel)

    @property
    def lazy(self) -> Lazily:
        """What is read when it is looked at."""
        if self._lazy is None:
            self._lazy = Lazily(self.inspector.db_path)
        return self._lazy

    # Reading

    async def read(self) -> ComparisonRead:
        """The analysis; once for the runs that are asked for, since what was recorded of them does not change."""
        place = self.place
        if self._compared is not None and self._read_for == place:
            return self._compared
        keeps = place.keeps and not self.inspector.read_only

        database, now_us = self.inspector.db_path, self.inspector.moment().now_us

        def work() -> ComparisonRead:
            return read_comparison(
                database, place, now_us=now_us, keeps=keeps, tell=self._told_read, stopped=lambda: self._stops
            )

        found = await asyncio.to_thread(work)
        self._read_for = place
        return found

    def _told_read(self, runs: int) -> None:
        self.post_message(self.ReadSoFar(runs))

    @on(ReadSoFar)
    def _read_so_far(self, event: ReadSoFar) -> None:
        event.stop()
        if self._compared is None or self._read_for != self.place:
            self._tell_reading(event.runs)

    def _tell_reading(self, runs: int) -> None:
        said = reading_words(runs, len(self.place.candidates), len(self.place.baseline))
        cancels = Span(f"  {self.key('leave_comparison')} cancels", Role.DIM)
        right = (Span("● ", Role.RUNNING), Span(said), cancels)
        self.query_one("#title", TitleLine).tell(breadcrumb("compare"), right)

    def shown(self, answer: ComparisonRead) -> None:
        """Everything that is in sight; the cursor stays where it was."""
        self.set_class(False, "-blank")
        self.query_one(Notice).close()
        if answer is self._compared:
            return
        self._compared = answer
        self._rows.clear()
        self.lazy.about(answer.analysis, chosen_pair(answer.analysis, answer.runs, self.lazy.pair))
        self._show_all()
        self.remember()
        if answer.why_not:
            self.inspector.say(f"it could not be kept: {answer.why_not}", bad=True)

    def failed(self, error: OpscopeError) -> None:
        """It cannot be compared, and why."""
        if isinstance(error, StoppedError):
            return
        self.set_class(True, "-blank")
        self.inspector.note_error(error)
        right = (Span("✗ NOT COMPARED", Role.FAILED, bold=True),)
        self.query_one("#title", TitleLine).tell(breadcrumb("compare"), right)
        ways = ((self.key("leave_comparison"), "back"), (self.key("kept_analyses"), "the analyses that are kept"))
        self.query_one(Notice).fail(error, ways)

    def remember(self) -> None:
        """Back leads here again, to this row."""
        found = self._compared
        if found is not None and self.app.screen is self:
            place = self.place._replace(section=self._view.key, row=self._cursors.get(self._view, ""))
            self.inspector.history.now_at(place._replace(analysis_id=found.analysis_id or None))

    # Showing

    def _show_all(self) -> None:
        found = self._compared
        if found is None:
            return
        names = [name for name in ("compare", found.plan_id, found.analysis.stage) if name]
        self.query_one("#title", TitleLine).tell(breadcrumb(*names), self._title_right(found))
        # Which is which was not said by who named them all.
        is_chosen = bool(self.place.baseline) and bool(found.analysis.baseline)
        is_short = self.has_class("-short")
        lines = head_lines(found.analysis, found.runs, self.size.width, is_short=is_short, is_chosen=is_chosen)
        self.query_one("#head", Lines).show(lines)
        self._show_view()

    def _title_right(self, found: ComparisonRead) -> Line:
        if found.kept is None:
            how = f": {self.key('keep_analysis')} keeps it" if self.can_keep else ""
            return (Span(f"not kept{how}", Role.DIM),)
        moment = self.inspector.moment()
        when = clock(found.kept.created_at_us, now_us=moment.now_us, zone=moment.zone)
        return (Span(f"analysis {found.analysis_id[:6]}  kept {when}", Role.DIM),)

    def _rows_of(self, view: View) -> Rows | None:
        """The rows of a section; None while they are being read."""
        found = self._compared
        if found is None:
            return None
        if view is View.DATA:
            return self.lazy.data_rows()
        if view not in self._rows:
            match view:
                case View.VERDICT:
                    self._rows[view] = overview_rows(found.analysis, found.experiments)
                case View.EVIDENCE:
                    self._rows[view] = EvidenceRows(found.analysis)
                case View.DIFFERENCES:
                    self._rows[view] = DifferenceRows(found.analysis, self.lazy.contents)
                case View.RUNS:
                    self._rows[view] = RunRows(
                        self.standing,
                        self._known_runs,
                        self.lazy.pair,
                        self.inspector.moment(),
                        {run_id: one.unlike for run_id, (_, one) in self._others.items()},
                        self._marked,
                    )
        return self._rows[view]

    @property
    def _known_runs(self) -> dict[str, RunRow]:
        others = {run_id: row for run_id, (row, _) in self._others.items()}
        return {**others, **self._left_out, **(self._compared.runs if self._compared is not None else {})}

    @property
    def standing(self) -> Standing:
        """Which runs stand where."""
        assert self._compared is not None
        return Standing.of(self._compared.analysis, tuple(self._left_out), self._others)

    def _show_view(self) -> None:
        rows = self._rows_of(self._view)
        for view in View:
            self.set_class(view is self._view, f"-{view.name.lower()}")
        self._show_sections()
        key = self._cursors.get(self._view, "")
        self.list.show(rows, rows.place_of(key) if rows is not None else 0)
        if (listed := self.list.rows) is not None and self.list.chosen is not None:
            self._cursors[self._view] = listed.key(self.list.chosen)
        # How much room there is shows when the section has its place.
        self.call_after_refresh(self._show_columns)
        self._show_behind(fresh=True)
        if self._view is View.DATA and rows is None:
            self.inspector.busily(self._read_parts())
        self.keys_changed()

    async def _read_parts(self) -> None:
        await self.lazy.read_parts()
        if self.is_attached and self._view is View.DATA:
            self._show_view()

    def _show_columns(self) -> None:
        rows, cells = self.list.rows, self.list.scrollable_content_region.width
        if rows is not None and cells and self.is_attached:
            self.query_one("#columns", Lines).show([rows.header(cells)])

    @on(RowsList.Resized)
    def _list_resized(self, event: RowsList.Resized) -> None:
        event.stop()
        self._show_columns()

    def _show_sections(self) -> None:
        found = self._compared
        if found is not None:
            said = said_of(self._view, found.analysis, self.lazy.pair)
            row, self._places = section_row(self._view, numbers_of(found.analysis), said, self.size.width)
            self.query_one("#sections", Lines).show([row])

    def _show_behind(self, *, fresh: bool) -> None:
        rows, at = self.list.rows, self.list.chosen
        self.behind.title = self.lazy.flow.value.upper() if self._view is View.DATA else "DETAIL"
        if rows is None or at is None:
            self.behind.show((), (), lambda _: [], fresh=fresh)
            return
        named = str(rows.part(at)) if self._view is View.DATA else rows.title(at)
        self.behind.show((span(named),), (), lambda cells: rows.detail(at, cells), fresh=fresh)
        self._shown_key = rows.key(at)
        if not self.lazy.is_fetching and self.lazy.wants(rows, at):
            self.lazy.is_fetching = True
            self.inspector.busily(self._fetch())

    async def _fetch(self) -> None:
        """Read what is behind the row; when that is there, what is behind the row where the cursor is by then."""
        try:
            while self.is_attached and self.lazy.wants(rows := self.list.rows, at := self.list.chosen):
                await self.lazy.read(rows, at if at is not None else 0)
                if self.is_attached:
                    self.list.lines_changed()
                    self._show_behind(fresh=False)
        finally:
            self.lazy.is_fetching = False

    # Sections and rows

    def choose_view(self, view: View) -> None:
        """Show another section; before anything is read, the one that is shown then."""
        if view is self._view:
            return
        self._view = view
        if self._compared is not None:
            self._show_view()
            self.list.focus()
            self.remember()

    def _step_view(self, step: int) -> None:
        views = [*View]
        self.choose_view(views[max(0, min(len(views) - 1, views.index(self._view) + step))])

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        event.stop()
        rows, at = self.list.rows, self.list.chosen
        if event.line_list is not self.list or rows is None or at is None:
            return
        key = self._cursors[self._view] = rows.key(at)
        if key != self._shown_key:
            self._show_behind(fresh=True)
            self.remember()
            self.keys_changed()

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        event.stop()
        if event.line_list is self.list:
            self.action_do("open_candidate")

    @on(Lines.Pressed)
    def _pressed(self, event: Lines.Pressed) -> None:
        event.stop()
        if event.lines.id == "sections":
            for place in self._places:
                if place.start <= event.x < place.stop:
                    self.choose_view(place.view)
