"""An analysis as a person reads it: the verdict first, then its evidence, what it costs, what may be the cause. Text only, no layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.regression.evidence import Finding
from engine.regression.score import Severity
from engine.regression.verdict import Confidence, DifferenceKind, Outcome, RateFinding, Side, Verdict
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import plural, short_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.regression.verdict import Analysis, Cause, Difference, Issue, RateRow, Suspect, TimeRow
    from tui.viewmodel.text import Line

TITLES: Final = ("PART", "FINDING", "BASELINE", "CANDIDATES", "Δ", "INTERVAL", "q", "n v m", "METHOD")
"""Of the table of evidence."""

MOST_ROWS: Final = 20
_MOST_VALUES: Final = 3
_MOST_VALUE_CHARS: Final = 60
_NOTHING: Final = "–"

_VERDICTS: Final = {
    Verdict.REGRESSED: ("✗", "REGRESSED", Role.FAILED),
    Verdict.IMPROVED: ("✓", "IMPROVED", Role.SUCCEEDED),
    Verdict.UNCHANGED: ("✓", "UNCHANGED", Role.SUCCEEDED),
    Verdict.SUSPECT: ("!", "SUSPECT", Role.WARNING),
    Verdict.TOO_FEW: ("·", "NO VERDICT", Role.DIM),
}
OUTCOMES: Final = {
    Outcome.GONE: ("✓", "GONE", Role.SUCCEEDED),
    Outcome.STILL_THERE: ("!", "STILL THERE", Role.WARNING),
}
"""Of one rerun: what became of that for which it was made is the answer, and no verdict on the rerun is."""
_FINDINGS: Final = {
    Finding.SLOWER: (0, Role.FAILED),
    Finding.SUSPECT: (1, Role.WARNING),
    Finding.FASTER: (2, Role.SUCCEEDED),
    Finding.DRIFT: (3, Role.DIM),
    Finding.TOO_FEW: (4, Role.DIM),
    Finding.NOTHING: (5, Role.DIM),
}
_RATE_ROLES: Final = {
    RateFinding.DROPPED: Role.FAILED,
    RateFinding.ROSE: Role.SUCCEEDED,
    RateFinding.NOTHING: Role.DIM,
    RateFinding.TOO_FEW: Role.DIM,
}
KINDS: Final = {
    DifferenceKind.PLAN: "plan",
    DifferenceKind.PLAN_STEP: "step of the plan",
    DifferenceKind.PARAM: "parameter",
    DifferenceKind.ASSET: "asset",
    DifferenceKind.ENVIRONMENT: "environment",
    DifferenceKind.REPLAN: "replan",
}


def verdict_line(analysis: Analysis) -> Line:
    """`✗ REGRESSED  score 42 of 100  major  confidence high  30 v 5 runs`."""
    glyph, word, role = _VERDICTS[analysis.verdict]
    if analysis.tried is not None and analysis.tried.outcome in OUTCOMES:
        glyph, word, role = OUTCOMES[analysis.tried.outcome]
    pieces = [Span(f"{glyph} {word}", role, bold=True)]
    if analysis.score is not None:
        pieces.append(Span(f"  score {analysis.score} of 100"))
    if analysis.severity is not Severity.NONE:
        pieces.append(Span(f"  {analysis.severity.value}", role))
    if analysis.confidence is not Confidence.NONE:
        pieces.append(Span(f"  confidence {analysis.confidence.value}", Role.DIM))
    return (*pieces, Span(f"  {counts(analysis)} runs", Role.DIM))


def counts(analysis: Analysis) -> str:
    """`30 v 5`."""
    return f"{len(analysis.baseline)} v {len(analysis.candidates)}"


def head_lines(analysis: Analysis) -> list[Line]:
    """What was compared, and what is missing for a verdict."""
    tried = analysis.tried
    lines: list[Line] = [] if tried is None else [(span(f"  {tried.text}", Role.STRONG),)]
    lines.append((Span(f"  {_runs(analysis.candidates)} against {_runs(analysis.baseline)}", Role.DIM),))
    told = "" if tried is None else tried.text
    lines += [(span(f"  {note}", Role.DIM),) for note in analysis.notes if note != told]
    if len(analysis.baseline) == len(analysis.candidates) == 1:
        before, after = (short_id(side[0]) for side in (analysis.baseline, analysis.candidates))
        lines.append((Span(f"  opscope show {after} --against {before} lays the two side by side", Role.DIM),))
    baseline, candidates = analysis.runs_needed
    missing = [
        plural(number, f"more run{'' if number == 1 else 's'} {side}", f"more runs {side}")
        for number, side in ((baseline, "in the baseline"), (candidates, "to compare"))
        if number
    ]
    if missing:
        lines.append((Span(f"  for a verdict {' and '.join(missing)} {_needed(baseline + candidates)}", Role.WARNING),))
    return lines


def _needed(number: int) -> str:
    return "is needed" if number == 1 else "are needed"


def _runs(run_ids: Sequence[str]) -> str:
    if not run_ids:
        return "no run"
    shown = ", ".join(short_id(run_id) for run_id in run_ids[:3])
    return shown if len(run_ids) <= 3 else f"{len(run_ids)} runs from {short_id(run_ids[0])} to {short_id(run_ids[-1])}"


def told_rows(analysis: Analysis) -> list[TimeRow]:
    """The rows that say something, the worst first; where nothing could be tested those that differ most."""
    said = [row for row in analysis.times if row.finding not in (Finding.NOTHING, Finding.TOO_FEW)]
    if not said and any(analysis.runs_needed):
        said = [row for row in analysis.times if row.delta_sec]
    # A step says more than the stage that it makes longer.
    return sorted(
        said,
        key=lambda row: (_FINDINGS[row.finding][0], not row.part.step_id, -abs(row.delta_sec), row.part.order),
    )


def evidence_rows(analysis: Analysis) -> tuple[list[tuple[str | Span, ...]], int]:
    """The rows of the table under `TITLES`, and of how many more parts nothing is said here."""
    times, rates = told_rows(analysis), [row for row in analysis.rates if row.part is None or _is_told(row)]
    rows = [*map(_rate_cells, rates), *map(_time_cells, times)][:MOST_ROWS]
    return rows, len(analysis.times) + len(rates) - len(rows)


def _is_told(row: RateRow) -> bool:
    return row.finding in (RateFinding.DROPPED, RateFinding.ROSE)


def _time_cells(row: TimeRow) -> tuple[str | Span, ...]:
    finding = row.finding.value.replace("_", " ")
    return (
        span(str(row.part)),
        Span(finding, _FINDINGS[row.finding][1]),
        seconds(row.baseline_sec),
        seconds(row.candidate_sec),
        f"{signed_seconds(row.delta_sec)} ({percent(row.effect)})",
        f"{percent(row.low)} to {percent(row.high)}" if row.baseline_n > 1 or row.candidate_n > 1 else _NOTHING,
        probability(row.q),
        f"{row.baseline_n} v {row.candidate_n}",
        tested_by(row),
    )


def tested_by(row: TimeRow) -> str:
    """How it was tested, without how many runs that lacks: of all parts together it may be more."""
    return _NOTHING if row.finding is Finding.TOO_FEW else row.method.partition(";")[0]


def _rate_cells(row: RateRow) -> tuple[str | Span, ...]:
    return (
        span(f"{row.name} succeeds"),
        Span(row.finding.value.replace("_", " "), _RATE_ROLES[row.finding]),
        f"{row.baseline_good} of {row.baseline_n}",
        f"{row.candidate_good} of {row.candidate_n}",
        percent(-row.drop),
        f"{percent(-row.high)} to {percent(-row.low)}",
        probability(row.q),
        f"{row.baseline_n} v {row.candidate_n}",
        row.method,
    )


def loss_lines(analysis: Analysis) -> list[Line]:
    """Every lost point, and of what."""
    return [
        (Span(f"  {loss.points:>5.1f}  ", Role.STRONG), span(loss.name), span(f"  {loss.why}", Role.DIM))
        for loss in analysis.losses
    ]


def issue_lines(issues: Iterable[Issue]) -> list[Line]:
    """Critical issues; a suspicion is called one."""
    return [
        (
            Span("  ✗ " if issue.is_certain else "  ! ", Role.FAILED if issue.is_certain else Role.WARNING),
            span(issue.text),
            Span(f"  p {probability(issue.p)} (Holm)" if issue.is_certain else "  suspected: too few runs", Role.DIM),
        )
        for issue in issues
    ]


def cause_lines(causes: Iterable[Cause]) -> list[Line]:
    """What changed together, what may have done it, and what to do about it."""
    lines: list[Line] = []
    for cause in causes:
        lines.append((span(f"  {cause.text}"),))
        if not cause.is_slower:
            continue
        lines += [(Span("    ? ", Role.WARNING), span(suspect_text(one))) for one in cause.suspects]
        lines.append((span(f"    {cause.advice}", Role.DIM),))
    return lines


def suspect_text(suspect: Suspect) -> str:
    """`lookup query/ci@2 → query/ci@3: fetch refers to it  (--override query/ci@2)`."""
    rerun = f"  ({suspect.rerun})" if suspect.rerun else ""
    changed = f"{_short(suspect.baseline)} → {_short(suspect.candidates)}"
    return f"{KINDS[suspect.kind]} {suspect.name} {changed}: {suspect.why}{rerun}"


def difference_lines(analysis: Analysis) -> list[Line]:
    """In what the sides differ as a whole, and what only one of them has."""
    lines: list[Line] = [(span(f"  ~ {difference_text(one)}"),) for one in analysis.differences]
    for part in analysis.one_sided[:MOST_ROWS]:
        is_gone = part.side is Side.BASELINE_ONLY
        mark, of = ("-", len(analysis.baseline)) if is_gone else ("+", len(analysis.candidates))
        where = "baseline" if is_gone else "candidates"
        lines.append((span(f"  {mark} {part.part} only in the {where}, {part.runs} of {plural(of, 'run')}"),))
    if len(analysis.one_sided) > MOST_ROWS:
        lines.append((Span(f"  and {len(analysis.one_sided) - MOST_ROWS} more on one side only", Role.DIM),))
    lines += [
        (
            span(
                f"  ~ {row.part} takes {row.candidate_mean:.3g} tries, before {row.baseline_mean:.3g}  q {probability(row.q)}"
            ),
        )
        for row in analysis.attempts
    ]
    lines += [
        (
            span(
                f"  ~ {row.part} counts {row.candidate_mean:.3g} {row.name}, before {row.baseline_mean:.3g}  "
                f"q {probability(row.q)}"
            ),
        )
        for row in analysis.counts
    ]
    return lines


def difference_text(one: Difference) -> str:
    """`asset lookup query/ci@2 → query/ci@3`; where a side has several values, each with the number of its runs."""
    return f"{KINDS[one.kind]} {one.name}: {_values(one.baseline)} → {_values(one.candidates)}"


def _values(values: Sequence[tuple[str, int]]) -> str:
    if len(values) == 1:
        return _short(values[0][0])
    shown = ", ".join(f"{_short(value)} ({number})" for value, number in values[:_MOST_VALUES])
    return f"{shown}, …" if len(values) > _MOST_VALUES else shown


def _short(value: str) -> str:
    if not value:
        return '""'
    return value if len(value) <= _MOST_VALUE_CHARS else f"{value[: _MOST_VALUE_CHARS - 1]}…"


def sections(analysis: Analysis) -> list[tuple[str, list[Line]]]:
    """All that stands below the table, each with its title; what has nothing to say is left out."""
    found = [
        ("critical issues", issue_lines(analysis.issues)),
        ("lost points", loss_lines(analysis)),
        ("suspected cause", cause_lines(analysis.causes)),
        ("differences", difference_lines(analysis)),
    ]
    return [(title, lines) for title, lines in found if lines]


def seconds(value: float) -> str:
    """`812ms`, `12.4s`, `63s`: three digits, so that small changes of it can be seen."""
    if abs(value) < 0.9995:
        return f"{value * 1000:.3g}ms"
    return f"{value:.3g}s" if abs(value) < 100 else f"{value:.0f}s"


def signed_seconds(value: float) -> str:
    """The same with its sign."""
    return f"{'+' if value >= 0 else '-'}{seconds(abs(value))}"


def percent(value: float) -> str:
    """`+80%`; from eleven times on how many times as much it is, `×60`."""
    return f"{value:+.0%}" if value < 10 else f"×{1 + value:.0f}"


def probability(value: float | None) -> str:
    """`.0123`, `<.0001`, or a dash where nothing was tested."""
    if value is None:
        return _NOTHING
    if value < 0.0001:
        return "<.0001"
    return "1" if value >= 0.99995 else f"{value:.3g}".removeprefix("0")
