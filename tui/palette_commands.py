"""The command palette: the actions of the registry that are possible now, found by their words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Provider

from tui.actions import key_names

if TYPE_CHECKING:
    from textual.command import Hits

    from tui.actions import Action
    from tui.app import Inspector


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
            yield DiscoveryHit(_title(action), partial(self._inspector.perform_anywhere, action.id), help=_keys(action))

    async def search(self, query: str) -> Hits:
        """What the words match."""
        matcher = self.matcher(query)
        for action in self._possible():
            score = matcher.match(_title(action))
            if score > 0:
                run = partial(self._inspector.perform_anywhere, action.id)
                yield Hit(score, matcher.highlight(_title(action)), run, help=_keys(action))


def _title(action: Action) -> str:
    return action.help


def _keys(action: Action) -> str:
    return f"key {key_names(action.keys)}" if action.keys else "no key"
