"""The Runs screen: every run of the file, the newest first, live. How a run reads is in the view model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on

from store.errors import NoDatabaseError
from tui.actions import Need, Scope
from tui.screens.steering import Steerable, SteeringScreen
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import TypedFilter, about, counts_line, parse_filter
from tui.viewmodel.text import Line, Span, joined, span
from tui.viewmodel.words import count
from tui.widgets.bindings import bindings_of
from tui.widgets.dialogue import Question, Reply
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.prompt import Prompt
from tui.widgets.runs_table import WINDOW, RunsHeader, RunsTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.errors import OpscopeError
    from store.rows import RunCounts
    from tui.source import RunWindow


@dataclass(frozen=True, slots=True)
class RunsPicture:
    """What was read: a part of the runs that pass the filter, the counts of all, and which live ones have no engine."""

    window: RunWindow
    counts: RunCounts
    lost: frozenset[str]
    filter: TypedFilter


def _moves(picture: RunsPicture) -> bool:
    """True while an engine works on one of the runs."""
    return any(row.needs_engine and row.run_id not in picture.lost for row in picture.window.rows)


class RunsScreen(SteeringScreen[RunsPicture]):
    """The table, its filter, and a line about the chosen run."""

    SCOPES = (Scope.RUNS, Scope.STEER)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.RUNS, Scope.STEER)

    DEFAULT_CSS = """
    RunsScreen > #about { dock: bottom; height: 2; margin-bottom: 1; }
    RunsScreen.-blank > RunsHeader, RunsScreen.-blank > RunsTable, RunsScreen.-blank > #about { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._start_wanted = 0
        self._filter = TypedFilter()
        self._picture: RunsPicture | None = None

    def compose(self) -> ComposeResult:
        """Title, filter, table, about, keys."""
        yield TitleLine(id="title")
        yield Prompt("filter", "status:failed  plan:safe*  words", id="filter")
        table = RunsTable(id="runs")
        yield RunsHeader(table)
        yield table
        yield Notice(id="notice")
        yield Lines(id="about")
        yield Question()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The table has the keys."""
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), (Span("reading", Role.DIM),))
        self.table.focus()

    @property
    def table(self) -> RunsTable:
        """The runs."""
        return self.query_one(RunsTable)

    @property
    def prompt(self) -> Prompt:
        """The filter."""
        return self.query_one(Prompt)

    async def read(self) -> RunsPicture:
        """The runs that pass the filter, and the counts of all."""
        source = self.inspector.source
        filtered = self._filter
        window = await source.runs(filtered.chosen, self._start_wanted, WINDOW)
        return RunsPicture(window, await source.counts(), await source.lost(window.rows), filtered)

    def shown(self, answer: RunsPicture) -> None:
        """Table, counts, and the right words where there is nothing."""
        self._picture = answer
        window = answer.window
        self.table.show(window.rows, window.start, window.total, self.inspector.moment(), lost=answer.lost)
        self.query_one(RunsHeader).follow()
        self._tell_title(answer)
        notice = self.query_one(Notice)
        if window.total:
            notice.close()
            self.set_class(False, "-blank")
        elif answer.filter.is_empty:
            self._no_runs(notice)
        else:
            self.set_class(True, "-blank")
            notice.say((Span("No run passes this filter", bold=True),), (), (("esc", "show all runs again"),))
        self._tell_filter(answer)
        self._tell_about()

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
        notice.say(headline, [text for text in (error.place, error.hint) if text], (("q", "quit"),))

    def tick(self) -> bool:
        """Durations of running runs go on."""
        picture = self._picture
        if picture is None:
            return False
        self.table.tick(self.inspector.moment())
        return _moves(picture)

    def _no_runs(self, notice: Notice) -> None:
        self.set_class(True, "-blank")
        notice.say(
            (Span("No runs yet", bold=True),),
            (f"They are kept in {self.inspector.db_path}.",),
            (
                ("opscope demo", "runs the shipped plans on this host and shows them here"),
                ("opscope run PLAN", "runs a plan of yours"),
                ("q", "quit"),
            ),
        )

    def _tell_title(self, answer: RunsPicture) -> None:
        live: Line = (Span("● live", Role.DIM),) if self.inspector.follows else ()
        if live and _moves(answer):
            live = (Span("● live", Role.RUNNING),)
        still = sum(row.imported_at_us is not None and not row.status.is_final for row in answer.window.rows)
        right = joined((live, counts_line(answer.counts, lost=len(answer.lost), still=still)), "   ")
        self.query_one("#title", TitleLine).tell(breadcrumb("runs"), right)

    def _tell_filter(self, answer: RunsPicture) -> None:
        if answer.filter.faults:
            self.prompt.note(answer.filter.faults[0], Role.WARNING)
        elif not answer.filter.is_empty:
            self.prompt.note(f"{count(answer.window.total)} of {count(answer.counts.total)}   esc clears")
        else:
            self.prompt.note("esc clears")

    def _tell_about(self) -> None:
        row = self.table.chosen
        lost = row is not None and row.run_id in self.table.lost
        rule = (Span("─" * self.size.width, Role.BORDER),)
        self.query_one("#about", Lines).show([rule, (Span(" "), *about(row, engine_lost=lost))])

    # What a person does

    @property
    def given(self) -> set[Need]:
        """A run under the cursor, a filter."""
        given = super().given
        if not self._filter.is_empty or self.prompt.is_open or self.query_one(Reply).is_open:
            given.add(Need.FILTER_SET)
        return given

    @property
    def steerable(self) -> Steerable | None:
        """The run under the cursor."""
        row = self.table.chosen
        if row is None or self.has_class("-blank"):
            return None
        return Steerable(row, row.run_id in self.table.lost, is_canceling=False)

    def perform(self, action_id: str) -> None:
        """Open, filter, copy."""
        match action_id:
            case "open_run":
                self._open()
            case "filter":
                self.prompt.open()
            case "clear_filter" if self.close_reply():
                self.keys_changed()
            case "clear_filter":
                self.prompt.close()
                self._filter_by("")
                self.table.focus()
            case "copy_id":
                if self.table.chosen is not None:
                    self.inspector.copy(self.table.chosen.run_id, "run id")
            case _:
                super().perform(action_id)

    def _open(self) -> None:
        if self.table.chosen is not None:
            self.inspector.open_run(self.table.chosen.run_id)

    def _filter_by(self, text: str) -> None:
        self._filter = parse_filter(text)
        self._start_wanted = 0
        self.table.forget_choice()
        self.want()

    @on(LineList.Opened)
    def _clicked(self) -> None:
        if self._is_looked_at:
            self._open()

    @on(LineList.Moved)
    def _moved(self) -> None:
        self._tell_about()
        self.keys_changed()

    @on(RunsTable.WindowWanted)
    def _window_wanted(self, event: RunsTable.WindowWanted) -> None:
        event.stop()
        if event.start != self._start_wanted:
            self._start_wanted = event.start
            self.want()

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        self._filter_by(event.text)

    @on(Prompt.Kept)
    def _kept(self) -> None:
        if not self.prompt.text.strip():
            self.prompt.close()
        self.table.focus()

    @on(Prompt.Cleared)
    def _cleared(self) -> None:
        self._filter_by("")
        self.table.focus()

    def on_resize(self) -> None:
        """The rule fills the width."""
        self._tell_about()
