"""Finding in a JSON value: what holds a text, or what is at a path, over what is folded, large or not read yet. Keys are not given here."""

from __future__ import annotations

from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from tui.actions import Need
from tui.viewmodel.json_filter import PathFaultError, Pattern, Sieve, parse, sift
from tui.viewmodel.json_search import find
from tui.viewmodel.json_walk import Look
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, crop, marked, span
from tui.viewmodel.words import plural
from tui.widgets.json_finding import Telling, portions
from tui.widgets.json_folds import FoldedJson

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tui.viewmodel.json_nodes import Path, Row
    from tui.widgets.json_finding import Fetcher

MATCHES_MOST = 10_000
"""Matches that a search counts; beyond them it says so."""


class SearchedJson(FoldedJson):
    """One search or one filter at a time. A search goes from match to match, a filter hides everything else."""

    @dataclass
    class Searched(Message):
        """A search found something more, or has come to its end."""

        view: SearchedJson

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.needle = ""
        self.matches: list[Path] = []
        self.match_index = 0
        self.search_ended = True
        self.path_filter = ""
        self.filter_note = ""
        self.fetcher: Fetcher | None = None
        """Reads, for searching and filtering, what a token stands for."""
        self.working: Callable[[], AbstractContextManager[object]] = nullcontext
        """What says that something is under way."""
        self._round = ""

    @property
    def given(self) -> set[Need]:
        """What holds for the row under the cursor, and whether something was found."""
        return super().given | ({Need.SEARCHED} if self.matches else set())

    @property
    def is_finding(self) -> bool:
        """True while a search or a filter is set."""
        return bool(self.needle or self.path_filter)

    def row_text(self, row: Row) -> Line:
        """What is searched for stands out."""
        line = super().row_text(row)
        return marked(line, self.needle) if self.needle else line

    def empty_line(self, cells: int) -> Line:
        """What stands there while there is no value, or while a filter hides all of it."""
        if self.document.root is None or self.document.sieve is None:
            return super().empty_line(cells)
        said = span(f"nothing matches {self.path_filter}   esc shows everything", Role.DIM)
        return crop((Span("▎ ", self.edge), said), cells)

    def forget_findings(self) -> None:
        """Another value is shown: nothing that was found is in it."""
        self._forget_filter()
        self.matches, self.needle, self.match_index, self.search_ended = [], "", 0, True

    def find_again(self) -> None:
        """There is more in the value than when it was looked through."""
        if self.needle:
            self.search(self.needle, stay=bool(self.matches))
        elif self.path_filter:
            self.filter_paths(self.path_filter)

    def texts_rebroken(self) -> None:
        """What was found in long strings is on other lines now."""
        if self.needle:
            self.search(self.needle, stay=True)

    # Searching

    @work(exclusive=True, group="finding")
    async def search(self, needle: str, *, stay: bool = False) -> None:
        """Find `needle` everywhere, in what was not read yet too, and go to the first match. `stay`: keep the place."""
        self.needle, self.matches, self._round = needle, [], ""
        self.match_index = self.match_index if stay else 0
        self.search_ended = not needle
        self._end_filter()
        self.refresh()
        if needle:
            with self.working():
                look = Look.into(self.document)
                async with aclosing(portions(partial(_look_for, look, needle), self.fetcher)) as found:
                    async for portion in found:
                        is_first = bool(portion) and not self.matches
                        self.matches += portion
                        if is_first and not stay:
                            self.go_to_match(0)
                        self.post_message(self.Searched(self))
            self.search_ended = True
        self.post_message(self.Searched(self))

    @property
    def search_note(self) -> str:
        """How the search stands: `2 of 7`."""
        if not self.needle:
            return ""
        if not self.matches:
            return "no match" if self.search_ended else "searching"
        more = "+" if len(self.matches) >= MATCHES_MOST else "" if self.search_ended else " so far"
        return f"{min(self.match_index + 1, len(self.matches)):,} of {len(self.matches):,}{more}{self._round}"

    def go_to_match(self, step: int) -> None:
        """Go this many matches on, or back, round and round."""
        place = self.match_index + step
        self.match_index = place % len(self.matches)
        self._round = "" if place == self.match_index else ", from the top" if step > 0 else ", from the end"
        self.reveal(self.matches[self.match_index])
        self.post_message(self.Searched(self))

    # Filtering

    @work(exclusive=True, group="finding")
    async def filter_paths(self, text: str) -> None:
        """Show only what is at the paths that fit, or everything where `text` is empty."""
        try:
            pattern = parse(text)
        except PathFaultError as fault:
            self.filter_note = str(fault)
            self.post_message(self.Searched(self))
            return
        self.needle, self.matches = "", []
        self.path_filter = text.strip() if pattern.steps else ""
        if not pattern.steps:
            self._end_filter()
            self.post_message(self.Searched(self))
            return
        await self._sift(pattern)

    async def _sift(self, pattern: Pattern) -> None:
        self.filter_note = "looking"
        self.post_message(self.Searched(self))
        with self.working():
            look = Look.into(self.document, keep=MATCHES_MOST)
            async with aclosing(portions(partial(_sift_out, look, pattern), self.fetcher)) as found:
                async for portion in found:
                    for sieve in portion:
                        self._show_sifted(sieve, look)
        self.post_message(self.Searched(self))

    def _show_sifted(self, sieve: Sieve, look: Look) -> None:
        path = self.path
        self.document.loaded |= look.read
        self.document.sift(sieve)
        if len(sieve.matches) == 1:
            self.document.unfold(sieve.matches[0])
        more = "+" if len(sieve.matches) >= MATCHES_MOST else ""
        self.filter_note = f"{plural(len(sieve.matches), 'place')}{more}" if sieve.matches else "nothing there"
        self.rows_changed(sieve.matches[0] if sieve.matches else path)
        self.request_missing()

    def _end_filter(self) -> None:
        had = self.document.sieve is not None
        self._forget_filter()
        if had:
            path = self.path
            self.document.sift(None)
            self.rows_changed(path)

    def _forget_filter(self) -> None:
        self.path_filter = self.filter_note = ""


def _look_for(look: Look, needle: str, telling: Telling[Path]) -> None:
    look.fetch = telling.fetch
    count = 0
    for path in find(look, needle):
        if path is None:
            telling.tell()
        elif (count := count + 1) > MATCHES_MOST:
            return
        else:
            telling.tell(path)


def _sift_out(look: Look, pattern: Pattern, telling: Telling[Sieve]) -> None:
    look.fetch = telling.fetch
    telling.tell(sift(look, pattern, MATCHES_MOST, lambda _: telling.tell()))
