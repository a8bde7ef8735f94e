"""What differs between a run and the last good one of its plan: the plan, parameters and surroundings, then how steps went. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason, StepStatus
from tui.viewmodel.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from store.queries.why import StepEnd, StepPair
    from store.rows import RunRow

_LONGEST: Final = 40
_MOST_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run as far as two runs are compared: its head, the data and actor of `run.created`, and its plan's document.

    `assets` are the versions that it used, by alias.
    """

    run: RunRow
    created: JsonObject
    actor: str
    document: JsonObject
    assets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: what it is, how it was and how it is, as text for a person."""

    what: str
    then: str
    now: str

    def to_json(self) -> JsonObject:
        """As `why --json` prints it."""
        return {"what": self.what, "then": self.then, "now": self.now}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against the last good one: what it was given that differs, and how its steps went otherwise."""

    good: RunRow
    given: tuple[Difference, ...]
    steps: tuple[Difference, ...]

    def to_json(self) -> JsonObject:
        """As `why --json` prints it."""
        return {
            "run_id": self.good.run_id,
            "plan_hash": self.good.plan_hash,
            "given": [difference.to_json() for difference in self.given],
            "steps": [difference.to_json() for difference in self.steps],
        }


def compare(now: Recorded, then: Recorded, pairs: Sequence[StepPair], gone: Sequence[str]) -> Comparison:
    """Hold a run against a good one."""
    given = [
        *_plan(now, then),
        *_values("", then.run.params, now.run.params),
        *_values("assets.", {**then.assets}, {**now.assets}),
        *_replans(now.run, then.run),
        *_surroundings(now, then),
    ]
    steps = [_step(pair) for pair in pairs]
    steps += [Difference(step_id, "was a step of the plan", "is not in it") for step_id in gone]
    return Comparison(then.run, tuple(given), tuple(steps))


def step_end(end: StepEnd | None) -> str:
    """`failed, exit 7, 12ms`: how a step went."""
    if end is None:
        return "not in the plan"
    words = [end.status.value]
    if end.reason is Reason.OPERATOR:
        return f"{end.status.value} by an operator's word"
    if end.exit_code not in (None, 0):
        words.append(f"exit {end.exit_code}")
    elif end.reason is not None and end.status is not StepStatus.SUCCEEDED:
        # skip_if is a word of plans, the others are sentences written small.
        words.append(end.reason.value if end.reason is Reason.SKIP_IF else end.reason.value.replace("_", " "))
    if end.duration_us is not None:
        words.append(duration(end.duration_us))
    return ", ".join(words)


def _step(pair: StepPair) -> Difference:
    now, then = pair.now, pair.then
    if now and then and (now.status, now.reason, now.exit_code) == (then.status, then.reason, then.exit_code):
        return Difference(pair.step_id, duration(then.duration_us), duration(now.duration_us))
    return Difference(pair.step_id, step_end(then), step_end(now))


def _plan(now: Recorded, then: Recorded) -> Iterator[Difference]:
    if now.run.plan_version != then.run.plan_version:
        yield Difference("plan version", then.run.plan_version or "none", now.run.plan_version or "none")
    if now.run.plan_hash != then.run.plan_hash:
        changed = ", ".join(_first(list(changed_parts(then.document, now.document))))
        which = f", which changes {changed}" if changed else ""
        yield Difference("plan", then.run.plan_hash[:8], f"{now.run.plan_hash[:8]}{which}")


def _replans(now: RunRow, then: RunRow) -> Iterator[Difference]:
    """How often another plan was asked for, and in how many passes that ended."""
    if (now.replans, now.pass_index) != (then.replans, then.pass_index):
        yield Difference("replans", _passes(then), _passes(now))


def _passes(run: RunRow) -> str:
    return f"{run.replans or 'none'}, {plural(run.pass_index + 1, 'pass', 'passes')}"


def changed_parts(then: JsonObject, now: JsonObject) -> Iterator[str]:
    """Which parts of a plan differ: `deploy (args, timeout_sec)`, `new step check`, `globals`."""
    before, after = _steps(then), _steps(now)
    for step_id, step in after.items():
        old = before.get(step_id)
        if old is None:
            yield f"new step {step_id}"
        elif old != step:
            yield f"{step_id} ({', '.join(_changed_fields(old, step))})"
    yield from (f"without step {step_id}" for step_id in before if step_id not in after)
    shared = list(dict.fromkeys(step_id for step_id in before if step_id in after))
    if shared != [step_id for step_id in after if step_id in before]:
        yield "the order of steps"
    rest = dict.fromkeys([*then, *now])
    yield from (
        name
        for name in rest
        if name not in ("steps", "finally", "description", "metadata", "version") and then.get(name) != now.get(name)
    )


def _steps(document: JsonObject) -> dict[str, JsonObject]:
    listed = [step for key in ("steps", "finally") for step in _list(document.get(key))]
    return {str(step.get("id")): step for step in listed if isinstance(step, dict)}


def _changed_fields(then: JsonObject, now: JsonObject) -> Iterator[str]:
    for name in dict.fromkeys([*then, *now]):
        old, new = then.get(name), now.get(name)
        if old == new:
            continue
        if name == "step_def" and isinstance(old, dict) and isinstance(new, dict):
            yield from (part for part in dict.fromkeys([*old, *new]) if old.get(part) != new.get(part))
        else:
            yield name


def _surroundings(now: Recorded, then: Recorded) -> Iterator[Difference]:
    for what, old, new in (
        ("host", _text(then, "environment", "host"), _text(now, "environment", "host")),
        ("system", _system(then), _system(now)),
        ("folder", then.run.workdir, now.run.workdir),
        ("plan's folder", _text(then, "plan_folder"), _text(now, "plan_folder")),
        ("started by", _person(then.actor), _person(now.actor)),
        ("opscope", _text(then, "opscope_version"), _text(now, "opscope_version")),
    ):
        if old != new:
            yield Difference(what, old or "unknown", new or "unknown")
    yield from _values("$", _object(then.created.get("base_env")), _object(now.created.get("base_env")))


def _values(mark: str, then: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[Difference]:
    for name in dict.fromkeys([*then, *now]):
        old, new = then.get(name), now.get(name)
        if old == new and (name in then) == (name in now):
            continue
        if _is_path_list(old) and _is_path_list(new):
            yield Difference(f"{mark}{name}", *_path_lists(str(old), str(new)))
        else:
            yield Difference(f"{mark}{name}", _value(old, name in then), _value(new, name in now))


def _is_path_list(value: Json) -> bool:
    return isinstance(value, str) and ":" in value and value.startswith("/")


def _path_lists(then: str, now: str) -> tuple[str, str]:
    """Only what one list of folders has and the other has not: the whole of a PATH tells nobody anything."""
    old, new = then.split(":"), now.split(":")
    lost = [folder for folder in old if folder not in new]
    gained = [folder for folder in new if folder not in old]
    if not lost and not gained:
        return "its folders", "the same in another order"
    return f"with {', '.join(lost)}" if lost else "without them", f"with {', '.join(gained)}" if gained else "without"


def _value(value: Json, is_given: bool) -> str:
    if not is_given:
        return "not set"
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _first(names: list[str]) -> list[str]:
    if len(names) <= _MOST_NAMED:
        return names
    return [*names[:_MOST_NAMED], f"and {len(names) - _MOST_NAMED} more"]


def _text(recorded: Recorded, *keys: str) -> str:
    value: Json = recorded.created
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _system(recorded: Recorded) -> str:
    return f"{_text(recorded, 'environment', 'os')} {_text(recorded, 'environment', 'arch')}".strip()


def _person(actor: str) -> str:
    return actor.removeprefix("operator:")


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
