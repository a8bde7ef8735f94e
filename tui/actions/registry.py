"""Every action of the inspector, once: keys, footer, help and palette come from this list. What one does lives with its screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.actions import compare, general, groups, impact, monitor, override, run, runs, tabs

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    *monitor.MONITOR,
    *override.OVERRIDE,
    *impact.IMPACT,
    *compare.COMPARE,
    *compare.KEPT,
    *general.EVERYWHERE,
)


def in_scopes(*scopes: Scope) -> Iterator[Action]:
    """The actions of these scopes, in the order of the registry."""
    return (action for action in ACTIONS if action.scope in scopes)


def by_id(action_id: str) -> Action:
    """The action with an id. Raises KeyError for one that does not exist."""
    for action in ACTIONS:
        if action.id == action_id:
            return action
    raise KeyError(action_id)
