"""What follows when the other plan that a run asked for is denied, as a sentence, from what the file says. Denying is steering.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.replan import ReplanDecision
from engine.model.states import OnFailure, StepStatus
from store.queries import plan_of, replan_events_of, step_by_id
from store.queries.query import json_object
from tui.viewmodel.shell_text import plan_step
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json, JsonObject
    from store.reader import Reader
    from store.rows import RunRow


def what_follows(reader: Reader, run: RunRow, event_id: Json) -> str:
    """What a denial leads to; `event_id` names the replan where several wait. To be asked before it is denied."""
    short = short_id(run.run_id)
    events = [one for one in reader.run(replan_events_of(run.run_id)) if isinstance(one, dict)]
    pending = [
        one for one in events if one["decision"] == ReplanDecision.PENDING.value and one["pass_index"] == run.pass_index
    ]
    meant = next((one for one in pending if len(pending) == 1 or one["event_id"] == event_id), None)
    if meant is None:
        return f"run {short} goes on as planned"
    if others := [str(one["event_id"]) for one in pending if one is not meant]:
        return f"run {short}: {meant['event_id']} is denied; {', '.join(others)} still waits for an approval"
    step_id = meant["step_id"]
    if not isinstance(step_id, str):
        return f"run {short}: its plan stays as it is, and what its policy forbids ends the run"
    step = reader.run(step_by_id(run.run_id, step_id, run.pass_index))
    if step is None or step.status is not StepStatus.FAILED:
        return f"run {short} goes on as planned"
    plan = reader.run(plan_of(run.run_id))
    document = json_object(plan.document) if plan is not None else {}
    return (
        f"run {short}: {step_id} stays failed; {_consequence(_on_failure(document, events, step_id, run.pass_index))}"
    )


def _on_failure(document: JsonObject, events: Sequence[JsonObject], step_id: str, pass_index: int) -> OnFailure:
    """As the plan of this pass has it: the first one, with what was approved in the passes before."""
    said: Json = plan_step(document, step_id).get("on_failure")
    for event in events:
        index = event["pass_index"]
        if event["decision"] in _APPROVED and isinstance(index, int) and index < pass_index:
            patch = event["patch"]
            before, after = (_step(patch, side, step_id) for side in ("before", "after"))
            if "on_failure" in before or "on_failure" in after:
                said = after.get("on_failure")
    return next((one for one in OnFailure if one.value == said), OnFailure.ABORT)


_APPROVED = frozenset({ReplanDecision.APPROVED.value, ReplanDecision.AUTO_APPROVED.value})


def _step(patch: Json, side: str, step_id: str) -> JsonObject:
    steps = patch.get(side) if isinstance(patch, dict) else None
    step = steps.get(step_id) if isinstance(steps, dict) else None
    return step if isinstance(step, dict) else {}


def _consequence(on_failure: OnFailure) -> str:
    match on_failure:
        case OnFailure.ABORT:
            return "on_failure: abort ends the run"
        case OnFailure.FALLBACK_STEP:
            return "its fallback has not helped, which ends the run"
        case OnFailure.SKIP_DEPENDENTS:
            return "on_failure: skip_dependents leaves out what depends on it, and the run fails"
        case OnFailure.CONTINUE:
            return "on_failure: continue lets the run go on"
