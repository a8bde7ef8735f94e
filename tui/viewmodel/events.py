"""The Events tab as text: how one event reads in a line, its whole data, and the filter. No widgets, no SQL."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from engine.model.event import EventKind
from store.queries import EventFilter
from tui.viewmodel.json_nodes import Branch, Node
from tui.viewmodel.logs import new_lines
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import Line, Span, fit, joined, span
from tui.viewmodel.words import count, duration, iso, plural, short_kind, time_of_day

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model.json import Json, JsonObject
    from store.queries import EventHead
    from store.rows import EventRow
    from tui.viewmodel.runs import Moment

_WIDEST_WHERE: Final = 22
_NARROW_WHERE: Final = 14
_WIDE: Final = 100
_KIND: Final = max(len(short_kind(kind)) for kind in EventKind)
_ROLES: Final = {
    EventKind.RUN_SUCCEEDED: Role.SUCCEEDED,
    EventKind.RUN_FAILED: Role.FAILED,
    EventKind.RUN_QUARANTINED: Role.QUARANTINED,
    EventKind.RUN_TAKEN_OVER: Role.WARNING,
    EventKind.STEP_WAITING: Role.WARNING,
    EventKind.CONTROL_RECEIVED: Role.RUNNING,
    EventKind.ORCHESTRATION_EXECUTION_FAILED: Role.FAILED,
}
_STATUS_ROLES: Final = {
    "failed": Role.FAILED,
    "error": Role.FAILED,
    "quarantined": Role.QUARANTINED,
    "succeeded": Role.SUCCEEDED,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the columns of the list of events; all but the last are fixed."""

    seq: int
    time: int
    kind: int
    where: int


def columns(cells: int, last_seq: int) -> Columns:
    """The columns at a width, for a run that has come to `last_seq`."""
    wide = cells >= _WIDE
    return Columns(
        max(4, len(str(last_seq))),
        12 if wide else 8,
        _KIND,
        _WIDEST_WHERE if wide else _NARROW_WHERE,
    )


def event_header(plan: Columns) -> Line:
    """The titles of the columns."""
    return (
        Span(
            f" {'SEQ':>{plan.seq}}  {'TIME':<{plan.time}}  {'KIND':<{plan.kind}}  {'WHERE':<{plan.where}}  WHAT",
            Role.DIM,
        ),
    )


def event_line(head: EventHead, plan: Columns, moment: Moment) -> Line:
    """One event: number, time, kind, step and attempt or stage, and the little of its data that fits."""
    at = time_of_day(head.at_us, zone=moment.zone, exact=plan.time > 8)
    kind = short_kind(head.kind)
    where, role = where_of(head)
    return (
        Span(f" {head.seq:>{plan.seq}}  {at}  ", Role.DIM),
        Span(fit(kind, plan.kind) + "  ", _ROLES.get(head.kind, Role.TEXT)),
        Span(fit(where, plan.where) + "  ", role),
        *told(head),
    )


def where_of(head: EventHead) -> tuple[str, Role]:
    """The step with its attempt, the asset by its alias, or the stage, that an event belongs to."""
    if head.kind is EventKind.ASSET_RESOLVED:
        return _text(head.told, "alias"), Role.TEXT
    if head.step_id is None:
        return (head.stage.value, STAGE_ROLES[head.stage]) if head.stage else ("", Role.DIM)
    item = "" if head.item_index is None else f"[{head.item_index}]"
    attempt = "" if head.attempt is None else f"#{head.attempt}"
    name = f"{head.step_id}{item}"
    room = _WIDEST_WHERE - len(attempt)
    return (f"{name if cell_len(name) <= room else fit(name, room)}{attempt}", Role.TEXT)


def told(head: EventHead) -> Line:
    """What happened, in a few words."""
    data = head.told
    status = data.get("status")
    parts: list[Line] = []
    if isinstance(status, str):
        parts.append((span(status.upper(), _STATUS_ROLES.get(status, Role.DIM)),))
    text = _words(head.kind, data)
    if text:
        parts.append((span(text),))
    took = data.get("duration_us")
    if isinstance(took, int):
        parts.append((Span(duration(took), Role.DIM),))
    if not head.actor.startswith("engine"):
        parts.append((span(f"by {head.actor.removeprefix('operator:')}", Role.DIM),))
    return joined(parts)


def _words(kind: EventKind, data: JsonObject) -> str:
    match kind:
        case EventKind.RUN_CREATED:
            return f"{_text(data, 'plan_id')} {_text(data, 'plan_version')}".strip()
        case EventKind.RUN_TAKEN_OVER:
            return f"from engine {_text(data, 'from_engine')[:6]} by {_text(data, 'to_engine')[:6]}"
        case EventKind.ATTEMPT_STARTING:
            return _text(data, "tool_type")
        case EventKind.ATTEMPT_STARTED:
            return f"pid {_text(data, 'process.pid')}" if "process.pid" in data else ""
        case EventKind.CONTROL_RECEIVED:
            return _text(data, "verb") + (", by force" if data.get("force") is True else "")
        case EventKind.LOCK_ACQUIRED | EventKind.LOCK_RELEASED:
            return ", ".join(_strings(data.get("names")))
        case EventKind.ORCHESTRATION_STRATEGY_DETERMINED:
            return ", ".join(filter(None, (_text(data, "strategy").upper(), _text(data, "set_by"))))
        case EventKind.ORCHESTRATION_DEPENDENCIES_EXTRACTED:
            steps, edges = data.get("steps"), data.get("edges")
            known = isinstance(steps, int) and isinstance(edges, int)
            return f"{plural(steps, 'step')}, {plural(edges, 'dependency', 'dependencies')}" if known else ""  # type: ignore[arg-type]
        case EventKind.RUN_QUARANTINED:
            unsure = ", ".join(_strings(data.get("uncertain")))
            return _text(data, "message") or (f"uncertain: {unsure}" if unsure else _text(data, "reason"))
        case _:
            return _TELLERS.get(kind, _outcome)(data)


def _wait_words(data: JsonObject) -> str:
    delay = data.get("delay_ms")
    wait = f" in {duration(round(delay * 1000))}" if isinstance(delay, (int, float)) else ""
    return f"attempt {_text(data, 'next_attempt')}{wait}"


def _decision_words(data: JsonObject) -> str:
    decision = _text(data, "decision").upper().replace("_", " ")
    return ", ".join(filter(None, (decision, _text(data, "decision_reason"))))


def _asset_words(data: JsonObject) -> str:
    """The version first, which is what changes and what has to be seen where there is little room."""
    name, _, version = _text(data, "ref").partition("@")
    of = f"version {version} of {name}" if version else name
    return ", ".join(filter(None, (of, _text(data, "source").replace("_", " "))))


def _outcome(data: JsonObject) -> str:
    """Message, else reason and exit code, and how many attempts it took."""
    said = _text(data, "message") or _text(data, "reason").replace("_", " ")
    code = data.get("exit_code")
    if not said and isinstance(code, int) and code:
        said = f"exit code {code}"
    attempts = data.get("attempts")
    tries = f"{count(attempts)} attempts" if isinstance(attempts, int) and attempts > 1 else ""
    return ", ".join(filter(None, (said, tries)))


_TELLERS: Final[Mapping[EventKind, Callable[[JsonObject], str]]] = {
    EventKind.ASSET_RESOLVED: _asset_words,
    EventKind.REPLAN_DECIDED: _decision_words,
    EventKind.STEP_WAITING: _wait_words,
}


def _text(data: JsonObject, name: str) -> str:
    value = data.get(name)
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _strings(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def event_document(event: EventRow, moment: Moment) -> JsonObject:
    """An event whole: its data first, then everything around it."""
    around: JsonObject = {
        "seq": event.seq,
        "kind": event.kind.value,
        "at": iso(event.at_us, zone=moment.zone),
        "pass_index": event.pass_index,
        "stage": event.stage.value if event.stage else None,
        "step_id": event.step_id,
        "item_index": event.item_index,
        "attempt": event.attempt,
        "actor": event.actor,
        "hash": event.hash,
    }
    return {"data": json.loads(event.data), **{name: value for name, value in around.items() if value is not None}}


def event_node(document: JsonObject) -> dict[str, Node]:
    """The same to be looked at: the data starts unfolded."""
    data = document["data"]
    size = f"{{{count(len(data))}}}" if isinstance(data, dict) else ""
    return {**document, "data": Branch((Span(size, Role.DIM),), (), data)}


@dataclass(frozen=True, slots=True)
class TypedEventFilter:
    """What the filter line asks for, and what in it was not understood."""

    chosen: EventFilter = field(default_factory=EventFilter)
    faults: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when every event passes."""
        return self.chosen == EventFilter()


def parse_event_filter(text: str) -> TypedEventFilter:
    """The words of the filter line. What is not understood is a fault to show, never an error."""
    kinds: list[str] = []
    steps: list[str] = []
    words: list[str] = []
    faults: list[str] = []
    for word in text.casefold().split():
        name, colon, value = word.partition(":")
        if not colon:
            words.append(word)
        elif not value:
            faults.append(f"{name}: what?")
        elif name == "kind":
            kinds.append(value if "*" in value else f"*{value}*")
        elif name == "step":
            steps.append(value if "*" in value else f"{value}*")
        else:
            faults.append(f"no field {name}; there are kind and step")
    return TypedEventFilter(EventFilter(tuple(kinds), tuple(steps), tuple(words)), tuple(faults))


def event_facts(passed: int, total: int, *, following: bool, added: int, goes_on: bool) -> Line:
    """How many events there are, for the end of the row of tabs."""
    many = plural(total, "event") if passed == total else f"{count(passed)} of {plural(total, 'event')}"
    parts: list[Line] = [(Span(many, Role.DIM),)]
    if following:
        parts.append((Span("● following", Role.RUNNING),))
    elif added:
        parts.append(new_lines(added, goes_on=goes_on))
    return joined(parts)
