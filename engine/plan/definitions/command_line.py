"""Command steps: a program and its arguments, none of them program text with a reference in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundCommand
from engine.plan.definitions.filling import Fields, open_text, optional_text
from engine.plan.faults import shorten
from engine.plan.interpreters import code_arguments, option_argument
from engine.plan.names import Around, Context, Place
from engine.plan.template_parser import Reference, Template, parse_text
from engine.plan.values import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.texts import Texts


def check_command(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile it, and note what is wrong with it."""
    found: dict[str, Any] = {"args": [], "cwd": None}
    command, cwd, args = definition.get("command"), definition.get("cwd"), definition.get("args")
    words: list[str] = []
    for index, arg in enumerate(args if isinstance(args, list) else ()):
        words.append(arg if isinstance(arg, str) else to_text(arg))
        if isinstance(arg, str) and "{" in arg:
            context = Context(Place.ARGUMENT, (*path, "args", index), around)
            found["args"].append(texts.text(arg, context).value)
        else:
            found["args"].append(words[-1])
            if isinstance(arg, float):
                texts.fraction(words[-1], (*path, "args", index))
    if isinstance(command, str):
        found["command"] = texts.argument(command, (*path, "command"), around)
        value = found["command"] if isinstance(found["command"], str) else "sh"
        _code(value, words, (*path, "args"), texts)
        if " " in value and "/" not in value:
            hint = "no shell splits it; put the arguments in args"
            texts.warnings.add((*path, "command"), f"'{shorten(value)}' is taken as the name of one program", hint)
    if cwd is not None:
        found["cwd"] = texts.argument(cwd, (*path, "cwd"), around)
    return found


def bind_command(fields: Fields, view: View) -> BoundCommand:
    """Fill it in. Raises MissingReferenceError."""
    return BoundCommand(
        command=open_text(fields["command"], view),
        args=tuple(open_text(arg, view) for arg in fields["args"]),
        cwd=optional_text(fields["cwd"], view),
    )


def _code(program: str, words: list[str], path: Path, texts: Texts) -> None:
    if not any("{" in word for word in words):
        return
    _option(program, words, path, texts)
    for code in code_arguments(program, words):
        if code.index >= 0 and "{" in words[code.index]:
            parsed = parse_text(words[code.index], texts.names.known)
            texts.in_code(parsed, code.language, (*path, code.index))


def _option(program: str, words: list[str], path: Path, texts: Texts) -> None:
    """A value that begins with `-` would be an option of ssh, and one of those runs a command here."""
    index = option_argument(program, words)
    value = "" if index is None else parse_text(words[index], texts.names.known).value
    if index is not None and isinstance(value, Template) and isinstance(value.parts[0], Reference):
        shown = shorten(value.parts[0].text)
        message = f"the reference {shown} stands where ssh takes options: a value that begins with - would be one"
        texts.faults.add((*path, index), message, "put '--' before it, as a word of its own")
