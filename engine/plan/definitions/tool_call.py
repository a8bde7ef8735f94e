"""Tool steps: one call of a registered function, or a batch of calls that share what is in `args`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundTool
from engine.plan.definitions.filling import Fields, values, with_inputs
from engine.plan.names import Around, Context, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.step_defs import ToolDef
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.texts import Texts


def check_tool(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile it, and note what is wrong with it."""
    hint = "name the tool, and give it what varies in args"
    texts.fixed(definition.get("tool"), (*path, "tool"), "the name of a tool", hint)
    found: dict[str, Any] = {"calls": []}
    arguments = Context(Place.ARGUMENT, (*path, "args"), around)
    found["args"] = texts.arguments(definition.get("args"), arguments, "an argument of a function")
    calls = definition.get("calls")
    if calls == []:
        texts.faults.add((*path, "calls"), "a batch of no calls", "take calls out for a single call, or give one")
    for index, call in enumerate(calls if isinstance(calls, list) else ()):
        context = Context(Place.ARGUMENT, (*path, "calls", index), around)
        found["calls"].append(texts.arguments(call, context, "an argument of a function"))
    return found


def bind_tool(definition: ToolDef, fields: Fields, view: View, inputs: Mapping[str, Json]) -> BoundTool:
    """Fill it in. Raises MissingReferenceError."""
    common = with_inputs(inputs, fields["args"], view)
    if not fields["calls"]:
        return BoundTool(tool=definition.tool, calls=(common,))
    calls = tuple({**common, **values(call, view)} for call in fields["calls"])
    return BoundTool(tool=definition.tool, calls=calls, is_batch=True)
