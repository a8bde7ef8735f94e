"""`opscope breakers`: which tools are left alone after their failures, until when; and closing a breaker by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from engine.model.breaker import BreakerPhase
from tui.commands.arguments import closest, describe
from tui.commands.tables import Column, print_table
from tui.viewmodel.breakers import phase_mark, phase_now, probe_at_us, probe_words, since_us
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import clock, count, short_id, unique_length

if TYPE_CHECKING:
    import argparse

    from engine.model.json import JsonObject
    from store.rows import BreakerRow
    from tui.commands.context import Context
    from tui.commands.output import Piece

_GIVE_UP_SEC: Final = 30.0
_COLUMNS: Final = (
    Column("TOOL", flexible=True),
    Column("PHASE"),
    Column("FAILURES", right=True, rank=1),
    Column("SINCE"),
    Column("NEXT PROBE"),
    Column("RUN", rank=2),
    Column("PLAN", flexible=True, rank=3),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "List the circuit breakers of tools, the open ones first. An open breaker refuses attempts until its cooldown is "
        "over; then it is half-open, lets one attempt through as a probe, and closes if that succeeds. RUN is the run "
        "that moved it last. --reset closes one by hand: runs that begin or are resumed from then on use the tool "
        "again, a run that is under way keeps its own count. Who did it and why is recorded with that last run.",
        examples=[
            ("opscope breakers", "which tools are left alone, and until when"),
            ("opscope breakers --reset command:rsync --reason 'the mount is back'", "use it again at once"),
            ("opscope breakers --json", "the same for a program"),
        ],
        exit_codes=(0, 2, 4),
    )
    parser.add_argument("--reset", metavar="TOOL", help="close the breaker of this tool, as the list names it")
    parser.add_argument("--reason", metavar="TEXT", help="why it is reset; it is recorded")
    parser.add_argument("--json", action="store_true", help="print the breakers as a JSON list; with --reset, that one")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """List them, or close one."""
    if arguments.reset is None:
        if arguments.reason is not None:
            raise InputError(
                "--reason goes with --reset", hint="for example --reset command:rsync --reason 'it is back'"
            )
        _list(arguments, context)
        return ExitCode.SUCCEEDED
    reason = (arguments.reason or "").strip()
    if not reason:
        raise InputError("--reset needs --reason with some words", hint="they are what is left to tell why it was done")
    _reset(arguments, context, reason)
    return ExitCode.SUCCEEDED


def _rows(context: Context) -> list[BreakerRow]:
    from store.errors import NoDatabaseError
    from store.queries import breaker_rows
    from store.reader import Reader

    try:
        with Reader.open(context.database) as reader:
            return reader.run(breaker_rows())
    except NoDatabaseError:
        return []


def _list(arguments: argparse.Namespace, context: Context) -> None:
    rows, now_us = _rows(context), context.now_us()
    if arguments.json:
        context.out.json([_json(row, now_us) for row in rows])
        return
    if not rows:
        context.out.line("no breaker has moved")
        return
    order = [BreakerPhase.OPEN, BreakerPhase.HALF_OPEN, BreakerPhase.CLOSED]
    rows.sort(key=lambda row: order.index(phase_now(row, now_us)))
    length = unique_length(row.run_id for row in rows)
    cells: list[list[Piece]] = []
    for row in rows:
        mark = phase_mark(phase_now(row, now_us))
        cells.append(
            [
                Span(row.tool, Role.TEXT, bold=True),
                Span(str(mark), mark.role),
                count(row.failures),
                clock(since_us(row, now_us), now_us=now_us),
                probe_words(row, now_us),
                short_id(row.run_id, length),
                row.plan_id,
            ]
        )
    print_table(context.out, _COLUMNS, cells)


def _reset(arguments: argparse.Namespace, context: Context, reason: str) -> None:
    rows = _rows(context)
    if any(not row.status.is_final for row in rows):
        from tui.commands.recovery import recover_lost_runs
        from tui.commands.steer import teller

        # What a lost run left behind is ended by whoever takes it over, as by every command that may write.
        recover_lost_runs(context.database, teller(context))
        rows = _rows(context)
    row = next((row for row in rows if row.tool == arguments.reset), None)
    if row is None:
        names = [row.tool for row in rows]
        meant = closest(arguments.reset, names)
        known = f"breakers: {', '.join(names[:10])}" if names else "no breaker has moved"
        raise InputError(
            f"there is no breaker of {arguments.reset!r}", hint=f"did you mean {meant}?\n{known}" if meant else known
        )
    is_closed = row.phase is BreakerPhase.CLOSED and not row.failures
    if not is_closed:
        import asyncio

        asyncio.run(_write(context, row, reason))
    if arguments.json:
        now = next(now for now in _rows(context) if now.tool == row.tool)
        context.out.json({**_json(now, context.now_us()), "reason": None if is_closed else reason})
    elif is_closed:
        context.out.line(f"the breaker of {row.tool} is closed already; nothing was changed")
    else:
        context.out.line(f"the breaker of {row.tool} is closed; it is recorded with run {short_id(row.run_id)}")


async def _write(context: Context, row: BreakerRow, reason: str) -> None:
    from engine.pipeline.clock import SystemClock
    from store.breakers import reset_breaker
    from store.writer import open_writer
    from tui.commands.performing import actor
    from tui.commands.steer import teller

    async with open_writer(context.database, on_wait=teller(context), give_up_sec=_GIVE_UP_SEC) as writer:
        await reset_breaker(writer, SystemClock(), row, reason=reason, actor=actor())


def _json(row: BreakerRow, now_us: int) -> JsonObject:
    from store.moments import rfc3339

    return {
        "tool": row.tool,
        "phase": phase_now(row, now_us).value,
        "failures": row.failures,
        "since": rfc3339(since_us(row, now_us)),
        "opened_at": rfc3339(row.opened_at_us or None),
        "next_probe_at": rfc3339(probe_at_us(row)),
        "run_id": row.run_id,
        "plan_id": row.plan_id,
    }
