"""What an attempt ran, as text to paste into a shell: quoted so that it survives a terminal, secrets by name. Nothing is run here."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.json import canonical_json
from tui.terminal import is_clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model.json import Json, JsonObject
    from store.rows import AttemptRow

MASK: Final = "***"
_COLUMNS: Final = 78
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of a run its commands depend on, as `run.created` and the plan say it.

    `base_env` is what every step gets of the host; `document` is the plan, with the templates in which secrets stand.
    """

    workdir: str
    plan_folder: str
    base_env: Mapping[str, str]
    document: JsonObject


@dataclass(frozen=True, slots=True)
class Pasteable:
    """A command line of a step, whole. It begins at the first column: indented, the texts in it would change."""

    step_id: str
    text: str
    notes: tuple[str, ...] = ()


def pasteable(attempt: AttemptRow, around: Surroundings, *, ascii_only: bool = False) -> Pasteable | None:
    """The attempt as a person can repeat it; None if what it ran was not recorded."""
    definition = attempt.starting.get("definition")
    if not isinstance(definition, dict):
        return None
    secrets = _Secrets(around, attempt.step_id)
    if definition.get("type") == "sql":
        text = _query(definition, around, secrets)
    else:
        text = _command(definition, attempt, around, secrets, ascii_only=ascii_only)
    notes = [*secrets.notes]
    if secrets.are_declared and MASK in text:
        notes.append(f"{MASK} stands where the text of a secret was: put it in")
    if not all(is_clean(line.replace("\t", " ")) for line in text.split("\n")):
        notes.append("it holds characters that cannot be shown; here they stand as escapes")
    if attempt.starting.get("idempotent") is False:
        notes.append("the plan does not call this step idempotent: run again, it does its work again")
    return Pasteable(attempt.step_id, text, tuple(notes))


def shell_word(text: str, *, ascii_only: bool = False) -> str:
    """One word for a POSIX shell. What a terminal would change or show as an escape is written `$'…'`, as bash and zsh read it."""
    readable = all(is_clean(line) for line in text.split("\n")) and " \n" not in text
    if readable and (text.isascii() or not ascii_only):
        return shlex.quote(text)
    pieces: list[str] = []
    for character in text:
        if character in "\\'":
            pieces.append("\\" + character)
        elif character in _SHORT:
            pieces.append(_SHORT[character])
        elif is_clean(character) and (character.isascii() or not ascii_only):
            pieces.append(character)
        else:
            # Three octal digits cannot swallow the character that follows, as hexadecimal ones would.
            pieces += [f"\\{byte:03o}" for byte in _bytes(character)]
    return f"$'{''.join(pieces)}'"


_SHORT: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _bytes(character: str) -> bytes:
    try:
        return character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return character.encode("utf-8", "surrogatepass")


class _Secrets:
    """The secrets of a plan and where in a step's templates they stand, so that text that merely looks like one stays text."""

    def __init__(self, around: Surroundings, step_id: str) -> None:
        declared = _object(around.document.get("secrets"))
        self._sources = {name: _object(source) for name, source in declared.items()}
        self._folder = around.plan_folder
        names = "|".join(re.escape(name) for name in sorted(self._sources, key=len, reverse=True))
        self._pattern = re.compile(rf"\{{secrets\.({names})\}}") if names else None
        step = _step(around.document, step_id)
        shared = _object(_object(around.document.get("globals")).get("env"))
        self._env = {**shared, **_object(step.get("env"))}
        self._binds = _object(_object(step.get("step_def")).get("args"))
        self.notes: list[str] = []

    @property
    def are_declared(self) -> bool:
        """True if the plan has any."""
        return self._pattern is not None

    def in_variable(self, name: str, value: str, *, ascii_only: bool) -> str:
        """The value of an environment variable as a word, a secret in it as what a shell replaces by its text."""
        parts = self._split(value, self._env.get(name))
        if parts is None:
            return shell_word(value, ascii_only=ascii_only)
        return "".join(
            self._expansion(part) if is_secret else shell_word(part, ascii_only=ascii_only)
            for is_secret, part in parts
            if part
        )

    def in_bind(self, name: str, value: Json) -> Json:
        """The value of a bind parameter, a secret in it as words that say what to put there."""
        parts = self._split(value, self._binds.get(name)) if isinstance(value, str) else None
        if parts is None:
            return value
        for is_secret, part in parts:
            if is_secret:
                self._note(f"put the secret {part} in by hand; {self._origin(part)}")
        return "".join(f"<the secret {part}>" if is_secret else part for is_secret, part in parts)

    def _split(self, value: str, template: Json) -> list[tuple[bool, str]] | None:
        """Text and names of secrets in turn; None if the plan puts no secret there."""
        if self._pattern is None or not isinstance(template, str) or "secrets" not in template:
            return None
        pieces = self._pattern.split(value)
        return [(number % 2 == 1, piece) for number, piece in enumerate(pieces)] if len(pieces) > 1 else None

    def _expansion(self, name: str) -> str:
        source = self._sources[name]
        variable, file = source.get("env"), source.get("file")
        if isinstance(variable, str) and _VARIABLE.fullmatch(variable):
            self._note(f"the secret {name} is not recorded: set {variable} in your shell first")
            return f'"${variable}"'
        if isinstance(file, str):
            path = file if file.startswith("~") else posixpath.join(self._folder, file)
            self._note(f"the secret {name} is not recorded: your shell reads it from {path}")
            quoted = f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)
            return f'"$(cat -- {quoted})"'
        self._note(f"put the secret {name} in by hand; {self._origin(name)}")
        return shlex.quote(f"<the secret {name}>")

    def _origin(self, name: str) -> str:
        source = self._sources[name]
        if isinstance(variable := source.get("env"), str):
            return f"the plan takes it from the variable {variable}"
        return f"the plan takes it from the file {source.get('file')}"

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _command(
    definition: JsonObject, attempt: AttemptRow, around: Surroundings, secrets: _Secrets, *, ascii_only: bool
) -> str:
    def quoted(text: str) -> str:
        return shell_word(text, ascii_only=ascii_only)

    given = _object(attempt.starting.get("env"))
    # The cookie is left out: it marks processes that opscope ends when it takes a run over.
    marks = {
        "OPSCOPE_RUN_ID": attempt.run_id,
        "OPSCOPE_STEP_ID": attempt.step_id,
        "OPSCOPE_ATTEMPT": str(attempt.attempt),
        "OPSCOPE_IDEMPOTENCY_KEY": str(attempt.starting.get("idempotency_key") or ""),
    }
    variables = {**around.base_env, **{name: str(value) for name, value in given.items()}, **marks}
    settings = [
        f"{quoted(name)}={secrets.in_variable(name, value, ascii_only=ascii_only) if name in given else quoted(value)}"
        for name, value in variables.items()
    ]
    folder = posixpath.join(around.workdir, str(definition.get("cwd") or ""))
    program = str(definition.get("command"))
    if "/" in program:
        program = posixpath.join(around.plan_folder, program)
    arguments = definition.get("args")
    words = [quoted(str(word)) for word in [program, *(arguments if isinstance(arguments, list) else [])]]
    if "=" in program or program.startswith("-"):
        # env would take it for a setting or an option of its own.
        words = ["sh", "-c", """'exec "$0" "$@"'""", *words]
    lines = [f"cd {quoted(_without_end(folder))} && env -i"]
    lines += _packed(settings)
    lines += _packed([*words, "</dev/null"])
    return " \\\n  ".join(lines)


def _without_end(folder: str) -> str:
    return folder.rstrip("/") or "/"


def _packed(words: Iterable[str]) -> list[str]:
    """Words side by side as far as a line of a terminal goes. A word of several lines, or of more than a line, is whole."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1].rpartition("\n")[2]) + len(word.partition("\n")[0]) + 5 <= _COLUMNS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _query(definition: JsonObject, around: Surroundings, secrets: _Secrets) -> str:
    query = str(definition.get("query") or "").strip("\n")
    database = posixpath.join(around.plan_folder, str(definition.get("database")))
    binds = _object(definition.get("args"))
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


_DOT_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', **_SHORT}


def _step(document: JsonObject, step_id: str) -> JsonObject:
    steps = [step for key in ("steps", "finally") for step in _list(document.get(key))]
    return next((step for step in steps if isinstance(step, dict) and step.get("id") == step_id), {})


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
