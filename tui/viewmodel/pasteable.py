"""What an attempt ran, as text to paste into a shell: quoted so that it survives a terminal, secrets by name. Nothing is run here."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.json import canonical_json
from engine.model.states import Reason
from tui.terminal import is_clean
from tui.viewmodel.pasteable_calls import http_request, powershell_script, python_call, sub_plan
from tui.viewmodel.shell_text import MASK, SHORT_ESCAPES, Secrets, list_in, object_in, program_lines, shell_word

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.rows import AttemptRow
    from tui.viewmodel.shell_text import Surroundings


@dataclass(frozen=True, slots=True)
class Pasteable:
    """A command line of a step, whole. It begins at the first column: indented, the texts in it would change.

    `step_id` names the item too, as in `copy[3]`.
    """

    step_id: str
    text: str
    notes: tuple[str, ...] = ()


def pasteable(attempt: AttemptRow, around: Surroundings, *, ascii_only: bool = False) -> Pasteable | None:
    """The attempt as a person can repeat it; None if no command does what it did: see `why_not_pasteable`."""
    definition = attempt.starting.get("definition")
    if not isinstance(definition, dict):
        return None
    secrets = Secrets(around, attempt.step_id)
    text = _text(definition, attempt, around, secrets, ascii_only=ascii_only)
    if text is None:
        return None
    notes = [*secrets.notes]
    if attempt.reason is Reason.REFUSED:
        notes.append("this was refused: see why before it is run by hand")
    if secrets.are_declared and MASK in text:
        notes.append(f"{MASK} stands where the text of a secret was: put it in")
    if not all(is_clean(line.replace("\t", " ")) for line in text.split("\n")):
        notes.append("it holds characters that cannot be shown; here they stand as escapes")
    if attempt.starting.get("idempotent") is False:
        notes.append("the plan does not call this step idempotent: run again, it does its work again")
    item = "" if attempt.item_index is None else f"[{attempt.item_index}]"
    return Pasteable(f"{attempt.step_id}{item}", text, tuple(notes))


def why_not_pasteable(definition: JsonObject) -> str:
    """Why there is no command for what an attempt did; empty where there is one."""
    match definition.get("type"):
        case "file":
            return "opscope did this itself and started no program, so there is no command to paste; run the plan again"
        case "tool":
            return (
                f"{definition.get('tool')} is a function inside the program that held the engine, so there is no command "
                "to paste; run the plan again with that program"
            )
        case "decision":
            return "a decision starts nothing, so there is no command to paste"
        case _:
            return ""


def _text(
    definition: JsonObject, attempt: AttemptRow, around: Surroundings, secrets: Secrets, *, ascii_only: bool
) -> str | None:
    match definition.get("type"):
        case "command":
            words = [str(word) for word in list_in(definition.get("args"))]
            program, cwd = str(definition.get("command")), definition.get("cwd")
            return program_lines(program, words, cwd, attempt, around, secrets, ascii_only=ascii_only)
        case "sql":
            return _query(definition, around, secrets)
        case "python":
            return python_call(definition, attempt, around, secrets, ascii_only=ascii_only)
        case "powershell":
            return powershell_script(definition, attempt, around, secrets, ascii_only=ascii_only)
        case "http":
            return http_request(definition, attempt, secrets, ascii_only=ascii_only)
        case "plan":
            return sub_plan(definition, around, ascii_only=ascii_only)
        case _:
            return None


def _query(definition: JsonObject, around: Surroundings, secrets: Secrets) -> str:
    query = str(definition.get("query") or "").strip("\n")
    database = posixpath.join(around.plan_folder, str(definition.get("database")))
    binds = object_in(definition.get("args"))
    body: list[str] = []
    for name, value in binds.items():
        literal = sql_literal(secrets.in_bind(name, value))
        sigils = dict.fromkeys(re.findall(rf"([:@$]){re.escape(name)}(?![A-Za-z0-9_])", query)) or {":": None}
        body += [f".parameter set {sigil}{name} {_dot_word(literal)}" for sigil in sigils]
    body.append(query)
    if not query.rstrip().endswith(";"):
        body.append(";")
    end = "SQL"
    while any(line.strip() == end for line in query.split("\n")):
        end += "_"
    read_only = "" if definition.get("read_only") is False else "-readonly "
    return "\n".join([f"sqlite3 {read_only}-header {shell_word(database)} <<'{end}'", *body, end])


def sql_literal(value: Json) -> str:
    """A bind value as SQL: true and false are 1 and 0, lists and objects their JSON text, as a step binds them."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(int(value))
        case int() | float():
            return repr(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return sql_literal(canonical_json(value))


def _dot_word(literal: str) -> str:
    """A word of a dot command of the sqlite3 shell, which knows the escapes of C between double quotes."""
    return '"' + "".join(_DOT_ESCAPES.get(character, character) for character in literal) + '"'


_DOT_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', **SHORT_ESCAPES}
