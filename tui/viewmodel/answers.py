"""What is said of a run in each state: the answer in one sentence, what belongs to it, and what to do. Pure wording."""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING, Final

from engine.model.states import PauseReason, Reason, RunStatus, Stage, StepStatus
from engine.ports import ControlVerb
from tui.viewmodel.explanation import Answer, Next, Remark
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import cause, run_duration_us
from tui.viewmodel.words import clock, duration, plural, run_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.queries.why import Happening
    from tui.viewmodel.explanation import Evidence, StepEvidence
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.words import Mark

MOST_NAMED: Final = 5
_SLOW_FLOOR_US: Final = 1_000_000


def answer_of(e: Evidence, moment: Moment) -> Answer:
    """The answer for a run, by its state."""
    if e.engine_lost:
        return _lost(e, moment)
    if e.run.imported_at_us is not None and not e.run.status.is_final:
        sentence = f"it was {e.run.status.value} when it was exported; here it does not go on"
        return Answer(_mark(e), sentence, next=(_show(e),))
    match e.run.status:
        case RunStatus.FAILED:
            return _failed(e)
        case RunStatus.SUCCEEDED:
            return _succeeded(e)
        case RunStatus.CANCELED:
            return _canceled(e, moment)
        case RunStatus.QUARANTINED:
            return _quarantined(e, moment)
        case RunStatus.PAUSED:
            return _paused(e, moment)
        case RunStatus.PENDING | RunStatus.RUNNING:
            return _running(e, moment)


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
    if took is not None:
        parts.append(f"{'took' if run.status.is_final else 'for'} {duration(took)}")
    return ", ".join(parts)


def person(actor: str) -> str:
    """An actor as people name it."""
    return actor.removeprefix("operator:")


def ago(at_us: int, moment: Moment) -> str:
    """`12m 03s ago`."""
    return f"{duration(max(0, moment.now_us - at_us))} ago"


# Runs that are over


def _failed(e: Evidence) -> Answer:
    first = e.run.first_cause or {}
    step_id, stage = first.get("step_id"), first.get("stage")
    remarks: list[Remark] = []
    if followers := _followers(e):
        remarks.append(followers)
    others = [name for name in e.failed if name != step_id]
    if others:
        number = e.number(StepStatus.FAILED) - (1 if step_id in e.failed else 0)
        remarks.append(Remark(f"Also failed, by itself: {_names(others, number)}.", Role.FAILED))
    if e.comparison is None:
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
        steps.append(_show(e))
    return Answer(_mark(e), cause(e.run), tuple(remarks), (*steps, *_again(e)))


def _succeeded(e: Evidence) -> Answer:
    warnings = [text for said in e.remarks for text in said.warnings]
    remarks = [Remark(text, Role.WARNING) for text in warnings[:MOST_NAMED]]
    if len(warnings) > MOST_NAMED:
        remarks.append(Remark(f"and {plural(len(warnings) - MOST_NAMED, 'more warning')}", Role.WARNING))
    sentence = (
        f"nothing failed the run, but there {_is_are(len(warnings), 'warning')}" if warnings else "nothing failed"
    )
    if decided := e.number(StepStatus.SUCCEEDED, StepStatus.SKIPPED, reason=Reason.OPERATOR):
        remarks.append(Remark(f"{plural(decided, 'step')} {_was(decided)} decided on by an operator.", Role.WARNING))
    if skipped := e.number(StepStatus.SKIPPED):
        remarks.append(Remark(f"{plural(skipped, 'step')} had nothing to do and {_was(skipped)} skipped.", Role.DIM))
    steps = _look_at_step(e, e.cause.step.step_id) if e.cause else []
    return Answer(_mark(e), sentence, tuple(remarks), (*steps, _show(e)))


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
        remarks.append(Remark(f"Failed before that: {_names(e.failed, number)}.", Role.FAILED))
    return Answer(_mark(e), sentence, tuple(remarks), (_show(e), *_again(e)))


# Runs that wait for a person


def _quarantined(e: Evidence, moment: Moment) -> Answer:
    uncertain = uncertain_steps(e.turned, e.active)
    since = f" since {clock(e.turned.at_us, now_us=moment.now_us, zone=moment.zone)}" if e.turned else ""
    remarks: list[Remark] = []
    for told in e.active:
        remarks += _in_flight(told)
    if not uncertain:
        said = str(e.turned.data.get("message") or "") if e.turned else ""
        return Answer(
            _mark(e), said or f"it waits for a decision{since}", tuple(remarks), (_resume(e, "go on"), _cancel(e))
        )
    sentence = (
        f"it waits for your decision on {_names(uncertain, len(uncertain))}{since}: "
        f"{'it was' if len(uncertain) == 1 else 'they were'} under way when the engine died, and the work may have been done or not"
    )
    return Answer(_mark(e), sentence, tuple(remarks), (*decisions(e.short, uncertain), _cancel(e)))


def uncertain_steps(turned: Happening | None, active: Sequence[StepEvidence]) -> list[str]:
    """The steps that an operator has to decide on: as the event names them, else those that were under way."""
    named = turned.data.get("uncertain") if turned else None
    if isinstance(named, list) and named:
        return [str(name) for name in named]
    return [told.step.step_id for told in active]


def decisions(run: str, uncertain: Sequence[str]) -> list[Next]:
    """The three ways to go on. Every uncertain step needs a decision, so each command names them all."""

    def command(option: str) -> str:
        return f"opscope resume {run} " + " ".join(f"--{option} {name}" for name in uncertain)

    one = len(uncertain) == 1
    steps = [
        Next(command("succeeded"), f"{'it has' if one else 'they have'} done the work: go on from there"),
        Next(command("retry"), f"run {'it' if one else 'them'} again"),
        Next(command("skip"), f"go on without {'it' if one else 'them'}"),
    ]
    if not one:
        steps.append(
            Next(f"opscope resume {run} --retry {uncertain[0]} --skip {uncertain[1]}", "or decide on each by itself")
        )
    return steps


def _paused(e: Evidence, moment: Moment) -> Answer:
    since = ""
    if e.turned:
        at = clock(e.turned.at_us, now_us=moment.now_us, zone=moment.zone)
        since = f" at {at}, {ago(e.turned.at_us, moment)}"
    remarks = [remark for told in e.active for remark in _under_way(told, moment)]
    match e.run.pause_reason:
        case PauseReason.OPERATOR:
            asked = [control for control in e.controls if control.data.get("verb") == ControlVerb.PAUSE]
            who = person(asked[-1].actor) if asked else "an operator"
            return Answer(_mark(e), f"{who} paused it{since}", tuple(remarks), (_resume(e, "go on"), _cancel(e)))
        case PauseReason.APPROVAL:
            steps = (
                Next(f"opscope approve {e.short}", "let it go on as proposed", "a"),
                Next(f"opscope deny {e.short}", "refuse; on_failure of the step decides", "d"),
            )
            return Answer(_mark(e), f"it asked for an approval{since}", tuple(remarks), steps)
        case PauseReason.STORAGE:
            sentence = f"the disk of {e.database} was full{since}; it goes on by itself when there is room"
            steps = (Next(f"df -h {_folder(e.database)}", "how full it is"), _cancel(e))
            return Answer(_mark(e), sentence, tuple(remarks), steps)
        case PauseReason.ENGINE_LOST:
            sentence = f"its engine died, which was noticed{since}; it can go on where it was"
            if under_way := uncertain_steps(e.turned, ()):
                text = f"Under way when it died, and run again by itself: {_names(under_way, len(under_way))}."
                remarks = [Remark(text, Role.TEXT)]
            return Answer(_mark(e), sentence, tuple(remarks), (_resume(e, "go on"), _cancel(e)))
        case None:
            return Answer(_mark(e), f"it was paused{since}", tuple(remarks), (_resume(e, "go on"), _cancel(e)))


def _lost(e: Evidence, moment: Moment) -> Answer:
    running = [told.step.step_id for told in e.active if told.step.status is StepStatus.RUNNING]
    during = f" while {_names(running, len(running))} {_was(len(running))} running" if running else ""
    sentence = f"its engine died{during}; nothing goes on until somebody resumes it"
    remarks: list[Remark] = []
    if e.last:
        at = clock(e.last.at_us, now_us=moment.now_us, zone=moment.zone)
        where = f" of {e.last.step_id}" if e.last.step_id else ""
        remarks.append(
            Remark(f"The last it recorded: {e.last.kind.value}{where} at {at}, {ago(e.last.at_us, moment)}.", Role.TEXT)
        )
    for told in e.active:
        remarks += _in_flight(told)
    if e.failed:
        remarks.append(Remark(f"Failed before that: {_names(e.failed, e.number(StepStatus.FAILED))}.", Role.FAILED))
    remarks.append(Remark(f"It was engine {e.run.owner_engine}.", Role.DIM))
    steps = (
        _resume(e, "take it over and go on; it asks about what is uncertain"),
        Next(f"opscope cancel {e.short}", "take it over and end it", "x"),
        Next(f"opscope logs {e.short}", "what its steps wrote"),
    )
    return Answer(_mark(e), sentence, tuple(remarks), steps)


# Runs that are under way


def _running(e: Evidence, moment: Moment) -> Answer:
    remarks: list[Remark] = []
    for told in e.active[:MOST_NAMED]:
        remarks += _under_way(told, moment)
    if e.failed:
        remarks.append(Remark(f"Failed already: {_names(e.failed, e.number(StepStatus.FAILED))}.", Role.FAILED))
    if e.run.steps_total:
        remarks.append(Remark(f"{e.run.steps_done} of {plural(e.run.steps_total, 'step')} done.", Role.DIM))
    if e.engine_pid:
        remarks.append(Remark(f"Its engine is process {e.engine_pid}.", Role.DIM))
    steps = [Next(f"opscope logs {e.short} -f", "what it writes, as it comes"), _cancel(e)]
    if len(e.active) == 1:
        steps[0] = Next(f"opscope logs {e.short} {e.active[0].step.step_id} -f", "what it writes, as it comes")
    elif e.locks:
        steps[0] = Next(f"opscope why {e.locks[0].run_id[: e.id_length]}", "what the run before it does")
    return Answer(_mark(e), _doing(e, moment), tuple(remarks), tuple(steps))


def _doing(e: Evidence, moment: Moment) -> str:
    if e.locks:
        first = e.locks[0]
        others = len({block.name for block in e.locks}) - 1
        more = f", and for {plural(others, 'more lock')}" if others else ""
        behind = f"run {first.run_id[: e.id_length]} of {first.plan_id}"
        how = f"held by {behind}" if first.is_held else f"which {behind} asked for earlier"
        return f"it waits for the lock {first.name}, {how}{more}"
    running = [told for told in e.active if told.step.status is StepStatus.RUNNING]
    if len(running) == 1:
        return f"{running[0].step.step_id} has been running for {duration(_elapsed(running[0], moment))}"
    if running:
        longest = max(running, key=lambda told: _elapsed(told, moment))
        number = max(len(running), e.number(StepStatus.RUNNING))
        return f"{plural(number, 'step')} are running, {longest.step.step_id} for {duration(_elapsed(longest, moment))}"
    if e.active:
        return f"{e.active[0].step.step_id} waits for its next attempt"
    if e.run.started_at_us is None:
        return "it has been made and has not begun"
    return f"it is in the stage {e.run.stage.value}" if e.run.stage else "it has begun"


def _elapsed(told: StepEvidence, moment: Moment) -> int:
    started = told.attempts[-1].started_at_us if told.attempts else told.step.started_at_us
    return max(0, moment.now_us - started) if started is not None else 0


def _under_way(told: StepEvidence, moment: Moment) -> list[Remark]:
    step_id, number = told.step.step_id, len(told.attempts)
    remarks: list[Remark] = []
    if told.step.status is StepStatus.WAITING:
        left = max(0, told.until_us - moment.now_us) if told.until_us is not None else None
        said = told.attempts[-1].finished if told.attempts else None
        why = f": {said.get('message')}" if said and said.get("message") else ""
        soon = f" in {duration(left)}" if left is not None else ""
        remarks.append(Remark(f"{step_id} failed {number} times{why}; attempt {number + 1}{soon}.", Role.WARNING))
        return remarks
    took = _elapsed(told, moment)
    if number > 1:
        remarks.append(Remark(f"{step_id} is in its attempt {number}.", Role.WARNING))
    if told.then_us is not None:
        slow = took >= 2 * told.then_us and took - told.then_us >= _SLOW_FLOOR_US
        than = f", {took // max(1, told.then_us)} times as long now" if slow else ""
        remarks.append(
            Remark(
                f"{step_id} took {duration(told.then_us)} in the last good run{than}.",
                Role.WARNING if slow else Role.DIM,
            )
        )
    return remarks


# Sentences that several states share


def _mark_role(told: StepEvidence) -> Role:
    return Role.WARNING if told.is_running else Role.TEXT


def _in_flight(told: StepEvidence) -> list[Remark]:
    """What is known of an attempt whose engine is gone."""
    idempotent = told.attempts[-1].starting.get("idempotent") if told.attempts else None
    harmless = "; the plan calls it idempotent, so it is run again by itself" if idempotent is True else ""
    where = ""
    if told.pid is not None:
        where = {True: f", process {told.pid} still runs", False: f", its process {told.pid} has ended", None: ""}[
            told.is_running
        ]
    number = told.attempts[-1].attempt if told.attempts else told.step.attempts
    return [
        Remark(f"{told.step.step_id} was in attempt {max(1, number)}{where}{harmless}.", _mark_role(told)),
    ]


def _followers(e: Evidence) -> Remark | None:
    """The cascade, in one line."""
    skipped = e.number(StepStatus.SKIPPED, reason=Reason.DEPENDENCY_FAILED)
    canceled = e.number(StepStatus.CANCELED, reason=Reason.ABORTED)
    if not skipped + canceled:
        return None
    more = f"Because of it {plural(skipped + canceled, 'more step')} {_was(skipped + canceled)}"
    if skipped and canceled:
        return Remark(f"{more} not run to the end: {canceled} canceled, {skipped} skipped.", Role.DIM)
    return Remark(f"{more} {'canceled' if canceled else 'skipped'}.", Role.DIM)


def _names(names: Sequence[str], number: int) -> str:
    """At most a few names, and how many more there are."""
    shown = ", ".join(names[:MOST_NAMED])
    more = max(number, len(names)) - min(len(names), MOST_NAMED)
    return f"{shown} and {more} more" if more > 0 else shown


def _is_are(number: int, noun: str) -> str:
    return f"{'is' if number == 1 else 'are'} {plural(number, noun)}"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _mark(e: Evidence) -> Mark:
    return run_mark(e.run.status, engine_lost=e.engine_lost)


def _look_at_step(e: Evidence, step_id: str) -> list[Next]:
    looks = [Next(f"opscope show '{e.short}/stage/execute?step={step_id}'", "the step with all its attempts")]
    if e.cause is not None and e.cause.tail is not None:
        looks.insert(0, Next(f"opscope logs {e.short} {step_id}", "everything it wrote"))
    return looks


def _show(e: Evidence) -> Next:
    return Next(f"opscope show {e.short}", "the whole run")


def _again(e: Evidence) -> list[Next]:
    return [Next(e.again, "run it once more")] if e.again else []


def _resume(e: Evidence, meaning: str) -> Next:
    return Next(f"opscope resume {e.short}", meaning, "p")


def _cancel(e: Evidence) -> Next:
    return Next(f"opscope cancel {e.short}", "end it", "x")


def _folder(path: str) -> str:
    return shlex.quote(posixpath.dirname(path) or ".")
