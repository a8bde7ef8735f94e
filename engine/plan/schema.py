"""The shape of a plan: which fields there are and what they hold, as plain sentences. Names and references are checked elsewhere.

The models of engine.model.plan decide; engine.plan.schema_faults puts what they find into words.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import ConfigDict, ValidationError

from engine.model.blocks import Block  # noqa: TC001  (pydantic reads it)
from engine.model.plan import Plan, Step
from engine.model.plan_model import PlanModel
from engine.plan.faults import Faults, Path, describe
from engine.plan.fields import SHORTHAND, STEP_SECTIONS
from engine.plan.schema_faults import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json, JsonObject

_LATER_PLAN = frozenset(["on"])

NOT_YET = "not in this version"
MAX_STEPS = 100_000

_SCALAR = "a text, a whole number, a number or true or false"


def normalise(value: JsonObject, faults: Faults) -> JsonObject:
    """The plan with every shorthand written out. Faults of the shorthand itself are noted."""
    plan = dict(value)
    for section in STEP_SECTIONS:
        steps = plan.get(section)
        if isinstance(steps, list):
            plan[section] = [_normal_step(step, (section, index), faults) for index, step in enumerate(steps)]
    return plan


def _normal_step(value: Json, path: Path, faults: Faults) -> Json:
    if not isinstance(value, dict):
        return value
    step = dict(value)
    short: JsonObject = {name: step.pop(name) for name in SHORTHAND if name in step}
    if short and "step_def" in step:
        named = " and ".join(short)
        faults.add(
            (*path, next(iter(short))), f"{named} and step_def stand on one step", "keep one of the two", at_key=True
        )
    elif short:
        if "command" not in short:
            faults.add(path, f"{next(iter(short))} without command", "add command, or use step_def")
            short = {"command": "?", **short}
        step["step_def"] = {"type": "command", **short}
    for name in ("skip_if", "depends_on"):
        if isinstance(step.get(name), str):
            step[name] = [step[name]]
    return step


class _Steps(PlanModel):
    """A stretch of a plan's steps."""

    steps: tuple[Step, ...]


def check_steps(values: list[Json], first: int, faults: Faults) -> tuple[Step, ...]:
    """A stretch of the steps of a plan that is still being read, with everything that is wrong with their shape noted.

    `first` is the number of the first one in the plan.
    """
    if first + len(values) > MAX_STEPS:
        faults.add(("steps", MAX_STEPS), f"expected at most {MAX_STEPS:,} steps", "split the plan")
        return ()
    normal = [_normal_step(value, ("steps", first + index), faults) for index, value in enumerate(values)]
    for index, step in enumerate(normal):
        if isinstance(step, dict):
            _arguments(step, ("steps", first + index), faults)
    if faults.full:
        return ()
    try:
        return _Steps.model_validate_json(json.dumps({"steps": normal}, ensure_ascii=False)).steps
    except ValidationError as error:
        note(error, {"steps": [*[None] * first, *normal]}, faults, first)
        return ()


def build_plan(normal: JsonObject, faults: Faults, ready: Sequence[Step] = ()) -> Plan | None:
    """The plan, or None with everything that is wrong with its shape noted. `ready` are its first steps, checked before."""
    _later_fields(normal, faults)
    if faults.full:
        return None
    checked, steps = normal, normal.get("steps")
    if ready and isinstance(steps, list):
        checked = {**normal, "steps": steps[len(ready) :]}
        if len(steps) > MAX_STEPS:
            faults.add(("steps", MAX_STEPS), f"expected at most {MAX_STEPS:,} steps", "split the plan")
    try:
        plan = Plan.model_validate_json(json.dumps(checked, ensure_ascii=False))
    except ValidationError as error:
        note(error, normal, faults, len(ready))
        return None
    return plan.model_copy(update={"steps": (*ready, *plan.steps)}) if ready else plan


class _Blocks(PlanModel):
    """What a screen holds. Made ready when there is one, as few plans have any."""

    model_config = ConfigDict(defer_build=True)

    present: tuple[Block, ...]


def screen_blocks(value: Json) -> tuple[Block, ...]:
    """The blocks of a screen that has been checked."""
    return _Blocks.model_validate_json(json.dumps({"present": value}, ensure_ascii=False)).present


def check_blocks(value: Json, faults: Faults) -> None:
    """Note what is wrong with the shape of the blocks of a screen, at their places below `present`."""
    try:
        _Blocks.model_validate_json(json.dumps({"present": value}, ensure_ascii=False))
    except ValidationError as error:
        note(error, {"present": value}, faults, 0)


def _later_fields(plan: JsonObject, faults: Faults) -> None:
    """What product language already has a word for and this version does not do: refused by name, never ignored."""
    _refuse(plan, _LATER_PLAN, (), faults)
    for section in STEP_SECTIONS:
        steps = plan.get(section)
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            if isinstance(step, dict):
                _arguments(step, (section, index), faults)


def _arguments(step: JsonObject, path: Path, faults: Faults) -> None:
    """Said here, since the models have four findings for an argument that is none of four types, and an hour for a million."""
    definition = step.get("step_def")
    args = definition.get("args") if isinstance(definition, dict) and definition.get("type") == "command" else None
    for index, value in enumerate(args if isinstance(args, list) else ()):
        if value is None or isinstance(value, list | dict):
            faults.add((*path, "step_def", "args", index), f"expected {_SCALAR}, found {describe(value)}")


def _refuse(value: JsonObject, later: frozenset[str], path: Path, faults: Faults) -> None:
    for name in value:
        if name in later:
            faults.add((*path, name), f"{name} is {NOT_YET}", "take it out for now", at_key=True)
