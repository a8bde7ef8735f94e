"""Rules for replans, to be given to a scheduler. Which of them asks is said by the test, or drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from engine.model.replan import ReplanMode, Severity, Trigger
from engine.model.states import StepStatus
from engine.schedule.replans import ReplanAsk

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from engine.model.result import StepResult
    from engine.plan.scope import Scope


def ask(mode: ReplanMode = ReplanMode.APPROVAL, trigger: Trigger = Trigger.STEP_FAILED) -> ReplanAsk:
    """What a rule says."""
    return ReplanAsk(trigger, 0, mode, Severity.WARNING, "it did not do")


@dataclass
class Wants:
    """Asks for another plan when one of `steps` ends so. `judged` are the ends that a scheduler has shown it."""

    steps: Mapping[str, ReplanMode]
    ends: Collection[StepStatus] = (StepStatus.FAILED, StepStatus.SUCCEEDED)
    judged: list[str] = field(default_factory=list)

    def judge(self, result: StepResult, scope: Scope) -> ReplanAsk | None:
        if result.step_id in scope.results:  # a ledger, which looks on, has none
            self.judged.append(result.step_id)
            assert scope.results[result.step_id] is result
        if result.step_id not in self.steps or result.status not in self.ends:
            return None
        return ask(self.steps[result.step_id])


def wants(*step_ids: str, mode: ReplanMode = ReplanMode.APPROVAL) -> Wants:
    """Rules that ask for another plan when one of these fails."""
    return Wants(dict.fromkeys(step_ids, mode), (StepStatus.FAILED,))


@dataclass
class RandomRules:
    """Asks for some steps and ends, always the same for one seed."""

    seed: int
    share: float = 0.3

    def judge(self, result: StepResult, scope: Scope) -> ReplanAsk | None:
        random = Random(f"{self.seed}/{result.step_id}/{result.status}")
        if random.random() >= self.share:
            return None
        return ask(random.choice([ReplanMode.AUTO, ReplanMode.APPROVAL]), Trigger.STEP_TIMEOUT)
