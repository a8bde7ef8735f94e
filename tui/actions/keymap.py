"""Keys of the user's own for actions of the registry, and where two of them would be in each other's way. Reading them is not done here."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from tui.actions.keys import key_names
from tui.actions.registry import by_id, in_scopes
from tui.actions.together import TOGETHER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tui.actions.action import Action, Scope

ESSENTIAL: Final = frozenset({"quit", "help"})
"""Actions that no keymap may leave without a key."""

NO_KEY: Final = "<none>"
"""Where the library wants a key and there is none: a name that no terminal sends."""


class Clash(NamedTuple):
    """A key that would mean two things at once."""

    key: str
    first: Action
    second: Action


@dataclass(frozen=True, slots=True)
class Keymap:
    """Which keys actions have instead of those of the registry: by id, as the library names them; none for no key."""

    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def applied(self, action: Action) -> Action:
        """The action with the keys that it has now, `shown` too."""
        if not self.changes:
            return action
        return action._replace(keys=self.changes.get(action.id, action.keys), shown=self._shown(action))

    def shown(self, action_id: str) -> str:
        """The key that a sentence names for an action, empty where it has none."""
        keys = self.applied(by_id(action_id)).keys
        return key_names(keys[:1])

    def offered(self, *scopes: Scope) -> Iterator[Action]:
        """The actions of scopes that are on offer together, the closest first, each with the keys that reach it there."""
        taken: set[str] = set()
        for scope in scopes:
            actions = [self.applied(action) for action in in_scopes(scope)]
            for action in actions:
                yield action._replace(keys=tuple(k for k in action.keys if k not in taken)) if action.yields else action
            taken.update(key for action in actions for key in action.keys)

    def for_library(self) -> dict[str, str]:
        """As Textual takes it: keys by the id of their binding."""
        return {action_id: ",".join(keys) or NO_KEY for action_id, keys in self.changes.items()}

    def _shown(self, action: Action) -> str:
        """A pair such as `H L` names the key of its partner too, which may have another one now."""
        names: list[str] = []
        for name in action.shown.split():
            owner = next((a for a in (action, *in_scopes(action.scope)) if name in key_names(a.keys).split()), action)
            changed = self.changes.get(owner.id)
            names.append(name if changed is None else key_names(changed[:1]))
        if not self.changes.get(action.id, action.keys):
            return ""
        return " ".join(dict.fromkeys(filter(None, names))) or key_names(self.changes[action.id][:1])


def clashes(keymap: Keymap) -> list[Clash]:
    """Where two actions that are on offer together would have the same key, the changed one first. Each pair once."""
    found: dict[tuple[str, frozenset[str]], Clash] = {}
    for scopes in TOGETHER:
        actions = [action for action in map(keymap.applied, in_scopes(*scopes)) if not action.yields]
        actions.sort(key=lambda action: action.id not in keymap.changes)
        for first, second in combinations(actions, 2):
            for key in set(first.keys) & set(second.keys):
                found.setdefault((key, frozenset((first.id, second.id))), Clash(key, first, second))
    return list(found.values())
