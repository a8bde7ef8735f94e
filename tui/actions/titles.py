"""What each scope is called where its actions are listed, in the order in which the documentation lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.actions.action import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLES: Final[Mapping[Scope, str]] = {
    Scope.RUNS: "Runs",
    Scope.RUN: "A run",
    Scope.STEER: "Steering a run",
    Scope.STAGES: "Stages",
    Scope.LOGS: "Logs",
    Scope.EVENTS: "Events",
    Scope.REPLANS: "Replans",
    Scope.ASSETS: "Assets",
    Scope.ANSWER: "Answer",
    Scope.GROUPS: "Groups",
    Scope.STEPS: "Moving between steps",
    Scope.WHY: "Why",
    Scope.MONITOR: "What runs now",
    Scope.COMPARE: "Comparing runs",
    Scope.KEPT: "Kept analyses",
    Scope.IMPACT: "What an asset did",
    Scope.OVERRIDE: "Running again with a change",
    Scope.JSON: "Input and output",
    Scope.LIST: "Moving",
    Scope.EVERYWHERE: "Everywhere",
}
