"""Replans as the core knows them: which steps ask for one, what was decided, what is held back. What a replan changes is the pipeline's."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from engine.model.replan import ReplanMode
from engine.model.states import StepStatus
from engine.schedule.instructions import AwaitDecision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model.replan import Severity, Trigger
    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledStep
    from engine.plan.scope import Scope
    from engine.schedule.progress import Progress

NO_HOLDS: Final[Mapping[str, bool | None]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReplanAsk:
    """A rule says that another plan is needed: the rule at this place of its policy, and why. Its mode is never `never`."""

    trigger: Trigger
    rule_index: int
    mode: ReplanMode
    severity: Severity
    reason: str


class ReplanRules(Protocol):
    """Judges how a step ended."""

    def judge(self, result: StepResult, scope: Scope) -> ReplanAsk | None:
        """Whether this end asks for another plan; None if all goes on as planned. Pure; never raises.

        Asked once of every step of the plan that succeeded or failed for good, after its fallback, while nothing stops
        the run; never of fallbacks, nor of steps of `finally`. `scope` has the results up to this one.
        """
        ...


class Holds:
    """Why another plan may follow: the steps that are held, and what an operator wants replaced.

    `decisions` has the steps from whose ends nothing follows yet, in the order in which they were settled, and says of
    each whether another plan is to follow; None where nobody has decided. One for which that was denied is not among them
    any more. `to_replace` are the names that Replace said.
    """

    __slots__ = ("_awaited", "_by_itself", "_rules", "_scope", "decisions", "has_rules", "to_replace")

    def __init__(
        self, rules: ReplanRules | None, scope: Scope, held: Mapping[str, bool | None], to_replace: Iterable[str]
    ) -> None:
        self._rules = rules
        self._scope = scope
        self._by_itself: set[str] = set()  # nobody has to be waited for
        self.has_rules = rules is not None
        self.decisions = dict(held)
        self.to_replace = set(to_replace)
        self._awaited: tuple[str, ...] = ()  # whose decision was said to be missing, since anything went on

    def __bool__(self) -> bool:
        return bool(self.decisions or self.to_replace)

    def judge(self, compiled: CompiledStep, result: StepResult) -> ReplanAsk | None:
        """What the rules say of this end. If they ask for another plan, the step is held from now on."""
        if self._rules is None or compiled.in_finally or compiled.is_fallback_for is not None:
            return None
        if result.status not in (StepStatus.SUCCEEDED, StepStatus.FAILED):
            return None
        ask = self._rules.judge(result, self._scope)
        if ask is not None:
            self.decisions[result.step_id] = None
            if ask.mode is ReplanMode.AUTO:
                self._by_itself.add(result.step_id)
        return ask

    def decide(self, step_id: str, *, approved: bool) -> None:
        """It was decided about a step that is held."""
        if approved:
            self.decisions[step_id] = True
        else:
            del self.decisions[step_id]

    @property
    def is_undecided(self) -> bool:
        """True while a decision is missing, whoever makes it."""
        return None in self.decisions.values()

    def goes_on(self) -> None:
        """Something else is under way: when nothing is any more, it is said anew what is missing."""
        self._awaited = ()

    def missing(self) -> AwaitDecision | None:
        """Nothing else goes on: about which steps somebody has to decide. None if that was said, or nobody has to."""
        undecided = (step_id for step_id, decision in self.decisions.items() if decision is None)
        before, self._awaited = self._awaited, tuple(each for each in undecided if each not in self._by_itself)
        return AwaitDecision(self._awaited) if self._awaited and self._awaited != before else None

    def because(self) -> tuple[str, ...]:
        """The steps because of which another plan follows, when all is decided."""
        return (*self.decisions, *sorted(self.to_replace.difference(self.decisions)))


def with_fallbacks(touched: Iterable[str], steps: Mapping[str, Progress]) -> list[Progress]:
    """Those of these steps that there are, and what runs in their stead, in execution order."""
    found: dict[str, Progress] = {}
    for step_id in touched:
        step = steps.get(step_id)
        while step is not None and step.step_id not in found:
            found[step.step_id] = step
            fallback = step.compiled.step.fallback_step
            step = None if fallback is None else steps[fallback]
    return sorted(found.values(), key=lambda step: step.order)


def and_what_follows(first: Iterable[Progress], steps: Mapping[str, Progress]) -> list[Progress]:
    """These steps and all that depends on them, directly or not, in execution order."""
    found = {step.step_id: step for step in first}
    todo = list(found.values())
    while todo:
        for step_id in todo.pop().compiled.dependents:
            if step_id not in found:
                found[step_id] = steps[step_id]
                todo.append(steps[step_id])
    return sorted(found.values(), key=lambda step: step.order)
