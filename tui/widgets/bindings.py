"""Key bindings made from the registry of actions. What an action does is up to whoever carries the binding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from tui.actions import in_scopes
from tui.actions.keymap import NO_KEY

if TYPE_CHECKING:
    from textual.binding import BindingType

    from tui.actions import Scope


def bindings_of(*scopes: Scope) -> list[BindingType]:
    """The bindings of the actions of these scopes; each calls `action_do` with the action's id, by which a keymap knows it."""
    return [
        Binding(
            ",".join(action.keys) or NO_KEY,
            f"do('{action.id}')",
            action.help,
            show=False,
            priority=action.urgent,
            id=action.id,
        )
        for action in in_scopes(*scopes)
    ]
