"""Parameters as they are typed: what may be, and what is wrong with what was. Checking them is the engine's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.plan.params import ParameterError, expected

if TYPE_CHECKING:
    from engine.errors import OpscopeError
    from tui.viewmodel.override.givens import GivenParam


def faults_of(error: OpscopeError | None) -> dict[str, str]:
    """What is wrong, by parameter; empty where something else is."""
    if not isinstance(error, ParameterError):
        return {}
    return {fault.path: fault.message for fault in error.faults if fault.path}


def param_wanted(param: GivenParam) -> str:
    """What may be typed: `a whole number, the most services to list`."""
    declared = param.param
    wanted = f"{expected(declared.type)}{', required' if declared.required else ''}"
    return f"{wanted}: {declared.description}" if declared.description else wanted
