"""PowerShell steps: a script as text or as a file, with named arguments. The text is program text and is never filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundPowershell, SecretName
from engine.plan.definitions.filling import Fields, open_text, optional_text, with_inputs
from engine.plan.faults import shorten
from engine.plan.names import Around, Context, Place
from engine.plan.template_parser import Template, parse_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.step_defs import PowershellDef
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.texts import Texts


def check_powershell(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile it, and note what is wrong with it."""
    script, file = definition.get("script"), definition.get("file")
    if (script is None) == (file is None):
        message = "a powershell step runs nothing" if script is None else "script and file stand on one step"
        texts.faults.add(path, message, "give either script: its text, or file: a path in the plan's folder")
    if isinstance(script, str):
        _check_script(script, (*path, "script"), texts)
    found: dict[str, Any] = {"file": None, "interpreter": "pwsh", "cwd": None}
    for name in ("file", "interpreter", "cwd"):
        if name in definition:
            found[name] = texts.argument(definition[name], (*path, name), around)
    arguments = Context(Place.ARGUMENT, (*path, "args"), around)
    found["args"] = texts.arguments(definition.get("args"), arguments, "an argument of a script")
    return found


def bind_powershell(
    definition: PowershellDef, fields: Fields, view: View, inputs: Mapping[str, Json]
) -> BoundPowershell:
    """Fill it in. Raises MissingReferenceError."""
    return BoundPowershell(
        interpreter=open_text(fields["interpreter"], view),
        script=definition.script,
        file=optional_text(fields["file"], view),
        args=with_inputs(inputs, fields["args"], view),
        cwd=optional_text(fields["cwd"], view),
    )


def _check_script(script: str, path: Path, texts: Texts) -> None:
    """Braces are PowerShell's own; only what names something of the plan was meant as a reference."""
    parsed = parse_text(script, texts.names.known)
    for part in parsed.value.parts if isinstance(parsed.value, Template) else ():
        if isinstance(part, str) or (not isinstance(part, SecretName) and part.head not in texts.names.known):
            continue
        shown = f"{{secrets.{part.name}}}" if isinstance(part, SecretName) else part.text
        texts.faults.add(
            path,
            f"the reference {shorten(shown)} stands in PowerShell code, where its value would run as code",
            f"give it in args, or set it in env and use $env:NAME; a block of PowerShell's own is written {{ {shown[1:-1]} }}",
        )
        return
