"""The list of kept analyses, for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import clock, short_id

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from store.analyses import AnalysisHead
    from tui.commands.context import Context
    from tui.commands.output import Piece

_COLUMNS: Final = (
    Column("ANALYSIS"),
    Column("VERDICT"),
    Column("SCORE", right=True),
    Column("SEVERITY", rank=1),
    Column("PLAN", flexible=True),
    Column("n v m", rank=2),
    Column("CANDIDATES", rank=3, flexible=True),
    Column("MADE"),
)


def print_analyses(context: Context, *, as_json: bool, limit: int) -> int:
    """The newest first."""
    from store.analyses import analyses_page
    from tui.commands.records import open_reader

    with open_reader(context) as reader:
        found = reader.run(analyses_page(limit=limit + 1))
    heads = found[:limit]
    if as_json:
        context.out.json([_as_json(head) for head in heads])
    elif heads:
        print_table(context.out, _COLUMNS, [_cells(head, context.now_us()) for head in heads])
    else:
        context.out.line("no analysis has been kept")
    if len(found) > limit:
        context.err.line(Span(f"the newest {limit}; --limit N lists more", Role.DIM))
    return ExitCode.SUCCEEDED


def _cells(head: AnalysisHead, now_us: int) -> list[Piece]:
    return [
        Span(head.analysis_id[:8], Role.TEXT, bold=True),
        head.verdict.value.replace("_", " "),
        "–" if head.score is None else str(head.score),
        head.severity.value,
        span(head.plan_id),
        f"{head.baseline_n} v {len(head.candidates)}",
        ", ".join(short_id(run_id) for run_id in head.candidates[:3]) + (", …" if len(head.candidates) > 3 else ""),
        clock(head.created_at_us, now_us=now_us),
    ]


def _as_json(head: AnalysisHead) -> JsonObject:
    from store.moments import rfc3339

    return {
        "analysis_id": head.analysis_id,
        "created_at": rfc3339(head.created_at_us),
        "verdict": head.verdict.value,
        "severity": head.severity.value,
        "score": head.score,
        "plan_id": head.plan_id,
        "baseline_n": head.baseline_n,
        "candidates": [*head.candidates],
    }
