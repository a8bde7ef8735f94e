"""The one taxonomy of errors that a person can meet. Each says what, where and what to do; none of them prints itself."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class ExitCode(IntEnum):
    """What a command's exit status means to the script that called it."""

    SUCCEEDED = 0
    FAILED = 1
    BAD_INPUT = 2
    WAITING = 3
    INFRASTRUCTURE = 4
    CANCELED = 130


class Fault(NamedTuple):
    """One thing that is wrong with an input.

    `path` names the place inside the document (`steps[2].args[0]`), `line` and `column` count from 1 and are None
    where the text has no such place. `message` says what is wrong, `hint` what was expected or what to do.
    """

    message: str
    path: str = ""
    line: int | None = None
    column: int | None = None
    hint: str = ""


class OpscopeError(Exception):
    """Something a person has to know: one sentence of cause, the place it happened, and a hint."""

    exit_code = ExitCode.FAILED

    def __init__(self, cause: str, *, place: str = "", hint: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.place}: {self.cause}" if self.place else self.cause


class InputError(OpscopeError):
    """What was given cannot be used; nothing has been written."""

    exit_code = ExitCode.BAD_INPUT


class PlanError(InputError):
    """A plan file, or an asset that is checked as a part of one, with faults, all of them at once."""

    def __init__(self, name: str, faults: tuple[Fault, ...], *, what: str = "plan") -> None:
        count = len(faults)
        super().__init__(f"{count} fault{'' if count == 1 else 's'} in the {what}", place=name)
        self.name = name
        self.faults = faults


class WaitingError(OpscopeError):
    """A run cannot go on before a person decides; nothing has been done. `steps` are the ones to decide about."""

    exit_code = ExitCode.WAITING

    def __init__(self, cause: str, *, steps: tuple[str, ...] = (), place: str = "", hint: str = "") -> None:
        super().__init__(cause, place=place, hint=hint)
        self.steps = steps


class InfrastructureError(OpscopeError):
    """The ground under a run gave way: the database, the disk, the engine itself."""

    exit_code = ExitCode.INFRASTRUCTURE


class StoreError(InfrastructureError):
    """The file of runs cannot be used, read or written; `place` is its path."""


class InvalidTransitionError(OpscopeError):
    """The scheduler core was told something that cannot follow what it was told before; `story` is what it was told."""

    def __init__(self, cause: str, *, step_id: str, story: tuple[str, ...]) -> None:
        super().__init__(cause, place=f"step {step_id}", hint="this is a defect in opscope; please report this story")
        self.step_id = step_id
        self.story = story
