"""`opscope prune`: removes old runs and gives their room back. What is kept and how it is removed is the store's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.commands.quantities import age_or_none, size_or_none
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import clock, count, plural, run_mark, short_id, size, unique_length

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from store.prune import OldRun, Pruned
    from tui.commands.context import Context
    from tui.commands.output import Piece

_MOST_SHOWN: Final = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Remove runs that ended long ago, then the oldest of the rest while the database is too large, and give the room "
        "back to the file system. A run that is not over is never removed, nor one that a kept run needs. An imported run "
        "counts from its import. On a terminal it asks before it removes anything.",
        examples=[
            ("opscope prune --dry-run", "say what would be removed"),
            ("opscope prune", "what is older than 30 days or beyond 2 GB"),
            ("opscope prune --older-than 7d --keep-size none", "by age alone"),
            ("opscope prune --yes --json", "for a timer"),
        ],
        exit_codes=(0, 2, 4),
    )
    parser.add_argument(
        "--older-than", type=age_or_none, default="30d", metavar="AGE", help="12h, 30d, 6w or none (default: 30d)"
    )
    parser.add_argument(
        "--keep-size", type=size_or_none, default="2G", metavar="SIZE", help="500M, 2G or none (default: 2G)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed, remove nothing")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print what was removed as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Choose, ask, remove, tell."""
    from store.errors import NoDatabaseError
    from store.prune import plan_prune, prune
    from store.retention import Retention
    from tui.commands.ticker import Ticker

    retention = Retention(arguments.older_than, arguments.keep_size)
    now_us = context.now_us()
    try:
        plan = plan_prune(context.database, retention, now_us=now_us)
    except NoDatabaseError as error:
        raise InputError("nothing has been run yet", place=error.place, hint=error.hint) from error
    if arguments.dry_run:
        if arguments.json:
            context.out.json({"dry_run": True, "kept": plan.kept, "runs": [run_json(run) for run in plan.runs]})
        else:
            _print_runs(context, plan.runs, now_us)
            would = sum(run.size_bytes for run in plan.runs)
            context.out.line(
                f"would remove {plural(len(plan.runs), 'run')} of about {size(would)}, keep {count(plan.kept)}"
            )
        return ExitCode.SUCCEEDED
    if plan.runs and context.is_interactive and not arguments.yes:
        _print_runs(context, plan.runs, now_us)
        if not _agreed(context, f"remove {plural(len(plan.runs), 'run')}, keep {count(plan.kept)}?"):
            context.err.line("nothing was removed")
            return ExitCode.SUCCEEDED
    ticker = Ticker(context.err)
    pruned = prune(context.database, retention, now_us=now_us, tell=ticker, on_wait=ticker.waiting)
    _tell(context, pruned, kept=plan.kept, as_json=arguments.json)
    return ExitCode.SUCCEEDED


def run_json(run: OldRun) -> JsonObject:
    """A run that goes, for programs."""
    from store.moments import rfc3339

    return {
        "run_id": run.run_id,
        "plan_id": run.plan_id,
        "status": run.status.value,
        "ended_at": rfc3339(run.ended_at_us),
        "imported": run.is_imported,
        "size_bytes": run.size_bytes,
    }


def _print_runs(context: Context, runs: Sequence[OldRun], now_us: int) -> None:
    if not runs:
        return
    length = unique_length(run.run_id for run in runs)
    rows: list[list[Piece]] = []
    for run in runs[:_MOST_SHOWN]:
        mark = run_mark(run.status)
        rows.append(
            [
                Span(str(mark), mark.role),
                Span(short_id(run.run_id, length), Role.TEXT, bold=True),
                run.plan_id,
                size(run.size_bytes),
                Span(clock(run.ended_at_us, now_us=now_us), Role.DIM),
                Span("imported" if run.is_imported else "", Role.DIM),
            ]
        )
    columns = (
        Column("STATUS"),
        Column("RUN"),
        Column("PLAN", flexible=True),
        Column("SIZE", right=True),
        Column("ENDED"),
        Column("NOTE", rank=1),
    )
    print_table(context.out, columns, rows)
    if len(runs) > _MOST_SHOWN:
        context.out.line(Span(f"and {plural(len(runs) - _MOST_SHOWN, 'run')} more", Role.DIM))


def _agreed(context: Context, question: str) -> bool:
    context.out.flush()
    context.err.line(f"{question} [y/N]")
    context.err.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _tell(context: Context, pruned: Pruned, *, kept: int, as_json: bool) -> None:
    if as_json:
        context.out.json(
            {
                "dry_run": False,
                "kept": kept,
                "runs": [run_json(run) for run in pruned.runs],
                "plans": pruned.plans,
                "files": pruned.files,
                "freed_bytes": pruned.freed_bytes,
            }
        )
        return
    parts = [plural(len(pruned.runs), "run")]
    if pruned.plans:
        parts.append(plural(pruned.plans, "plan"))
    if pruned.files:
        parts.append(f"{plural(pruned.files, 'file')} of engines that are gone")
    context.out.line(f"removed {', '.join(parts)}; freed {size(pruned.freed_bytes)}; kept {plural(kept, 'run')}")
