"""File steps: which fields each action needs, and its paths filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundFile
from engine.model.step_defs import FileAction
from engine.plan.definitions.filling import Fields, open_text, optional_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.step_defs import FileDef
    from engine.plan.faults import Path
    from engine.plan.names import Around
    from engine.plan.scope import View
    from engine.plan.texts import Texts

_NEEDS = {FileAction.COPY: "to", FileAction.MOVE: "to", FileAction.WRITE: "content"}
_MEANING = {"to": "where it goes", "content": "what is written"}


def check_file(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile it, and note what is wrong with it."""
    action = definition.get("action")
    if isinstance(action, str) and action in list(FileAction):
        _check_fields(FileAction(action), definition, path, texts)
    found: dict[str, Any] = dict.fromkeys(("path", "to", "content", "expect"))
    for name in found:
        found[name] = texts.argument(definition.get(name), (*path, name), around)
    return found


def bind_file(definition: FileDef, fields: Fields, view: View) -> BoundFile:
    """Fill it in. Raises MissingReferenceError."""
    return BoundFile(
        action=definition.action.value,
        path=open_text(fields["path"], view),
        to=optional_text(fields["to"], view),
        content=optional_text(fields["content"], view),
        overwrite=definition.overwrite,
        mode=None if definition.mode is None else int(definition.mode, 8),
        algorithm=definition.algorithm,
        expect=optional_text(fields["expect"], view),
    )


def _check_fields(action: FileAction, definition: Mapping[str, Json], path: Path, texts: Texts) -> None:
    needed = _NEEDS.get(action)
    if needed is not None and definition.get(needed) is None:
        texts.faults.add(path, f"{action.value} needs {needed}: {_MEANING[needed]}", f"add {needed}")
    for name in _MEANING:
        if name != needed and definition.get(name) is not None:
            of = " and ".join(other.value for other, needs in _NEEDS.items() if needs == name)
            texts.faults.add((*path, name), f"{action.value} has no {name}", f"{name} belongs to {of}", at_key=True)
