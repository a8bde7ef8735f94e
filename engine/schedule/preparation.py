"""From a step whose dependencies are settled to what its attempt runs: skip, refuse, divide or go. Decides no order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from engine.errors import OpscopeError
from engine.model.states import Reason
from engine.plan.references import MissingReferenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.bound import BoundStep
    from engine.model.json import Json
    from engine.plan.compiled import CompiledStep
    from engine.plan.scope import Scope
    from engine.schedule.progress import Progress


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


@dataclass(frozen=True, slots=True)
class Division:
    """The step runs once for each of these."""

    values: Sequence[Json]


Preparation: TypeAlias = "BoundStep | Skip | Refusal | Division"


def prepare(progress: Progress, scope: Scope) -> Preparation:
    """Look at `skip_if` and `condition` before anything has begun only, then at the items, then resolve the references.

    The items are looked at once; each of them is prepared by itself.
    """
    compiled = progress.compiled
    if progress.item is not None:
        try:
            return compiled.bind(scope, item=progress.item)
        except MissingReferenceError as error:
            return Refusal(Reason.MISSING_REFERENCE, str(error))
    if progress.attempts == 0:
        try:
            decision = compiled.should_skip(scope)
        except OpscopeError as error:
            return Refusal(Reason.BAD_CONDITION, str(error))
        if decision is not None:
            return Skip(decision.reason, decision.message)
    try:
        return compiled.bind(scope) if compiled.step.for_each is None else Division(compiled.expand(scope))
    except MissingReferenceError as error:
        return Refusal(Reason.MISSING_REFERENCE, str(error))
    except OpscopeError as error:
        return Refusal(Reason.BAD_ITEMS, str(error))


def divide(compiled: CompiledStep, scope: Scope) -> Sequence[Json] | None:
    """The items of a step that had been divided before its run was taken up; None if that can no longer be done."""
    try:
        return compiled.expand(scope)
    except OpscopeError:
        return None  # the step says why when it is its turn
