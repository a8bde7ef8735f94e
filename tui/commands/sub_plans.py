"""The check of the plans that a plan runs as its steps, for commands: plans with names are the user's own or shipped ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.planning import locate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.errors import Fault
    from engine.plan.compiled import CompiledPlan


def sub_plan_faults(compiled: CompiledPlan, path: Path, env: Mapping[str, str]) -> tuple[Fault, ...]:
    """What is wrong with the plans below the one in this file, each at its place in it."""
    from engine.plan.sub_plans import sub_plan_faults as faults_below

    return faults_below(compiled, path, lambda name: locate(name, env))
