"""What a rerun has to change so that suspects are as they were in a baseline: versions, parameters, steps. Starts nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.model.asset import parse_reference
from engine.pipeline.forking import MASK, Change
from engine.plan.load import load_plan
from engine.regression.verdict import DifferenceKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.asset import AssetReference
    from engine.model.json import Json, JsonObject
    from engine.plan.compiled import CompiledPlan
    from engine.regression.facts import RunFacts
    from engine.regression.verdict import Suspect

_NOT_THERE = "–"


def change_back(suspects: Sequence[Suspect], baseline: Sequence[RunFacts], plan: CompiledPlan) -> Change:
    """The change for a rerun of a candidate with this `plan`, in which all steps run again.

    Values are taken from the newest run of the baseline. Raises InputError for what no rerun can put back: the host, or a
    parameter that the baseline did not have, or that held a secret.
    """
    overrides: list[AssetReference] = []
    params: dict[str, str] = {}
    steps: dict[str, Json] = {}
    for suspect in suspects:
        match suspect.kind:
            case DifferenceKind.ASSET if "@" in suspect.baseline:
                overrides.append(parse_reference(suspect.baseline))
            case DifferenceKind.PARAM if suspect.baseline != _NOT_THERE:
                value = _words(_value(suspect, [run.params for run in baseline]))
                if MASK in value:
                    raise InputError(
                        f"the parameter {suspect.name} held a secret in the baseline, which is not recorded",
                        hint=f"give it again: opscope rerun RUN -p {suspect.name}=...",
                    )
                params[suspect.name] = value
            case DifferenceKind.PLAN_STEP:
                steps[suspect.name] = baseline[-1].definitions.get(suspect.name) if baseline else None
            case _:
                raise InputError(
                    f"{suspect.name} cannot be put back by a rerun: it was {suspect.baseline}",
                    hint="run the plan anew as it was then",
                )
    return Change(
        params=params,
        overrides=tuple(overrides),
        plan=_with_steps(plan, steps) if steps else None,
        all_again=True,
    )


def _value(suspect: Suspect, baseline: Sequence[Mapping[str, Json]]) -> Json:
    """The value that the suspect shows as text, which may have been cut."""
    held = [params[suspect.name] for params in reversed(baseline) if suspect.name in params]
    if not held:
        raise InputError(f"no run of the baseline has the parameter {suspect.name} any more")
    return next((value for value in held if _words(value) == suspect.baseline), held[0])


def _words(value: Json) -> str:
    """As a command line has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _with_steps(plan: CompiledPlan, steps: Mapping[str, Json]) -> CompiledPlan:
    """The plan with these steps as they were; one that was not there is taken out. Raises PlanError where that is no plan."""
    document: JsonObject = json.loads(plan.document)
    for section in ("steps", "finally"):
        now = document.get(section)
        listed = [step for step in now if isinstance(step, dict)] if isinstance(now, list) else []
        kept = [steps.get(str(step.get("id")), step) for step in listed]
        document[section] = [step for step in kept if step is not None]
    present = {str(step.get("id")) for section in ("steps", "finally") for step in _objects(document.get(section))}
    missing = [definition for name, definition in steps.items() if definition is not None and name not in present]
    document["steps"] = [*_objects(document.get("steps")), *missing]
    if not document["finally"]:
        del document["finally"]
    name = f"{plan.plan.plan_id}.json"
    return load_plan(json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"), name=name)


def _objects(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
