"""The Events tab: everything that happened in a run, in its order, live. How an event reads is in the view model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container, Vertical

from tui.actions import Scope
from tui.screens.tabs.listing import ListTab
from tui.viewmodel.events import TypedEventFilter, event_document, event_facts, event_node, parse_event_filter
from tui.viewmodel.json_lines import json_text
from tui.viewmodel.palette import Role
from tui.viewmodel.tabs import Tab
from tui.widgets.bindings import bindings_of
from tui.widgets.event_list import PAGE, EventHeader, EventList
from tui.widgets.prompt import Prompt
from tui.widgets.stage_panel import StagePanel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.model.json import JsonObject
    from store.queries import EventHead
    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.text import Line


@dataclass(frozen=True, slots=True)
class EventsRead:
    """How far the run has come, the newest events, and which pass the filter that was asked for; None stands for all."""

    last_seq: int
    newest: Sequence[EventHead]
    filter: TypedEventFilter
    passed: Sequence[int] | None


class EventsTab(ListTab):
    """The list of events with their numbers, and one of them whole."""

    TAB = Tab.EVENTS
    SCOPE = Scope.EVENTS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.EVENTS)

    def __init__(self) -> None:
        super().__init__(id="events")
        self._filter = TypedEventFilter()
        self._shown_filter = TypedEventFilter()

    def compose(self) -> ComposeResult:
        """The filter, the list under its titles, the event that is looked at."""
        yield Prompt("filter", "kind:attempt*  step:copy  words", id="event-filter")
        events = EventList(self._want_page, id="event-lines")
        events.empty_text = "reading…"
        panel = StagePanel("EVENT", id="event")
        panel.add_class("detail")
        with Container(classes="listing"):
            with Vertical(classes="entries"):
                yield EventHeader(events)
                yield events
            yield panel

    @property
    def entries(self) -> EventList:
        """The events."""
        return self.query_one(EventList)

    async def read(self, picture: RunPicture) -> EventsRead:
        """The newest events, and which pass."""
        run, source, filtered = picture.run, self.inspector.source, self._filter
        known = self.entries.last_seq
        newest = await source.event_heads(run.run_id, max(known, run.last_seq - PAGE) + 1, run.last_seq)
        passed = None
        if not filtered.is_empty:
            same = filtered == self._shown_filter and self.entries.passed is not None
            before = list(self.entries.passed or ()) if same else []
            after = known if same else 0
            passed = before + await source.event_seqs(run.run_id, filtered.chosen, after, run.last_seq)
        return EventsRead(run.last_seq, newest, filtered, passed)

    def shown(self, picture: RunPicture, answer: object) -> None:
        """Add what is new."""
        assert isinstance(answer, EventsRead)
        events = self.entries
        events.moment = self.moment
        events.keep(answer.newest)
        is_first = not events.last_seq
        events.empty_text = "no event passes this filter; esc shows all" if answer.passed is not None else "no events"
        events.show(answer.last_seq, answer.passed, anew=answer.filter != self._shown_filter)
        self._shown_filter = answer.filter
        if is_first:
            events.cursor = events.line_count - 1
            events.show_cursor()
        self.going_on(picture, is_first=is_first)
        events.lines_changed()
        self.query_one(EventHeader).follow()
        if answer.filter.faults:
            self.prompt.note(answer.filter.faults[0], Role.WARNING)
        else:
            self.prompt.note("esc clears")
        self.post_message(self.FactsChanged())

    def _want_page(self, page: int) -> None:
        self.inspector.busily(self._read_page(page))

    async def _read_page(self, page: int) -> None:
        first = max(1, page * PAGE)
        heads = await self.inspector.source.event_heads(self.run_screen.run_id, first, (page + 1) * PAGE - 1)
        if self.is_attached:
            self.entries.deliver(page, heads)

    async def whole(self) -> tuple[Node, Line] | None:
        """The event under the cursor with all its data."""
        event = await self._event()
        if event is None:
            return None
        return event_node(event), self.heading(f"{event['seq']} {event['kind']}")

    async def _event(self) -> JsonObject | None:
        seq = self.entries.seq_chosen
        event = await self.inspector.source.event(self.run_screen.run_id, seq) if seq is not None else None
        return event_document(event, self.moment) if event is not None else None

    # What a person does

    @property
    def facts(self) -> Line:
        """How many, and whether the end is followed."""
        events = self.entries
        return event_facts(
            events.line_count, events.last_seq, following=events.following, added=events.added, goes_on=events.goes_on
        )

    def perform(self, action_id: str) -> None:
        """Look, filter, follow, copy."""
        match action_id:
            case "open_event":
                self.open()
            case "filter_events":
                self.prompt.open()
            case "follow_events":
                self.entries.follow(not self.entries.following)
            case "copy_event":
                self.inspector.busily(self._copy())
            case _:
                super().perform(action_id)

    def leave(self) -> bool:
        """The panel, then the filter."""
        if super().leave():
            return True
        if self._filter.is_empty and not self.prompt.is_open:
            return False
        self.prompt.close()
        self._filter_by("")
        self.entries.focus()
        return True

    async def _copy(self) -> None:
        event = await self._event()
        if event is not None:
            self.inspector.copy(json_text(event), "event")

    def _filter_by(self, text: str) -> None:
        self._filter = parse_event_filter(text)
        self.run_screen.want()

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        event.stop()
        self._filter_by(event.text)

    @on(Prompt.Kept)
    def _kept(self, event: Prompt.Kept) -> None:
        event.stop()
        if not event.text.strip():
            self.prompt.close()
        self.entries.focus()

    @on(Prompt.Cleared)
    def _cleared(self, event: Prompt.Cleared) -> None:
        event.stop()
        self._filter_by("")
        self.entries.focus()
