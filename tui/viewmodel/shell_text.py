"""Words for a shell: text quoted so that it survives a terminal, secrets by name, the environment of an attempt. Nothing is run."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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


def shell_word(text: str, *, ascii_only: bool = False) -> str:
    """One word for a POSIX shell. What a terminal would change or show as an escape is written `$'…'`, as bash and zsh read it."""
    readable = all(is_clean(line) for line in text.split("\n")) and " \n" not in text
    if readable and (text.isascii() or not ascii_only):
        return shlex.quote(text)
    pieces: list[str] = []
    for character in text:
        if character in "\\'":
            pieces.append("\\" + character)
        elif character in SHORT_ESCAPES:
            pieces.append(SHORT_ESCAPES[character])
        elif is_clean(character) and (character.isascii() or not ascii_only):
            pieces.append(character)
        else:
            # Three octal digits cannot swallow the character that follows, as hexadecimal ones would.
            pieces += [f"\\{byte:03o}" for byte in _bytes(character)]
    return f"$'{''.join(pieces)}'"


SHORT_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _bytes(character: str) -> bytes:
    try:
        return character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return character.encode("utf-8", "surrogatepass")


class Secrets:
    """The secrets of a plan and where in a step's templates they stand, so that text that merely looks like one stays text."""

    def __init__(self, around: Surroundings, step_id: str) -> None:
        declared = object_in(around.document.get("secrets"))
        self._sources = {name: object_in(source) for name, source in declared.items()}
        self._folder = around.plan_folder
        names = "|".join(re.escape(name) for name in sorted(self._sources, key=len, reverse=True))
        self._pattern = re.compile(rf"\{{secrets\.({names})\}}") if names else None
        step = plan_step(around.document, step_id)
        shared = object_in(object_in(around.document.get("globals")).get("env"))
        self._env = {**shared, **object_in(step.get("env"))}
        self._binds = object_in(object_in(step.get("step_def")).get("args"))
        self._headers = object_in(object_in(step.get("step_def")).get("headers"))
        self.notes: list[str] = []

    @property
    def are_declared(self) -> bool:
        """True if the plan has any."""
        return self._pattern is not None

    def in_variable(self, name: str, value: str, *, ascii_only: bool) -> str:
        """The value of an environment variable as a word, a secret in it as what a shell replaces by its text."""
        return self._word("", value, self._env.get(name), ascii_only=ascii_only)

    def in_header(self, name: str, value: str, *, ascii_only: bool) -> str:
        """A header as a word for curl, a secret in it as what a shell replaces by its text."""
        beginning = f"{name}: " if value else f"{name};"
        return self._word(beginning, value, self._headers.get(name), ascii_only=ascii_only)

    def in_bind(self, name: str, value: Json) -> Json:
        """The value of a bind parameter, a secret in it as words that say what to put there."""
        parts = self._split(value, self._binds.get(name)) if isinstance(value, str) else None
        if parts is None:
            return value
        for is_secret, part in parts:
            if is_secret:
                self._note(f"put the secret {part} in by hand; {self._origin(part)}")
        return "".join(f"<the secret {part}>" if is_secret else part for is_secret, part in parts)

    def _word(self, beginning: str, value: str, template: Json, *, ascii_only: bool) -> str:
        parts = self._split(value, template)
        if parts is None:
            return shell_word(beginning + value, ascii_only=ascii_only)
        (_, first), *rest = parts  # text comes first, though it may be empty
        return "".join(
            self._expansion(part) if is_secret else shell_word(part, ascii_only=ascii_only)
            for is_secret, part in [(False, beginning + first), *rest]
            if part
        )

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


def without_end(folder: str) -> str:
    """A folder without the slash at its end."""
    return folder.rstrip("/") or "/"


def packed(words: Iterable[str]) -> list[str]:
    """Words side by side as far as a line of a terminal goes. A word of several lines, or of more than a line, is whole."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1].rpartition("\n")[2]) + len(word.partition("\n")[0]) + 5 <= _COLUMNS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def plan_step(document: JsonObject, step_id: str) -> JsonObject:
    """A step as the plan has it, templates and all; empty if there is none."""
    steps = [step for key in ("steps", "finally") for step in list_in(document.get(key))]
    return next((step for step in steps if isinstance(step, dict) and step.get("id") == step_id), {})


def list_in(value: Json) -> list[Json]:
    """The list, or an empty one where it is none."""
    return value if isinstance(value, list) else []


def object_in(value: Json) -> JsonObject:
    """The object, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def program_lines(
    program: str,
    words: Iterable[str],
    cwd: Json,
    attempt: AttemptRow,
    around: Surroundings,
    secrets: Secrets,
    *,
    ascii_only: bool,
) -> str:
    """A program with its arguments in the folder and the environment of an attempt, with nothing on its input."""

    def quoted(text: str) -> str:
        return shell_word(text, ascii_only=ascii_only)

    given = object_in(attempt.starting.get("env"))
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
    folder = posixpath.join(around.workdir, str(cwd or ""))
    if "/" in program:
        program = posixpath.join(around.plan_folder, program)
    line = [quoted(word) for word in [program, *words]]
    if "=" in program or program.startswith("-"):
        # env would take it for a setting or an option of its own.
        line = ["sh", "-c", """'exec "$0" "$@"'""", *line]
    lines = [f"cd {quoted(without_end(folder))} && env -i", *packed(settings), *packed([*line, "</dev/null"])]
    return " \\\n  ".join(lines)
