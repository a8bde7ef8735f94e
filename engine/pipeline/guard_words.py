"""What a step names: programs, words that may be paths, hosts; read from its definition, bound or as the plan has it. No rules here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, assert_never
from urllib.parse import urlsplit

from engine.model.bound import (
    BoundCommand,
    BoundDecision,
    BoundFile,
    BoundHttp,
    BoundPlan,
    BoundPowershell,
    BoundPython,
    BoundSql,
    BoundTool,
)
from engine.model.step_defs import (
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
from engine.plan.interpreters import code_arguments, program_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.model.bound import BoundDef
    from engine.model.json import Json
    from engine.model.plan import Step

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
_BETWEEN_WORDS: Final = re.compile(r"[\s;&|(){}<>`\"'=,]+")
_MAX_CODE_CHARS: Final = 200_000
_MAX_NAME_CHARS: Final = 255


@dataclass(frozen=True, slots=True)
class Named:
    """What a definition names. `cwd` is where its process works, relative to the run's folder.

    `words` are paths as seen from `cwd`, `plan_words` from the folder of the plan; `names` are whole arguments without a
    `/`, which are paths only if such a file is there.
    """

    programs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    plan_words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    cwd: str = ""


def bound_as_far_as_known(step: Step, fill: Callable[[Json], Any]) -> BoundDef:
    """The definition of a step before it runs. `fill` gives a value with what is known filled in, and leaves what is not."""

    def text(value: str | None) -> str | None:
        return None if value is None else str(fill(value))

    definition = step.step_def
    match definition:
        case CommandDef():
            args = tuple(str(fill(word)) for word in definition.args)
            return BoundCommand(str(fill(definition.command)), args, text(definition.cwd))
        case PowershellDef():
            return BoundPowershell(
                definition.interpreter,
                definition.script,
                definition.file,
                fill(dict(definition.args)),
                text(definition.cwd),
            )
        case PythonDef():
            return BoundPython(
                definition.callable,
                definition.interpreter,
                fill(dict(definition.args)),
                tuple(definition.path),
                text(definition.cwd),
            )
        case HttpDef():
            return BoundHttp(str(fill(definition.url)))
        case SqlDef():
            return BoundSql(str(fill(definition.database)), "")
        case FileDef():
            return BoundFile(definition.action, str(fill(definition.path)), text(definition.to))
        case SubPlanDef():
            return BoundPlan(definition.plan, fill(dict(definition.params)))
        case ToolDef():
            calls: list[Json] = [dict(definition.args), *(dict(call) for call in definition.calls)]
            return BoundTool(definition.tool, tuple(fill(calls)))
        case DecisionDef():
            return BoundDecision(None, None, "")
        case _:
            assert_never(definition)


def named_by(definition: BoundDef) -> Named:
    """What the definition names."""
    match definition:
        case BoundCommand():
            argv = [definition.command, *definition.args]
            names = tuple(word for word in definition.args if _is_name(word))
            return Named(tuple(_programs(argv)), tuple(_path_words(argv)), names=names, cwd=definition.cwd or "")
        case BoundPowershell():
            words = tuple(_path_words([definition.script or "", *_texts(definition.args)]))
            return Named((definition.interpreter,), words, (definition.file or "",), cwd=definition.cwd or "")
        case BoundPython():
            words = tuple(_path_words(_texts(definition.args)))
            own = (definition.callable.rpartition(":")[0], *definition.path)
            return Named((definition.interpreter,), words, own, cwd=definition.cwd or "")
        case BoundHttp():
            return Named(hosts=_hosts(definition.url))
        case BoundSql():
            return Named(plan_words=(definition.database,))
        case BoundFile():
            return Named(words=tuple(text for text in (definition.path, definition.to) if text))
        case BoundPlan():
            return Named(words=tuple(_path_words(_texts(definition.params))), plan_words=(definition.plan,))
        case BoundTool():
            words = tuple(word for call in definition.calls for word in _path_words(_texts(call)))
            return Named((definition.tool,), words)
        case BoundDecision():
            return Named()
        case _:
            assert_never(definition)


def _hosts(url: str) -> tuple[str, ...]:
    try:
        host = urlsplit(url).hostname
    except ValueError:  # the step itself says what is wrong with it
        return ()
    return (host,) if host else ()


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


def _is_name(word: str) -> bool:
    return (
        0 < len(word) <= _MAX_NAME_CHARS
        and word[0] not in "-~."
        and not _BETWEEN_WORDS.search(word)
        and "/" not in word
    )


def _path_words(texts: Iterable[str]) -> Iterator[str]:
    """Words with a `/` or a `~` in them, those after `=` in options and those inside program text too."""
    for text in texts:
        for word in _BETWEEN_WORDS.split(text[:_MAX_CODE_CHARS]):
            if "/" in word or word.startswith(("~", ".")):
                yield word
                yield from _within(word)


def _within(word: str) -> Iterator[str]:
    """Paths that stand behind something else in a word: `@/x`, `-f/x`, `file:///x`, `/x:/y`."""
    if word[0] == "@":
        yield word[1:]
    elif word[0] == "-" and "/" in word:
        yield word[word.index("/") :]
    elif word.lower().startswith("file:"):
        yield word[len("file:") :]
    elif word[0] in "/~." and ":" in word:
        yield from (part for part in word.split(":") if part)


def _texts(value: Json | Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
