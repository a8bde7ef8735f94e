"""Where replans of a run are asked for and decided: by the policy's limits, by its rules, or by an operator. Makes their events."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from engine.errors import InputError
from engine.model.event import EventKind
from engine.model.replan import ReplanDecision, ReplanMode, ReplanPatchDiff, Severity, Trigger
from engine.model.states import Stage
from engine.pipeline.replan.answers import chosen
from engine.pipeline.replan.forbidding import violation_of
from engine.pipeline.replan.patching import (
    check_filled,
    compile_patched,
    describe_fault,
    diff_of,
    fill,
    read_patch,
    touched,
)
from engine.pipeline.replan.plans import patched, plans_of, replan_policy
from engine.pipeline.replan.rules import PolicyRules
from engine.pipeline.replan.story import Proposal, ReplansSoFar
from engine.ports import ControlVerb

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.request import RunRequest
    from engine.plan.compiled import CompiledPlan
    from engine.ports import Clock, ControlRequest
    from engine.schedule.replans import ReplanAsk

_POLICY, _ENGINE = "policy", "engine"


class Requested(NamedTuple):
    """What a request comes to at once: its events, and the decision if it has one already."""

    events: list[Event]
    decision: bool | None


NOTHING_ASKED: Final = Requested([], None)


class Steps(Protocol):
    """The steps of the pass while they run."""

    @property
    def is_stopping(self) -> bool:
        """True when everything stops, so that no other plan can follow."""
        ...

    def decided(self, step_id: str, *, approved: bool) -> None:
        """It was decided about the replan that this step had asked for."""
        ...

    def replace(self, steps: frozenset[str]) -> None:
        """Another plan follows, in which these steps are others."""
        ...


class ReplanDesk:
    """The replans of one run. `plan` is the plan of this pass, `before` that of the pass before it, `draft` that of the next.

    Everything that is decided acts at once; its events are for the caller to record, together with what led to them.
    """

    def __init__(
        self, request: RunRequest, recorder: Recorder, clock: Clock, so_far: ReplansSoFar | None = None
    ) -> None:
        """Raises InputError for a policy that cannot be read, and for recorded patches that make no plan any more."""
        so_far = so_far or ReplansSoFar()
        self._request_of_run = request
        self._recorder = recorder
        self._clock = clock
        self.policy = replan_policy(request)
        self.plans = plans_of(request.plan, so_far)
        self.draft = patched(self.plan, so_far.approved)
        self.pending: dict[str, Proposal] = dict(so_far.pending)
        self.plan_decision = so_far.plan_decision
        self._approved_at_us = list(so_far.approved_at_us)
        self._requested = so_far.requested
        self._steps: Steps | None = None
        self.early: dict[str, bool] = {}
        """What was decided by step before the steps ran again, in a run that is taken up."""
        self.held_anew: list[str] = []
        """The steps for which another plan was asked for since the run was taken up, before they ran again."""
        self.replaced_early: frozenset[str] = frozenset()

    @property
    def plan(self) -> CompiledPlan:
        """The plan of this pass."""
        return self.plans[-1]

    @property
    def rules(self) -> PolicyRules | None:
        """What judges the steps of this pass; None without a policy."""
        return None if self.policy is None else PolicyRules(self.policy, self.plan)

    def begin_pass(self) -> None:
        """The next pass begins, with what was approved."""
        self.plans.append(self.draft)
        self.pending.clear()
        self.plan_decision = None
        self._requested = 0

    def attend(self, steps: Steps | None) -> None:
        """These steps run from now on; None when they do not any more."""
        self._steps = steps

    # Asking

    def ask_for_step(self, result: StepResult, ask: ReplanAsk) -> Requested:
        """A rule wants another plan because of how a step ended."""
        rule = self._rule_patch(ask)
        cause: JsonObject = {"message": result.message, "reason": result.reason.value if result.reason else None}
        try:
            check_filled(self.draft, rule, result)
            patch, fault = fill(rule, result), ""
        except InputError as error:
            patch, fault = rule, describe_fault(error)
        return self._request(ask, patch, cause, stage=Stage.EXECUTE, step_id=result.step_id, fault=fault)

    def ask_for_plan(self, message: str, stage: Stage) -> Requested | None:
        """The plan as it is may not run; None where the policy has nothing to say to that."""
        ask = None if self.policy is None else PolicyRules(self.policy, self.plan).of_plan(message)
        if ask is None:
            return None
        requested = self._request(ask, self._rule_patch(ask), {"message": message, "reason": None}, stage=stage)
        self.plan_decision = requested.decision
        return requested

    def decide_again(self) -> list[Event]:
        """Decide what needs no person of what was asked for before the run was taken up; the events of that."""
        events: list[Event] = []
        for proposal in list(self.pending.values()):
            del self.pending[proposal.event_id]
            said, decision = self._consider(proposal)
            events += said
            if decision is not None:
                self._tell(proposal, approved=decision)
        return events

    def note(self, step_id: str, decision: bool | None) -> None:
        """Another plan was asked for because of this step, which does not run again; the decision if there is one."""
        self.held_anew.append(step_id)
        if decision is not None:
            self.early[step_id] = decision

    def _rule_patch(self, ask: ReplanAsk) -> JsonObject:
        assert self.policy is not None, "its rules asked"
        return self.policy.rules[ask.rule_index].patch or {}

    def _request(
        self,
        ask: ReplanAsk,
        patch: JsonObject,
        cause: JsonObject,
        *,
        stage: Stage,
        step_id: str | None = None,
        fault: str = "",
    ) -> Requested:
        proposal = Proposal(
            event_id=self._next_id(),
            trigger=ask.trigger,
            mode=ask.mode,
            severity=ask.severity,
            reason=ask.reason,
            patch=patch,
            message=str(cause.get("message") or ""),
            stage=stage,
            step_id=step_id,
            fault=fault,
        )
        event = self._requested_event(proposal, cause, rule=ask.rule_index)
        recorded = event.data["patch"]  # without secrets, as it is read back after a crash
        assert isinstance(recorded, dict)
        events, decision = self._consider(replace(proposal, patch=recorded))
        return Requested([event, *events], decision)

    def _next_id(self) -> str:
        self._requested += 1
        return f"r{self._recorder.pass_index}.{self._requested}"

    def _requested_event(self, proposal: Proposal, cause: JsonObject, *, rule: int | None) -> Event:
        data: JsonObject = {
            "event_id": proposal.event_id,
            "trigger": proposal.trigger.value,
            "severity": proposal.severity.value,
            "reason": proposal.reason,
            "mode": proposal.mode.value,
            "rule": rule,
            "patch": proposal.patch,
            "cause": cause,
        }
        if proposal.fault:
            data["fault"] = proposal.fault
        with suppress(InputError):  # the decision that follows says what is wrong with it
            data |= _sides(self._diff(compile_patched(self.draft, proposal.patch)))
        return self._recorder.event(EventKind.REPLAN_REQUESTED, data, stage=proposal.stage, step_id=proposal.step_id)

    # Deciding

    def _consider(self, proposal: Proposal) -> tuple[list[Event], bool | None]:
        """Decide what needs nobody; what does is pending from now on."""
        if proposal.fault:
            return [self._denied(proposal, _ENGINE, proposal.fault)], False
        try:
            plan = self._next_plan(proposal.patch)
        except InputError as error:
            return [self._denied(proposal, _ENGINE, describe_fault(error))], False
        if why := self._held_back():
            return [self._denied(proposal, _POLICY, why)], False
        if proposal.mode is ReplanMode.AUTO:
            return [self._approved(proposal, plan, _POLICY, proposal.reason, ReplanDecision.AUTO_APPROVED)], True
        self.pending[proposal.event_id] = proposal
        return [], None

    def _next_plan(self, patch: JsonObject) -> CompiledPlan:
        plan = compile_patched(self.draft, patch)
        if not touched(self._diff(plan)):
            raise InputError("the patch changes nothing")
        if forbidden := violation_of(self._request_of_run, plan):
            raise InputError(f"the plan with this patch may not run: {forbidden}")
        return plan

    def _diff(self, plan: CompiledPlan) -> ReplanPatchDiff:
        return diff_of(json.loads(self.draft.document), json.loads(plan.document))

    def _held_back(self) -> str:
        """Why the policy lets no other replan through now; nothing if it does."""
        policy = self.policy
        if policy is None:
            return ""
        if len(self._approved_at_us) >= policy.limit:
            plural = "" if policy.limit == 1 else "s"
            return f"the limit of {policy.limit} replan{plural} is reached"
        if not self._approved_at_us or not policy.cooling_sec:
            return ""
        left = policy.cooling_sec - (self._clock.now_us() - self._approved_at_us[-1]) / 1_000_000
        return f"cooling: {left:.{0 if left >= 10 else 1}f} s of {policy.cooling_sec:g} s left" if left > 0 else ""

    def _approved(
        self,
        proposal: Proposal,
        plan: CompiledPlan,
        by: str,
        reason: str,
        decision: ReplanDecision,
        *,
        replaces: bool = False,
    ) -> Event:
        more: JsonObject = {"patch": proposal.patch, "plan_hash": plan.plan_hash, **_sides(self._diff(plan))}
        if replaces:
            more["replaces"] = True  # the patch is not the one that was asked for
        event = self._decision(proposal, decision, by, reason, more)
        if proposal.trigger is not Trigger.OPERATOR:
            self._approved_at_us.append(event.at_us)
        self.draft = plan
        return event

    def _denied(self, proposal: Proposal, by: str, reason: str) -> Event:
        return self._decision(proposal, ReplanDecision.DENIED, by, reason, {"patch": None, "plan_hash": None})

    def _decision(self, proposal: Proposal, decision: ReplanDecision, by: str, reason: str, more: JsonObject) -> Event:
        data: JsonObject = {
            "event_id": proposal.event_id,
            "decision": decision.value,
            "decided_by": by,
            "decision_reason": reason,
            **more,
        }
        actor = by if by.startswith("operator:") else "engine"
        return self._recorder.event(
            EventKind.REPLAN_DECIDED, data, stage=proposal.stage, step_id=proposal.step_id, actor=actor
        )

    def close(self, because: str) -> list[Event]:
        """Nobody can decide any more: what is pending is denied."""
        events = [self._denied(proposal, _ENGINE, because) for proposal in self.pending.values()]
        self.pending.clear()
        return events

    # What an operator says

    def waiting_for(self, step_ids: Collection[str]) -> list[Proposal]:
        """What is pending of these steps."""
        return [proposal for proposal in self.pending.values() if proposal.step_id in step_ids]

    def answer(self, request: ControlRequest) -> list[Event]:
        """Act on approve, deny or replan. Raises InputError, with nothing changed, where there is nothing to say that of."""
        arguments = request.arguments
        reason, event_id = arguments.get("reason"), arguments.get("event_id")
        why = reason if isinstance(reason, str) else ""
        named = event_id if isinstance(event_id, str) and event_id else None
        match request.verb:
            case ControlVerb.DENY:
                return self._deny(chosen(self.pending, named), request.actor, why)
            case ControlVerb.REPLAN:
                return self._replan(arguments.get("patch"), named, request.actor, why)
            case _:
                return self._approve(chosen(self.pending, named), request.actor, why)

    def _deny(self, proposal: Proposal, actor: str, reason: str) -> list[Event]:
        del self.pending[proposal.event_id]
        event = self._denied(proposal, actor, reason)
        self._tell(proposal, approved=False)
        return [event]

    def _approve(self, proposal: Proposal, actor: str, reason: str, *, replaces: bool = False) -> list[Event]:
        policy = self.policy
        if self._steps is not None and self._steps.is_stopping:
            raise InputError("the run is stopping, so that no other plan can follow")
        if policy is not None and len(self._approved_at_us) >= policy.limit:
            raise InputError(self._held_back(), hint=f"deny {proposal.event_id}, and the run goes on as planned")
        plan = self._next_plan(proposal.patch)
        del self.pending[proposal.event_id]
        event = self._approved(proposal, plan, actor, reason, ReplanDecision.APPROVED, replaces=replaces)
        self._tell(proposal, approved=True)
        return [event]

    def _tell(self, proposal: Proposal, *, approved: bool) -> None:
        if proposal.step_id is None:
            self.plan_decision = approved
        elif self._steps is not None:
            self._steps.decided(proposal.step_id, approved=approved)
        else:
            self.early[proposal.step_id] = approved

    def _replan(self, document: Json, event_id: str | None, actor: str, reason: str) -> list[Event]:
        patch = read_patch(document, self.draft)
        if event_id is not None or self.pending:
            proposal = replace(chosen(self.pending, event_id), patch=patch)
            changed = touched(self._diff(self._next_plan(patch)))
            events = self._approve(proposal, actor, reason, replaces=True)
            if self._steps is not None:
                self._steps.replace(changed)
            else:
                self.replaced_early |= changed
            return events
        if self._steps is None or self._steps.is_stopping:
            raise InputError(
                "the run does not run its steps now, so its plan cannot be changed",
                hint="its plan is changed while steps run or wait for an approval; otherwise run the changed plan anew",
            )
        plan = self._next_plan(patch)
        said = Proposal(
            event_id=self._next_id(),
            trigger=Trigger.OPERATOR,
            mode=ReplanMode.APPROVAL,
            severity=Severity.INFO,
            reason=reason or f"{actor} changed the plan",
            patch=patch,
        )
        asked = self._requested_event(said, {"message": "", "reason": None}, rule=None)
        recorded = asked.data["patch"]
        assert isinstance(recorded, dict)
        said = replace(said, patch=recorded)
        changed = touched(self._diff(plan))
        decided = self._approved(said, plan, actor, reason, ReplanDecision.APPROVED)
        self._steps.replace(changed)
        return [replace(asked, actor=actor), decided]


def _sides(diff: ReplanPatchDiff) -> JsonObject:
    return {"before": diff.before, "after": diff.after}
