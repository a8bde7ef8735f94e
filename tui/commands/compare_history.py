"""`opscope compare --history` and `--predictions`: durations over a plan's runs, and what reruns were expected to take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode
from tui.commands.compare_lookup import known_plan
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import NOTHING, clock, duration, plural, short_id

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.regression.baseline import RunHead
    from engine.regression.series import Series
    from store.queries.predictions import Prediction
    from tui.commands.context import Context
    from tui.commands.output import Piece

_CURVE: Final = 40
_SERIES: Final = (
    Column("PART", flexible=True),
    Column("RUNS", right=True, rank=2),
    Column("NOW", right=True),
    Column("OVER TIME", rank=1),
)
_BY_RUN: Final = (Column("RUN"), Column("STARTED"), Column("DURATION", right=True), Column("LEVEL", flexible=True))
_PREDICTIONS: Final = (
    Column("RUN"),
    Column("STARTED", rank=1),
    Column("EXPECTED", right=True),
    Column("TOOK", right=True),
    Column("ERROR", right=True),
)


def print_history(context: Context, plan: str, step: str | None, *, as_json: bool, limit: int) -> int:
    """Curves of all parts, or the runs of one step or stage, each with its changes of level."""
    from store.plan_history import plan_history
    from tui.commands.records import open_reader

    with open_reader(context) as reader:
        plan_id = known_plan(reader, plan)
        runs, found = plan_history(reader, plan_id, step, last=limit)
    if as_json:
        context.out.json({"schema_version": 1, "plan_id": plan_id, "series": [_as_json(one) for one in found]})
    elif step is None:
        _print_curves(context, found)
    else:
        _print_runs(context, runs, found)
    return ExitCode.SUCCEEDED


def _print_curves(context: Context, found: list[Series]) -> None:
    from tui.viewmodel.comparison import seconds
    from tui.viewmodel.history import change_text, curve

    rows: list[list[Piece]] = []
    for series in found:
        drawn = "".join(piece.text for piece in curve(series, _CURVE))
        rows.append([span(str(series.part)), str(len(series.seconds)), seconds(series.level_sec), drawn])
    print_table(context.out, _SERIES, rows)
    changes = [(series, change) for series in found for change in series.changes]
    context.out.line()
    for series, change in changes:
        context.out.line(Span("┊ ", Role.WARNING), span(f"{series.part} {change_text(change)}"))
    if not changes:
        context.out.line(Span("no change of level", Role.DIM))


def _print_runs(context: Context, runs: list[RunHead], found: list[Series]) -> None:
    from tui.viewmodel.comparison import seconds
    from tui.viewmodel.history import change_text

    heads = {run.run_id: run for run in runs}
    for series in found:
        context.out.line(Span(str(series.part), Role.TEXT, bold=True))
        begins = {change.at: change for change in series.changes}
        rows: list[list[Piece]] = [
            [
                short_id(run_id),
                Span(clock(heads[run_id].created_at_us, now_us=context.now_us()), Role.DIM),
                seconds(lasted),
                Span(f"┊ {change_text(begins[place])}", Role.WARNING) if place in begins else "",
            ]
            for place, (run_id, lasted) in enumerate(zip(series.runs, series.seconds, strict=True))
        ]
        print_table(context.out, _BY_RUN, rows[::-1])


def _as_json(series: Series) -> JsonObject:
    return {
        "part": str(series.part),
        "runs": [
            {"run_id": run_id, "duration_ms": round(lasted * 1000, 3)}
            for run_id, lasted in zip(series.runs, series.seconds, strict=True)
        ],
        "changes": [
            {
                "run_id": change.run_id,
                "before_ms": round(change.before_sec * 1000, 3),
                "after_ms": round(change.after_sec * 1000, 3),
                "also": [*change.also],
            }
            for change in series.changes
        ],
    }


def print_predictions(context: Context, plan: str, *, as_json: bool, limit: int) -> int:
    """What reruns of a plan were expected to take and took, the newest first, and how large the error typically is."""
    from engine.regression.evidence import median
    from store.moments import rfc3339
    from store.queries.predictions import predictions_of
    from tui.commands.records import open_reader

    with open_reader(context) as reader:
        plan_id = known_plan(reader, plan)
        found = reader.run(predictions_of(plan_id, limit=limit))
    if as_json:
        context.out.json(
            [{"run_id": one.run_id, "created_at": rfc3339(one.created_at_us), **one.to_json()} for one in found]
        )
        return ExitCode.SUCCEEDED
    if not found:
        context.out.line(f"nothing was expected of any run of {plan_id}: it has no reruns")
        return ExitCode.SUCCEEDED
    print_table(context.out, _PREDICTIONS, [_cells(one, context.now_us()) for one in found])
    errors = [abs(one.error) for one in found if one.error is not None]
    if errors:
        said = f"typically {median(errors):.0%} off, over {plural(len(errors), 'rerun')}"
        context.out.line(Span(said, Role.DIM))
    return ExitCode.SUCCEEDED


def _cells(one: Prediction, now_us: int) -> list[Piece]:
    return [
        Span(short_id(one.run_id), Role.TEXT, bold=True),
        Span(clock(one.created_at_us, now_us=now_us), Role.DIM),
        duration(one.predicted_us),
        NOTHING if one.actual_us is None else duration(one.actual_us),
        NOTHING if one.error is None else f"{one.error:+.0%}",
    ]
