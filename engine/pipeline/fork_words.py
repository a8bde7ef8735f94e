"""What a change of a recorded run comes to, in sentences for a person. What follows from it for the steps is engine.pipeline.forking's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.model.json import canonical_json
from engine.plan.faults import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model.asset import ResolvedAsset
    from engine.model.json import Json, JsonObject
    from engine.model.replan import ReplanPatchDiff
    from engine.pipeline.forking import Change, ForkSource

_NO_PART: Final = frozenset(["steps", "description", "metadata", "version"])


def changes_of(
    source: ForkSource,
    change: Change,
    *,
    params: JsonObject,
    assets: Mapping[str, ResolvedAsset],
    patch: ReplanPatchDiff,
    documents: tuple[JsonObject, JsonObject],
    variables: tuple[str, ...],
    shown: JsonObject | None = None,
) -> tuple[str, ...]:
    """All that is different: parameters, assets, steps, other parts of the plan, variables of the host, and what was asked for.

    `documents` are the plan before and after, `variables` the names of those that differ. `shown` are the parameters without
    secrets: a value is cut here, and half a secret is not found any more.
    """
    return (
        *_changed_params(source.params, params, params if shown is None else shown),
        *_changed_assets(source, assets),
        *_changed_steps(patch),
        *_changed_parts(*documents),
        *(f"${name} differs" for name in variables),
        *_asked(change),
    )


def _changed_params(before: JsonObject, after: JsonObject, shown: JsonObject) -> Iterator[str]:
    for name in {**before, **after}:
        if name not in after:
            yield f"params.{name} is gone"
        elif name not in before:
            yield f"params.{name} is new: {_brief(shown.get(name))}"
        elif not is_same(before[name], after[name]):
            yield f"params.{name}: {_brief(before[name])} → {_brief(shown.get(name))}"


def _changed_assets(source: ForkSource, after: Mapping[str, ResolvedAsset]) -> Iterator[str]:
    for alias, asset in after.items():
        known = source.assets.get(alias)
        if known is None:
            yield f"assets.{alias} is new: {asset.ref}"
        elif (known.ref, known.sha256) != (asset.ref, asset.sha256):
            yield f"assets.{alias}: {known.ref} → {asset.ref}"
    yield from (f"assets.{alias} is gone" for alias in source.assets if alias not in after)


def _changed_steps(patch: ReplanPatchDiff) -> Iterator[str]:
    for step_id in patch.before:
        one, other = patch.before[step_id], patch.after[step_id]
        if one is None:
            yield f"step {step_id} is new"
        elif other is None:
            yield f"step {step_id} is taken out"
        else:
            assert isinstance(one, dict)
            assert isinstance(other, dict)
            yield f"step {step_id}: {', '.join(_fields(one, other))}"


def _fields(one: JsonObject, other: JsonObject) -> Iterator[str]:
    """The fields that differ; of what a step does, the parts of it."""
    for name in {**one, **other}:
        before, after = one.get(name), other.get(name)
        if name == "step_def" and isinstance(before, dict) and isinstance(after, dict):
            yield from (part for part in {**before, **after} if not is_same(before.get(part), after.get(part)))
        else:
            yield name


def _changed_parts(before: JsonObject, after: JsonObject) -> Iterator[str]:
    parts = [
        name for name in {**before, **after} if name not in _NO_PART and not is_same(before.get(name), after.get(name))
    ]
    if parts:
        yield f"the plan's {', '.join(parts)}"


def _asked(change: Change) -> Iterator[str]:
    if change.from_steps:
        yield f"from {' and '.join(change.from_steps)} on"
    if change.from_failed:
        yield "from what failed on"
    if change.latest_assets:
        yield "assets looked up anew"


def notes_of(source: ForkSource, others: tuple[str, ...]) -> tuple[str, ...]:
    """What else there is to know; `others` are variables that differ and that every step has."""
    notes = []
    if source.pass_index:
        notes.append(f"the plan is that of pass {source.pass_index}, with what was replanned on the way")
    if others:
        notes.append(f"the environment is not what it was then: {', '.join(others)}")
    return tuple(notes)


def _brief(value: Json) -> str:
    return shorten(json.dumps(value, ensure_ascii=False), 40)


def is_same(one: Json, other: Json) -> bool:
    """True for values that read the same as JSON."""
    return canonical_json(one) == canonical_json(other)
