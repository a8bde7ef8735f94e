"""What is known of a failed step beyond its output and attempts: a traceback, an answer, items, a run under it. Pure."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason, StepStatus
from tui.viewmodel.breakers import breaker_json
from tui.viewmodel.explanation import Detail, Next
from tui.viewmodel.pasteable_calls import address_of
from tui.viewmodel.shell_text import list_in, object_in, plan_step
from tui.viewmodel.tracebacks import error_lines, is_exception
from tui.viewmodel.words import count, plural, short_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model.json import Json, JsonObject
    from tui.viewmodel.explanation import ItemsEvidence, StepEvidence
    from tui.viewmodel.shell_text import Surroundings

_MOST_ITEMS: Final = 5
_MOST_BODY: Final = 10
_MOST_LINES: Final = 6
_LONGEST: Final = 200
_TELLING_HEADERS: Final = ("content-type", "retry-after", "www-authenticate", "location", "x-request-id")


def details_of(found: StepEvidence, around: Surroundings) -> list[Detail]:
    """All that is known of the failure of a step, the nearest to the cause first."""
    told = found.told
    details: list[Detail] = []
    if found.items is not None and found.items.failed:
        details.append(_items(found.items, found.step.step_id))
    details += _of_attempt(told, around)
    details += _of_plan(found, around)
    for child, below in zip_longest(found.children, found.children[1:]):
        if child.cause is not None:
            name = f"{child.cause.name} of run {short_id(child.run.run_id)}"
            # What failed is said where it failed; the steps above it only led there.
            led = None if below is None else f"its plan {below.run.plan_id} failed, in run {short_id(below.run.run_id)}"
            details += [Detail(name, (led,))] if led else _under(child.cause, name, around)
    if found.fallback is not None:
        details += _under(found.fallback, f"its fallback {found.fallback.name}", around)
    return details


def known_of(found: StepEvidence) -> JsonObject:
    """The same for programs."""
    known: JsonObject = {}
    if isinstance(error := _error(found.told), dict):
        known["error"] = error
    if found.items is not None:
        known["items"] = _items_json(found.items)
    if found.fallback is not None:
        step = found.fallback.step
        known["fallback"] = {"step_id": step.step_id, "status": step.status.value, "message": step.message}
    if found.children:
        known["child_runs"] = [child.run.run_id for child in found.children]
    if found.breaker is not None:
        known["breaker"] = breaker_json(found.breaker)
    return known


def looks_at(found: StepEvidence) -> list[Next]:
    """Where to look first because of what the step was."""
    looks: list[Next] = []
    if found.children:
        first = found.children[0].run
        looks.append(Next(f"opscope why {short_id(first.run_id)}", f"why the run of {first.plan_id} failed"))
    return looks


def value_words(value: Json) -> str:
    """A value in a few words of one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\n", " ")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _items(items: ItemsEvidence, step_id: str) -> Detail:
    failed = items.numbers.get(StepStatus.FAILED, 0)
    lines = []
    for row in items.failed[:_MOST_ITEMS]:
        index = row.item_index if row.item_index is not None else -1
        value = f" {value_words(items.values[index])}" if index in items.values else ""
        lines.append(f"#{index}{value}: {value_words(row.message or row.status.value)}")
    if failed > len(lines):
        lines.append(f"and {count(failed - len(lines))} more")
    others = [
        f"{count(number)} {status.value}"
        for status, number in items.numbers.items()
        if status is not StepStatus.FAILED and number
    ]
    rest = f"; {', '.join(others)}" if others else ""
    return Detail(f"{count(failed)} of {plural(items.total, 'item')} of {step_id} failed{rest}", tuple(lines))


def _items_json(items: ItemsEvidence) -> JsonObject:
    failed: list[Json] = [
        {
            "index": row.item_index,
            "item": items.values.get(row.item_index if row.item_index is not None else -1),
            "reason": row.reason.value if row.reason else None,
            "message": row.message,
            "exit_code": row.exit_code,
        }
        for row in items.failed
    ]
    return {
        "total": items.total,
        "numbers": {status.value: number for status, number in items.numbers.items()},
        "failed": failed,
    }


def _error(told: StepEvidence) -> Json:
    return (told.attempts[-1].finished or {}).get("error") if told.attempts else None


def _of_attempt(told: StepEvidence, around: Surroundings) -> list[Detail]:
    """What the last attempt left behind, by the kind of step."""
    if not told.attempts:
        return []
    definition, error = object_in(told.attempts[-1].starting.get("definition")), _error(told)
    details: list[Detail] = []
    match definition.get("type"):
        case "http" if isinstance(error, dict) and "status" in error:
            details.append(_answer(definition, error))
        case "file":
            details.append(_file(definition, around))
        case "tool":
            calls = list_in(definition.get("calls"))
            lines = [value_words(call) for call in calls[:_MOST_LINES]]
            lines += [f"and {plural(len(calls) - len(lines), 'more call')}"] if len(calls) > len(lines) else []
            details.append(Detail(f"{told.name} called the tool {definition.get('tool')} with", tuple(lines)))
        case _:
            pass
    if isinstance(error, dict):
        if is_exception(error):
            details.insert(0, Detail(f"{told.name} raised", tuple(error_lines(error, around.plan_folder))))
        else:
            details += _calls(error, told.name, around)
    return details


def _calls(error: JsonObject, name: str, around: Surroundings) -> list[Detail]:
    """What the first failed call of a batch raised."""
    for call in list_in(error.get("calls")):
        raised = call.get("error") if isinstance(call, dict) else None
        if isinstance(call, dict) and isinstance(raised, dict) and is_exception(raised):
            return [
                Detail(f"call #{call.get('index')} of {name} raised", tuple(error_lines(raised, around.plan_folder)))
            ]
    return []


def _answer(definition: JsonObject, error: JsonObject) -> Detail:
    asked = f"{definition.get('method') or 'GET'} {address_of(definition)}"
    headers = object_in(error.get("headers"))
    lines = [f"{value_words(hop.get('status'))} → {hop.get('to')}" for hop in _objects(error.get("redirects"))]
    lines += [f"{name}: {value_words(headers[name])}" for name in _TELLING_HEADERS if name in headers]
    body = str(error.get("body") or "")
    if not body.strip():
        lines.append("with an empty body")
    else:
        rows = body.strip("\n").split("\n")
        lines += rows[:_MOST_BODY]
        if len(rows) > _MOST_BODY:
            lines.append(f"and {plural(len(rows) - _MOST_BODY, 'more line')}")
    return Detail(f"{asked} was answered {error.get('status')}", tuple(lines))


def _file(definition: JsonObject, around: Surroundings) -> Detail:
    told = {
        "path": definition.get("path"),
        "to": definition.get("to"),
        "in": around.workdir,
        "overwrite": "yes" if definition.get("overwrite") else "no",
        "expect": definition.get("expect"),
    }
    lines = tuple(f"{name:<9} {value_words(value)}" for name, value in told.items() if value is not None)
    return Detail(f"the file step was to {definition.get('action')}", lines)


def _of_plan(found: StepEvidence, around: Surroundings) -> list[Detail]:
    """What the plan says that the step failed by: the rules of a decision, the end of a repetition."""
    step = plan_step(around.document, found.step.step_id)
    definition = object_in(step.get("step_def"))
    if definition.get("type") == "decision":
        lines = [f"{rule.get('when')}  →  {rule.get('choose')}" for rule in _objects(definition.get("rules"))]
        lines.append(f"default   →  {definition.get('default') or 'none'}")
        return [Detail(f"{found.step.step_id} had to decide by, and none of it held", tuple(lines))]
    if found.told.step.reason is Reason.REPEAT_EXHAUSTED:
        repeat = object_in(step.get("repeat"))
        lines = [f"until     {repeat.get('until')}", f"at most   {repeat.get('max') or 10} times"]
        return [Detail(f"{found.told.name} was repeated", tuple(lines))]
    return []


def _under(told: StepEvidence, name: str, around: Surroundings) -> list[Detail]:
    """A step beside or below the one that is told of: its message, what it left behind, the end of its output."""
    details = _of_attempt(told.told, around)
    tail = told.told.tail
    lines = [told.step.message or told.step.status.value]
    if tail is not None and not any(detail.title.endswith(" raised") for detail in details):
        rows = [row for row in tail.text.rstrip().split("\n") if row.strip()]
        # One line of output is the end of the message already.
        rows = [] if len(rows) == 1 and rows[0].strip() in lines[0] else rows
        lines += [f"  {row.expandtabs(8)}" for row in rows[-_MOST_LINES:]]
    return [Detail(name, tuple(lines)), *details]


def _objects(value: Json) -> Iterable[JsonObject]:
    return (entry for entry in list_in(value) if isinstance(entry, dict))
