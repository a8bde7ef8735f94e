"""Which scopes are on offer at the same time: there, each key belongs to one action. A new screen adds its line."""

from __future__ import annotations

from typing import Final

from tui.actions.action import Scope

TOGETHER: Final[tuple[tuple[Scope, ...], ...]] = (
    (Scope.RUNS, Scope.STEER, Scope.LIST, Scope.EVERYWHERE),
    (Scope.JSON, Scope.STAGES, Scope.RUN, Scope.STEER, Scope.EVERYWHERE),
    (Scope.LOGS, Scope.LIST, Scope.RUN, Scope.STEER, Scope.EVERYWHERE),
    (Scope.EVENTS, Scope.LIST, Scope.RUN, Scope.STEER, Scope.EVERYWHERE),
    (Scope.REPLANS, Scope.LIST, Scope.RUN, Scope.STEER, Scope.EVERYWHERE),
    (Scope.ASSETS, Scope.LIST, Scope.RUN, Scope.STEER, Scope.EVERYWHERE),
    (Scope.ANSWER, Scope.LIST, Scope.RUN, Scope.STEER, Scope.EVERYWHERE),
    (Scope.GROUPS, Scope.STEPS, Scope.RUN, Scope.STEER, Scope.EVERYWHERE),
    (Scope.WHY, Scope.LIST, Scope.STEER, Scope.EVERYWHERE),
    (Scope.MONITOR, Scope.STEER, Scope.LIST, Scope.EVERYWHERE),
    (Scope.OVERRIDE, Scope.LIST, Scope.EVERYWHERE),
    (Scope.COMPARE, Scope.LIST, Scope.EVERYWHERE),
    (Scope.KEPT, Scope.LIST, Scope.EVERYWHERE),
    (Scope.IMPACT, Scope.LIST, Scope.EVERYWHERE),
    (Scope.JSON, Scope.LIST),
)
"""The closest scope first, as keys are looked up; the last line is no screen of its own."""
