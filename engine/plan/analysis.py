"""Everything about a plan beyond the shape of its fields: names, texts, conditions, code, dependencies. Notes faults, builds code."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.model.plan import RESERVED_STEP_IDS, ParamType
from engine.plan.expressions import Expression, ExpressionError, compile_expression
from engine.plan.faults import Faults, Path, describe, did_you_mean, path_text, shorten
from engine.plan.interpreters import REMOTE_SHELL, code_arguments, option_argument
from engine.plan.names import Context, Names, Place
from engine.plan.params import expected, fits
from engine.plan.schema import STEP_SECTIONS
from engine.plan.steps import Shared, StepCode
from engine.plan.template_parser import ParsedText, Reference, Template, parse_text
from engine.plan.values import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model.json import Json, JsonObject
    from engine.plan.references import Compiled

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_FRACTIONS_LOOKED_AT = 50
_MAX_CONDITION_CHARS = 4 * 1024 * 1024
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_WAYS_IN = {
    "shell": 'pass it as an argument after the script and use "$1", or set it in env and use "$NAME"',
    "SQL": "use :name in the query and give the value in args of an sql step",
    "awk": "pass it with -v name=value, or set it in env and use ENVIRON",
    "PowerShell": "set it in env and use $env:NAME",
    REMOTE_SHELL: "the shell of the other host reads its words again; quote the value for it, as in "
    "command: bash, args: [-c, 'ssh HOST \"COMMAND ${1@Q}\"', bash, VALUE]",
}
_OTHER_WAY_IN = "pass it as an argument after the program text, or set it in env"


@dataclass(slots=True)
class Analysis:
    """The compiled parts of a plan. `depends_on` holds explicit and implied dependencies of each step, in plan order."""

    shared: Shared = field(default_factory=Shared)
    steps: dict[str, StepCode] = field(default_factory=dict)
    depends_on: dict[str, tuple[str, ...]] = field(default_factory=dict)
    texts: dict[str, Template | str] = field(default_factory=dict)
    implied: int = 0


class Analyzer:
    """Goes through a plan that may be wrong in any way, and stops looking when enough is wrong."""

    def __init__(self, plan: JsonObject, faults: Faults, warnings: Faults) -> None:
        self.plan = plan
        self.faults = faults
        self.warnings = warnings
        self.names = Names(plan, faults)
        self.result = Analysis()
        self.needed: dict[str, None] = {}
        self.secret_env: set[str] = set()
        self.condition_chars = 0
        self.fractions: list[tuple[str, Path]] = []

    def run(self) -> Analysis:
        """Check and compile everything."""
        self._params()
        self._secrets()
        self._globals()
        seen: dict[str, Path] = {}
        for section in STEP_SECTIONS:
            steps = self.plan.get(section)
            for index, step in enumerate(steps if isinstance(steps, list) else ()):
                if self.faults.full:
                    break
                if isinstance(step, dict):
                    self._step(step, (section, index), seen)
        self._show("compose", Place.COMPOSE)
        self._show("present", Place.PRESENT)
        self._fractions()
        return self.result

    # declarations ----------------------------------------------------------------------------------------------------

    def _params(self) -> None:
        for name, param in _section(self.plan, "params").items():
            path: Path = ("params", name)
            if not _PARAM_NAME.fullmatch(name):
                self.faults.add(
                    path, f"'{shorten(name)}' cannot name a parameter", "letters, digits, _ and -", at_key=True
                )
            if not isinstance(param, dict):
                continue
            kind, default = param.get("type", "string"), param.get("default")
            if default is None or kind not in list(ParamType):
                continue
            if not fits(default, ParamType(str(kind))):
                message = f"expected {expected(ParamType(str(kind)))}, found {describe(default)}"
                self.faults.add((*path, "default"), message, "the default has to be of the parameter's type")
            elif param.get("required") is True:
                self.warnings.add((*path, "required"), f"{name} has a default, so it is never missing")

    def _secrets(self) -> None:
        for name, source in _section(self.plan, "secrets").items():
            path: Path = ("secrets", name)
            if not _IDENTIFIER.fullmatch(name):
                self.faults.add(path, f"'{shorten(name)}' cannot name a secret", "letters, digits and _", at_key=True)
            if isinstance(source, dict) and (source.get("env") is None) == (source.get("file") is None):
                self.faults.add(path, "a secret comes from one place", "give either env: VARIABLE or file: PATH")

    def _globals(self) -> None:
        settings = _section(self.plan, "globals")
        env = self._env(settings.get("env"), ("globals", "env"), Place.GLOBAL_ENV, {}, self.secret_env)
        head: JsonObject = {}
        for name in ("plan_id", "version", "description"):
            value = self.plan.get(name, "")
            head[name] = value if isinstance(value, str) else ""
        self.result.shared = Shared(global_env=env, plan=head)

    # steps -----------------------------------------------------------------------------------------------------------

    def _step(self, step: JsonObject, path: Path, seen: dict[str, Path]) -> None:
        step_id = step.get("id")
        self.needed = {}
        if isinstance(step_id, str):
            self._step_id(step_id, path, seen)
        explicit = self._depends_on(step, path)
        inputs = _section(step, "output_mapping")
        secret_env = set(self.secret_env)
        code = StepCode(
            condition=self._condition(step.get("condition"), (*path, "condition")),
            skip_if=self._skip_if(step, path),
            inputs=self._inputs(inputs, path),
            env=self._env(step.get("env"), (*path, "env"), Place.ENV, inputs, secret_env),
            texts=self._definition(_section(step, "step_def"), (*path, "step_def"), inputs, secret_env),
        )
        if isinstance(step_id, str) and seen[step_id] == path:
            self.result.steps[step_id] = code
            if path[0] == "finally":
                return  # they run in their order, whatever they refer to
            self.result.implied += len(self.needed.keys() - explicit.keys())
            everything = {**explicit, **self.needed}
            self.result.depends_on[step_id] = tuple(sorted(everything, key=self.names.steps.__getitem__))

    def _step_id(self, step_id: str, path: Path, seen: dict[str, Path]) -> None:
        place = (*path, "id")
        if step_id in RESERVED_STEP_IDS:
            self.faults.add(place, f"'{step_id}' is a reserved word", "choose another id, such as " + step_id + "_step")
        elif keyword.iskeyword(step_id):
            self.faults.add(place, f"'{step_id}' is a keyword", "choose another id, such as " + step_id + "_step")
        first = seen.setdefault(step_id, path)
        if first != path:
            hint = f"the other one is {path_text(first)}"
            self.faults.add(place, f"two steps have the id '{shorten(step_id)}'", hint)

    def _depends_on(self, step: JsonObject, path: Path) -> dict[str, None]:
        found: dict[str, None] = {}
        listed = step.get("depends_on")
        if path[0] == "finally" and listed:
            hint = "they run one after the other when all other steps have ended; take it out"
            self.faults.add((*path, "depends_on"), "steps in finally have no dependencies", hint, at_key=True)
            return found
        for index, name in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(name, str) or self.faults.full:
                continue
            if name in self.names.steps:
                found[name] = None
            else:
                hint = did_you_mean(name, self.names.steps)
                self.faults.add((*path, "depends_on", index), f"there is no step '{shorten(name)}'", hint)
        return found

    def _skip_if(self, step: JsonObject, path: Path) -> tuple[Expression, ...]:
        listed = step.get("skip_if")
        found = []
        for index, text in enumerate(listed if isinstance(listed, list) else ()):
            expression = self._condition(text, (*path, "skip_if", index))
            if expression is not None:
                found.append(expression)
        return tuple(found)

    def _condition(self, text: Json, path: Path) -> Expression | None:
        if not isinstance(text, str):
            return None
        self.condition_chars += len(text)
        if self.condition_chars > _MAX_CONDITION_CHARS:
            if not self.faults.has(path[:2]):
                message = f"the conditions up to here have more than {_MAX_CONDITION_CHARS:,} characters together"
                self.faults.add(path[:2], message, "compute it in a step and name its result")
            return None
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            self.faults.add(path, f"character {error.offset + 1}: {error.message}", error.hint)
            return None
        context = Context(Place.CONDITION, path)
        for name in expression.names:
            static = name.head + "".join(f".{key}" if isinstance(key, str) else "[…]" for key in name.keys)
            self._need(self.names.check(name.head, name.keys, static, context))
        return expression

    def _inputs(self, inputs: Mapping[str, Json], path: Path) -> Mapping[str, Compiled]:
        if not inputs:
            return _NOTHING
        found = {}
        for name, value in inputs.items():
            place = (*path, "output_mapping", name)
            if not _IDENTIFIER.fullmatch(name):
                self.faults.add(place, f"'{shorten(name)}' cannot name an input", "letters, digits and _", at_key=True)
            found[name] = self._tree(value, Context(Place.INPUT, place, secret_env=self.secret_env))
        return found

    def _env(
        self, env: Json, path: Path, place: Place, inputs: Mapping[str, Json], secret_env: set[str]
    ) -> Mapping[str, str | Template]:
        if not isinstance(env, dict) or not env:
            return _NOTHING
        found: dict[str, str | Template] = {}
        before = frozenset(secret_env)
        for name, value in env.items():
            here = (*path, name)
            if not name or "=" in name:
                self.faults.add(here, f"'{shorten(name)}' cannot name a variable", "a name has no '='", at_key=True)
            if not isinstance(value, str):
                continue
            parsed = self._text(value, Context(place, here, inputs))
            found[name] = parsed.value
            from_env = [ref.keys[0] for ref in parsed.references if ref.head == "env" and ref.keys]
            if parsed.secrets or any(key in before for key in from_env):
                secret_env.add(name)
            else:
                secret_env.discard(name)
        return found

    # definitions -----------------------------------------------------------------------------------------------------

    def _definition(
        self, definition: Mapping[str, Json], path: Path, inputs: Mapping[str, Json], secret_env: set[str]
    ) -> dict[str, Any]:
        match definition.get("type"):
            case "command":
                return self._command(definition, path, inputs, secret_env)
            case "sql":
                return self._sql(definition, path, inputs, secret_env)
            case _:
                return {}

    def _command(
        self, definition: Mapping[str, Json], path: Path, inputs: Mapping[str, Json], secret_env: set[str]
    ) -> dict[str, Any]:
        def context(*below: str | int) -> Context:
            return Context(Place.ARGUMENT, (*path, *below), inputs, secret_env)

        texts: dict[str, Any] = {"args": [], "cwd": None}
        command, cwd, args = definition.get("command"), definition.get("cwd"), definition.get("args")
        words: list[str] = []
        for index, arg in enumerate(args if isinstance(args, list) else ()):
            words.append(arg if isinstance(arg, str) else to_text(arg))
            if isinstance(arg, str) and "{" in arg:
                texts["args"].append(self._text(arg, context("args", index)).value)
            else:
                texts["args"].append(words[-1])
                if isinstance(arg, float) and len(self.fractions) < _FRACTIONS_LOOKED_AT:
                    self.fractions.append((words[-1], (*path, "args", index)))
        if isinstance(command, str):
            parsed = self._text(command, context("command"))
            texts["command"] = parsed.value
            program = parsed.value if isinstance(parsed.value, str) else "sh"
            self._code(program, words, (*path, "args"))
            if " " in program and "/" not in program:
                hint = "no shell splits it; put the arguments in args"
                self.warnings.add((*path, "command"), f"'{shorten(program)}' is taken as the name of one program", hint)
        if isinstance(cwd, str):
            texts["cwd"] = self._text(cwd, context("cwd")).value
        return texts

    def _fractions(self) -> None:
        """`1.10` is a number to both languages, and a program gets `1.1`. All are looked up at once: it costs a walk."""
        written = self.faults.number_texts([path for _, path in self.fractions])
        for (word, path), text in zip(self.fractions, written, strict=True):
            if text != word:
                self.warnings.add(
                    path, f"{shorten(text)} is a number and is passed as {word}", "quote it to pass it as written"
                )

    def _code(self, program: str, words: list[str], path: Path) -> None:
        if not any("{" in word for word in words):
            return
        self._option(program, words, path)
        for code in code_arguments(program, words):
            if code.index < 0 or "{" not in words[code.index]:
                continue
            parsed = parse_text(words[code.index], self.names.known)
            if isinstance(parsed.value, Template):
                self._in_code(parsed, code.language, (*path, code.index))

    def _option(self, program: str, words: list[str], path: Path) -> None:
        """A value that begins with `-` would be an option of ssh, and one of those runs a command here."""
        index = option_argument(program, words)
        value = "" if index is None else parse_text(words[index], self.names.known).value
        if index is not None and isinstance(value, Template) and isinstance(value.parts[0], Reference):
            shown = shorten(value.parts[0].text)
            message = f"the reference {shown} stands where ssh takes options: a value that begins with - would be one"
            self.faults.add((*path, index), message, "put '--' before it, as a word of its own")

    def _in_code(self, parsed: ParsedText, language: str, path: Path) -> None:
        first = (
            next(part for part in parsed.value.parts if not isinstance(part, str))
            if isinstance(parsed.value, Template)
            else ""
        )
        shown = first.text if isinstance(first, Reference) else f"{{secrets.{getattr(first, 'name', '')}}}"
        hint = _WAYS_IN.get(language, _OTHER_WAY_IN)
        code = "shell code for another host" if language == REMOTE_SHELL else f"{language} code"
        message = f"the reference {shorten(shown)} stands in {code}, where its value would run as code"
        self.faults.add(path, message, hint)

    def _sql(
        self, definition: Mapping[str, Json], path: Path, inputs: Mapping[str, Json], secret_env: set[str]
    ) -> dict[str, Any]:
        texts: dict[str, Any] = {"args": {}}
        query, database = definition.get("query"), definition.get("database")
        if isinstance(query, str):
            parsed = parse_text(query, self.names.known)
            texts["query"] = parsed.value
            if isinstance(parsed.value, Template):
                self._in_query(parsed, (*path, "query"))
        if isinstance(database, str):
            context = Context(Place.ARGUMENT, (*path, "database"), inputs, secret_env)
            texts["database"] = self._text(database, context).value
        for name, value in _section(definition, "args").items():
            place = (*path, "args", name)
            if not _IDENTIFIER.fullmatch(name):
                self.faults.add(
                    place, f"'{shorten(name)}' cannot name a bind parameter", "letters, digits and _", at_key=True
                )
            texts["args"][name] = self._tree(value, Context(Place.BIND, place, inputs))
        return texts

    def _in_query(self, parsed: ParsedText, path: Path) -> None:
        whole = parsed.value.whole if isinstance(parsed.value, Template) else None
        if whole is not None and whole.head == "assets":
            self.names.check("assets", whole.keys, whole.text, Context(Place.ARGUMENT, path))
        else:
            self._in_code(parsed, "SQL", path)

    # texts -----------------------------------------------------------------------------------------------------------

    def _show(self, section: str, place: Place) -> None:
        value = self.plan.get(section)
        self.needed = {}
        if isinstance(value, dict):
            for name, template in value.items():
                self._tree(template, Context(place, (section, name), secret_env=self.secret_env))
        elif isinstance(value, list):
            for index, block in enumerate(value):
                self._tree(block, Context(place, (section, index), secret_env=self.secret_env))

    def _tree(self, value: Json, context: Context) -> Compiled:
        """JSON in which every text that needs it has become a template."""
        if isinstance(value, str):
            if "{" not in value:
                return value
            compiled = self._text(value, context).value
            if context.place in (Place.COMPOSE, Place.PRESENT):
                self.result.texts[value] = compiled
            return compiled
        if isinstance(value, dict):
            return {name: self._tree(item, _below(context, name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self._tree(item, _below(context, index)) for index, item in enumerate(value)]
        return value

    def _text(self, text: str, context: Context) -> ParsedText:
        if self.faults.full:
            return ParsedText(text)  # nothing more is listed, and nothing will be filled in
        parsed = parse_text(text, self.names.known)
        for problem in parsed.problems:
            self.faults.add(context.path, problem.message, problem.hint)
        for bare in parsed.bare:
            self._bare(bare, context)
        if isinstance(parsed.value, Template):
            for reference in parsed.references:
                # A secret that is more than its name did not become one: checked without keys, it says how it is written.
                keys = () if reference.head == "secrets" else reference.keys
                self._need(self.names.check(reference.head, keys, shorten(reference.text), context))
            for secret in parsed.secrets:
                self.names.check("secrets", (secret.name,), f"{{secrets.{secret.name}}}", context)
        return parsed

    def _bare(self, text: str, context: Context) -> None:
        """`{host}` stands for itself, which is seldom meant where a parameter has that name."""
        inner = text.strip("{} ")
        if text[1:2] == " " or text[-2:-1] == " ":
            meant = f"{{{inner}}}"
        elif inner in self.names.params:
            meant = f"{{params.{inner}}}"
        elif inner in self.names.steps:
            meant = f"{{{inner}.data}}"
        elif inner in context.inputs:
            meant = f"{{inputs.{inner}}}"
        else:
            return
        self.warnings.add(context.path, f"{shorten(text)} is passed on as it stands", f"did you mean {meant}?")

    def _need(self, step_id: str | None) -> None:
        if step_id is not None:
            self.needed[step_id] = None


def _below(context: Context, key: str | int) -> Context:
    return Context(context.place, (*context.path, key), context.inputs, context.secret_env)


def _section(value: Mapping[str, Json], name: str) -> dict[str, Json]:
    section = value.get(name)
    return section if isinstance(section, dict) else {}


def cycle_faults(cycles: Iterable[list[str]], names: Names, faults: Faults) -> None:
    """One fault a cycle, at the step it begins with, named step by step."""
    for cycle in cycles:
        place: Path = ("steps", names.steps[cycle[0]])
        shown = cycle if len(cycle) <= 12 else [*cycle[:6], "…", *cycle[-5:]]
        steps = " -> ".join(shown)
        if len(cycle) == 2:
            faults.add(place, f"the step waits for itself: {steps}", "a step cannot use its own result")
        else:
            faults.add(place, f"these steps wait for each other: {steps}", "take one of the dependencies out")
