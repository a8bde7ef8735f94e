"""The lines in which is typed what to search or to filter in a JSON viewer, and what they say of it. Finding it is the viewer's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical
from textual.message import Message

from tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.widgets.json_searched import SearchedJson


class JsonFinder(Vertical):
    """A search or a filter, in one viewer at a time. Enter keeps it, escape ends it; the keys are the viewer's again."""

    DEFAULT_CSS = """
    JsonFinder { height: auto; }
    """

    class Ended(Message):
        """Nothing is searched for or filtered any more, and nothing is typed."""

    def __init__(self) -> None:
        super().__init__()
        self._view: SearchedJson | None = None

    def compose(self) -> ComposeResult:
        """One line for each, of which at most one is shown."""
        yield Prompt("search", "keys and values, folded ones too", id="search")
        yield Prompt("path", "result.ping.*   rows[*].name   ..error", id="path-filter")

    @property
    def prompt(self) -> Prompt:
        """The search."""
        return self.query_one("#search", Prompt)

    @property
    def path_prompt(self) -> Prompt:
        """The filter by path."""
        return self.query_one("#path-filter", Prompt)

    @property
    def is_open(self) -> bool:
        """True while something is typed, searched for or filtered."""
        return self._view is not None and (self._view.is_finding or self.prompt.is_open or self.path_prompt.is_open)

    def search_in(self, view: SearchedJson) -> None:
        """Type what to search for."""
        self._find_in(view, self.prompt, self.path_prompt)

    def filter_in(self, view: SearchedJson) -> None:
        """Type the paths to show."""
        self._find_in(view, self.path_prompt, self.prompt)

    def is_finding_in(self, view: SearchedJson) -> bool:
        """True while something is searched for or filtered in there."""
        return view is self._view and view.is_finding

    def tell(self, view: SearchedJson, within: str = "") -> None:
        """Say how it stands in the viewer, if that is the one. `within` says of what, where it is not the whole."""
        if view is not self._view:
            return
        if self.path_prompt.is_open:
            note = view.filter_note
            self.path_prompt.note(note if note.startswith("no path") else f"{note}{within}   esc clears")
        elif view.needle:
            self.prompt.note(f"{view.search_note}{within}   n N   esc clears")
        else:
            self.prompt.note("esc clears")

    def end(self) -> None:
        """Everything is shown again, nothing stands out."""
        self.prompt.close()
        self.path_prompt.close()
        if self._view is not None:
            self._view.search("")
            self._view.focus()
        self._view = None
        self.post_message(self.Ended())

    def _find_in(self, view: SearchedJson, prompt: Prompt, other: Prompt) -> None:
        # What was searched for or filtered elsewhere ends.
        if self._view is not None and (self._view is not view or other.is_open):
            self.end()
        self._view = view
        prompt.note("esc clears")
        prompt.open()

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        event.stop()
        if self._view is None:
            return
        if self.path_prompt.is_open:
            self._view.filter_paths(event.text)
        else:
            self._view.search(event.text)

    @on(Prompt.Kept)
    def _kept(self, event: Prompt.Kept) -> None:
        event.stop()
        if self._view is not None:
            self._view.focus()

    @on(Prompt.Cleared)
    def _cleared(self, event: Prompt.Cleared) -> None:
        event.stop()
        self.end()
