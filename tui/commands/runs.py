"""`opscope runs`: the recorded runs as a table for people and as heads for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from engine.model.states import RunStatus
from store.errors import NoDatabaseError
from store.queries.run_filter import ALL_RUNS, NEWEST, Among, RunField, RunFilter, RunOrder, RunSort
from tui.commands.arguments import describe, positive
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.runs import Moment, listed_note, run_duration_us, steps_done
from tui.viewmodel.runs_filter import FIELDS, parse_filter
from tui.viewmodel.text import Span
from tui.viewmodel.words import NOTHING, clock, count, duration, plural, run_mark, short_id, unique_length

if TYPE_CHECKING:
    import argparse

    from store.rows import RunRow
    from tui.commands.context import Context
    from tui.commands.output import Piece

_COLUMNS: Final = (
    Column("STATUS"),
    Column("RUN"),
    Column("PLAN", flexible=True),
    Column("ROUTE", rank=5),
    Column("STAGE", rank=3),
    Column("STEPS", right=True, rank=1),
    Column("REPLANS", right=True, rank=6),
    Column("SCORE", right=True, rank=7),
    Column("DURATION", right=True),
    Column("STARTED", rank=2),
    Column("NOTE", flexible=True, rank=4),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "List the recorded runs, the newest first. A run whose engine died without ending it is ENGINE LOST.",
        examples=[
            ("opscope runs", "the latest 50"),
            ("opscope runs --status failed --plan ci-lookup", "the failures of one plan"),
            ('opscope runs --filter "status:failed dur:>10s since:2h"', "as on the screen of runs"),
            ("opscope runs --sort duration --limit 10", "the ten longest"),
            ("opscope runs --json --limit 500", "for a program"),
        ],
        meanings={0: "printed"},
    )
    statuses = [status.value for status in RunStatus]
    parser.add_argument(
        "--status", choices=statuses, metavar="STATUS", help=f"only runs of this status: {', '.join(statuses)}"
    )
    parser.add_argument("--plan", metavar="PLAN_ID", help="only runs of this plan; * stands for anything")
    parser.add_argument(
        "--filter",
        metavar="WORDS",
        help=f"only runs that pass, as typed after / on the screen of runs: words, and fields such as status:failed dur:>10s "
        f"-plan:safe* since:2h; fields: {', '.join(FIELDS)}",
    )
    parser.add_argument(
        "--sort",
        choices=[by.value for by in RunSort],
        default="started",
        metavar="BY",
        help=f"one of {', '.join(by.value for by in RunSort)} (default: started, the newest first)",
    )
    parser.add_argument("--reverse", action="store_true", help="sort the other way round")
    parser.add_argument("--limit", type=positive, default=50, metavar="N", help="at most so many (default: 50)")
    parser.add_argument("--json", action="store_true", help="print the heads of the runs as a JSON list")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """List them."""
    now_us = context.now_us()
    print_runs(
        context,
        limit=arguments.limit,
        chosen=_chosen(arguments, now_us),
        order=RunOrder(RunSort(arguments.sort), arguments.reverse, now_us),
        as_json=arguments.json,
    )
    if not arguments.json:
        from tui.commands.disk import print_disk_warnings

        print_disk_warnings(context)
    return ExitCode.SUCCEEDED


def _chosen(arguments: argparse.Namespace, now_us: int) -> RunFilter:
    """What the options ask for together. Raises InputError for a filter that is not understood: a list that holds too much misleads."""
    typed = parse_filter(arguments.filter or "", Moment(now_us))
    if typed.faults:
        said = "; ".join(str(fault) for fault in typed.faults)
        raise InputError(f"--filter: {said}", hint=f"the fields are {', '.join(FIELDS)}; everything else is a word")
    chosen = typed.chosen
    # Both the option and the filter have to let a run through.
    if arguments.status:
        chosen = chosen._replace(terms=(*chosen.terms, Among(RunField.STATUS, (arguments.status,))))
    if arguments.plan:
        chosen = chosen._replace(terms=(*chosen.terms, Among(RunField.PLAN, (arguments.plan,))))
    return chosen


def print_runs(
    context: Context,
    *,
    limit: int,
    chosen: RunFilter = ALL_RUNS,
    order: RunOrder = NEWEST,
    as_json: bool = False,
) -> None:
    """Write the first runs that pass."""
    from store.queries import run_total, runs_page
    from store.rankings import rankings_of
    from store.reader import Reader
    from tui.commands.records import lost_runs

    try:
        with Reader.open(context.database) as reader:
            rows = reader.run(runs_page(chosen, limit=limit, order=order))
            total = reader.run(run_total(chosen)) if len(rows) == limit else len(rows)
            ranked = reader.run(rankings_of([row.run_id for row in rows])) if as_json else {}
    except NoDatabaseError as error:
        if as_json:
            context.out.json([])
        else:
            context.out.line("no runs yet")
            context.err.text(f"{error.hint}", role=Role.DIM)
        return
    lost = lost_runs(context.database, rows)
    if as_json:
        from store.trace import awaited_locks, run_head, suspects

        context.out.json(
            [
                {
                    **run_head(row),
                    "engine_lost": row.run_id in lost,
                    "awaited_locks": awaited_locks(row),
                    "suspects": suspects(ranked.get(row.run_id)),
                }
                for row in rows
            ]
        )
        return
    if not rows:
        context.out.line("no run of this kind")
        return
    length = unique_length(row.run_id for row in rows)
    moment = Moment(context.now_us())
    cells = [run_cells(row, moment, length, engine_lost=row.run_id in lost) for row in rows]
    print_table(context.out, _COLUMNS, cells)
    if total > limit:
        more = f"{count(limit)} of {plural(total, 'run')}; --limit N shows more"
        context.err.line(Span(more, Role.DIM))


def run_cells(row: RunRow, moment: Moment, id_length: int, *, engine_lost: bool) -> list[Piece]:
    """One run as the cells of the table."""
    mark = run_mark(row.status, engine_lost=engine_lost)
    return [
        Span(str(mark), mark.role),
        Span(short_id(row.run_id, id_length), Role.TEXT, bold=True),
        f"└ {row.plan_id}" if row.parent_run_id is not None else row.plan_id,
        Span(row.route.value if row.route else NOTHING, Role.DIM),
        _stage(row),
        steps_done(row),
        count(row.replans),
        str(row.score) if row.score is not None else NOTHING,
        duration(run_duration_us(row, moment, engine_lost=engine_lost)),
        Span(clock(row.started_at_us or row.created_at_us, now_us=moment.now_us), Role.DIM),
        Span(listed_note(row, engine_lost=engine_lost), Role.DIM),
    ]


def _stage(row: RunRow) -> Piece:
    """Where it is. Locks are taken between two stages, and a table without room for notes would say nothing of that."""
    if row.awaited_locks:
        return Span("lock", Role.WARNING)
    return Span(row.stage.value, STAGE_ROLES[row.stage]) if row.stage else NOTHING
