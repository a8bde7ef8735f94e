"""From a step whose dependencies are settled to what its attempt runs: skip, refuse or go. Asks the compiled step, decides no order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from engine.errors import OpscopeError
from engine.model.states import Reason
from engine.plan.references import MissingReferenceError

if TYPE_CHECKING:
    from engine.model.bound import BoundStep
    from engine.plan.compiled import CompiledStep
    from engine.plan.scope import Scope


@dataclass(frozen=True, slots=True)
class Skip:
    """The step does not run, and its dependents may."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The step cannot run: it has failed without an attempt."""

    reason: Reason
    message: str


Preparation: TypeAlias = "BoundStep | Skip | Refusal"


def prepare(compiled: CompiledStep, scope: Scope, *, first: bool) -> Preparation:
    """Look at `skip_if` and `condition` before the first attempt only, then resolve the references."""
    if first:
        try:
            decision = compiled.should_skip(scope)
        except OpscopeError as error:
            return Refusal(Reason.BAD_CONDITION, str(error))
        if decision is not None:
            return Skip(decision.reason, decision.message)
    try:
        return compiled.bind(scope)
    except MissingReferenceError as error:
        return Refusal(Reason.MISSING_REFERENCE, str(error))
