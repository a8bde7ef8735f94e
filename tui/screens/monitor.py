"""The Monitor screen: all runs that go on, each with its stages, its steps and what happened last. What it says is the view model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on

from store import queries
from store.errors import NoDatabaseError
from tui.actions import Scope
from tui.screens.steering import Steerable, SteeringScreen
from tui.viewmodel.monitoring.block import HEIGHT, block
from tui.viewmodel.monitoring.pace import MINUTE_US
from tui.viewmodel.monitoring.summary import ended_lines, title_counts
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.widgets.bindings import bindings_of
from tui.widgets.block_list import BlockList
from tui.widgets.dialogue import Question, Reply
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.errors import OpscopeError
    from store.queries.monitoring import Pulse
    from store.rows import RunRow

MOST_RUNS = 200
"""Runs that are watched at once."""
LINGER_US = 10_000_000
"""How long a run that was watched is still shown after its end."""


@dataclass(frozen=True, slots=True)
class MonitorPicture:
    """The runs that are not over, or were not a moment ago; what goes on in each, which have no engine; what ended last, where
    there are none."""

    runs: Sequence[RunRow]
    pulses: Mapping[str, Pulse]
    lost: frozenset[str]
    ended: Sequence[RunRow] = ()


class MonitorScreen(SteeringScreen[MonitorPicture]):
    """Three lines a run. The cursor stays on its run while others come and go."""

    SCOPES = (Scope.MONITOR, Scope.STEER)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.MONITOR, Scope.STEER)

    DEFAULT_CSS = """
    MonitorScreen > BlockList { margin-top: 1; }
    MonitorScreen.-blank > BlockList { display: none; }
    MonitorScreen > #rule { dock: bottom; height: 1; margin-bottom: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._picture: MonitorPicture | None = None
        self._chosen_id: str | None = None

    def compose(self) -> ComposeResult:
        """Title, runs, keys."""
        yield TitleLine(id="title")
        yield BlockList(HEIGHT, id="monitored")
        yield Notice(id="notice")
        yield Lines(id="rule")
        yield Question()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one("#title", TitleLine).tell(breadcrumb("runs", "monitor"), (Span("reading", Role.DIM),))
        self.monitored.focus()

    @property
    def monitored(self) -> BlockList:
        """The runs."""
        return self.query_one(BlockList)

    async def read(self) -> MonitorPicture:
        """Their heads, and what goes on in all of them, with one query each."""
        source = self.inspector.source
        live = await source.ask(queries.live_runs(MOST_RUNS))
        runs = sorted([*live, *await self._ended(live)], key=lambda row: (row.created_at_us, row.run_id), reverse=True)
        if not runs:
            ids = await source.ask(queries.ended_last())
            rows = {row.run_id: row for row in await source.ask(queries.runs_by_ids(ids))}
            return MonitorPicture((), {}, frozenset(), [rows[run_id] for run_id in ids if run_id in rows])
        pulses = await source.ask(queries.pulses(self.inspector.moment().now_us - MINUTE_US, MOST_RUNS))
        return MonitorPicture(runs, pulses, await source.lost(runs))

    async def _ended(self, live: Sequence[RunRow]) -> list[RunRow]:
        """Those that were shown before and have come to their end since: one wants to see how."""
        watched = {row.run_id for row in self._picture.runs} if self._picture is not None else set()
        gone = watched - {row.run_id for row in live}
        rows = await self.inspector.source.ask(queries.runs_by_ids(sorted(gone))) if gone else []
        since_us = self.inspector.moment().now_us - LINGER_US
        return [row for row in rows if row.status.is_final and (row.finished_at_us or 0) > since_us]

    def shown(self, answer: MonitorPicture) -> None:
        """The runs, or that all is quiet."""
        self._picture = answer
        notice = self.query_one(Notice)
        self.set_class(not answer.runs, "-blank")
        right = title_counts(answer.runs, answer.lost, follows=self.inspector.follows)
        self.query_one("#title", TitleLine).tell(breadcrumb("runs", "monitor"), right)
        if answer.runs:
            notice.close()
        else:
            self._say_quiet(notice, answer)
        place = next((n for n, row in enumerate(answer.runs) if row.run_id == self._chosen_id), None)
        self._draw()
        if place is not None:
            self.monitored.choose(place)
        self._remember()

    def failed(self, error: OpscopeError) -> None:
        """No file yet, or one that cannot be read."""
        self.set_class(True, "-blank")
        notice = self.query_one(Notice)
        self.query_one("#title", TitleLine).tell(breadcrumb("runs", "monitor"), ())
        if isinstance(error, NoDatabaseError):
            self._say_quiet(notice, MonitorPicture((), {}, frozenset()))
            return
        self.inspector.note_error(error)
        notice.fail(error, ((self.key("leave_monitor"), "back to the runs"),))

    def tick(self) -> bool:
        """Times go on."""
        if self._picture is None or not self._picture.runs:
            return False
        self._draw()
        return True

    def _draw(self) -> None:
        picture, moment = self._picture, self.inspector.moment()
        if picture is None:
            return
        drawn: dict[tuple[int, int], list[Line]] = {}

        def line(number: int, of: int, cells: int) -> Line:
            key = (number, cells)
            if key not in drawn:
                row = picture.runs[number]
                is_lost = row.run_id in picture.lost
                drawn[key] = block(row, picture.pulses.get(row.run_id), moment, cells, engine_lost=is_lost)
            return drawn[key][of]

        self.monitored.show(len(picture.runs), line)

    def _say_quiet(self, notice: Notice, answer: MonitorPicture) -> None:
        headline: Line = (Span("All is quiet", bold=True), Span("   nothing runs and nothing waits", Role.DIM))
        ways = (
            ("opscope run PLAN", "in another terminal starts one, and it shows up here"),
            (self.key("leave_monitor"), "back to the runs"),
        )
        notice.say(headline, [], ways, more=ended_lines(answer.ended, self.inspector.moment()))

    # What a person does

    @property
    def steerable(self) -> Steerable | None:
        """The run under the cursor."""
        picture, place = self._picture, self.monitored.chosen
        if picture is None or not place < len(picture.runs):
            return None
        row = picture.runs[place]
        return Steerable(row, row.run_id in picture.lost, is_canceling=False)

    def perform(self, action_id: str) -> None:
        """Open, go back, copy."""
        steerable = self.steerable
        match action_id:
            case "open_monitored" if steerable is not None:
                self.inspector.open_run(steerable.run.run_id)
            case "leave_monitor":
                if not self.close_reply():
                    self.inspector.show_runs()
            case "copy_monitored_id" if steerable is not None:
                self.inspector.copy(steerable.run.run_id, "run id")
            case _:
                super().perform(action_id)

    def _remember(self) -> None:
        steerable = self.steerable
        self._chosen_id = steerable.run.run_id if steerable is not None else None

    @on(LineList.Moved)
    def _moved(self) -> None:
        self._remember()
        self.keys_changed()

    @on(LineList.Opened)
    def _clicked(self) -> None:
        if self._is_looked_at:
            self.perform("open_monitored")

    def on_resize(self) -> None:
        """The rule fills the width, and the lines theirs."""
        self.query_one("#rule", Lines).show([(Span("─" * self.size.width, Role.BORDER),)])
        self._draw()
