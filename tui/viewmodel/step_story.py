"""Why a step went as it did, told from its events: what it waited for, tried, was refused, took from a cache. Pure; sentences only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.model.states import Reason, StepStatus
from store.queries.query import json_object
from tui.viewmodel.words import duration, plural, short_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.model.json import Json, JsonObject
    from store.rows import EventRow, StepRow


class What(StrEnum):
    """What a line of the story is about."""

    CACHE = "cache"
    BREAKER = "breaker"
    STARTED = "started"
    ENDED = "ended"
    WAITED = "waited"
    SKIPPED = "skipped"
    SETTLED = "settled"
    NOT_BEGUN = "not_begun"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One thing that happened to a step or an item. `differs` names the inputs that were other than at the nearest kept result."""

    what: What
    text: str
    at_us: int | None = None
    item_index: int | None = None
    attempt: int | None = None
    differs: tuple[str, ...] = ()
    run_id: str | None = None

    def to_json(self) -> JsonObject:
        """For programs. `run_id` is another run that is spoken of."""
        return {
            "what": self.what.value,
            "text": self.text,
            "at_us": self.at_us,
            "item_index": self.item_index,
            "attempt": self.attempt,
            "differs": list(self.differs),
            "run_id": self.run_id,
        }


def step_story(step: StepRow, events: Iterable[EventRow], unsettled: Sequence[str]) -> list[Chapter]:
    """What happened to the step, in order. `unsettled` are the steps that it depends on and that have no end."""
    told = [chapter for event in events for chapter in _chapters(event)]
    if told or step.status is not StepStatus.PENDING:
        return told
    if unsettled:
        return [Chapter(What.NOT_BEGUN, f"has not begun: it waits for {', '.join(unsettled)}")]
    return [Chapter(What.NOT_BEGUN, "has not begun: it waits for its turn")]


def _chapters(event: EventRow) -> list[Chapter]:
    data = json_object(event.data)
    match event.kind:
        case EventKind.ATTEMPT_STARTING:
            told = _starting(event, data)
        case EventKind.ATTEMPT_FINISHED:
            told = _finished(event, data)
        case EventKind.STEP_WAITING:
            told = [_said(event, What.WAITED, _waiting(data))]
        case EventKind.STEP_FINISHED:
            told = _settled(event, data)
        case _:
            told = []
    return told


def _said(event: EventRow, what: What, text: str, differs: tuple[str, ...] = (), run_id: str | None = None) -> Chapter:
    return Chapter(what, text, event.at_us, event.item_index, event.attempt, differs, run_id)


def _starting(event: EventRow, data: JsonObject) -> list[Chapter]:
    told = []
    if isinstance(cache := data.get("cache"), dict):
        told.append(_cache(event, cache))
    if isinstance(moved := data.get("breaker"), dict):
        told.append(
            _said(event, What.BREAKER, f"the breaker of {moved.get('tool')} lets this attempt through as its probe")
        )
    child = data.get("child_run_id")
    run = f", as run {short_id(child)}" if isinstance(child, str) else ""
    text = f"attempt {event.attempt} began{run}"
    return [*told, _said(event, What.STARTED, text, run_id=child if isinstance(child, str) else None)]


def _cache(event: EventRow, cache: JsonObject) -> Chapter:
    nearest = cache.get("from")
    run_id = str(nearest["run_id"]) if isinstance(nearest, dict) else None
    differs = tuple(str(name) for name in _list(cache.get("differs")))
    match cache.get("state"):
        case "expired":
            text = f"the kept result of run {short_id(run_id or '')} was too old: {_age(event, nearest)}"
        case "off":
            note = cache.get("note")
            text = (
                f"no kept result was looked for: {note}"
                if note
                else "no kept result was looked for: nothing is kept here"
            )
        case "hit":
            text = f"the result was taken from run {short_id(run_id or '')}, where it was made {_age(event, nearest)} before"
        case _ if run_id is None:
            text = "no result of this step was kept so far"
        case _:
            others = ", ".join(differs) if differs else "something that is not recorded"
            text = f"no result was kept for these inputs; at the nearest one, of run {short_id(run_id)}, other was: {others}"
    return _said(event, What.CACHE, text, differs, run_id)


def _age(event: EventRow, nearest: Json) -> str:
    made = nearest.get("at_us") if isinstance(nearest, dict) else None
    return duration(event.at_us - made) if isinstance(made, int) else "some time"


def _finished(event: EventRow, data: JsonObject) -> list[Chapter]:
    status, message, reason = data.get("status"), data.get("message"), data.get("reason")
    text = f"attempt {event.attempt} {status}"
    if message or reason:
        text += f": {message or reason}"
    told = [_said(event, What.ENDED, text)]
    if isinstance(moved := data.get("breaker"), dict):
        told.append(_said(event, What.BREAKER, _moved(moved)))
    return told


def _moved(moved: JsonObject) -> str:
    tool, failures = moved.get("tool"), moved.get("failures")
    counted = plural(failures, "failure") if isinstance(failures, int) else "failures"
    match moved.get("phase"):
        case "open":
            return f"the breaker of {tool} opened after {counted} in a row"
        case "half_open":
            return f"the breaker of {tool} waits for another probe"
        case _:
            return f"the breaker of {tool} counts {counted} in a row" if failures else f"the breaker of {tool} closed"


def _waiting(data: JsonObject) -> str:
    delay = data.get("delay_ms")
    wait = duration(delay * 1000) if isinstance(delay, int) else "a while"
    following = data.get("next_attempt")
    match data.get("reason"):
        case "repeat":
            return f"until did not hold; attempt {following} {wait} later"
        case "breaker_open":
            return f"refused, because the breaker of its tool is open; attempt {following} not before {wait}"
        case "fallback":
            failure = data.get("failure")
            message = failure.get("message") if isinstance(failure, dict) else None
            return f"failed for good ({message}); its fallback {data.get('fallback_step')} is to stand in"
        case "quarantined":
            return "waits for a decision: it is critical, and the breaker of its tool is open"
        case _:
            return f"tries again: attempt {following} {wait} later"


def _settled(event: EventRow, data: JsonObject) -> list[Chapter]:
    told = []
    cache = data.get("cache")
    if isinstance(cache, dict) and cache.get("state") == "hit":
        told.append(_cache(event, cache))
    status, message, reason = data.get("status"), data.get("message"), data.get("reason")
    text = str(status)
    if reason == Reason.CACHE_HIT.value:
        text = f"{status} without an attempt"
    elif message or reason:
        text = f"{status}: {message or reason}"
    skipped = status == StepStatus.SKIPPED.value
    told.append(_said(event, What.SKIPPED if skipped else What.SETTLED, text))
    if isinstance(cache, dict) and cache.get("kept") is True:
        told.append(_said(event, What.CACHE, "its result is kept"))
    return told


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()
