"""Python steps: a function for a child interpreter, with keyword arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundPython
from engine.plan.definitions.filling import Fields, open_text, optional_text, with_inputs
from engine.plan.names import Around, Context, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.step_defs import PythonDef
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.texts import Texts


def check_python(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile it, and note what is wrong with it."""
    hint = "name the function, and give it what varies in args"
    texts.fixed(definition.get("callable"), (*path, "callable"), "the name of a function", hint)
    found: dict[str, Any] = {"interpreter": "python3", "cwd": None, "path": []}
    for name in ("interpreter", "cwd"):
        if name in definition:
            found[name] = texts.argument(definition[name], (*path, name), around)
    folders = definition.get("path")
    for index, folder in enumerate(folders if isinstance(folders, list) else ()):
        found["path"].append(texts.argument(folder, (*path, "path", index), around))
    arguments = Context(Place.ARGUMENT, (*path, "args"), around)
    found["args"] = texts.arguments(definition.get("args"), arguments, "an argument of a function")
    return found


def bind_python(definition: PythonDef, fields: Fields, view: View, inputs: Mapping[str, Json]) -> BoundPython:
    """Fill it in. Raises MissingReferenceError."""
    return BoundPython(
        callable=definition.callable,
        interpreter=open_text(fields["interpreter"], view),
        args=with_inputs(inputs, fields["args"], view),
        path=tuple(open_text(folder, view) for folder in fields["path"]),
        cwd=optional_text(fields["cwd"], view),
    )
