"""The impact of an asset for other eyes: one JSON document for programs, markdown for a ticket. Nothing is printed or written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.regression.document import to_document
from engine.regression.impact_profile import formula
from store.moments import rfc3339
from tui.terminal import visible
from tui.viewmodel.comparison_formats import escaped, markdown
from tui.viewmodel.impact.compared import axis_title, metrics
from tui.viewmodel.impact.telling import related_lines, risk_mark
from tui.viewmodel.impact.versions import percent
from tui.viewmodel.text import plain
from tui.viewmodel.words import NOTHING, count, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.model.json import Json, JsonObject
    from engine.regression.impact import Share, VersionUse
    from engine.regression.impact_profile import Rating
    from engine.regression.impact_report import Impact, Pair

SCHEMA_VERSION: Final = 1


def document(impact: Impact) -> JsonObject:
    """Stable and versioned. `versions` are the newest first; `pair` is null where there are no two to compare."""
    pair = impact.pair
    compared: Json = None
    if pair is not None and pair.analysis is not None and pair.sides is not None:
        compared = to_document(pair.analysis, plan_id=pair.sides.plan_id)
    return {
        "schema_version": SCHEMA_VERSION,
        "asset": impact.record.asset,
        "durations_of_plan": impact.measured,
        "versions": [_version(impact, one) for one in impact.versions],
        "pair": None if pair is None else _pair(pair),
        "analysis": compared,
        "related": [
            {
                "asset": one.asset,
                "runs": one.runs,
                "steps": [*one.steps],
                "before": {str(version): runs for version, runs in one.before},
                "after": {str(version): runs for version, runs in one.after},
                "changed_at_the_same_time": one.separates,
            }
            for one in impact.related
        ],
        "recommendations": [
            {"kind": one.kind.value, "text": one.text, "command": one.command, "repeat": one.repeat}
            for one in impact.advice
        ],
        "ambiguous_versions": [*impact.record.ambiguous],
    }


def _version(impact: Impact, one: VersionUse) -> JsonObject:
    status = impact.record.statuses.get(one.version)
    return {
        "version": one.version,
        "status": None if status is None else status.value,
        "runs": one.runs,
        "succeeded": one.success.part,
        "failed": one.success.of - one.success.part,
        "rate": one.success.rate,
        "rate_interval": [*one.success.interval],
        **_durations(one),
        "replanned": one.replanned.rate,
        "warned": one.warned.rate,
        "retried": one.retried.rate,
        "empty": one.empty.rate,
        "looked_at": one.looked_at,
        "recent": one.recent,
        "plans": [*one.plans],
        "first_used_at": None if one.first_us is None else rfc3339(one.first_us),
        "last_used_at": None if one.last_us is None else rfc3339(one.last_us),
    }


def _durations(one: VersionUse) -> JsonObject:
    lasted = one.durations
    return {
        "durations_n": lasted.n,
        "typical_ms": None if lasted.typical_us is None else lasted.typical_us / 1000,
        "slow_ms": None if lasted.slow_us is None else lasted.slow_us / 1000,
        "slow_is": "p90" if lasted.is_p90 else "longest",
    }


def _pair(pair: Pair) -> JsonObject:
    risk = pair.risk
    return {
        "before": pair.before.version,
        "after": pair.after.version,
        "plan_id": None if pair.sides is None else pair.sides.plan_id,
        "runs_before": [] if pair.sides is None else [*pair.sides.before],
        "runs_after": [] if pair.sides is None else [*pair.sides.after],
        "risk": {
            "level": risk.level.value,
            "points": risk.points,
            "runs_needed": [*risk.runs_needed],
            "reasons": [{"points": reason.points, "text": reason.text} for reason in risk.reasons],
        },
        "profile": {
            first.axis.value: {"formula": formula(first.axis), "before": _rating(first), "after": _rating(second)}
            for first, second in zip(*pair.profiles, strict=True)
        },
    }


def _rating(rating: Rating) -> JsonObject:
    interval: Json = None if rating.low is None or rating.high is None else [rating.low, rating.high]
    return {"value": rating.value, "n": rating.n, "interval": interval, "confidence": rating.confidence.value}


def as_markdown(impact: Impact) -> str:
    """A heading with the risk, then what to do, then everything it rests on."""
    lines = [f"# Impact of {escaped(impact.record.asset)}", ""]
    pair = impact.pair
    if pair is not None:
        said = f"{risk_mark(pair.risk.level)}"
        lines += [f"**Risk of going from @{pair.before.version} to @{pair.after.version}: {escaped(said)}**", ""]
        lines += [f"- {reason.points or '·'}: {escaped(reason.text)}" for reason in pair.risk.reasons]
        lines.append("")
    lines += ["## What to do", ""]
    for one in impact.advice:
        times = f" ({one.repeat} times)" if one.repeat > 1 else ""
        lines.append(f"- {escaped(one.text)}")
        if one.command:
            lines.append(f"  {_code(one.command)}{times}")
    lines += ["", "## Versions", ""]
    head = ("Version", "Status", "Runs", "Succeeded", "Typical", "Slow", "Plans")
    lines += _table(head, [_version_cells(impact, one) for one in impact.versions])
    if impact.measured:
        lines += ["", f"Durations are of runs of {escaped(impact.measured)} that succeeded."]
    if pair is not None:
        lines += _pair_lines(impact, pair)
    return "\n".join(lines)


def _code(text: str) -> str:
    """As code, with as many quotes as it takes around those that are in it."""
    safe = visible(text)
    marks = "`" * (max((len(run) for run in re.findall("`+", safe)), default=0) + 1)
    return f"{marks} {safe} {marks}" if len(marks) > 1 else f"`{safe}`"


def _pair_lines(impact: Impact, pair: Pair) -> list[str]:
    before, after = f"@{pair.before.version}", f"@{pair.after.version}"
    lines = ["", "## Figures", ""]
    rows = [(one.title.capitalize(), one.before, one.after, one.change, one.basis) for one in metrics(pair)]
    lines += _table(("", before, after, "Change", "Of"), rows)
    lines += ["", "## Quality, 0 to 100", ""]
    rated = [
        (
            axis_title(first.axis).capitalize(),
            value(first),
            value(second),
            f"{first.n}, {second.n}",
            formula(first.axis),
        )
        for first, second in zip(*pair.profiles, strict=True)
    ]
    lines += _table(("", before, after, "n", "Formula"), rated)
    if pair.analysis is not None and pair.sides is not None:
        title = f"{pair.sides.plan_id}: {len(pair.sides.before)} runs with {before} against {len(pair.sides.after)} with {after}"
        lines += ["", markdown(pair.analysis, title)]
    if impact.related:
        lines += ["", "## Related assets", ""]
        lines += [f"- {escaped(plain(line).strip(' ·!'))}" for line in related_lines(impact.related, 200)]
    return lines  # fmt: skip


def value(rating: Rating) -> str:
    """`89`, or a dash."""
    return NOTHING if rating.value is None else f"{rating.value:.0f}"


def _version_cells(impact: Impact, one: VersionUse) -> Sequence[str]:
    status = impact.record.statuses.get(one.version)
    return (
        f"@{one.version}",
        "not here" if status is None else status.value,
        count(one.runs),
        share(one.success),
        duration(one.durations.typical_us),
        duration(one.durations.slow_us),
        ", ".join(one.plans[:5]) + (", …" if len(one.plans) > 5 else ""),
    )


def share(of: Share) -> str:
    """`89% (57% to 98%), 8 of 9`."""
    if of.rate is None:
        return NOTHING
    low, high = of.interval
    return f"{percent(of.rate)} ({percent(low)} to {percent(high)}), {of.part} of {count(of.of)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows),
    ]
