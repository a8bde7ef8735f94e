"""The tools of an engine: asynchronous functions by name, given by the program or found through entry points. Calling them is not here."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from engine.errors import InputError
from engine.plan.faults import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "opscope.tools"

ToolFunction: TypeAlias = "Callable[..., Awaitable[object]]"
"""`async def f(**arguments)` that returns what JSON can say; with a first parameter `context` it is given a ToolContext."""


class Log(Protocol):
    """Takes a text for the log of an attempt."""

    async def __call__(self, text: str) -> None:
        """Add a line. Waits while the log is full, so that a flood slows the tool, not the engine."""
        ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the attempt that calls it.

    `idempotency_key` is the same for every attempt of the step in this run. `await context.log("...")` writes to its log.
    """

    run_id: str
    step_id: str
    attempt: int
    idempotency_key: str
    log: Log


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that may be called, and whether it wants a context."""

    name: str
    function: ToolFunction
    wants_context: bool


class MissingToolError(Exception):
    """There is no such tool that could be called; the text says why and what to do."""


class Toolbox:
    """Tools by name. What a program registers comes before what is installed; that is looked for when it is first needed."""

    def __init__(self, registered: Mapping[str, ToolFunction] | None = None) -> None:
        """Raises InputError for a function that is not asynchronous."""
        self._tools = {name: _checked(name, function) for name, function in (registered or {}).items()}
        self._installed: dict[str, EntryPoint] | None = None

    def names(self) -> list[str]:
        """Every tool there is, installed ones too, which are not loaded for this."""
        return sorted({*self._tools, *self._entry_points()})

    def find(self, name: str) -> Tool:
        """The tool of that name. Raises MissingToolError."""
        if (tool := self._tools.get(name)) is not None:
            return tool
        entry_point = self._entry_points().get(name)
        if entry_point is None:
            raise MissingToolError(f"there is no tool {name!r}; {self._hint(name)}")
        origin = f" of {entry_point.dist.name}" if entry_point.dist is not None else ""
        try:
            tool = _checked(name, entry_point.load())
        except InputError as error:
            raise MissingToolError(f"{error}; {error.hint}") from None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever someone else's module does when it is loaded
            raise MissingToolError(
                f"the tool {name!r}{origin} cannot be loaded: {type(error).__name__}: {error}; repair or reinstall it"
            ) from None
        self._tools[name] = tool
        return tool

    def _entry_points(self) -> Mapping[str, EntryPoint]:
        if self._installed is None:
            from importlib.metadata import entry_points

            self._installed = {found.name: found for found in entry_points(group=ENTRY_POINTS)}
        return self._installed

    def _hint(self, name: str) -> str:
        known = self.names()
        if not known:
            return f"none is registered with this engine or installed under the entry point {ENTRY_POINTS}"
        return did_you_mean(name, known) or f"there are {', '.join(known[:10])}{', ...' if len(known) > 10 else ''}"


def _checked(name: str, function: object) -> Tool:
    place = f"tool {name}"
    hint = "write it as: async def f(...), and hand blocking work to asyncio.to_thread"
    if not callable(function):
        raise InputError(f"it is {type(function).__name__}, which cannot be called", place=place, hint=hint)
    inner = function.func if isinstance(function, functools.partial) else function
    method = getattr(inner, "__call__", None)  # noqa: B004 - what it is, not whether there is one
    if not (inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(method)):
        raise InputError("it is not asynchronous, so it would hold up every other step", place=place, hint=hint)
    return Tool(name, function, _wants_context(function))


def _wants_context(function: Callable[..., object]) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    return (
        bool(parameters) and parameters[0].name == "context" and parameters[0].kind is not inspect.Parameter.VAR_KEYWORD
    )
