"""From a step whose dependencies are settled to what its attempt runs: skip, refuse or go. Asks the compiled step, decides no order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

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
    """Look at `skip_if` and `condition` before the first attempt only, then resolve the references.

    Results may be nested deeper than comparing them, or writing them as JSON, can follow; that is the step's failure.
    """
    if first:
        try:
            decision = compiled.should_skip(scope)
        except RecursionError:
            return Refusal(Reason.BAD_CONDITION, "the condition looks at a value that is nested too deeply")
        if decision is not None:
            return Skip(decision.reason, decision.message)
    try:
        return compiled.bind(scope)
    except MissingReferenceError as error:
        return Refusal(Reason.MISSING_REFERENCE, str(error))
    except RecursionError:
        return Refusal(Reason.INTERNAL, "a reference leads to a value that is nested too deeply to be filled in")
