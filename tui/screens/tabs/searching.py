"""What the tabs share in which something is searched for: the line to type into, and what its keys do. How one searches is the tab's."""

from __future__ import annotations

from abc import abstractmethod

from textual import on

from tui.screens.tabs.base import RunTab
from tui.widgets.prompt import Prompt


class SearchingTab(RunTab):
    """Searches while it is typed. Enter keeps the search and gives the keys back to the first panel, escape ends it."""

    @property
    def prompt(self) -> Prompt:
        """The search."""
        return self.query_one(Prompt)

    @abstractmethod
    def search(self, needle: str) -> None:
        """Look for it; for nothing, forget what was looked for."""

    def end_search(self) -> None:
        """As if nothing had been searched for."""
        self.prompt.close()
        self.search("")
        self.panels[0].focus()

    @on(Prompt.Changed)
    def _search_typed(self, event: Prompt.Changed) -> None:
        event.stop()
        self.search(event.text)

    @on(Prompt.Kept)
    def _search_kept(self, event: Prompt.Kept) -> None:
        event.stop()
        if not event.text:
            self.end_search()
        self.panels[0].focus()

    @on(Prompt.Cleared)
    def _search_cleared(self, event: Prompt.Cleared) -> None:
        event.stop()
        self.end_search()
