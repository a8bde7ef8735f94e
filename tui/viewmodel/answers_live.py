"""What is said of a run that is not over: it goes on, waits for a person, or has lost its engine. Pure wording."""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING, Final

from engine.model.replan import ReplanDecision
from engine.model.states import PauseReason, Reason, StepStatus
from engine.ports import ControlVerb
from tui.viewmodel.breakers import breaker_next, breaker_remarks, from_when
from tui.viewmodel.explanation import Answer, Next, Remark
from tui.viewmodel.palette import Role
from tui.viewmodel.replans import change_lines
from tui.viewmodel.sentences import MOST_NAMED, ago, cancel, mark, names, person, resume, was
from tui.viewmodel.words import clock, duration, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json
    from store.queries.why import Happening
    from tui.viewmodel.explanation import Evidence, ItemsEvidence, StepEvidence
    from tui.viewmodel.runs import Moment

_MOST_CHANGES: Final = 2
_SLOW_FLOOR_US: Final = 1_000_000


def quarantined(e: Evidence, moment: Moment) -> Answer:
    """A run that waits for decisions about steps."""
    uncertain = uncertain_steps(e.turned, e.active)
    if e.turned is not None and e.turned.data.get("reason") == Reason.BREAKER_OPEN.value and uncertain:
        return _refused(e, uncertain, moment)
    since = f" since {clock(e.turned.at_us, now_us=moment.now_us, zone=moment.zone)}" if e.turned else ""
    remarks: list[Remark] = []
    for told in e.active:
        remarks += _in_flight(told)
    if not uncertain:
        said = str(e.turned.data.get("message") or "") if e.turned else ""
        return Answer(
            mark(e), said or f"it waits for a decision{since}", tuple(remarks), (resume(e, "go on"), cancel(e))
        )
    sentence = (
        f"it waits for your decision on {names(uncertain, len(uncertain))}{since}: "
        f"{'it was' if len(uncertain) == 1 else 'they were'} under way when the engine died, and the work may have been done or not"
    )
    return Answer(mark(e), sentence, tuple(remarks), (*decisions(e.short, uncertain), cancel(e)))


def _refused(e: Evidence, refused: Sequence[str], moment: Moment) -> Answer:
    """A run with critical steps that were not run because the breaker of their tool is open."""
    since = f" since {clock(e.turned.at_us, now_us=moment.now_us, zone=moment.zone)}" if e.turned else ""
    one = len(refused) == 1
    sentence = (
        f"it waits for your decision on {names(refused, len(refused))}{since}: {'it is' if one else 'they are'} critical, "
        f"and the breaker of {'its tool is' if one else 'their tools is'} open"
    )
    remarks: list[Remark] = []
    looks: list[Next] = []
    for told in e.active:
        failure = (told.waits or {}).get("failure")
        if isinstance(failure, dict) and failure.get("message"):
            remarks.append(Remark(f"{told.step.step_id}: {failure['message']}", Role.WARNING))
        if told.breaker is not None:
            remarks += breaker_remarks(told.breaker, e.run.run_id, moment)
            looks += breaker_next(told.breaker, e.run.run_id)
    it = "it" if one else "them"

    def command(option: str) -> str:
        return f"opscope resume {e.short} " + " ".join(f"--{option} {name}" for name in refused)

    steps = (
        *dict.fromkeys(looks),
        Next(command("retry"), f"try {it} as soon as the breaker lets {it}{from_when(e.active, moment)}"),
        Next(command("skip"), f"go on without {it}"),
        Next(command("succeeded"), f"you have done {'its' if one else 'their'} work by hand: go on from there"),
        cancel(e),
    )
    return Answer(mark(e), sentence, tuple(remarks), steps)


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


def paused(e: Evidence, moment: Moment) -> Answer:
    """A run in which nothing new starts, by the reason of that."""
    since = ""
    if e.turned:
        at = clock(e.turned.at_us, now_us=moment.now_us, zone=moment.zone)
        since = f" at {at}, {ago(e.turned.at_us, moment)}"
    remarks = [remark for told in e.active for remark in _under_way(told, moment)]
    match e.run.pause_reason:
        case PauseReason.OPERATOR:
            asked = [control for control in e.controls if control.data.get("verb") == ControlVerb.PAUSE]
            who = person(asked[-1].actor) if asked else "an operator"
            pending = _pending(e)
            also = f", and it asks for an approval: {'; '.join(pending.values())}" if pending else ""
            steps = (resume(e, "go on"), *_answers(e, pending), cancel(e))
            return Answer(mark(e), f"{who} paused it{since}{also}", (*remarks, *changes_of(e)), steps)
        case PauseReason.APPROVAL:
            pending = _pending(e) or _replans(e)
            what = f": {'; '.join(pending.values())}" if pending else ""
            sentence = f"it asked for an approval{since}{what}"
            return Answer(mark(e), sentence, (*remarks, *changes_of(e)), _answers(e, pending or {"": ""}))
        case PauseReason.STORAGE:
            sentence = f"the disk of {e.database} was full{since}; it goes on by itself when there is room"
            steps = (Next(f"df -h {_folder(e.database)}", "how full it is"), cancel(e))
            return Answer(mark(e), sentence, tuple(remarks), steps)
        case PauseReason.ENGINE_LOST:
            sentence = f"its engine died, which was noticed{since}; it can go on where it was"
            if under_way := uncertain_steps(e.turned, ()):
                text = f"Under way when it died, and run again by itself: {names(under_way, len(under_way))}."
                remarks = [Remark(text, Role.TEXT)]
            return Answer(mark(e), sentence, tuple(remarks), (resume(e, "go on"), cancel(e)))
        case None:
            return Answer(mark(e), f"it was paused{since}", tuple(remarks), (resume(e, "go on"), cancel(e)))


def _answers(e: Evidence, pending: Mapping[str, str]) -> tuple[Next, ...]:
    """Approve or deny, each by its name where there are several."""
    return tuple(
        step
        for event_id in pending
        for which in (f"{e.short} {event_id}" if len(pending) > 1 else e.short,)
        for step in (
            Next(f"opscope approve {which}", "let it go on as proposed", "a"),
            Next(f"opscope deny {which}", "refuse; on_failure of the step decides", "d"),
        )
    )


def changes_of(e: Evidence) -> list[Remark]:
    """What an approval would change in the plan, in short."""
    return [
        Remark(f"{one['event_id']} changes {said}", Role.WARNING)
        for one in e.replans
        if one["decision"] == ReplanDecision.PENDING
        for said in change_lines(one, _MOST_CHANGES)
    ]


def _pending(e: Evidence) -> dict[str, str]:
    """What nobody has decided about yet, as `_replans` has it; a pause does not hide it."""
    return _told([one for one in e.replans if one["decision"] == ReplanDecision.PENDING])


def _replans(e: Evidence) -> dict[str, str]:
    """What waits for approval, by the id of the event: `r0.1, step ping: timed out after 10 s (step_timeout)`."""
    listed = e.turned.data.get("replans") if e.turned else None
    return _told(listed if isinstance(listed, list) else [])


def _told(replans: Sequence[Json]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in replans:
        if isinstance(one, dict):
            subject = f"step {one['step_id']}" if one.get("step_id") else "the plan"
            event_id = str(one.get("event_id"))
            found[event_id] = f"{event_id}, {subject}: {one.get('reason')} ({one.get('trigger')})"
    return found


def lost(e: Evidence, moment: Moment) -> Answer:
    """A run whose engine is dead and that nobody has taken over."""
    running = [told.step.step_id for told in e.active if told.step.status is StepStatus.RUNNING]
    during = f" while {names(running, len(running))} {was(len(running))} running" if running else ""
    left = [f"process {told.pid} of {told.step.step_id}" for told in e.active if told.is_running]
    outlived = f", and {names(left, len(left))} still {'runs' if len(left) == 1 else 'run'}" if left else ""
    sentence = f"its engine died{during}{outlived}; nothing {'else ' if left else ''}goes on until somebody resumes it"
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
        remarks.append(Remark(f"Failed before that: {names(e.failed, e.number(StepStatus.FAILED))}.", Role.FAILED))
    remarks.append(Remark(f"It was engine {e.run.owner_engine}.", Role.DIM))
    steps = (
        resume(e, "take it over and go on; it asks about what is uncertain"),
        Next(f"opscope cancel {e.short}", "take it over and end it", "x"),
        Next(f"opscope logs {e.short}", "what its steps wrote"),
    )
    return Answer(mark(e), sentence, tuple(remarks), steps)


# Runs that are under way


def running(e: Evidence, moment: Moment) -> Answer:
    """A run that goes on: what it does now, and what of it is slow."""
    remarks: list[Remark] = []
    for told in e.active[:MOST_NAMED]:
        remarks += _under_way(told, moment)
    if e.failed:
        remarks.append(Remark(f"Failed already: {names(e.failed, e.number(StepStatus.FAILED))}.", Role.FAILED))
    if e.run.steps_total:
        remarks.append(Remark(f"{e.run.steps_done} of {plural(e.run.steps_total, 'step')} done.", Role.DIM))
    if e.engine_pid:
        remarks.append(Remark(f"Its engine is process {e.engine_pid}.", Role.DIM))
    steps = [Next(f"opscope logs {e.short} -f", "what it writes, as it comes"), cancel(e)]
    if len(e.active) == 1:
        steps[0] = Next(f"opscope logs {e.short} {e.active[0].step.step_id} -f", "what it writes, as it comes")
    elif e.locks:
        steps[0] = Next(f"opscope why {e.locks[0].run_id[: e.id_length]}", "what the run before it does")
    return Answer(mark(e), _doing(e, moment), tuple(remarks), tuple(steps))


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
        remarks.append(Remark(_waiting(told, moment), Role.WARNING))
        if told.breaker is not None:
            remarks += breaker_remarks(told.breaker, told.step.run_id, moment)
        return remarks
    if told.items is not None:
        remarks.append(_items(told, told.items))
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


def _waiting(told: StepEvidence, moment: Moment) -> str:
    """What a step waits for between two attempts."""
    step_id, number, waits = told.step.step_id, len(told.attempts), told.waits or {}
    left = max(0, told.until_us - moment.now_us) if told.until_us is not None else None
    soon = f" in {duration(left)}" if left is not None else ""
    following = waits.get("next_attempt") or number + 1
    said = told.attempts[-1].finished if told.attempts else None
    why = f": {said.get('message')}" if said and said.get("message") else ""
    match waits.get("reason"):
        case "repeat":
            return f"{step_id} is repeated: until did not hold after {plural(number, 'attempt')}; attempt {following}{soon}."
        case "breaker_open":
            return f"{step_id} was refused by the breaker of its tool; attempt {following}{soon}."
        case "fallback":
            failure = waits.get("failure")
            message = failure.get("message") if isinstance(failure, dict) else None
            because = f" ({message})" if message else ""
            return f"{step_id} failed for good{because}; its fallback {waits.get('fallback_step')} is to stand in."
        case _:
            return f"{step_id} failed {number} times{why}; attempt {following}{soon}."


def _items(told: StepEvidence, items: ItemsEvidence) -> Remark:
    """How far a step with items has come."""
    done = sum(number for status, number in items.numbers.items() if status.is_final)
    failed = items.numbers.get(StepStatus.FAILED, 0)
    bad = f", {failed} of them failed" if failed else ""
    text = f"{told.step.step_id}: {done} of the {plural(items.total, 'item')} that have begun are done{bad}."
    return Remark(text, Role.WARNING if failed else Role.TEXT)


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
        Remark(
            f"{told.step.step_id} was in attempt {max(1, number)}{where}{harmless}.",
            Role.WARNING if told.is_running else Role.TEXT,
        ),
    ]


def _folder(path: str) -> str:
    return shlex.quote(posixpath.dirname(path) or ".")
