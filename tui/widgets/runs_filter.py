"""The filter of the runs and the line under it: what can be typed, what was not understood. What passes is not decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical

from tui.viewmodel.runs_filter import TypedFilter, parse_filter
from tui.viewmodel.runs_hints import Known, completed, faults_line, hints
from tui.viewmodel.words import count
from tui.widgets.filter_prompt import FilterPrompt
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from tui.viewmodel.runs import Moment


class RunsFilter(Vertical):
    """The prompt tells of itself when typing rests, is kept or is cleared; what completes a word is found in `known`."""

    DEFAULT_CSS = """
    RunsFilter { height: auto; }
    RunsFilter > #hints { display: none; height: 1; }
    """

    def __init__(self, moment: Callable[[], Moment]) -> None:
        super().__init__(id="filter")
        self.known: Known | None = None
        """The values that the file has, None while they have not been read."""
        self._moment = moment
        self._applied = TypedFilter()

    def compose(self) -> ComposeResult:
        """Where it is typed, what can be typed."""
        yield FilterPrompt("filter", "status:failed  plan:safe*  dur:>10s  words")
        yield Lines(id="hints")

    @property
    def prompt(self) -> FilterPrompt:
        """Where it is typed."""
        return self.query_one(FilterPrompt)

    @property
    def wants_known(self) -> bool:
        """True while somebody types and the file's values are not known."""
        return self.prompt.is_open and self.known is None

    def open(self) -> None:
        """Type into it. Other runs may have come since the last time."""
        self.known = None
        self.prompt.open()

    def applied(self, typed: TypedFilter, passing: int, total: int) -> None:
        """This filter is what the list shows now: so many pass of all there are."""
        self._applied = typed
        self.prompt.note("esc clears" if typed.is_empty else f"{count(passing)} of {count(total)}   esc clears")
        self.tell_hints()

    def tell_hints(self) -> None:
        """What can be typed, while something is; what was not understood, afterwards."""
        prompt = self.prompt
        if prompt.is_open and self.screen.focused is prompt.typed:
            typed = parse_filter(prompt.text, self._moment())
            line = hints(prompt.text, prompt.cursor, typed, self.known or Known(), self.screen.size.width)
        else:
            line = faults_line(self._applied)
        lines = self.query_one("#hints", Lines)
        lines.show([line])
        lines.display = bool(line)

    @on(FilterPrompt.Typing)
    def _typing(self, event: FilterPrompt.Typing) -> None:
        event.stop()
        self.tell_hints()

    @on(FilterPrompt.CompletionWanted)
    def _complete(self, event: FilterPrompt.CompletionWanted) -> None:
        event.stop()
        found = completed(event.text, event.cursor, self.known or Known())
        if found is not None:
            self.prompt.put(found.text, found.cursor)
            self.tell_hints()
