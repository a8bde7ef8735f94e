"""Texts and expressions of a plan, checked and compiled: what each place may name, and which steps it therefore needs."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.plan.expressions import Expression, ExpressionError, compile_expression
from engine.plan.faults import Faults, Path, shorten
from engine.plan.interpreters import REMOTE_SHELL
from engine.plan.names import Around, Context, Names, Place
from engine.plan.template_parser import ParsedText, Reference, Template, parse_text

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from engine.model.json import Json
    from engine.plan.references import Compiled

NOTHING: Mapping[str, Any] = MappingProxyType({})
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_CONDITION_CHARS = 4 * 1024 * 1024
_FRACTIONS_LOOKED_AT = 50
_WAYS_IN = {
    "shell": 'pass it as an argument after the script and use "$1", or set it in env and use "$NAME"',
    "SQL": "use :name in the query and give the value in args of an sql step",
    "awk": "pass it with -v name=value, or set it in env and use ENVIRON",
    "sed": "let sed run nothing, with --sandbox before the script, or use awk with -v name=value",
    "make": 'set it in env and write "$$NAME" in the recipe, where the shell and not make reads it',
    REMOTE_SHELL: "the shell of the other host reads its words again; quote the value for it, as in "
    "command: bash, args: [-c, 'ssh HOST \"COMMAND ${1@Q}\"', bash, VALUE]",
    "PowerShell": "set it in env and use $env:NAME; a powershell step takes it in args, too",
}
_ASSET_WAYS_IN = {
    "SQL": 'an asset is the whole query or no part of it: query: "{assets.ALIAS}"',
    "shell": 'set it in env, as in SCRIPT: "{assets.ALIAS}", and run it with eval "$SCRIPT"',
}
_ASSET_OTHER_WAY_IN = (
    'set it in env, as in SCRIPT: "{assets.ALIAS}", and let the program run what stands in the variable'
)
_OTHER_WAY_IN = "pass it as an argument after the program text, or set it in env"


class Texts:
    """Compiles one text after the other. `needed` are the steps that the texts since `begin_step` refer to, each with the
    first reference that does; `shown` are the compiled texts of compose and present.
    """

    def __init__(self, names: Names, faults: Faults, warnings: Faults) -> None:
        self.names = names
        self.faults = faults
        self.warnings = warnings
        self.needed: dict[str, str] = {}
        self.shown: dict[str, Template | str] = {}
        self.fractions: list[tuple[str, Path]] = []
        self.condition_chars = 0
        self._asked_env: list[tuple[Path, str, str]] = []

    def begin_step(self) -> None:
        """From here on another step is looked at."""
        self.needed = {}
        self._asked_env = []

    def end_step(self, step_id: Json, secret_env: Container[str]) -> None:
        """Warn of conditions that ask for what holds a secret; `secret_env` are the variables of the step that do."""
        told: set[tuple[Path, str]] = set()
        for path, asked, name in self._asked_env:
            if name in secret_env and (path, name) not in told:
                told.add((path, name))
                message = f"step {step_id}: {shorten(name)} holds a secret, which reads as null in: {shorten(asked)}"
                self.warnings.add(path, message, "ask for a variable without a secret, or decide in the step's program")

    def text(self, text: str, context: Context) -> ParsedText:
        """A text with references. Notes everything that is wrong with them."""
        parsed = parse_text(text, self.names.known)
        for problem in parsed.problems:
            self.faults.add(context.path, problem.message, problem.hint)
        for bare in parsed.bare:
            self._bare(bare, context)
        if isinstance(parsed.value, Template):
            for reference in parsed.references:
                # A secret that is more than its name did not become one: checked without keys, it says how it is written.
                keys = () if reference.head == "secrets" else reference.keys
                shown = shorten(reference.text)
                self._need(self.names.check(reference.head, keys, shown, context), shown)
            for secret in parsed.secrets:
                self.names.check("secrets", (secret.name,), f"{{secrets.{secret.name}}}", context)
        return parsed

    def argument(self, text: Json, path: Path, around: Around) -> str | Template | None:
        """A text that reaches a program, a database or a server; None for what is no text, which the shape has a word for."""
        if not isinstance(text, str):
            return None
        return self.text(text, Context(Place.ARGUMENT, path, around)).value if "{" in text else text

    def tree(self, value: Json, context: Context) -> Compiled:
        """JSON in which every text that needs it has become a template."""
        if isinstance(value, str):
            if "{" not in value:
                return value
            compiled = self.text(value, context).value
            if context.place in (Place.COMPOSE, Place.PRESENT):
                self.shown[value] = compiled
            return compiled
        if isinstance(value, dict):
            return {name: self.tree(item, context.below(name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self.tree(item, context.below(index)) for index, item in enumerate(value)]
        return value

    def expression(self, text: Json, context: Context) -> Expression | None:
        """A condition; None for what is no text, which the shape has a word for already, and for what cannot be read."""
        if not isinstance(text, str):
            return None
        self.condition_chars += len(text)
        if self.condition_chars > _MAX_CONDITION_CHARS:
            place = context.path[:2]
            if not self.faults.has(place):
                message = f"the conditions up to here have more than {_MAX_CONDITION_CHARS:,} characters together"
                self.faults.add(place, message, "compute it in a step and name its result")
            return None
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            self.faults.add(context.path, f"character {error.offset + 1}: {error.message}", error.hint)
            return None
        for name in expression.names:
            static = name.head + "".join(f".{key}" if isinstance(key, str) else "[…]" for key in name.keys)
            self._need(self.names.check(name.head, name.keys, static, context), static)
            if name.head == "env" and name.keys and isinstance(name.keys[0], str):
                self._asked_env.append((context.path, expression.text, name.keys[0]))
        return expression

    def env(
        self, env: Json, path: Path, place: Place, around: Around, secret_env: set[str]
    ) -> Mapping[str, str | Template]:
        """Variables. `secret_env` gains the names of those that hold a secret, and loses those that no longer do."""
        if not isinstance(env, dict) or not env:
            return NOTHING
        found: dict[str, str | Template] = {}
        before = frozenset(secret_env)
        for name, value in env.items():
            here = (*path, name)
            if not name or "=" in name:
                self.faults.add(here, f"'{shorten(name)}' cannot name a variable", "a name has no '='", at_key=True)
            if not isinstance(value, str):
                continue
            parsed = self.text(value, Context(place, here, around))
            found[name] = parsed.value
            from_env = [ref.keys[0] for ref in parsed.references if ref.head == "env" and ref.keys]
            if parsed.secrets or any(key in before for key in from_env):
                secret_env.add(name)
            else:
                secret_env.discard(name)
        return found

    def arguments(self, args: Json | Mapping[str, Json], context: Context, what: str) -> dict[str, Compiled]:
        """Values by name, where the name has to be one of a language: `what` is such a name, as in "an argument"."""
        found: dict[str, Compiled] = {}
        for name, value in args.items() if isinstance(args, dict) else ():
            if not IDENTIFIER.fullmatch(name):
                place = (*context.path, name)
                self.faults.add(place, f"'{shorten(name)}' cannot name {what}", "letters, digits and _", at_key=True)
            plain = isinstance(value, str) and "{" not in value
            found[name] = value if plain else self.tree(value, context.below(name))
        return found

    def fixed(self, text: Json, path: Path, what: str, hint: str) -> None:
        """A text that has to be known when the plan is read: `what` it is, and what to do where it is not."""
        if isinstance(text, str) and "{" in text and isinstance(parse_text(text, self.names.known).value, Template):
            self.faults.add(path, f"{shorten(text)}: a reference cannot stand in {what}", hint)

    def in_code(self, parsed: ParsedText, language: str, path: Path) -> None:
        """Note that a reference stands in program text."""
        parts = parsed.value.parts if isinstance(parsed.value, Template) else ()
        first = next((part for part in parts if not isinstance(part, str)), None)
        if first is None:
            return
        shown = first.text if isinstance(first, Reference) else f"{{secrets.{first.name}}}"
        hint = _WAYS_IN.get(language, _OTHER_WAY_IN)
        if isinstance(first, Reference) and first.head == "assets":
            hint = _ASSET_WAYS_IN.get(language, _ASSET_OTHER_WAY_IN)
        code = "shell code for another host" if language == REMOTE_SHELL else f"{language} code"
        message = f"the reference {shorten(shown)} stands in {code}, where its value would run as code"
        self.faults.add(path, message, hint)

    def fraction(self, word: str, path: Path) -> None:
        """Remember a number that is passed as a word; only the first of them are looked at in the end."""
        if len(self.fractions) < _FRACTIONS_LOOKED_AT:
            self.fractions.append((word, path))

    def check_fractions(self) -> None:
        """`1.10` is a number to both languages, and a program gets `1.1`. All are looked up at once: it costs a walk."""
        written = self.faults.number_texts([path for _, path in self.fractions])
        for (word, path), text in zip(self.fractions, written, strict=True):
            if text != word:
                self.warnings.add(
                    path, f"{shorten(text)} is a number and is passed as {word}", "quote it to pass it as written"
                )

    def _bare(self, text: str, context: Context) -> None:
        """`{host}` stands for itself, which is seldom meant where a parameter has that name."""
        inner = text.strip("{} ")
        if text[1:2] == " " or text[-2:-1] == " ":
            meant = f"{{{inner}}}"
        elif inner in self.names.params:
            meant = f"{{params.{inner}}}"
        elif inner in self.names.steps:
            meant = f"{{{inner}.data}}"
        elif inner in context.around.inputs:
            meant = f"{{inputs.{inner}}}"
        else:
            return
        self.warnings.add(context.path, f"{shorten(text)} is passed on as it stands", f"did you mean {meant}?")

    def _need(self, step_id: str | None, because: str) -> None:
        if step_id is not None:
            self.needed.setdefault(step_id, because)
