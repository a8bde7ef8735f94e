"""The first section: critical issues, every lost point, the suspected cause with what to do, notes. The figures are the evidence's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.regression.confirmation import CONFIRM_RUNS, fresh_runs_needed
from engine.regression.evidence import Finding
from engine.regression.narrowing import suspects_in
from engine.regression.verdict import DifferenceKind, Verdict
from tui.viewmodel.comparing.evidence import EvidenceRows
from tui.viewmodel.comparing.headline import rate_sentence, time_sentence, would_count
from tui.viewmodel.comparing.rows import Told, ToldRows, heading, listing, saying
from tui.viewmodel.comparison import KINDS, OUTCOMES, difference_text, percent, probability, suspect_text, told_rows
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.regression.parts import PartKey
    from engine.regression.verdict import Analysis, Cause, Issue, Suspect

_MOST: Final = 200
_SCORE_RULE: Final = (
    "100 is as the baseline. Points are lost for seconds that the end of the run waits longer, at the end of the interval "
    "that is nearer to no change, and for success that became rarer. A critical issue costs at least 75. What does not count "
    "costs nothing."
)
_CAUSE_RULE: Final = (
    "What differs between the sides and can reach the part that changed, the nearest first. It is a suspicion until a rerun "
    "with only this one put back says so."
)

_WHY_RULE: Final = (
    "It differs between the two runs, so it can be the reason for what took longer or shorter. What the two hold is under "
    "Differences (3)."
)
_SAME_INPUT: Final = "the same plan, parameters, assets, environment"
_MOST_SIDE_BY_SIDE: Final = 3
_MOST_UNTESTED: Final = 6


def overview_rows(analysis: Analysis, more_notes: Sequence[str] = ()) -> ToldRows:
    """From what is worst to what is only worth a note. `more_notes` are not the analysis's own."""
    evidence = EvidenceRows(analysis)
    is_calm = analysis.verdict in (Verdict.UNCHANGED, Verdict.IMPROVED) and not analysis.losses
    blocks = [
        _calm(analysis, evidence) if is_calm else [],
        _issues(analysis.issues),
        _losses(analysis, evidence),
        _suspicions(analysis, evidence),
        _causes(analysis),
        _untested(analysis, evidence),
        _missing(analysis),
        _notes(analysis, more_notes),
    ]
    told: list[Told] = []
    for block in blocks:
        if block and told:
            told.append(Told("# ", (), "", saying(), ""))
        told += block
    return ToldRows(told, empty="nothing is said of these runs")


def _head(text: str, note: str = "") -> Told:
    return Told(f"# {text}", heading(text, note), text.lower(), saying(), text.lower())


def _issues(issues: tuple[Issue, ...]) -> list[Told]:
    if not issues:
        return []
    told = [_head("CRITICAL ISSUES", "whatever the durations say")]
    for number, issue in enumerate(issues[:_MOST]):
        glyph, role = ("✗", Role.FAILED) if issue.is_certain else ("!", Role.WARNING)
        word = "certain" if issue.is_certain else "suspected: too few runs"
        detail = listing(
            ("issue", issue.text),
            ("candidates", f"{issue.candidates[0]} of {issue.candidates[1]} runs"),
            ("baseline", f"{issue.baseline[0]} of {issue.baseline[1]} runs"),
            ("p", f"{probability(issue.p)} (one-sided, Holm-corrected)"),
            ("certain", "yes" if issue.is_certain else "no, there are too few runs to tell"),
        )
        row = (Span(f"   {glyph} ", role, bold=True), span(issue.text), Span(f"  {word}", Role.DIM))
        told.append(Told(f"issue {number}", row, "issue", detail, issue.text, issue.part))
    return told


def _losses(analysis: Analysis, evidence: EvidenceRows) -> list[Told]:
    if not analysis.losses:
        return []
    parts = {str(row.part): row.part for row in analysis.times}
    told = [_head("LOST POINTS", f"score {analysis.score} of 100")]
    for number, loss in enumerate(analysis.losses[:_MOST]):
        row = (
            Span(f"   {min(loss.points, 100.0):5.1f}", Role.FAILED, bold=True),
            span(f"  {loss.name}"),
            span(f"  {loss.why}", Role.DIM),
        )
        behind = _evidence(evidence, loss.name) if loss.name in parts else saying(loss.why, "", _SCORE_RULE)
        sentence = f"{loss.points:.1f} points lost by {loss.name}: {loss.why}."
        told.append(Told(f"lost {number}", row, loss.name, behind, sentence, parts.get(loss.name)))
    if len(analysis.losses) > _MOST:
        left = f"and {plural(len(analysis.losses) - _MOST, 'more part')}, each with its points in the export"
        told.append(Told("lost more", (Span(f"   {left}", Role.DIM),), "lost points", saying(left), left))
    return told


def _suspicions(analysis: Analysis, evidence: EvidenceRows) -> list[Told]:
    """What is suspected and not proven."""
    rows = [row for row in told_rows(analysis) if row.finding is Finding.SUSPECT]
    if not rows:
        return []
    told = [_head("SUSPECTED", "outside of the baseline; c runs it again and tests nothing else")]
    for row in rows[:_MOST]:
        line = (Span("   ! ", Role.WARNING, bold=True), span(time_sentence(row)))
        detail = _evidence(evidence, str(row.part))
        told.append(Told(f"suspect {row.part}", line, str(row.part), detail, time_sentence(row), row.part))
    return told


def _untested(analysis: Analysis, evidence: EvidenceRows) -> list[Told]:
    """Of runs that are too few to test: what took longer or shorter all the same, and what differs and so may be why."""
    n, m = len(analysis.baseline), len(analysis.candidates)
    if analysis.verdict is not Verdict.TOO_FEW or not n or not m:
        return []
    told: list[Told] = []
    is_pair = n == m == 1
    few = "one run each: what differs can be chance" if is_pair else f"not tested, {n} v {m} runs: it can be chance"
    rows = [row for row in told_rows(analysis) if is_pair or would_count(row)]
    if not rows and not is_pair:
        said = "nothing took so much longer or shorter that it would count"
        return [
            _head("SO FAR", few),
            Told("so far", (Span("   · ", Role.DIM), Span(said)), "so far", saying(said), said),
        ]
    if rows:
        told.append(_head("SIDE BY SIDE" if is_pair else "DIFFERS MOST SO FAR", few))
    for row in rows[: _MOST_SIDE_BY_SIDE if is_pair else _MOST_UNTESTED]:
        line = (Span("   · ", Role.DIM, bold=True), span(time_sentence(row)))
        detail = _evidence(evidence, str(row.part))
        told.append(Told(f"beside {row.part}", line, str(row.part), detail, time_sentence(row), row.part))
    if told:
        told.append(Told("# ", (), "", saying(), ""))
    differing = [one for one in analysis.differences if one.separates and one.kind is not DifferenceKind.REPLAN]
    if not differing and analysis.differences:
        told.append(_head("NOTHING THAT MAY BE WHY", "what differs stands on both sides, too (3)"))
    else:
        told.append(_head("WHAT MAY BE WHY" if differing else "NOTHING DIFFERS", "" if differing else _SAME_INPUT))
    for one in differing[:_MOST]:
        said = difference_text(one)
        line = (Span("   ? ", Role.WARNING, bold=True), span(said))
        told.append(Told(f"why {one.kind.value} {one.name}", line, one.name, saying(said, "", _WHY_RULE), said))
    return told


def _causes(analysis: Analysis) -> list[Told]:
    causes = [cause for cause in analysis.causes if cause.is_slower]
    if not causes:
        return []
    told = [_head("SUSPECTED CAUSE")]
    places = {(one.kind, one.name): place for place, one in enumerate(suspects_in(analysis))}
    for number, cause in enumerate(causes[:_MOST]):
        first = cause.parts[0] if cause.parts else None
        told.append(
            Told(f"cause {number}", (Span("   "), span(cause.text)), "cause", _behind(cause), cause.text, first)
        )
        told += [_suspect(number, one, places[one.kind, one.name], first) for one in cause.suspects]
        advice = _advice(cause)
        told.append(
            Told(
                f"advice {number}",
                (Span("     → ", Role.STRONG), span(advice)),
                "advice",
                saying(advice),
                advice,
                first,
            )
        )
    return told


def _suspect(number: int, one: Suspect, place: int, part: PartKey | None) -> Told:
    row: Line = (
        Span("     ? ", Role.WARNING, bold=True),
        span(f"{KINDS[one.kind]} {one.name}  "),
        span(one.baseline, Role.DIM),
        Span(" → ", Role.DIM),
        span(_changed_to(one), Role.STRONG),
        span(f"  {one.why}", Role.DIM),
    )
    detail = listing(
        ("cause", f"{KINDS[one.kind]} {one.name}?"),
        ("baseline", one.baseline),
        ("candidates", one.candidates),
        ("why", one.why),
        ("put back by", one.rerun or "nothing that a rerun can change"),
        ("", ""),
        ("possible", _CAUSE_RULE),
    )
    return Told(f"suspect {number} {one.name}", row, one.name, detail, suspect_text(one), part, place)


def _changed_to(one: Suspect) -> str:
    """`@3` for another version of the same: it has to be seen however long the name is."""
    before, _, _ = one.baseline.rpartition("@")
    after, _, version = one.candidates.rpartition("@")
    return f"@{version}" if before and before == after else one.candidates


def _behind(cause: Cause) -> Callable[[int], list[Line]]:
    parts = ", ".join(map(str, cause.parts[:12])) + (" …" if len(cause.parts) > 12 else "")
    return listing(("cause", cause.text), ("parts", parts), ("advice", _advice(cause)))


def _evidence(rows: EvidenceRows, part: str) -> Callable[[int], list[Line]]:
    at = rows.place_of(f"time {part}")
    return lambda cells: rows.detail(at, cells)


def _advice(cause: Cause) -> str:
    """With the key that does it."""
    if not cause.suspects:
        return cause.advice
    key = "o" if len(cause.suspects) == 1 else "b"
    return f"{cause.advice} ({key})"


def _missing(analysis: Analysis) -> list[Told]:
    if not any(analysis.runs_needed) or (analysis.tried is not None and analysis.tried.outcome in OUTCOMES):
        return []
    baseline, candidates = analysis.runs_needed
    n, m = len(analysis.baseline) + baseline, len(analysis.candidates) + candidates
    many = f", as {plural(len(analysis.times), 'part')} are tested" if m > CONFIRM_RUNS else ""
    told = [_head("WHAT IS MISSING", f"a verdict needs {n} v {m} runs{many}")]
    if candidates:
        does = (
            f", or c: {fresh_runs_needed(analysis)} fresh runs for what stands out alone"
            if analysis.causes
            else ": c runs them, as the last one was"
        )
        said = f"{plural(candidates, 'more candidate')}{does}"
        told.append(
            Told("missing candidates", (Span("   · ", Role.WARNING), Span(said)), "candidates", saying(said), said)
        )
    if baseline:
        said = f"{plural(baseline, 'more run')} in the baseline: run it as it was, or take others in (5, then a)"
        told.append(Told("missing baseline", (Span("   · ", Role.WARNING), Span(said)), "baseline", saying(said), said))
    return told


def _calm(analysis: Analysis, evidence: EvidenceRows) -> list[Told]:
    """Nothing is wrong: what was looked at, and what became better."""
    better = [row for row in told_rows(analysis) if row.finding is Finding.FASTER]
    told = [_head("BETTER THAN BEFORE", "gains add no points")] if better else []
    for row in better[:_MOST]:
        detail = _evidence(evidence, str(row.part))
        line = (Span("   ✓ ", Role.SUCCEEDED, bold=True), span(time_sentence(row)))
        told.append(Told(f"better {row.part}", line, str(row.part), detail, time_sentence(row), row.part))
    if told:
        told.append(Told("# ", (), "", saying(), ""))
    return [*told, _head("WHAT WAS LOOKED AT"), *_looked_at(analysis, evidence)]


def _looked_at(analysis: Analysis, evidence: EvidenceRows) -> list[Told]:
    """What a calm verdict rests on: each thing that could have alarmed, and did not."""
    told: list[Told] = []
    tested = [row for row in analysis.times if row.q is not None]
    if tested:
        most = max(tested, key=lambda row: (abs(row.effect), row.part.order))
        said = (
            f"how long {plural(len(tested), 'part')} take: the largest shift is {percent(most.effect)} of "
            f"{most.part}, q {probability(most.q)}"
        )
        told.append(_fine("times", said, _evidence(evidence, str(most.part)), most.part))
    drift = [row for row in analysis.times if row.finding is Finding.DRIFT]
    if drift:
        said = f"{plural(len(drift), 'part')} drift, by too little to count (2)"
        told.append(_fine("drift", said, _evidence(evidence, str(drift[0].part)), drift[0].part))
    whole = next((row for row in analysis.rates if row.part is None), None)
    if whole is not None:
        told.append(_fine("rates", rate_sentence(whole), saying(rate_sentence(whole)), None))
    said = "new failures, broken shapes of outputs, denied replans, lost references: none"
    told.append(_fine("issues", said, saying(said), None))
    return told


def _fine(key: str, said: str, detail: Callable[[int], list[Line]], part: PartKey | None) -> Told:
    return Told(f"fine {key}", (Span("   ✓ ", Role.SUCCEEDED, bold=True), span(said)), key, detail, said, part)


def _notes(analysis: Analysis, more: Sequence[str]) -> list[Told]:
    first = "" if analysis.tried is None else analysis.tried.text
    notes = [*(note for note in analysis.notes if note != first), *more]
    if not notes:
        return []
    told = [_head("NOTES")]
    told += [
        Told(f"note {number}", (span(f"   {note}"),), "note", saying(note), note) for number, note in enumerate(notes)
    ]
    return told
