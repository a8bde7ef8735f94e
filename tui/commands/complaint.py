"""How an error is told: one line of cause, the place, each fault on its line with its hint. Never a traceback."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from engine.errors import ExitCode, Fault, OpscopeError, PlanError
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from pathlib import Path

    from tui.commands.context import Context
    from tui.commands.output import Output

MOST_FAULTS = 50


def print_error(err: Output, error: OpscopeError) -> None:
    """Tell a person what went wrong, where, and what to do."""
    head: list[str | Span] = [Span("opscope: ", Role.FAILED)]
    if isinstance(error, PlanError):
        err.line(*head, f"{error.cause} ", Span(error.name, Role.STRONG))
        print_faults(err, error.name, error.faults)
    else:
        err.line(*head, error.cause)
        if error.place:
            err.text(error.place, indent="  ")
    if error.hint:
        err.text(error.hint, role=Role.DIM, indent="  ")


def print_faults(output: Output, name: str, faults: tuple[Fault, ...]) -> None:
    """`file:line:col: message` for each fault, its hint below; a flood is cut short and counted."""
    for fault in faults[:MOST_FAULTS]:
        output.line(Span(located(name, fault), Role.DIM), ": ", *_message(fault))
        if fault.hint:
            output.text(fault.hint, role=Role.DIM, indent="    ")
    if len(faults) > MOST_FAULTS:
        output.line(f"and {len(faults) - MOST_FAULTS} more faults")


def located(name: str, fault: Fault) -> str:
    """`file:line:col`, as far as it is known, as editors and CI read it."""
    places = [place for place in (fault.line, fault.column) if place is not None]
    return ":".join([name, *map(str, places)])


def _message(fault: Fault) -> list[str | Span]:
    shown: list[str | Span] = [fault.message]
    if fault.path:
        shown.append(Span(f"  [{fault.path}]", Role.DIM))
    return shown


def print_crash(context: Context, command: str, error: BaseException) -> int:
    """One line for an error nobody foresaw, with its details in a file of the user's state folder."""
    kept = _keep_details(context, command, error)
    context.err.line(Span("opscope: ", Role.FAILED), f"an unexpected error: {type(error).__name__}: {error}")
    where = f"the details are in {kept}" if kept else "the details could not be written"
    context.err.line(Span(f"  {where}; set OPSCOPE_DEBUG=1 to see them here", Role.DIM))
    return ExitCode.INFRASTRUCTURE


def _keep_details(context: Context, command: str, error: BaseException) -> Path | None:
    import traceback

    try:
        folder = context.state_folder / "crashes"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"opscope {command}\n\n{''.join(traceback.format_exception(error))}")
    except (OSError, OpscopeError):  # the folder cannot be written, or nobody knows where it is
        return None
    return path
