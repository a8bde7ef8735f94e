"""The command palette: the actions of the registry that are possible now, found by their words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from textual.color import Color
from textual.command import DiscoveryHit, Hit, Provider
from textual.content import Content
from textual.style import Style

from tui.actions import key_names
from tui.viewmodel.text import fit
from tui.viewmodel.word_search import found_in

if TYPE_CHECKING:
    from textual.command import Hits

    from tui.actions import Action
    from tui.app import Inspector


_KEYS_CELLS: Final = 10


class ActionCommands(Provider):
    """What can be done on the screen from which the palette was opened."""

    @property
    def _inspector(self) -> Inspector:
        from tui.app import Inspector

        assert isinstance(self.app, Inspector)
        return self.app

    def _possible(self) -> list[Action]:
        return self._inspector.possible_actions(self.screen)

    async def discover(self) -> Hits:
        """Everything, before a word is typed."""
        for action in self._possible():
            run = partial(self._inspector.perform_anywhere, action.id)
            yield DiscoveryHit(self._line(action, Content(action.help)), run, text=action.help)

    async def search(self, query: str) -> Hits:
        """What the words match."""
        for action in self._possible():
            found = found_in(action.help, query)
            if found is not None:
                run = partial(self._inspector.perform_anywhere, action.id)
                said = Content(action.help)
                for place in found.places:
                    said = said.stylize(self.match_style or "", place, place + 1)
                yield Hit(found.score, self._line(action, said), run, text=action.help)

    def _line(self, action: Action, said: Content) -> Content:
        """The key first, so that whoever comes for the words learns it."""
        keys = fit(key_names(action.keys) or "no key", _KEYS_CELLS)
        return Content.assemble((keys, Style(foreground=Color.parse(self.app.theme_variables["quiet"]))), "  ", said)
