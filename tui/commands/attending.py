"""How a run is carried out and who attends it: in this process, by a host that the inspector watches, or by a host alone."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from engine.model.states import RunStatus
from tui.commands.output import ReaderGoneError
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import run_mark, short_id

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from types import FrameType

    from store.rows import RunRow
    from tui.commands.context import Context
    from tui.commands.performing import Order, Performed, Resumption

_LEAVE_SEC: Final = 2.0
"""How long a viewer whose terminal has gone may take to leave by itself."""
DETACH_PATIENCE_SEC: Final = 30.0


class Manner(Enum):
    """Where the engine runs, and who looks on."""

    HERE = "here"
    WATCHED = "watched"
    DETACHED = "detached"


def add_manner_arguments(parser: argparse.ArgumentParser) -> None:
    """--json, --quiet, --no-ui and --detach."""
    parser.add_argument("--json", action="store_true", help="print the trace of the run as one JSON document")
    parser.add_argument("--quiet", "-q", action="store_true", help="print the answer (or the JSON) and nothing else")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--no-ui", action="store_true", help="stay on the command line; the run ends with this command")
    either.add_argument("--detach", action="store_true", help="print the run's id and return; the run goes on alone")


def manner_of(arguments: argparse.Namespace, context: Context) -> Manner:
    """A terminal at both ends is watched on, unless the line says otherwise."""
    if arguments.detach:
        return Manner.DETACHED
    if arguments.no_ui or arguments.json or arguments.quiet or not context.is_interactive:
        return Manner.HERE
    return Manner.WATCHED


def attend(task: Order | Resumption, arguments: argparse.Namespace, context: Context) -> int:
    """Carry the task out in the manner that was asked for; the exit code."""
    match manner_of(arguments, context):
        case Manner.HERE:
            return _here(task, arguments, context)
        case Manner.WATCHED:
            return _watched(task, context)
        case Manner.DETACHED:
            return _detached(task, arguments, context)


def _here(task: Order | Resumption, arguments: argparse.Namespace, context: Context) -> int:
    quiet = _is_quiet(arguments, context)
    performed = perform_here(task, arguments, context)
    if performed.outcome is None:
        if not quiet:
            context.err.line("stopped before the run began; nothing is recorded")
        return performed.exit_code
    _print_end(context, task.run_id, as_json=arguments.json, closing_line=not quiet)
    return performed.exit_code


def _is_quiet(arguments: argparse.Namespace, context: Context) -> bool:
    return bool(arguments.quiet or (arguments.json and not context.err.is_terminal))


def perform_here(task: Order | Resumption, arguments: argparse.Namespace, context: Context) -> Performed:
    """Carry it out in this process and tell on stderr how it goes; what it came to is not printed."""
    from tui.commands.performing import Onlooker, Order, perform
    from tui.commands.progress import Progress

    def leave_unrecorded(received: signal.Signals) -> None:
        short = short_id(task.run_id)
        context.err.line(f"run {short} is stopped; its end is not recorded, because the disk is full")
        context.err.line(Span(f"  make room, then opscope cancel {short} records it", Role.DIM))
        context.err.flush()
        os._exit(128 + received)  # the writer would go on waiting for room

    if _is_quiet(arguments, context):
        with Progress(context.err).telling() as progress:
            onlooker = Onlooker(alarm=progress.note, waits=progress.note_waiting, leave=leave_unrecorded)
            return perform(task, context.database, onlooker)
    seen = 0 if isinstance(task, Order) else task.seq
    with Progress(context.err).following(context.database, task.run_id, after_seq=seen) as progress:
        return perform(task, context.database, Onlooker(note=progress.note, leave=leave_unrecorded))


def _print_end(context: Context, run_id: str, *, as_json: bool, closing_line: bool) -> None:
    from tui.commands.summary import print_outcome

    try:
        print_outcome(context, run_id, as_json=as_json, closing_line=closing_line)
        context.out.flush()
        context.err.flush()
    except ReaderGoneError:
        # How the run ended matters more than that nobody read its answer.
        context.out.discard()
        context.err.discard()


def _launch(task: Order | Resumption, context: Context, patience_sec: float | None) -> None:
    from tui.commands.launching import launch
    from tui.commands.steer import teller

    launch(task, context.database, note=teller(context), patience_sec=patience_sec)


def _detached(task: Order | Resumption, arguments: argparse.Namespace, context: Context) -> int:
    _launch(task, context, DETACH_PATIENCE_SEC)
    if arguments.json:
        context.out.json({"run_id": task.run_id})
        return ExitCode.SUCCEEDED
    context.out.line(task.run_id)
    context.out.flush()
    if not arguments.quiet:
        _print_ways_back(context, task.run_id)
    return ExitCode.SUCCEEDED


def _watched(task: Order | Resumption, context: Context) -> int:
    _launch(task, context, None)
    from tui.commands.inspector import open_inspector
    from tui.places import RunPlace

    with _left_on_hangup():
        try:
            code = open_inspector(context, place=RunPlace(task.run_id), watching=True)
        except KeyboardInterrupt:  # a hang-up, or Ctrl-C before the screen was up
            code = ExitCode.SUCCEEDED
        except Exception:
            # Whatever ails the screen, the run is there and the person has to know of it.
            leave(context, task.run_id)
            raise
        if code == ExitCode.INFRASTRUCTURE:
            return code
        return leave(context, task.run_id)


def leave(context: Context, run_id: str) -> int:
    """The viewer has been left: print the end of the run, or how to come back to it; the exit code says which."""
    run, is_lost = _standing(context, run_id)
    if run.status.is_final:
        from tui.commands.performing import exit_code_of

        _print_end(context, run_id, as_json=False, closing_line=True)
        return exit_code_of(run.status)
    try:
        mark = run_mark(run.status, engine_lost=is_lost)
        context.err.line(
            Span(f"{mark}  ", mark.role),
            Span(short_id(run_id), Role.TEXT, bold=True),
            f"  {run.plan_id}  {_goes(run, is_lost)}",
        )
        _print_ways_back(context, run_id, resumable=is_lost or run.status is not RunStatus.RUNNING)
    except ReaderGoneError:
        context.err.discard()
    return ExitCode.INFRASTRUCTURE if is_lost else ExitCode.WAITING


def _goes(run: RunRow, is_lost: bool) -> str:
    if is_lost:
        return "nobody works on it any more"
    match run.status:
        case RunStatus.PAUSED | RunStatus.QUARANTINED:
            return "waits for an operator"
        case _:
            return "goes on without this terminal"


def _standing(context: Context, run_id: str) -> tuple[RunRow, bool]:
    from store.queries import run_by_id
    from store.reader import Reader
    from tui.commands.records import lost_runs

    with Reader.open(context.database) as reader:
        run = reader.run(run_by_id(run_id))
    if run is None:
        hint = "it has been removed, or the file is another one; opscope runs lists those that there are"
        raise InputError(f"there is no run {run_id} any more", place=str(context.database), hint=hint)
    return run, bool(lost_runs(context.database, [run]))


def _print_ways_back(context: Context, run_id: str, *, resumable: bool = False) -> None:
    short = short_id(run_id)
    ways = [("look", f"opscope show {short}, or opscope for the inspector")]
    if resumable:
        ways.append(("go on", f"opscope resume {short}"))
    ways.append(("cancel", f"opscope cancel {short}"))
    for what, command in ways:
        context.err.line(Span(f"  {what + ':':<8}{command}", Role.DIM))
    context.err.flush()


@contextmanager
def _left_on_hangup() -> Iterator[None]:
    """HUP and TERM leave the screen as Ctrl-C does. A screen that stands still, because its terminal does, is left hard."""
    left = threading.Event()

    def leave_hard() -> None:
        if not left.wait(_LEAVE_SEC):
            os._exit(ExitCode.WAITING)

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (a handler's signature)
        threading.Thread(target=leave_hard, name="leaving", daemon=True).start()
        signal.raise_signal(signal.SIGINT)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGHUP, signal.SIGTERM)}
    try:
        yield
    finally:
        left.set()
        for number, handler in before.items():
            signal.signal(number, handler)
