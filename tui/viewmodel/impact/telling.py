"""What follows for a person as lines: the risk with its reasons, what to do, which other assets are in it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from engine.regression.impact_advice import AdviceKind
from engine.regression.impact_risk import RiskLevel
from tui.viewmodel.impact.compared import card_lines, compared_lines, profile_lines
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, wrapped
from tui.viewmodel.words import Mark, count, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.regression.impact_advice import Advice
    from engine.regression.impact_related import Related
    from engine.regression.impact_report import Impact
    from engine.regression.impact_risk import Risk

_ACTIONS: Final = {
    AdviceKind.COMPARE: "compare_versions",
    AdviceKind.RERUN: "override_version",
    AdviceKind.RUN_MORE: "override_version",
}
"""The actions of the screen that do what is recommended, or lead to where it is done."""
_MOST_RELATED: Final = 8


def risk_mark(level: RiskLevel) -> Mark:
    """The level with its sign."""
    match level:
        case RiskLevel.NOT_KNOWN:
            return Mark("?", "NOT KNOWN", Role.WARNING)
        case RiskLevel.NONE:
            return Mark("✓", "NONE", Role.SUCCEEDED)
        case RiskLevel.LOW:
            return Mark("✓", "LOW", Role.SUCCEEDED)
        case RiskLevel.MEDIUM:
            return Mark("!", "MEDIUM", Role.WARNING)
        case RiskLevel.HIGH:
            return Mark("✗", "HIGH", Role.FAILED)
        case _:
            assert_never(level)


def title_state(impact: Impact) -> Line:
    """The right end of the title: `@2 → @3   ✗ HIGH RISK`."""
    if impact.pair is None:
        return ()
    mark = risk_mark(impact.pair.risk.level)
    word = f"{mark.glyph} RISK {mark.word}" if impact.pair.risk.level is RiskLevel.NOT_KNOWN else f"{mark} RISK"
    change = f"@{impact.pair.before.version} → @{impact.pair.after.version}   "
    return (Span(change, Role.DIM), Span(word, mark.role, bold=True))


def risk_lines(impact: Impact, cells: int) -> list[Line]:
    """The level, and under it every point with its reason."""
    if impact.pair is None:
        return []
    risk, pair = impact.pair.risk, impact.pair
    mark = risk_mark(risk.level)
    lines: list[Line] = [
        (
            Span(f" {mark}", mark.role, bold=True),
            Span(f"  of going from @{pair.before.version} to @{pair.after.version}{_why_not(risk)}", Role.DIM),
        )
    ]
    for reason in risk.reasons:
        points = f"{reason.points:>4}  " if reason.points else "   ·  "
        for number, part in enumerate(wrapped(reason.text, max(20, cells - 8))):
            head = Span(points, Role.STRONG if reason.points else Role.DIM) if number == 0 else Span(" " * 6)
            lines.append((head, Span(part, Role.TEXT if reason.points else Role.DIM)))
    return lines


def _why_not(risk: Risk) -> str:
    if risk.level is not RiskLevel.NOT_KNOWN:
        return f"  {risk.points} of 100 points"
    before, after = risk.runs_needed
    if not before + after:
        return ""
    needed = [f"{number} more {side}" for number, side in ((before, "before"), (after, "after")) if number]
    return f": too few runs, {' and '.join(needed)}"


def advice_lines(advice: Sequence[Advice], cells: int, key_of: Callable[[str], str] | None = None) -> list[Line]:
    """Each recommendation as a sentence, under it the command, and before it the key where there is one.

    `key_of` is asked for the key of an action.
    """
    lines: list[Line] = []
    for one in advice:
        key = key_of(_ACTIONS[one.kind]) if key_of is not None and one.kind in _ACTIONS else ""
        for number, part in enumerate(wrapped(one.text, max(20, cells - 6))):
            head = (
                Span(f" {key or '›':<2} ", Role.STRONG if key else Role.DIM, bold=bool(key))
                if number == 0
                else Span("    ")
            )
            lines.append((head, Span(part)))
        times = f"   {one.repeat} times" if one.repeat > 1 else ""
        if one.command and len(one.command) + len(times) <= cells - 5:
            lines.append((span(f"    {one.command}", Role.KEY), Span(times, Role.DIM)))
        elif one.command and not key:
            lines += [(span(f"    {part}", Role.KEY),) for part in wrapped(one.command + times, max(20, cells - 5))]
    return lines  # fmt: skip


def related_lines(related: Sequence[Related], cells: int) -> list[Line]:
    """Other assets: what changed at the same time is marked, and in which steps they meet."""
    lines: list[Line] = []
    room = max((len(one.asset) for one in related[:_MOST_RELATED]), default=0)
    for one in related[:_MOST_RELATED]:
        mark = Span(" ! ", Role.WARNING) if one.separates else Span(" · ", Role.DIM)
        steps = f"   in {', '.join(one.steps[:3])}" if one.steps else ""
        pieces: list[Span] = [mark, span(one.asset.ljust(room)), span(f"  {plural(one.runs, 'run')}{steps}", Role.DIM)]
        lines.append(tuple(pieces))
        if one.separates:
            said = f"changed at the same time: {_versions(one.before)} → {_versions(one.after)}"
            lines.append((Span(f"   {said}"[:cells], Role.WARNING),))
    if len(related) > _MOST_RELATED:
        lines.append((Span(f"   and {len(related) - _MOST_RELATED} more", Role.DIM),))
    return lines


def _versions(numbers: Sequence[tuple[int, int]]) -> str:
    shown = [f"@{version}" + (f" ({count(runs)})" if len(numbers) > 1 else "") for version, runs in numbers[:3]]
    return ", ".join(shown) + (", …" if len(numbers) > 3 else "")


def remark_lines(impact: Impact, cells: int) -> list[Line]:
    """What has to be known before the figures are believed."""
    lines: list[Line] = []
    if impact.record.ambiguous:
        names = ", ".join(f"@{version}" for version in impact.record.ambiguous[:5])
        said = f"Runs used different contents under the number {names}: some of them were imported from elsewhere."
        lines += [
            (Span(" ! " if n == 0 else "   ", Role.WARNING), Span(part))
            for n, part in enumerate(wrapped(said, cells - 4))
        ]
    return lines  # fmt: skip


def first_sections(impact: Impact, cells: int, key_of: Callable[[str], str]) -> list[tuple[str, list[Line]]]:
    """What a person needs first: is it a risk, what to do, the figures, what else is in it."""
    pair = impact.pair
    return _said(
        [
            ("", remark_lines(impact, cells)),
            ("RISK", risk_lines(impact, cells)),
            ("WHAT TO DO", advice_lines(impact.advice, cells, key_of)),
            (_figures(impact), card_lines(pair, cells) if pair is not None else []),
            ("RELATED ASSETS", related_lines(impact.related, cells)),
        ]
    )


def second_sections(impact: Impact, cells: int) -> list[tuple[str, list[Line]]]:
    """What it rests on: the comparison of the runs, and the quality axis by axis."""
    pair = impact.pair
    if pair is None:
        return []
    return _said([("COMPARED", compared_lines(pair, cells)), ("QUALITY, 0 TO 100", profile_lines(pair, cells))])


def _figures(impact: Impact) -> str:
    sides = impact.pair.sides if impact.pair is not None else None
    return "FIGURES" if sides is None else f"FIGURES of {sides.plan_id}"


def _said(found: list[tuple[str, list[Line]]]) -> list[tuple[str, list[Line]]]:
    return [(title, lines) for title, lines in found if lines]


def as_lines(found: Sequence[tuple[str, Sequence[Line]]]) -> list[Line]:
    """Sections under each other, each under its title."""
    lines: list[Line] = []
    for title, part in found:
        if lines:
            lines.append(())
        if title:
            name, _, rest = title.partition(" of ")
            more = (span(f" of {rest}", Role.DIM),) if rest else ()
            lines.append((Span(f" {name}", Role.TEXT, bold=True), *more))
        lines += part
    return lines
