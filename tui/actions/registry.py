"""Every action of the inspector, once: keys, footer, help and palette come from this list. What one does lives with its screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.actions import general, groups, run, runs, tabs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    *general.LIST,
    *runs.RUNS,
    *general.JSON,
    *run.RUN,
    *run.STEER,
    *tabs.STAGES,
    *tabs.REPLANS,
    *tabs.ASSETS,
    *tabs.ANSWER,
    *tabs.LOGS,
    *tabs.EVENTS,
    *groups.STEPS,
    *groups.GROUPS,
    *run.WHY,
    *general.EVERYWHERE,
)

_KEY_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "plus": "+",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "minus": "-",
}


def key_names(keys: Collection[str]) -> str:
    """Keys as they stand on the keyboard: `j ↓`."""
    return " ".join(_KEY_NAMES.get(key, key) for key in keys)


def in_scopes(*scopes: Scope) -> Iterator[Action]:
    """The actions of these scopes, in the order of the registry."""
    return (action for action in ACTIONS if action.scope in scopes)


def by_id(action_id: str) -> Action:
    """The action with an id. Raises KeyError for one that does not exist."""
    for action in ACTIONS:
        if action.id == action_id:
            return action
    raise KeyError(action_id)
