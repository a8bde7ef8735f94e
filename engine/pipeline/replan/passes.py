"""Replans beside the steps of a run: what each pass sets out with, what it hands to the next, and taking up what was left open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.states import Reason, StepStatus
from engine.pipeline.replan.answers import pause_data
from engine.pipeline.replan.desk import NOTHING_ASKED
from engine.pipeline.reuse import Changed, as_reused, plan_reuse
from engine.schedule.consequences import Consequence, step_consequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.event import Event
    from engine.model.result import StepResult
    from engine.pipeline.attempts import Course
    from engine.pipeline.control import Control
    from engine.pipeline.replan.desk import ReplanDesk, Requested, Steps
    from engine.pipeline.replan.rules import PolicyRules
    from engine.pipeline.resume_point import ResumePoint
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Scope
    from engine.schedule.replans import ReplanAsk


class Replans:
    """The desk of a run where its steps and its operator meet. Implements `engine.schedule.replans.ReplanRules`.

    What is asked for is decided at once where that needs nobody. So a step whose replan is denied by a limit is never held,
    and nothing starts that its failure forbids.
    """

    def __init__(self, desk: ReplanDesk, control: Control, run_id: str) -> None:
        self._desk = desk
        self._control = control
        self._run_id = run_id
        self._rules: PolicyRules | None = None
        self._asked: dict[str, Requested] = {}
        control.replans = desk

    @property
    def warnings(self) -> tuple[str, ...]:
        """What there is to say of the policy itself."""
        return () if self._desk.policy is None else self._desk.policy.warnings

    def judge(self, result: StepResult, scope: Scope) -> ReplanAsk | None:
        """Whether the step is held for another plan; what was asked for is handed out by `asked_for`."""
        ask = None if self._rules is None else self._rules.judge(result, scope)
        if ask is None:
            return None
        requested = self._asked[result.step_id] = self._desk.ask_for_step(result, ask)
        return None if requested.decision is False else ask

    def asked_for(self, step_id: str) -> Requested:
        """What was asked for because of the end of this step, to be recorded with that end; once."""
        return self._asked.pop(step_id, NOTHING_ASKED)

    def attend(self, steps: Steps | None) -> None:
        """These steps run from now on; None when they do not any more."""
        self._desk.attend(steps)

    def await_decision(self, step_ids: Sequence[str]) -> list[Event]:
        """Nothing else can go on; the events of that. None where all was decided in the meantime."""
        waiting = self._desk.waiting_for(step_ids)
        return self._control.await_approval(pause_data(self._run_id, waiting)) if waiting else []

    def close(self, because: str) -> list[Event]:
        """The steps have their end: what is pending is denied."""
        return self._desk.close(because)

    def set_out(self, course: Course, resumed: ResumePoint | None) -> Course:
        """The course with what the desk knows of its steps: the rules, which of them are held, which an operator changed."""
        desk = self._desk
        self._rules = desk.rules
        course = replace(course, rules=None if self._rules is None else self)
        if resumed is None:
            return course
        held = {**resumed.replans.held, **dict.fromkeys(desk.held_anew)}
        settled = dict(course.settled)
        for step_id, approved in desk.early.items():
            if approved:
                held[step_id] = True
            else:
                held.pop(step_id, None)
                settled[step_id] = settled.pop(step_id)  # what follows from it follows now
        return replace(course, settled=settled, held=held, replaced=resumed.replans.replaced | desk.replaced_early)


def carried_over(
    before: CompiledPlan, after: CompiledPlan, settled: Mapping[str, StepResult], *, run_id: str, pass_index: int
) -> dict[str, StepResult]:
    """The results of the pass with this index that hold for the plan after it."""
    reuse = plan_reuse(before, after, settled, Changed())
    return {
        step_id: as_reused(result, run_id=run_id, pass_index=pass_index) for step_id, result in reuse.reused.items()
    }


def take_up(desk: ReplanDesk, point: ResumePoint, scope: Scope) -> list[Event]:
    """Ask and decide what the dead engine had no time for. The events of that, which come before anything goes on."""
    if point.canceled:
        return []
    events = []
    rules, step_id = desk.rules, point.replans.unjudged
    result = None if step_id is None else point.settled.get(step_id)
    if rules is not None and result is not None and _is_judged(result, desk.plan, point):
        ask = rules.judge(result, scope)
        if ask is not None:
            requested = desk.ask_for_step(result, ask)
            events += requested.events
            desk.note(result.step_id, requested.decision)
    events += desk.decide_again()
    return events


def _is_judged(result: StepResult, plan: CompiledPlan, point: ResumePoint) -> bool:
    """Whether the core asks of such an end: that of a step of the plan that really ran, while nothing stops the run."""
    step = plan.steps.get(result.step_id)
    if step is None or step.is_fallback_for is not None or result.step_id in point.replans.held:
        return False
    if result.status not in (StepStatus.SUCCEEDED, StepStatus.FAILED) or result.reason in (
        Reason.REUSED,
        Reason.OPERATOR,
    ):
        return False
    return not any(
        step_id in plan.steps
        and step_id != result.step_id
        and step_id not in point.replans.held
        and other.reason is not Reason.REPLANNED
        and step_consequence(other, plan.steps[step_id]) is Consequence.ABORT
        for step_id, other in point.settled.items()
    )
