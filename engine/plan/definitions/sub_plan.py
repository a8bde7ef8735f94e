"""Plan steps: another plan and its parameters. Whether it exists and takes them is seen when it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.bound import BoundPlan
from engine.plan.definitions.filling import Fields, with_inputs
from engine.plan.names import Around, Context, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.step_defs import SubPlanDef
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.texts import Texts


def check_sub_plan(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile it, and note what is wrong with it."""
    hint = "name the plan, and give it what varies in params"
    texts.fixed(definition.get("plan"), (*path, "plan"), "the name of a plan", hint)
    params = definition.get("params")
    return {
        "params": {
            name: texts.tree(value, Context(Place.ARGUMENT, (*path, "params", name), around))
            for name, value in (params.items() if isinstance(params, dict) else ())
        }
    }


def bind_sub_plan(definition: SubPlanDef, fields: Fields, view: View, inputs: Mapping[str, Json]) -> BoundPlan:
    """Fill it in. Raises MissingReferenceError."""
    return BoundPlan(plan=definition.plan, params=with_inputs(inputs, fields["params"], view))
