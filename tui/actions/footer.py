"""The last line of a screen: which keys it names, in an order that stays. How it is drawn is the widget's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.actions.action import LASTING
from tui.actions.registry import in_scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tui.actions.action import Action, Need, Scope

FOOTER_MOST = 8


class Footer(NamedTuple):
    """The last line: `keys` from the left, each with whether it is possible now, and what stands at the end of the line."""

    keys: tuple[tuple[Action, bool], ...] = ()
    end: tuple[Action, ...] = ()


def footer(
    scopes: Collection[Scope], given: Collection[Need], worded: Callable[[Action], Action] = lambda action: action
) -> Footer:
    """The most telling eight actions, one for each key, in an order that does not depend on what is possible just now.

    `worded` may give an action another label or rank for the moment.
    """
    known = [a for a in map(worded, in_scopes(*scopes)) if a.rank is not None and a.shown]
    known.sort(key=lambda a: a.rank or 0)
    end = tuple(a for a in known if a.anchored)
    shown: dict[str, tuple[Action, bool]] = {}
    for action in known:
        missing = {need for need in action.needs if need not in given}
        if not action.anchored and not missing & LASTING:
            shown.setdefault(action.shown, (action, not missing))
    return Footer(tuple(shown.values())[: FOOTER_MOST - len(end)], end)
