"""The head of a comparison: verdict, score, severity, confidence, and in one sentence what it rests on. Everything else is below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from engine.regression.baseline import LAST
from engine.regression.confirmation import fresh_runs_needed
from engine.regression.evidence import Bar, Finding
from engine.regression.score import Severity
from engine.regression.verdict import Confidence, RateFinding, Verdict
from tui.viewmodel.comparing.plots import bar
from tui.viewmodel.comparison import OUTCOMES, percent, probability, seconds, signed_seconds, tested_by, told_rows
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, crop, joined, span, spread, width, wrapped
from tui.viewmodel.words import duration, plural, run_mark, short_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.regression.verdict import Analysis, RateRow, TimeRow
    from store.rows import RunRow

VERDICTS: Final = {
    Verdict.REGRESSED: ("✗", "REGRESSED", Role.FAILED),
    Verdict.IMPROVED: ("✓", "IMPROVED", Role.SUCCEEDED),
    Verdict.UNCHANGED: ("✓", "UNCHANGED", Role.SUCCEEDED),
    Verdict.SUSPECT: ("!", "SUSPECT", Role.WARNING),
    Verdict.TOO_FEW: ("·", "NO VERDICT YET", Role.DIM),
}
_WIDE: Final = 100
_BAR, _SHORT_BAR = 24, 10
_MOST_NAMED: Final = 8
_MOST_LINES: Final = 3


def verdict_line(analysis: Analysis, cells: int) -> Line:
    """`✗ REGRESSED  score 42 of 100 ████▏────  MAJOR  confidence HIGH  30 v 5 runs`."""
    glyph, word, role = VERDICTS[analysis.verdict]
    if analysis.tried is not None and (outcome := OUTCOMES.get(analysis.tried.outcome)) is not None:
        glyph, word, role = outcome
    pieces: list[Line] = [(Span(f"{glyph} {word}", role, bold=True),)]
    if analysis.score is not None:
        length = _BAR if cells >= _WIDE else _SHORT_BAR
        of = Role.SUCCEEDED if analysis.severity is Severity.NONE else role
        pieces.append(
            (
                Span("score ", Role.DIM),
                Span(f"{analysis.score}", Role.STRONG, bold=True),
                Span(" of 100 ", Role.DIM),
                *bar(analysis.score / 100, length, of),
            )
        )
    if analysis.severity is not Severity.NONE:
        pieces.append((Span(analysis.severity.value.upper(), role, bold=True),))
    if analysis.confidence is not Confidence.NONE:
        pieces.append((Span("confidence ", Role.DIM), Span(analysis.confidence.value.upper())))
    pieces.append((Span(f"{len(analysis.baseline)} v {len(analysis.candidates)}", Role.DIM),))
    line = (Span(" "), *joined(pieces))
    return line if width(line) > cells - 5 else (*line, Span(" runs", Role.DIM))


def rests_on(analysis: Analysis) -> str:
    """What the verdict rests on, as a sentence; where something was put back, what came of that first."""
    tried = analysis.tried
    if tried is None:
        return _resting(analysis)
    said = _sentence(tried.text)
    return f"{said} {_HINT}" if tried.outcome in OUTCOMES else f"{said} {_resting(analysis)}"


_HINT: Final = "One rerun is a strong hint and no proof."


def _resting(analysis: Analysis) -> str:
    match analysis.verdict:
        case Verdict.TOO_FEW:
            return _missing(analysis)
        case Verdict.UNCHANGED:
            tested = [row for row in analysis.times if row.finding is not Finding.TOO_FEW]
            return (
                f"Nothing changed in a way that counts: {plural(len(tested), 'part')} tested on "
                f"{len(analysis.baseline)} runs against {len(analysis.candidates)}."
            )
        case Verdict.SUSPECT:
            said = _claims(analysis, (Finding.SUSPECT,), (), (False,))
            few = "One run proves nothing yet" if len(analysis.candidates) == 1 else "That proves nothing yet"
            fresh = fresh_runs_needed(analysis)
            return f"{said} {few}: c confirms it with {fresh} fresh runs. {_lacking_baseline(analysis)}".strip()
        case Verdict.REGRESSED:
            return _claims(analysis, (Finding.SLOWER,), (RateFinding.DROPPED,), (True,))
        case Verdict.IMPROVED:
            return _claims(analysis, (Finding.FASTER,), (RateFinding.ROSE,), ())


def _claims(
    analysis: Analysis,
    findings: Sequence[Finding],
    rates: Sequence[RateFinding],
    certain: Sequence[bool],
) -> str:
    """The claim that weighs most whole, the others counted."""
    # Of a step and the stage that fails or grows longer with it, the step is the claim.
    issues = sorted(analysis.issues, key=lambda issue: issue.part is None or not issue.part.step_id)
    claims = [_sentence(issue.text) for issue in issues if issue.is_certain in certain]
    claims += [rate_sentence(row) for row in analysis.rates if row.finding in rates]
    rows = [row for row in told_rows(analysis) if row.finding in findings]
    steps = [row for row in rows if row.part.step_id]
    claims += [time_sentence(row) for row in steps or rows]
    if not claims:
        return ""
    more = len(claims) - 1
    return claims[0] if not more else f"{claims[0]} And {plural(more, 'more finding')}."


def _sentence(text: str) -> str:
    said = text[:1].upper() + text[1:]
    return said if said.endswith(".") else f"{said}."


def time_sentence(row: TimeRow) -> str:
    """`execute/ci takes 266ms, before 4.49ms: +266ms (+5934%), …; exact rank test, q .0038, 24 v 3.`"""
    said = f"{row.part} takes {seconds(row.candidate_sec)}, before {seconds(row.baseline_sec)}: "
    if row.candidate_n == 1 and row.baseline_n > 1:
        longest = row.rank == row.baseline_n + 1
        place = f"the longest of {row.baseline_n + 1} runs" if longest else f"one run against {row.baseline_n}"
        return f"{said}{signed_seconds(row.delta_sec)} ({percent(row.effect)}), {place}."
    if row.candidate_n == row.baseline_n == 1:
        return f"{said}{signed_seconds(row.delta_sec)} ({percent(row.effect)})."
    said += f"{signed_seconds(row.delta_sec)} ({percent(row.effect)}"
    if row.finding is Finding.SUSPECT:
        each = "both" if row.candidate_n == 2 else f"all {row.candidate_n}"
        return f"{said}), {each} longer than any of the {row.baseline_n} before."
    if row.q is None:
        return f"{said}); not tested, {row.baseline_n} v {row.candidate_n}."
    if row.baseline_n > 1 and row.low != row.high:
        said += f", {percent(row.low)} to {percent(row.high)}"
    tested = f"q {probability(row.q)}, " if row.q is not None else ""
    return f"{said}); {tested_by(row)}, {tested}{row.baseline_n} v {row.candidate_n}."


def rate_sentence(row: RateRow) -> str:
    """`The run succeeds in 0 of 3, before in 5 of 5: Fisher's exact test, q .018.`"""
    name = "The run" if row.part is None else str(row.part)
    tested = f", q {probability(row.q)}" if row.q is not None else ""
    return (
        f"{name} succeeds in {row.candidate_good} of {row.candidate_n}, before in "
        f"{row.baseline_good} of {row.baseline_n}: {row.method}{tested}."
    )


def _missing(analysis: Analysis) -> str:
    """What can be said without a verdict, then how many runs are missing on which side, and what brings them."""
    baseline, candidates = analysis.runs_needed
    n, m = len(analysis.baseline), len(analysis.candidates)
    if not n:
        return NO_BASELINE
    said: list[str] = []
    if n == m == 1:
        said.append("One run each: no verdict.")
    if (rows := told_rows(analysis)) and (n == m == 1 or (baseline and would_count(rows[0]))):
        said.append(time_sentence(rows[0]))
    like = "like this one" if m == 1 else "like these"
    if baseline and candidates:
        said.append(
            f"A verdict needs {_wanted_runs(analysis)}: {baseline} more as before, {candidates} more {like} (c runs those)."
        )
    elif candidates:
        said.append(f"A verdict needs {m + candidates} runs against these {n}: {candidates} more {like}, which c runs.")
    elif baseline:
        said.append(_lacking_baseline(analysis))
    return " ".join(said) or "Nothing could be tested."


def would_count(row: TimeRow) -> bool:
    """Whether it is large enough to be worth a word before anything was tested."""
    least = Bar()
    return abs(row.effect) >= least.effect and abs(row.delta_sec) >= least.floor(row.baseline_sec)


NO_BASELINE: Final = (
    "There is nothing to compare with: no run before it has the same plan, environment and asset versions. "
    "a in the runs (5) lists those that there are."
)


def _wanted_runs(analysis: Analysis) -> str:
    """`5 runs in the baseline and 6 candidates`: what a verdict needs on each side."""
    baseline, candidates = analysis.runs_needed
    n, m = len(analysis.baseline) + baseline, len(analysis.candidates) + candidates
    return f"{plural(n, 'run')} in the baseline and {plural(m, 'candidate')}"


def _lacking_baseline(analysis: Analysis) -> str:
    baseline, _ = analysis.runs_needed
    if not baseline:
        return ""
    return f"A verdict needs {len(analysis.baseline) + baseline} runs in the baseline: {baseline} more as before."


def reading_words(runs: int, candidates: int, baseline: int) -> str:
    """`reading run 12 of 33`; how many a baseline has that is chosen by the rule is not known before."""
    if not runs:
        return "reading"
    of = f"of {candidates + baseline}" if baseline else f"of at most {candidates + LAST}"
    return f"reading run {runs} {of}" if runs <= candidates + (baseline or LAST) else f"reading run {runs}"


def head_lines(
    analysis: Analysis, runs: Mapping[str, RunRow], cells: int, *, is_short: bool = False, is_chosen: bool = False
) -> list[Line]:
    """The verdict, what it rests on, and the runs unless there is little room.

    Where somebody chose the runs (`is_chosen`) and not which is which, that comes first, with the key that changes it.
    """
    because = wrapped(rests_on(analysis), max(20, cells - 3))
    if len(because) > _MOST_LINES:
        because = [*because[: _MOST_LINES - 1], f"{because[_MOST_LINES - 1]} …"]
    lines = [verdict_line(analysis, cells), *((Span(f" {part}"),) for part in because)]
    if is_chosen:
        return [_chosen_line(analysis, runs, cells), *lines]
    return lines if is_short else [*lines, sides_line(analysis, runs, cells)]


def _chosen_line(analysis: Analysis, runs: Mapping[str, RunRow], cells: int) -> Line:
    is_pair = len(analysis.baseline) == len(analysis.candidates) == 1
    keys: Line = (
        Span("s", bold=True) if is_pair else Span("5 s", bold=True),
        Span(" switches sides ", Role.DIM),
    )
    room = cells - width(keys) - 2
    return spread(crop(sides_line(analysis, runs, room), room), keys, cells)


def sides_line(analysis: Analysis, runs: Mapping[str, RunRow], cells: int) -> Line:
    """The candidates with state and duration each, the baseline summarised once it is more than a few."""
    few = len(analysis.baseline) + len(analysis.candidates) <= _MOST_NAMED
    candidates = _named("CANDIDATES", analysis.candidates, runs)
    summary = _summed("BASELINE", analysis.baseline, runs)
    baseline = _named("BASELINE", analysis.baseline, runs) if few else summary
    for one, other in (
        (candidates, baseline),
        (candidates, summary),
        (_summed("CANDIDATES", analysis.candidates, runs), summary),
    ):
        line = (Span(" "), *joined((one, other), "   "))
        if width(line) < cells:
            return line
    return line


def _named(title: str, run_ids: Sequence[str], runs: Mapping[str, RunRow]) -> Line:
    pieces: list[Line] = [(Span(title, Role.DIM),)]
    for run_id in run_ids:
        run = runs.get(run_id)
        if run is None:
            pieces.append((span(short_id(run_id)), Span(" gone", Role.DIM)))
            continue
        mark = run_mark(run.status)
        pieces.append(
            (Span(f"{mark.glyph} ", mark.role), span(short_id(run_id)), Span(f" {duration(run.duration_us)}", Role.DIM))
        )
    return joined(pieces) if run_ids else (Span(f"{title}  none", Role.DIM),)


def _summed(title: str, run_ids: Sequence[str], runs: Mapping[str, RunRow]) -> Line:
    if len(run_ids) <= 1:
        return _named(title, run_ids, runs)
    there = [runs[run_id] for run_id in run_ids if run_id in runs]
    lasted = sorted(run.duration_us for run in there if run.duration_us is not None)
    bad = [run for run in there if run.status is not RunStatus.SUCCEEDED]
    pieces: list[Line] = [(Span(f"{title}  ", Role.DIM), Span(plural(len(run_ids), "run")))]
    if lasted:
        pieces.append((Span("median ", Role.DIM), Span(duration(lasted[len(lasted) // 2]))))
    if bad:
        word = "failed" if all(run.status is RunStatus.FAILED for run in bad) else "not good"
        pieces.append((Span(f"✗ {len(bad)} {word}", Role.FAILED),))
    return joined(pieces)
