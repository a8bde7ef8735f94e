"""Patches of plans: filled in with what happened, applied, and shown as before and after. Pure; whether one is wanted is not known here.

A patch is an object by step id: what is merged into the step (RFC 7396, so null takes a field out), or null, which takes the
step out. A step that the plan does not have is added at its end. Only the steps of a plan change on the way.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from engine.errors import Fault, InputError, PlanError
from engine.model.json import canonical_json
from engine.model.replan import ReplanPatchDiff
from engine.plan.faults import did_you_mean
from engine.plan.load import load_plan
from engine.plan.template_parser import parse_text
from engine.plan.values import MISSING, child

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledPlan
    from engine.plan.template_parser import Reference

FAILED: Final = "@failed"
"""In a patch: the step that asked for it."""

_HEAD: Final = "failed"
_ANYTHING: Final = "{run.id}"  # a reference that may stand wherever one may stand at all
_SHORTHAND: Final = ("command", "args", "cwd")
_STEP_PATH: Final = re.compile(r"steps\[([0-9]+)\]")


def read_patch(document: Json, plan: CompiledPlan) -> JsonObject:
    """The patch that an operator gives: by step id, the same below `steps`, or a whole edited plan.

    Raises InputError, and PlanError for a plan with faults.
    """
    if not isinstance(document, dict):
        raise InputError("a patch is an object by step id", hint='for example {"ping": {"timeout_sec": 30}}')
    if "plan_id" in document:
        edited = load_plan(canonical_json(document).encode("utf-8", "surrogatepass"), name="edited plan.json")
        return patch_between(json.loads(plan.document), json.loads(edited.document))
    steps = document.get("steps", document) if set(document) == {"steps"} else document
    if not isinstance(steps, dict) or not steps:
        raise InputError("the patch names no step", hint='for example {"ping": {"timeout_sec": 30}}')
    for step_id, change in steps.items():
        if change is not None and not isinstance(change, dict):
            raise InputError(f"{step_id}: expected an object of fields, or null to take the step out")
    return steps


def fill(patch: JsonObject, failed: StepResult) -> JsonObject:
    """The patch with `@failed` and `{failed.…}` filled in. Raises InputError where there is no such thing.

    What comes from a step stays text: nothing in it is read as a reference when the plan is.
    """
    known: JsonObject = {**failed.to_json(), "step_id": failed.step_id}
    filled: JsonObject = {}
    for name, change in patch.items():
        step_id = failed.step_id if name == FAILED else name
        if step_id in filled:
            raise InputError(f"the patch has {FAILED} and {step_id}, which are one step here", hint="keep one of them")
        filled[step_id] = _with_references(change, lambda reference: _value(reference, known))
    return filled


def apply_patch(document: JsonObject, patch: JsonObject) -> JsonObject:
    """The plan with the patch. Whether it still makes sense is seen when it is loaded. Raises InputError for steps it cannot name."""
    steps = _by_id(document, "steps")
    finals = _by_id(document, "finally")
    for step_id, change in patch.items():
        if step_id in finals:
            raise InputError(f"{step_id} is a step of finally, which no replan changes")
        if change is None:
            if steps.pop(step_id, None) is None:
                near = did_you_mean(step_id, steps)
                raise InputError(f"there is no step {step_id} to take out", hint=near)
            continue
        if not isinstance(change, dict):
            raise InputError(f"{step_id}: expected an object of fields, or null to take the step out")
        if change.get("id", step_id) != step_id:
            raise InputError(f"{step_id}: a step keeps its id", hint="take it out and add another one")
        steps[step_id] = _merged_step(steps.get(step_id, {"id": step_id}), change)
    return {**document, "steps": [*steps.values()]}


def compile_patched(plan: CompiledPlan, patch: JsonObject) -> CompiledPlan:
    """The plan with the patch, checked as any other. Raises InputError, or PlanError with its faults."""
    document = apply_patch(json.loads(plan.document), patch)
    try:
        return load_plan(canonical_json(document).encode("utf-8", "surrogatepass"), name=f"{plan.plan.plan_id}.json")
    except PlanError as error:
        ids = [*_by_id(document, "steps")]
        raise PlanError(plan.plan.plan_id, tuple(_placed(fault, ids) for fault in error.faults)) from None


def _placed(fault: Fault, ids: Sequence[str]) -> Fault:
    """The fault with its step by name. Lines mean nothing here: the text was made a moment ago."""
    found = _STEP_PATH.match(fault.path)
    path = fault.path if found is None else f"{ids[int(found[1])]}{fault.path[found.end() :]}"
    return Fault(fault.message, path, hint=fault.hint)


def check_filled(plan: CompiledPlan, patch: JsonObject, failed: StepResult) -> None:
    """Whether `{failed.…}` stands only where references may stand. Raises PlanError, for example for one in a shell's text.

    A text that is filled in would not be seen for what it is any more.
    """
    tried: JsonObject = {}
    for name, change in patch.items():
        if not isinstance(change, dict):
            tried[name] = change
            continue
        named: JsonObject = {field: change[field] for field in ("step_def", *_SHORTHAND) if field in change}
        if _mentions_failed(named):
            step_id = failed.step_id if name == FAILED else name
            tried[step_id] = _with_references(named, lambda _: _ANYTHING)
        elif name != FAILED and not _mentions_failed(change):
            tried[name] = change
    if any(name not in patch or tried[name] is not patch[name] for name in tried):
        compile_patched(plan, tried)


def diff_of(before: JsonObject, after: JsonObject) -> ReplanPatchDiff:
    """What differs between two plans, step by step: changed fields, new steps whole, and what is gone."""
    one, other = _by_id(before, "steps"), _by_id(after, "steps")
    was: JsonObject = {}
    became: JsonObject = {}
    for step_id in {**one, **other}:
        first, second = one.get(step_id), other.get(step_id)
        if first is None or second is None:
            was[step_id], became[step_id] = first, second
        else:
            one_side, other_side = _differing(first, second)
            if one_side or other_side:
                was[step_id], became[step_id] = one_side, other_side
    return ReplanPatchDiff(before=was, after=became)


def _differing(before: JsonObject, after: JsonObject) -> tuple[JsonObject, JsonObject]:
    """What differs between two objects, on each side; of objects in them again only what differs."""
    was: JsonObject = {}
    became: JsonObject = {}
    for name in {**before, **after}:
        first, second = before.get(name), after.get(name)
        if name in before and name in after and isinstance(first, dict) and isinstance(second, dict):
            inner_was, inner_became = _differing(first, second)
            if inner_was or inner_became:
                was[name], became[name] = inner_was, inner_became
        elif not _same(before, after, name):
            was.update({name: first} if name in before else {})
            became.update({name: second} if name in after else {})
    return was, became


def touched(diff: ReplanPatchDiff) -> frozenset[str]:
    """The steps that differ."""
    return frozenset(diff.before) | frozenset(diff.after)


def patch_between(before: JsonObject, after: JsonObject) -> JsonObject:
    """The patch that makes one plan of the other. Raises InputError if more than steps differ."""
    elsewhere = [
        name
        for name in {**before, **after}
        if name not in ("steps", "description", "metadata", "version") and not _same(before, after, name)
    ]
    if elsewhere:
        raise InputError(
            f"only steps can be changed on the way, and {' and '.join(elsewhere)} of the plan differ",
            hint="run the edited plan anew",
        )
    one, other = _by_id(before, "steps"), _by_id(after, "steps")
    patch: JsonObject = {}
    for step_id in {**one, **other}:
        first, second = one.get(step_id), other.get(step_id)
        if first is None or second is None:
            patch[step_id] = second
        elif (change := _merge_patch(first, second)) != {}:
            patch[step_id] = change
    return patch


def describe_fault(error: InputError) -> str:
    """What is wrong, as one sentence: of a plan with faults the first of them."""
    if not isinstance(error, PlanError) or not error.faults:
        return error.cause
    first: Fault = error.faults[0]
    more = f", and {len(error.faults) - 1} more" if len(error.faults) > 1 else ""
    hint = f" ({first.hint})" if first.hint else ""
    return f"{f'{first.path}: ' if first.path else ''}{first.message}{hint}{more}"


def _by_id(document: JsonObject, section: str) -> dict[str, JsonObject]:
    steps = document.get(section)
    return {str(step["id"]): step for step in (steps if isinstance(steps, list) else ()) if isinstance(step, dict)}


def _merged_step(step: JsonObject, change: JsonObject) -> JsonObject:
    """The step with the change. Another type of step is another definition: nothing of the old one stays in it."""
    change = {**change}
    short: JsonObject = {name: change.pop(name) for name in _SHORTHAND if name in change}
    wanted = change.get("step_def")
    if short and wanted is None:
        change["step_def"] = wanted = {"type": "command", **short}
    elif short:
        change |= short  # two ways to say one thing: the plan has a fault for that
    had = step.get("step_def")
    if isinstance(wanted, dict) and isinstance(had, dict) and wanted.get("type", had.get("type")) != had.get("type"):
        step = {**step, "step_def": {}}
    merged = _merge(step, change)
    assert isinstance(merged, dict), "two objects make an object"
    return merged


def _merge(target: Json, patch: Json) -> Json:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged: JsonObject = {**target} if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged


def _merge_patch(before: JsonObject, after: JsonObject) -> JsonObject:
    """What `_merge` needs to make one object of the other. A null in the plan itself is the same as nothing there."""
    patch: JsonObject = {name: None for name in before if after.get(name) is None and before[name] is not None}
    for name, value in after.items():
        had = before.get(name)
        if value is None or _same(before, after, name):
            continue
        patch[name] = _merge_patch(had, value) if isinstance(had, dict) and isinstance(value, dict) else value
    return patch


def _same(one: Mapping[str, Json], other: Mapping[str, Json], name: str) -> bool:
    if (name in one) != (name in other):
        return False
    return canonical_json(one[name]) == canonical_json(other[name])


# `{failed.…}`


def _mentions_failed(value: Json) -> bool:
    found = False

    def note(_: Reference) -> Json:
        nonlocal found
        found = True
        return _ANYTHING

    _with_references(value, note)
    return found


def _with_references(value: Json, instead: Callable[[Reference], Json]) -> Json:
    """The value with what `instead` gives in the place of every `{failed.…}`; everything else stands as it was written."""
    if isinstance(value, dict):
        return {name: _with_references(item, instead) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_references(item, instead) for item in value]
    if not isinstance(value, str) or f"{{{_HEAD}" not in value:
        return value
    references = [one for one in parse_text(value, {_HEAD}).references if one.head == _HEAD]
    if len(references) == 1 and references[0].text == value:
        return instead(references[0])
    text, at = "", 0
    for reference in references:
        given = instead(reference)
        text += value[at : reference.offset] + (given if isinstance(given, str) else canonical_json(given))
        at = reference.offset + len(reference.text)
    return text + value[at:]


def _value(reference: Reference, known: JsonObject) -> Json:
    value: Json = known
    for key in reference.keys:
        found = child(value, key) if isinstance(key, str | int) else MISSING
        if found is MISSING:
            value = None
            break
        value = found
    if value is None:
        if reference.fallback is MISSING:
            raise InputError(
                f"{reference.text} leads to nothing", hint='give a fallback, as in {failed.data.x ?? "text"}'
            )
        value = reference.fallback
    return _literal(value)


def _literal(value: Json) -> Json:
    """The value with every brace escaped, so that it reads as it is when the plan is loaded."""
    if isinstance(value, str):
        return value.replace("{", "{'{'}")
    if isinstance(value, dict):
        return {name: _literal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return value
