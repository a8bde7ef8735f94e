"""What is said of a run in each state: the answer in one sentence, what belongs to it, and what to do. Pure wording."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason, RunStatus, Stage, StepStatus
from engine.ports import ControlVerb
from tui.viewmodel.answers_live import lost, paused, quarantined, running
from tui.viewmodel.breakers import breaker_next, breaker_remarks
from tui.viewmodel.explanation import Answer, Next, Remark
from tui.viewmodel.failures import looks_at
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import cause, rerun_words, run_duration_us
from tui.viewmodel.sentences import MOST_NAMED, mark, names, person, show, was
from tui.viewmodel.words import clock, duration, plural

if TYPE_CHECKING:
    from tui.viewmodel.explanation import Evidence
    from tui.viewmodel.runs import Moment

_BY_A_POLICY: Final = re.compile(r" is forbidden by policy/\S+, rule \S+: ")


def answer_of(e: Evidence, moment: Moment) -> Answer:
    """The answer for a run, by its state."""
    if e.engine_lost:
        return lost(e, moment)
    if e.run.imported_at_us is not None and not e.run.status.is_final:
        sentence = f"it was {e.run.status.value} when it was exported; here it does not go on"
        return Answer(mark(e), sentence, next=(show(e),))
    match e.run.status:
        case RunStatus.FAILED:
            return _failed(e, moment)
        case RunStatus.SUCCEEDED:
            return _succeeded(e)
        case RunStatus.CANCELED:
            return _canceled(e, moment)
        case RunStatus.QUARANTINED:
            return quarantined(e, moment)
        case RunStatus.PAUSED:
            return paused(e, moment)
        case RunStatus.PENDING | RunStatus.RUNNING:
            return running(e, moment)


def about(e: Evidence, moment: Moment) -> str:
    """Which run this is: plan, id, when, by whom, where, how long."""
    run = e.run
    environment = e.recorded.created.get("environment")
    host = environment.get("host") if isinstance(environment, dict) else None
    took = run_duration_us(run, moment, engine_lost=e.engine_lost)
    started = clock(run.started_at_us or run.created_at_us, now_us=moment.now_us, zone=moment.zone)
    parts = [
        f"{run.plan_id} {run.plan_version}".rstrip(),
        f"run {e.short}",
        f"started {started}{f' by {person(e.recorded.actor)}' if e.recorded.actor else ''}{f' on {host}' if host else ''}",
    ]
    if run.source_run_id is not None:
        parts.append(rerun_words(run))
    if took is not None:
        parts.append(f"{'took' if run.status.is_final else 'for'} {duration(took)}")
    return ", ".join(parts)


# Runs that are over


def _failed(e: Evidence, moment: Moment) -> Answer:
    first = e.run.first_cause or {}
    step_id, stage = first.get("step_id"), first.get("stage")
    remarks: list[Remark] = []
    remarks += [
        Remark(
            f"Another plan was asked for because of it, and denied: {one['decision_reason'] or one['decided_by']}.",
            Role.WARNING,
        )
        for one in e.replans
        if one["decision"] == "denied"
        and (one["step_id"] == step_id or (one["step_id"] is None and one["stage"] == stage))
    ]
    if followers := _followers(e):
        remarks.append(followers)
    known = {step_id}
    if e.cause is not None and e.cause.fallback is not None:
        known.add(e.cause.fallback.step.step_id)
    if e.cause is not None and e.cause.breaker is not None:
        remarks += breaker_remarks(e.cause.breaker, e.run.run_id, moment)
    others = [name for name in e.failed if name not in known]
    if others:
        number = e.number(StepStatus.FAILED) - len(known.intersection(e.failed))
        remarks.append(Remark(f"Also failed, by itself: {names(others, number)}.", Role.FAILED))
    if not e.run.has_plan:
        remarks.append(Remark(f"It was asked: {e.run.words}", Role.TEXT))
    elif e.comparison is None:
        remarks.append(Remark(f"No earlier run of {e.run.plan_id} has succeeded.", Role.DIM))
    if step_id is None:
        # The first error of the stage is the answer; here are the others.
        errors = [text for said in e.remarks if said.stage == stage for text in said.errors]
        remarks += [Remark(text, Role.FAILED) for text in errors if text != first.get("message")][:MOST_NAMED]
    steps: list[Next] = []
    if isinstance(step_id, str):
        steps += _look_at_step(e, step_id)
    elif stage in set(Stage):
        steps.append(Next(f"opscope show '{e.short}/stage/{stage}'", "what went into the stage, and its errors"))
    else:
        steps.append(show(e))
    return Answer(mark(e), cause(e.run), tuple(remarks), (*steps, *_again(e)))


def _succeeded(e: Evidence) -> Answer:
    warnings = [text for said in e.remarks for text in said.warnings]
    remarks = [Remark(text, Role.WARNING) for text in warnings[:MOST_NAMED]]
    if len(warnings) > MOST_NAMED:
        remarks.append(Remark(f"and {plural(len(warnings) - MOST_NAMED, 'more warning')}", Role.WARNING))
    sentence = (
        f"nothing failed the run, but there {_is_are(len(warnings), 'warning')}" if warnings else "nothing failed"
    )
    if decided := e.number(StepStatus.SUCCEEDED, StepStatus.SKIPPED, reason=Reason.OPERATOR):
        remarks.append(Remark(f"{plural(decided, 'step')} {was(decided)} decided on by an operator.", Role.WARNING))
    if skipped := e.number(StepStatus.SKIPPED):
        remarks.append(Remark(f"{plural(skipped, 'step')} {was(skipped)} skipped.", Role.DIM))
    steps = _look_at_step(e, e.cause.step.step_id) if e.cause else []
    return Answer(mark(e), sentence, tuple(remarks), (*steps, show(e)))


def _canceled(e: Evidence, moment: Moment) -> Answer:
    asked = [control for control in e.controls if control.data.get("verb") == ControlVerb.CANCEL]
    remarks: list[Remark] = []
    if asked:
        first = asked[0]
        when = clock(first.at_us, now_us=moment.now_us, zone=moment.zone)
        sentence = f"{person(first.actor)} canceled it at {when}"
        forced = next((control for control in asked if control.data.get("force")), None)
        if forced is not None:
            remarks.append(Remark(f"By force: {person(forced.actor)}. Steps under finally were not run.", Role.WARNING))
    else:
        said = next((stopped.step.message for stopped in e.active if stopped.step.message), "")
        sentence = said.removeprefix("stopped: ") or "it was canceled; who asked for it was not recorded"
    for stopped in e.active[:MOST_NAMED]:
        took = duration(stopped.step.duration_us)
        remarks.append(Remark(f"{stopped.step.step_id} was running, for {took}, and was stopped.", Role.TEXT))
    never = e.number(StepStatus.CANCELED) - len(e.active)
    if never > 0:
        remarks.append(Remark(f"{plural(never, 'step')} had not begun.", Role.DIM))
    if e.failed:
        number = e.number(StepStatus.FAILED)
        remarks.append(Remark(f"Failed before that: {names(e.failed, number)}.", Role.FAILED))
    return Answer(mark(e), sentence, tuple(remarks), (show(e), *_again(e)))


def _followers(e: Evidence) -> Remark | None:
    """The cascade, in one line."""
    skipped = e.number(StepStatus.SKIPPED, reason=Reason.DEPENDENCY_FAILED)
    canceled = e.number(StepStatus.CANCELED, reason=Reason.ABORTED)
    if not skipped + canceled:
        return None
    more = f"Because of it {plural(skipped + canceled, 'more step')} {was(skipped + canceled)}"
    if skipped and canceled:
        return Remark(f"{more} not run to the end: {canceled} canceled, {skipped} skipped.", Role.DIM)
    return Remark(f"{more} {'canceled' if canceled else 'skipped'}.", Role.DIM)


def _is_are(number: int, noun: str) -> str:
    return f"{'is' if number == 1 else 'are'} {plural(number, noun)}"


def _look_at_step(e: Evidence, step_id: str) -> list[Next]:
    looks = [Next(f"opscope show '{e.short}/stage/execute?step={step_id}'", "the step with all its attempts")]
    if e.cause is None:
        return looks
    if e.cause.told.tail is not None:
        index = e.cause.told.step.item_index
        item = "" if index is None else f" --item {index}"
        what = "everything it wrote" if index is None else "everything that item wrote"
        looks.insert(0, Next(f"opscope logs {e.short} {step_id}{item}", what))
    if e.cause.breaker is not None:
        looks += breaker_next(e.cause.breaker, e.run.run_id)
    return [*looks_at(e.cause), *looks]


def _again(e: Evidence) -> list[Next]:
    if e.again and _is_forbidden(e):
        return [Next(e.again, "run it when the plan or the policy is another; until then it is refused again")]
    return [Next(e.again, "run it once more")] if e.again else []


def _is_forbidden(e: Evidence) -> bool:
    """True if a policy forbade what failed: nothing but another plan or another policy helps."""
    return _BY_A_POLICY.search(str((e.run.first_cause or {}).get("message") or "")) is not None
