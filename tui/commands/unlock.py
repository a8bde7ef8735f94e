"""`opscope unlock`: takes a lock away from the run that holds it, with a reason that is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural, short_id

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Take a lock away from the run that holds it, so that the next run can have it. Nothing is stopped: the run "
        "goes on without the lock, and what the lock protected is yours to watch. Who did it and why is recorded with "
        "the run.",
        examples=[
            ("opscope unlock inventory --reason 'the run hangs on a dead disk'", "free one lock"),
            ("opscope unlock inventory --reason maintenance --json", "the same for a program"),
        ],
        exit_codes=(0, 2, 4),
    )
    parser.add_argument("name", metavar="NAME", help="the lock, as opscope locks shows it")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why; it is recorded with the run")
    parser.add_argument("--json", action="store_true", help="print what was done as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Take it away."""
    import asyncio

    from tui.commands.performing import actor
    from tui.unlocking import unlock

    reason = arguments.reason.strip()
    if not reason:
        raise InputError("--reason needs some words", hint="they are what is left to tell why it was done")

    def tell(text: str) -> None:
        context.err.line(Span(f"! {text}", Role.WARNING))

    held = asyncio.run(unlock(context.database, arguments.name, reason=reason, actor=actor(), tell=tell))
    if arguments.json:
        context.out.json({"name": held.name, "run_id": held.run_id, "plan_id": held.plan_id, "reason": reason})
        return ExitCode.SUCCEEDED
    context.out.line(f"{held.name} is free; run {short_id(held.run_id)} of {held.plan_id} goes on without it")
    if held.waiting:
        context.out.line(Span(f"{plural(len(held.waiting), 'run')} waited for it", Role.DIM))
    return ExitCode.SUCCEEDED
