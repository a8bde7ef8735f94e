"""The user's configuration file: where it is, what may stand in it, and everything that is wrong with it at once. It does nothing."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from engine.errors import Fault, InputError
from engine.model.states import RunStatus
from engine.plan.faults import describe, did_you_mean, path_text
from tui.configuration_keymap import KeymapSection, keymap_faults, wrong_in_keymap
from tui.configuration_llm import Llm, wrong_in_llm
from tui.configuration_path import configuration_path
from tui.configuration_ui import Ui, wrong_in_ui
from tui.preferences import Preferences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LEAVE_OUT: Final = "mend the file, or leave it out for once: OPSCOPE_CONFIG=/dev/null"

_MAX_BYTES: Final = 1 << 20


class ConfigurationError(InputError):
    """A configuration file with faults, all of them."""

    def __init__(self, path: Path, faults: tuple[Fault, ...]) -> None:
        number = len(faults)
        lines = [line for fault in faults for line in _told(path, fault)]
        super().__init__(
            f"{number} fault{'' if number == 1 else 's'} in the configuration", place="\n".join(lines), hint=LEAVE_OUT
        )
        self.faults = faults
        self._path = path

    def __str__(self) -> str:
        """On one line, for a note."""
        told = "; ".join(f"{_place(self._path, fault)}: {fault.message}" for fault in self.faults)
        return f"{self.cause}: {told}"


def _place(path: Path, fault: Fault) -> str:
    return ":".join([str(path), *(str(number) for number in (fault.line, fault.column) if number is not None)])


def _told(path: Path, fault: Fault) -> Iterator[str]:
    yield f"{_place(path, fault)}: {fault.message}{f'  [{fault.path}]' if fault.path else ''}"
    if fault.hint:
        yield f"  {fault.hint}"


def _runnable(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv[0].strip():
        raise PydanticCustomError("no_program", "the first text names no program")
    if any("\0" in word for word in argv):
        raise PydanticCustomError("nul", "a text has a NUL character in it")
    return argv


Argv = Annotated[
    tuple[Annotated[str, Field(strict=True)], ...],
    Field(min_length=1, description="a program and its arguments; no shell stands between"),
    AfterValidator(_runnable),
]


class Section(BaseModel):
    """Frozen and closed: what is not known is refused, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Hooks(Section):
    """What is run when a run has failed, is paused, or waits for a decision. The run's head as JSON is its input."""

    failed: Argv | None = None
    paused: Argv | None = None
    quarantined: Argv | None = None

    def command_for(self, status: RunStatus) -> tuple[str, ...] | None:
        """What to run when a run has come to this state."""
        match status:
            case RunStatus.FAILED:
                return self.failed
            case RunStatus.PAUSED:
                return self.paused
            case RunStatus.QUARANTINED:
                return self.quarantined
            case RunStatus.PENDING | RunStatus.RUNNING | RunStatus.SUCCEEDED | RunStatus.CANCELED:
                return None


class Settings(Section):
    """What a configuration file says."""

    on: Hooks = Hooks()
    llm: Llm | None = None
    ui: Ui = Ui()
    keymap: KeymapSection = KeymapSection()

    @property
    def preferences(self) -> Preferences:
        """What of it concerns the inspector."""
        return Preferences(self.ui.theme, self.ui.columns, self.ui.follow_rate, self.keymap.keymap)


_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {"on": Hooks, "llm": Llm, "ui": Ui}
_WRONG_IN: Final = {"llm": wrong_in_llm, "ui": wrong_in_ui, "keymap": wrong_in_keymap}
_TABLES: Final = {
    "on": "write [on] and below it failed = [...]",
    "llm": 'write [llm] and below it base_url = "..." and model = "..."',
    "ui": 'write [ui] and below it theme = "opscope-light"',
    "keymap": 'write [keymap] and below it quit = "ctrl+q"',
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and the folder of the file they are from: relative programs are found there."""

    settings: Settings
    folder: Path


def load_configuration(env: Mapping[str, str]) -> Configuration:
    """The user's configuration; the defaults where there is no file. Raises InputError, ConfigurationError with all faults."""
    path = configuration_path(env)
    try:
        if path.is_dir():
            raise InputError("this is a folder, not a configuration file", place=str(path), hint="name a file in it")
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        if env.get("OPSCOPE_CONFIG"):
            hint = "correct OPSCOPE_CONFIG, or take it out to have the defaults"
            raise InputError("there is no such configuration file", place=str(path), hint=hint) from None
        return Configuration(Settings(), path.parent)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise InputError(f"the configuration cannot be read: {reason}", place=str(path), hint=LEAVE_OUT) from None
    if len(content) > _MAX_BYTES:
        raise InputError("the configuration is larger than 1 MB", place=str(path), hint="is it the right file?")
    return Configuration(parse_configuration(content, path), path.parent)


def configuration_schema() -> dict[str, Any]:
    """The JSON Schema of a configuration file, for editors that check TOML by one."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}


def parse_configuration(content: bytes, path: Path) -> Settings:
    """The settings in a file's text. Raises ConfigurationError with all its faults."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(path, (Fault("this is not UTF-8 text", line=line),)) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(path, (_syntax_fault(str(error)),)) from None
    except RecursionError:
        raise ConfigurationError(path, (Fault("it is nested too deeply"),)) from None
    faults = [
        fault._replace(line=_line_of(text, fault.path.split("."))) for fault in keymap_faults(document.get("keymap"))
    ]
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        faults += [_fault(found, text) for found in error.errors(include_url=False)]
    else:
        if not faults:
            return settings
    raise ConfigurationError(path, tuple(sorted(faults, key=lambda fault: fault.line or 0)))


def _syntax_fault(said: str) -> Fault:
    """What tomllib says, with the place it names at the end."""
    message, _, place = said.partition(" (at ")
    numbers = re.findall(r"\d+", place)
    line, column = (int(numbers[0]), int(numbers[1])) if len(numbers) == 2 else (None, None)
    at_end = "" if numbers else " at the end of the file"
    return Fault(f"{message[:1].lower()}{message[1:]}{at_end}", line=line, column=column, hint="the file is TOML")


def _fault(found: Any, text: str) -> Fault:
    path: tuple[str | int, ...] = tuple(found["loc"])
    value, kind = found["input"], found["type"]
    line = _line_of(text, path)
    if kind == "extra_forbidden":
        known = _known(path[:-1])
        hint = did_you_mean(str(path[-1]), known) or f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}"
        return Fault(f"unknown key '{path[-1]}'", path_text(path), line, hint=hint)
    explain = _WRONG_IN.get(str(path[0])) if path else None
    message, hint = (explain(found) if explain else None) or _wrong(kind, value, path)
    return Fault(message, path_text(path), line, hint=hint)


def _wrong(kind: str, value: object, path: tuple[str | int, ...]) -> tuple[str, str]:
    match kind:
        case "tuple_type" | "too_short":
            hint = (
                f'write ["{value}"]' if isinstance(value, str) and '"' not in value else 'write ["program", "argument"]'
            )
            return f"expected a list of texts, found {describe(value)}", hint
        case "string_type":
            return f"expected a text, found {describe(value)}", "every word of a command is a text in quotes"
        case "no_program":
            return "the first text names no program", 'write ["program", "argument"]'
        case "nul":
            return "a text has a NUL character in it, which no program can be given", "take it out"
        case _:
            return (
                f"expected a table, found {describe(value)}",
                _TABLES.get(str(path[0]), "") if path else "",
            )


def _known(path: tuple[str | int, ...]) -> list[str]:
    section = _SECTIONS.get(str(path[0])) if path else None
    return list((section or Settings).model_fields)


def _line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line on which a key stands, as far as a look at the beginnings of lines can tell; tomllib keeps no places."""
    wanted = [str(part) for part in path if not isinstance(part, int)]
    table: list[str] = []
    found: int | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if header := re.match(r"\s*\[\[?([^\[\]]+)\]", line):
            table = _keys(header[1])
            here = table
        elif setting := re.match(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w-]+)*)\s*=""", line):
            here = [*table, *_keys(setting[1])]
        else:
            continue
        if here == wanted:
            return number
        if found is None and here and wanted[: len(here)] == here:
            found = number
    return found


def _keys(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in text.split(".")]
