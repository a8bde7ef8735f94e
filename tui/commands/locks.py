"""`opscope locks`: which locks are held, by which run, and who waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode
from tui.commands.arguments import describe
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import NOTHING, clock, run_mark, short_id, unique_length

if TYPE_CHECKING:
    import argparse

    from engine.model.json import JsonObject
    from store.rows import LockRow
    from tui.commands.context import Context
    from tui.commands.output import Piece

_COLUMNS = (
    Column("LOCK", flexible=True),
    Column("RUN"),
    Column("PLAN", flexible=True),
    Column("STATUS"),
    Column("HELD SINCE"),
    Column("WAITING", flexible=True, rank=1),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "List the locks that runs hold, and the runs that wait for each, the next one first. A run holds its locks "
        "until it is over, also while it is paused or quarantined and when its engine has died.",
        examples=[("opscope locks", "who holds what"), ("opscope locks --json", "the same for a program")],
    )
    parser.add_argument("--json", action="store_true", help="print the locks as a JSON list")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """List them."""
    from store.errors import NoDatabaseError
    from store.liveness import lost_engines
    from store.locks import holders
    from store.reader import Reader

    try:
        with Reader.open(context.database) as reader:
            held = holders(reader)
    except NoDatabaseError:
        held = []
    dead = lost_engines(context.database, {row.owner_engine for row in held}) if held else frozenset()
    if arguments.json:
        context.out.json([_lock_json(row, engine_alive=row.owner_engine not in dead) for row in held])
    elif not held:
        context.out.line("no lock is held")
    else:
        _print(context, held)
    return ExitCode.SUCCEEDED


def _print(context: Context, held: list[LockRow]) -> None:
    length = unique_length([*(row.run_id for row in held), *(run_id for row in held for run_id in row.waiting)])
    now_us = context.now_us()
    rows: list[list[Piece]] = []
    for row in held:
        mark = run_mark(row.status)
        rows.append(
            [
                Span(row.name, Role.TEXT, bold=True),
                short_id(row.run_id, length),
                row.plan_id,
                Span(str(mark), mark.role),
                clock(row.acquired_at_us, now_us=now_us),
                ", ".join(short_id(run_id, length) for run_id in row.waiting) or NOTHING,
            ]
        )
    print_table(context.out, _COLUMNS, rows)


def _lock_json(row: LockRow, *, engine_alive: bool) -> JsonObject:
    from store.moments import rfc3339

    return {
        "name": row.name,
        "run_id": row.run_id,
        "plan_id": row.plan_id,
        "status": row.status.value,
        "engine_alive": engine_alive,
        "acquired_at": rfc3339(row.acquired_at_us),
        "waiting": list(row.waiting),
    }
