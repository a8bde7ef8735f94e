"""What a validation policy forbids: programs, paths, hosts and types of steps, found in a plan before anything of it runs.

It reads what the plan says with its parameters filled in, so it sees a program behind `sudo` and inside `sh -c`, and no
path that only a result of a step brings. It is a guard against mistakes; whoever may write plans can get around it.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, assert_never
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import InputError
from engine.model.plan import (
    CommandDef,
    DecisionDef,
    FileDef,
    HttpDef,
    PowershellDef,
    PythonDef,
    SqlDef,
    SubPlanDef,
    ToolDef,
)
from engine.model.states import StepType  # noqa: TC001  pydantic reads it at run time
from engine.plan.faults import path_text
from engine.plan.interpreters import code_arguments, program_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.model.json import Json
    from engine.model.plan import Step

Globs = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(max_length=1000)]

_SEPARATORS: Final = re.compile(r"[;&|\n(){}`]|\$\(")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_BEFORE_A_COMMAND: Final = frozenset(
    ["if", "then", "else", "elif", "while", "until", "do", "!", "time", "exec", "command", "builtin", "eval"]
)
_PREFIXES: Final = frozenset(
    [
        "sudo",
        "doas",
        "env",
        "nice",
        "ionice",
        "nohup",
        "timeout",
        "stdbuf",
        "setsid",
        "xargs",
        "chroot",
        "busybox",
        "toybox",
    ]
)
_QUOTES: Final = "\"'"
_MAX_CODE_CHARS: Final = 200_000


class GuardRule(BaseModel):
    """One thing that plans may not do. Names and paths are globs; a path that ends in `/` stands for all that is below it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    reason: str = Field(min_length=1)
    commands: Globs = ()
    paths: Globs = ()
    hosts: Globs = ()
    step_types: tuple[StepType, ...] = ()
    severity: Literal["error", "warning"] = "error"


class ValidationPolicy(BaseModel):
    """What is forbidden to every plan that names this policy; rules with severity `warning` only say so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["validation"]
    rules: tuple[GuardRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """A step that does what a rule forbids; `what` is the word of the plan that does it."""

    rule: GuardRule
    step_id: str
    what: str

    def __str__(self) -> str:
        return f"{self.step_id}: {self.what} is forbidden by {self.rule.id}: {self.rule.reason}"


def parse_validation_policy(document: Json, *, place: str) -> ValidationPolicy:
    """The policy that a document describes; `place` names the asset. Raises InputError with everything that is wrong."""
    try:
        policy = ValidationPolicy.model_validate(document)
    except ValidationError as error:
        said = [f"{path_text(tuple(one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)[:20]]
        hint = "a rule has id, reason, and commands, paths, hosts or step_types"
        raise InputError("; ".join(said), place=place, hint=hint) from None
    empty = [rule.id for rule in policy.rules if not (rule.commands or rule.paths or rule.hosts or rule.step_types)]
    if empty:
        raise InputError(
            f"{', '.join(empty)}: it forbids nothing", place=place, hint="give commands, paths, hosts or step_types"
        )
    return policy


def violations(
    steps: Iterable[Step],
    policy: ValidationPolicy,
    *,
    fill: Callable[[Json], Any],
    workdir: Path,
    plan_folder: Path,
    home: str,
) -> list[Violation]:
    """Everything in these steps that the policy forbids, in plan order, each word once a rule.

    `fill` gives a value with the parameters filled in that are known, and leaves what is not.
    """
    found: dict[tuple[str, str, str], Violation] = {}
    for step in steps:
        said = _said(step, fill)
        for rule in policy.rules:
            for what in _forbidden(rule, step, said, workdir=workdir, plan_folder=plan_folder, home=home):
                found.setdefault((rule.id, step.id, what), Violation(rule, step.id, what))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Said:
    """What a step names: programs, words that may be paths, folders that they are relative to, and hosts."""

    programs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    plan_words: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


def _said(step: Step, fill: Callable[[Json], Any]) -> _Said:
    definition = step.step_def
    match definition:
        case CommandDef():
            argv = [str(fill(word)) for word in (definition.command, *definition.args)]
            cwd = [str(fill(definition.cwd))] if definition.cwd else []
            return _Said(programs=tuple(_programs(argv)), words=(*_path_words(argv), *cwd))
        case PowershellDef():
            words = [definition.script or "", *(_texts(fill(dict(definition.args))))]
            return _Said(
                programs=(definition.interpreter,), words=tuple(_path_words(words)), plan_words=(definition.file or "",)
            )
        case PythonDef():
            return _Said(
                programs=(definition.interpreter,),
                words=tuple(_path_words(_texts(fill(dict(definition.args))))),
                plan_words=(definition.callable.rpartition(":")[0],),
            )
        case HttpDef():
            host = urlsplit(str(fill(definition.url))).hostname
            return _Said(hosts=(host,) if host else ())
        case SqlDef():
            return _Said(plan_words=(str(fill(definition.database)),))
        case FileDef():
            return _Said(words=tuple(str(fill(text)) for text in (definition.path, definition.to) if text))
        case SubPlanDef():
            return _Said(plan_words=(definition.plan,), words=tuple(_path_words(_texts(fill(dict(definition.params))))))
        case ToolDef():
            values: list[Json] = [dict(definition.args), *(dict(call) for call in definition.calls)]
            return _Said(programs=(definition.tool,), words=tuple(_path_words(_texts(fill(values)))))
        case DecisionDef():
            return _Said()
        case _:
            assert_never(definition)


def _forbidden(
    rule: GuardRule, step: Step, said: _Said, *, workdir: Path, plan_folder: Path, home: str
) -> Iterator[str]:
    if step.type in rule.step_types:
        yield f"a step of type {step.type}"
    for program in said.programs:
        if any(fnmatchcase(program_name(program), glob) or fnmatchcase(program, glob) for glob in rule.commands):
            yield program
    for host in said.hosts:
        if any(fnmatchcase(host, glob) for glob in rule.hosts):
            yield host
    if rule.paths:
        for words, folder in ((said.words, workdir), (said.plan_words, plan_folder)):
            for word in words:
                if word and _is_below(_whole(word, str(folder), home), rule.paths, home):
                    yield word


def _whole(word: str, folder: str, home: str) -> str:
    """The path from the root that a word means; links are not followed, since what they lead to may change until then."""
    if word == "~" or word.startswith("~/"):
        word = home + word[1:]
    return os.path.normpath(os.path.join(folder, word))  # noqa: PTH118  pure: a Path of this system is not meant


def _is_below(path: str, globs: Sequence[str], home: str) -> bool:
    for glob in globs:
        pattern = home + glob[1:] if glob.startswith("~/") else glob
        if fnmatchcase(path, pattern):
            return True
        if pattern.endswith("/") and (path == pattern.rstrip("/") or fnmatchcase(path, f"{pattern}*")):
            return True
    return False


def _programs(argv: Sequence[str]) -> Iterator[str]:
    """The program, those that it starts for others, and those at the beginning of a command in program text for a shell."""
    yield from _command(argv)
    for argument in code_arguments(argv[0], argv[1:]):
        if argument.index >= 0 and "shell" in argument.language:
            for part in _SEPARATORS.split(argv[argument.index + 1][:_MAX_CODE_CHARS]):
                yield from _command([word.strip(_QUOTES) for word in part.split()])


def _command(words: Sequence[str]) -> Iterator[str]:
    for at, word in enumerate(words):
        if not word or _ASSIGNMENT.match(word) or word in _BEFORE_A_COMMAND:
            continue
        yield word
        if program_name(word) not in _PREFIXES:
            return
        rest = [other for other in words[at + 1 :] if not other.startswith("-") and not other[:1].isdigit()]
        yield from _command(rest)
        return


def _path_words(texts: Iterable[str]) -> Iterator[str]:
    """Words with a `/` or a `~` in them, those after `=` in options and those inside program text too."""
    for text in texts:
        for word in re.split(r"[\s;&|(){}<>`\"'=,]+", text[:_MAX_CODE_CHARS]):
            if "/" in word or word.startswith(("~", ".")):
                yield word


def _texts(value: Json | Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
