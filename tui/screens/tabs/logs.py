"""The Logs tab: what the steps wrote, in the order in which it came, live. Where lines begin and how they read is in the view models."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container

from tui.actions import Action, Need, Scope
from tui.screens.tabs.listing import ListTab
from tui.screens.tabs.searching import SearchingTab
from tui.viewmodel.log_text import copied, shown
from tui.viewmodel.logs import Choice, facts, line_node, nothing, step_choices
from tui.viewmodel.tabs import Tab
from tui.widgets.bindings import bindings_of
from tui.widgets.chooser import Chooser
from tui.widgets.log_list import LogList
from tui.widgets.prompt import Prompt
from tui.widgets.stage_panel import StagePanel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from store.rows import LogRow, StepRow
    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.text import Line

CHUNKS_AT_ONCE = 1000
"""Pieces of output that are read at once; what is read is shown before the next are asked for."""
MATCHES_MOST = 10_000
BREATH = 2000
"""Lines that are searched before a key is looked at."""


@dataclass(frozen=True, slots=True)
class LogsRead:
    """The next pieces of output, and the steps; `after` is the piece before them."""

    after: int
    rows: Sequence[LogRow]
    steps: Sequence[StepRow]


class LogsTab(ListTab, SearchingTab):
    """Lines of output with their step and stream. It follows a live run; of one that is over it shows where it broke."""

    TAB = Tab.LOGS
    SCOPE = Scope.LOGS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.LOGS)

    DEFAULT_CSS = """
    LogsTab { layers: base above; }
    """

    def __init__(self) -> None:
        super().__init__(id="logs")
        self._steps: Sequence[StepRow] = ()
        self._is_read = False
        self._was_placed = False
        self._matches: list[int] = []
        self._match = 0
        self._searched_to = 0
        self._search_number = 0
        self._offered: list[str | None] = []

    def compose(self) -> ComposeResult:
        """The list, the line that is looked at, the search."""
        lines = LogList(self._want_page, id="log-lines")
        lines.add_class("entries")
        lines.empty_text = "reading…"
        panel = StagePanel("LINE", id="log-line")
        panel.add_class("detail")
        with Container(classes="listing"):
            yield lines
            yield panel
        yield Prompt("search", "words of a line", id="log-search")
        yield Chooser("STEP", "LINES")

    @property
    def entries(self) -> LogList:
        """The lines."""
        return self.query_one(LogList)

    # Reading

    async def read(self, picture: RunPicture) -> LogsRead:
        """What came after the last piece that is known."""
        run = picture.run
        after = self.entries.index.last_log_id
        source = self.inspector.source
        rows = await source.logs(run.run_id, after, CHUNKS_AT_ONCE)
        return LogsRead(after, rows, await source.steps(run))

    def shown(self, picture: RunPicture, answer: object) -> None:
        """Add it to the list; more is asked for while there is more."""
        assert isinstance(answer, LogsRead)
        lines = self.entries
        lines.moment = self.moment
        self._steps = answer.steps
        lines.show_names([step.step_id for step in answer.steps])
        # A reading can have begun before the one before it was shown: then it is done again.
        in_order = answer.after == lines.index.last_log_id
        if in_order:
            lines.feed(answer.rows)
        self._is_read = in_order and len(answer.rows) < CHUNKS_AT_ONCE
        lines.empty_text = nothing(lines.choice, is_going_on=picture.goes_on, any_lines=lines.index.line_count > 0)
        lines.lines_changed()
        if not self._is_read:
            self.run_screen.want()
        elif not self._was_placed:
            self._was_placed = True
            self._place(picture)
            self.going_on(picture, is_first=True)
        else:
            self.going_on(picture, is_first=False)
            if lines.needle:
                self._search_on()
        self.post_message(self.FactsChanged())

    def _place(self, picture: RunPicture) -> None:
        """Start at the end of what the step that broke wrote, else at the end of everything."""
        lines = self.entries
        broke = (picture.run.first_cause or {}).get("step_id")
        index = lines.index
        for chunk in range(index.chunk_count - 1, -1, -1):
            first, stop = index.lines_of(chunk)
            if stop > first and (not picture.run.status.is_final or broke is None or self._is_of(chunk, broke)):
                lines.go_to(stop - 1)
                return
        if index.line_count:
            lines.go_to(index.line_count - 1)

    def _is_of(self, chunk: int, step_id: object) -> bool:
        index = self.entries.index
        return index.sources[index.source_of[chunk]].step_id == step_id

    def _want_page(self, page: int) -> None:
        self.inspector.busily(self._read_page(page))

    async def _read_page(self, page: int) -> None:
        contents = await self._page(page)
        if self.is_attached:
            self.entries.deliver(page, contents)

    async def _page(self, page: int) -> list[bytes]:
        index = self.entries.index
        start, stop = index.page_range(page)
        rows = await self.inspector.source.logs(self.run_screen.run_id, index.log_ids[start] - 1, stop - start)
        return [row.content for row in rows]

    async def _line(self, line: int) -> bytes:
        """The bytes of a line, read if they are not held."""
        index = self.entries.index
        read: dict[int, bytes] = {}
        while True:
            found = index.line_bytes(line, lambda chunk: read[chunk] if chunk in read else self.entries.content(chunk))
            if isinstance(found, bytes):
                return found
            page = index.page_of(found)
            contents = await self._page(page)
            self.entries.keep(page, contents)
            read.update(enumerate(contents, index.page_range(page)[0]))
            # Output can be pruned while it is looked at: then the line ends there.
            read.setdefault(found, b"\n")

    async def whole(self) -> tuple[Node, Line] | None:
        """The line under the cursor, nothing left out."""
        line = self.entries.line_chosen
        if line is None:
            return None
        held = await self._line(line)
        node = line_node(self.entries.index, line, held, self.moment)
        return node, self.heading(f"{line + 1}")

    # What a person does

    @property
    def facts(self) -> Line:
        """What is chosen, how many lines, and whether the end is followed."""
        lines = self.entries
        return facts(
            lines.choice,
            lines.view.line_count,
            following=lines.following,
            added=lines.added,
            goes_on=lines.goes_on,
            is_read=self._is_read,
            wraps=lines.wraps,
        )

    @property
    def given(self) -> set[Need]:
        """Also: something was searched for and found."""
        given = super().given
        if self._matches:
            given.add(Need.SEARCHED)
        return given

    def worded(self, action: Action) -> Action:
        """What breaking would do now."""
        if action.id == "wrap" and self.entries.wraps:
            return action._replace(label="cut")
        return super().worded(action)

    def perform(self, action_id: str) -> None:
        """Look, choose, follow, search."""
        lines = self.entries
        match action_id:
            case "open_line":
                self.open()
            case "search_logs":
                self.prompt.note("esc clears")
                self.prompt.open()
            case "choose_step":
                self._choose_step()
            case "choose_stream":
                self._choose(lines.choice.next_stream())
            case "follow_logs":
                lines.follow(not lines.following)
            case "wrap":
                lines.wrap(not lines.wraps)
                self.post_message(self.FactsChanged())
            case "copy_line":
                self.inspector.busily(self._copy())
            case "next_line":
                self._go_to_match(self._match + 1)
            case "previous_line":
                self._go_to_match(self._match - 1)
            case _:
                super().perform(action_id)

    def leave(self) -> bool:
        """The search, the panel, then the choice."""
        if self.entries.needle or self.prompt.is_open:
            self.end_search()
            return True
        if super().leave():
            return True
        if not self.entries.choice.is_everything:
            self._choose(Choice())
            # Where another tab has chosen, there is nothing to take back but the way here.
            return self.run_screen.came_from is None
        return False

    async def _copy(self) -> None:
        line = self.entries.line_chosen
        if line is not None:
            self.inspector.copy(copied(await self._line(line)), "line")

    def _choose_step(self) -> None:
        lines = self.entries
        chosen = lines.choice.step_id
        if chosen is None and (line := lines.line_chosen) is not None:
            chosen = lines.index.sources[lines.index.source_of[lines.index.place(line).chunk]].step_id
        choices = step_choices(self._steps, lines.index)
        self._offered = [step_id for step_id, *_ in choices]
        now = next((at for at, (step_id, *_) in enumerate(choices) if step_id == chosen), 0)
        self.query_one(Chooser).open([(left, right) for _, left, right in choices], now)

    @on(Chooser.Chosen)
    def _step_chosen(self, event: Chooser.Chosen) -> None:
        event.stop()
        self._choose(replace(self.entries.choice, step_id=self._offered[event.index]))

    def show_step(self, step_id: str) -> None:
        """Nothing but what a step wrote."""
        self._choose(replace(self.entries.choice, step_id=step_id))

    def _choose(self, choice: Choice) -> None:
        lines = self.entries
        lines.choose(choice)
        lines.empty_text = nothing(choice, is_going_on=lines.goes_on, any_lines=lines.index.line_count > 0)
        if lines.following:
            lines.follow(True)
        lines.lines_changed()
        if lines.needle:
            self.search(lines.needle)
        self.post_message(self.FactsChanged())

    # Searching

    def search(self, needle: str) -> None:
        """Look for it."""
        lines = self.entries
        lines.needle = needle
        lines.lines_changed()
        self._matches, self._match, self._searched_to = [], 0, 0
        if not needle:
            self._search_number += 1
            self._note()
            return
        if lines.following:
            lines.follow(False)
        self._search_on()

    def _search_on(self) -> None:
        self._search_number += 1
        self.inspector.busily(self._find(self._search_number))

    async def _find(self, number: int) -> None:
        """Look through the lines that were not searched yet; the match nearest to the cursor is gone to."""
        lines = self.entries
        view, wanted = lines.view, lines.needle.casefold()
        is_first = not self._matches
        while self._searched_to < view.line_count and len(self._matches) < MATCHES_MOST:
            line = view.line(self._searched_to)
            self._searched_to += 1
            held = lines.index.line_bytes(line, lines.content)
            text = shown(held if isinstance(held, bytes) else await self._line(line)).text
            if number != self._search_number or not self.is_attached:
                return
            if wanted in text.casefold():
                self._matches.append(line)
            if self._searched_to % BREATH == 0:
                self._note(searching=True)
                await asyncio.sleep(0)
        if number != self._search_number or not self.is_attached:
            return
        if is_first and self._matches:
            self._go_to_nearest()
        self._note()
        self.run_screen.keys_changed()

    def _go_to_nearest(self) -> None:
        """The first match at or after the cursor, else the last before it."""
        line = self.entries.line_chosen or 0
        after = next((at for at, match in enumerate(self._matches) if match >= line), len(self._matches) - 1)
        self._go_to_match(after)

    def _go_to_match(self, number: int) -> None:
        self._match = number % len(self._matches)
        lines = self.entries
        if lines.following:
            lines.follow(False)
        lines.go_to(self._matches[self._match])
        self._note()

    def _note(self, *, searching: bool = False) -> None:
        if not self.entries.needle:
            self.prompt.note("esc clears")
        elif not self._matches:
            self.prompt.note("searching…" if searching else "no match   esc clears")
        else:
            more = "+" if len(self._matches) >= MATCHES_MOST else ""
            self.prompt.note(f"{self._match + 1:,} of {len(self._matches):,}{more}   n N   esc clears")
