"""What a run says that waits for an operator's word about a replan, and which one an answer is about. Acting on it is desk.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.model.states import PauseReason
from engine.pipeline.replan.patching import compile_patched, read_patch
from engine.pipeline.replan.plans import patched, plans_of
from engine.ports import ControlVerb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import JsonObject
    from engine.pipeline.replan.story import Proposal, ReplansSoFar
    from engine.plan.compiled import CompiledPlan
    from engine.ports import ControlRequest

_SHORT = 6  # of a run's id, in a sentence


def pause_data(run_id: str, proposals: Sequence[Proposal]) -> JsonObject:
    """What is said of a run that waits for an operator's word about these: for `run.paused`."""
    said = "; ".join(f"{proposal.subject}: {proposal.reason} ({proposal.trigger})" for proposal in proposals)
    which = run_id[:_SHORT] if len(proposals) == 1 else f"{run_id[:_SHORT]} {proposals[0].event_id}"
    return {
        "reason": PauseReason.APPROVAL.value,
        "message": f"another plan waits for approval, because of {said}: opscope approve {which}, or opscope deny {which}",
        "event_ids": [proposal.event_id for proposal in proposals],
        "replans": [
            {
                "event_id": proposal.event_id,
                "step_id": proposal.step_id,
                "trigger": proposal.trigger.value,
                "severity": proposal.severity.value,
                "reason": proposal.reason,
            }
            for proposal in proposals
        ],
    }


def check_answer(plan: CompiledPlan, so_far: ReplansSoFar, answer: ControlRequest) -> None:
    """Whether an answer can be given to a run that is to be taken up with it. Raises InputError as `ReplanDesk.answer` does."""
    draft = patched(plans_of(plan, so_far)[-1], so_far.approved)
    event_id = answer.arguments.get("event_id")
    chosen(so_far.pending, event_id if isinstance(event_id, str) and event_id else None)
    if answer.verb is ControlVerb.REPLAN:
        compile_patched(draft, read_patch(answer.arguments.get("patch"), draft))


def chosen(pending: Mapping[str, Proposal], event_id: str | None) -> Proposal:
    """The pending replan that is meant. Raises InputError, with those that there are."""
    if event_id is not None and event_id in pending:
        return pending[event_id]
    listed = "; ".join(map(str, pending.values()))
    if event_id is not None:
        hint = f"these do: {listed}" if listed else "nothing in the run does"
        raise InputError(f"replan {event_id} does not wait for an approval", hint=hint)
    if not pending:
        raise InputError("nothing in the run waits for an approval")
    if len(pending) > 1:
        raise InputError(f"{len(pending)} replans wait for an approval", hint=f"name one: {listed}")
    return next(iter(pending.values()))
