"""What is behind a part of the evidence: every figure of it, and what each means. Which parts there are is not known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.regression.evidence import Finding
from engine.regression.verdict import RateFinding
from tui.viewmodel.comparing.evidence_groups import NEXT_TO_NOTHING_SEC, off_path
from tui.viewmodel.comparing.plots import Axis
from tui.viewmodel.comparing.rows import fact, facts
from tui.viewmodel.comparison import percent, probability, seconds, signed_seconds, suspect_text, tested_by
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    from engine.regression.verdict import Analysis, AttemptRow, RateRow, TimeRow

RULE: Final = (
    "A change counts where q is at most .05, the effect is larger than 5% and than the part's own noise, and it is long "
    "enough to notice."
)
FINDINGS: Final = {
    Finding.SLOWER: ("✗", "SLOWER", Role.FAILED),
    Finding.SUSPECT: ("!", "SUSPECT", Role.WARNING),
    Finding.FASTER: ("✓", "FASTER", Role.SUCCEEDED),
    Finding.DRIFT: ("·", "DRIFT", Role.DIM),
    Finding.TOO_FEW: ("·", "TOO FEW", Role.DIM),
    Finding.NOTHING: ("·", "SAME", Role.DIM),
}
RATES: Final = {
    RateFinding.DROPPED: ("✗", "DROPPED", Role.FAILED),
    RateFinding.ROSE: ("✓", "ROSE", Role.SUCCEEDED),
    RateFinding.NOTHING: ("·", "SAME", Role.DIM),
    RateFinding.TOO_FEW: ("·", "TOO FEW", Role.DIM),
}


def time_detail(row: TimeRow, analysis: Analysis, cells: int) -> list[Line]:
    """Every figure of a time, and what each means."""
    glyph, word, role = FINDINGS[row.finding]
    lines = [
        fact("finding", Span(f"{glyph} {word}", role, bold=True), Span(f"  {_means(row)}", Role.DIM)),
        fact("takes", Span(seconds(row.candidate_sec), Role.STRONG), Span(f"  before {seconds(row.baseline_sec)}")),
        fact("Δ", f"{signed_seconds(row.delta_sec)} ({percent(row.effect)})"),
    ]
    if row.baseline_n > 1 and row.finding is not Finding.TOO_FEW:
        sure = f"{percent(row.low)} to {percent(row.high)}"
        lines.append(fact("interval", sure, Span(f"  at {row.level:.0%}", Role.DIM)))
        room = cells - 16
        if room >= 16:
            lines.append(fact("", *Axis.over([row]).plot(row, min(40, room), role)))
    of = f"{plural(row.baseline_n, 'run')} against {row.candidate_n}"
    if row.finding is Finding.TOO_FEW:
        lines += facts("tested by", f"nothing: {of} are too few", cells)
    else:
        lines += facts("q", f"{probability(row.q)}{_chance(row)}", cells)
        lines += facts("tested by", f"{tested_by(row)}, {of}", cells)
    if row.baseline_n > 1:
        lines.append(fact("noise", f"±{row.noise:.0%}", Span("  what it varies by anyway", Role.DIM)))
    if row.drag_sec is not None:
        waits = (
            "nothing waits for it: it costs no points"
            if row.drag_sec < NEXT_TO_NOTHING_SEC
            else f"{seconds(row.drag_sec)} of the run's end wait for it"
        )
        lines += facts("drag", waits, cells)
    lost = [loss for loss in analysis.losses if loss.name == str(row.part)]
    lines += [line for loss in lost for line in facts("points", f"{loss.points:.1f} lost: {loss.why}", cells)]
    for cause in analysis.causes:
        if row.part in cause.parts and cause.suspects:
            lines += facts("suspected", suspect_text(cause.suspects[0]), cells, Role.WARNING)
            break
    return [*lines, (), *facts("counts if", RULE, cells, Role.DIM)]


def rate_detail(row: RateRow, cells: int) -> list[Line]:
    """Every figure of a rate."""
    glyph, word, role = RATES[row.finding]
    good = f"{row.candidate_good} of {row.candidate_n}, before {row.baseline_good} of {row.baseline_n}"
    return [
        fact("finding", Span(f"{glyph} {word}", role, bold=True)),
        fact("succeeds", good),
        fact("interval", f"{percent(-row.high)} to {percent(-row.low)}"),
        fact("q", probability(row.q)),
        *facts("tested by", row.method, cells),
    ]


def attempts_detail(row: AttemptRow, cells: int) -> list[Line]:
    """Every figure of how many tries a part takes."""
    return [
        fact("tries", f"{row.candidate_mean:.3g} on average, before {row.baseline_mean:.3g}"),
        fact("q", probability(row.q)),
        *facts("tested by", "exact rank test", cells),
    ]


def _means(row: TimeRow) -> str:
    match row.finding:
        case Finding.SLOWER:
            return "and nothing waits for it" if off_path(row) else "and it counts"
        case Finding.FASTER:
            return "and it counts"
        case Finding.SUSPECT:
            return "not proven"
        case Finding.DRIFT:
            return "steady, too small to count"
        case Finding.TOO_FEW:
            return "not tested"
        case Finding.NOTHING:
            return "no change that counts"


def _chance(row: TimeRow) -> str:
    return ", nothing was tested" if row.q is None else ": the share of claims like it that are chance"
