"""Two versions side by side as lines: figures as cards, quality as bars, and what the comparison of their runs says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from engine.regression.impact_profile import Axis, formula
from engine.regression.verdict import RateFinding
from tui.viewmodel.comparison import TITLES, evidence_rows, head_lines, sections, verdict_line
from tui.viewmodel.impact.versions import percent
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, fit, span, width
from tui.viewmodel.words import NOTHING, count, duration, plural

if TYPE_CHECKING:
    from engine.regression.impact import Durations, Share
    from engine.regression.impact_profile import Rating
    from engine.regression.impact_report import Pair
    from engine.regression.verdict import Analysis

_CARD: Final = 19
_BAR_MOST: Final = 40
_BAR_BESIDE: Final = 34
_COLUMN_GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of both versions: as text, how it changed, and on how much it rests. `role` colours a change that is proved."""

    title: str
    before: str
    after: str
    change: str
    basis: str
    role: Role = Role.TEXT


def metrics(pair: Pair) -> list[Metric]:
    """The figures, those that say most first."""
    first, second = pair.before, pair.after
    return [
        _shares("SUCCEEDED", first.success, second.success, _proved(pair.analysis)),
        _durations("TYPICAL", first.durations, second.durations, is_slow=False),
        _durations(_slow_title(pair), first.durations, second.durations, is_slow=True),
        Metric("RUNS", count(first.runs), count(second.runs), "", f"in 30 d: {count(first.recent)}, {count(second.recent)}"),
        _shares("EMPTY RESULT", first.empty, second.empty),
        _shares("RETRIED", first.retried, second.retried),
        _shares("REPLANNED", first.replanned, second.replanned),
        _shares("WARNED", first.warned, second.warned),
    ]  # fmt: skip


def _proved(analysis: Analysis | None) -> Role:
    """Red or green for the rate of success only where the comparison says that it changed."""
    for row in analysis.rates if analysis is not None else ():
        if row.part is None and row.finding is RateFinding.DROPPED:
            return Role.FAILED
        if row.part is None and row.finding is RateFinding.ROSE:
            return Role.SUCCEEDED
    return Role.TEXT


def _slow_title(pair: Pair) -> str:
    return "SLOWEST TENTH" if pair.before.durations.is_p90 and pair.after.durations.is_p90 else "SLOWEST"


def _shares(title: str, before: Share, after: Share, role: Role = Role.TEXT) -> Metric:
    first, second = (NOTHING if share.rate is None else percent(share.rate) for share in (before, after))
    basis = f"{before.part} of {count(before.of)}, {after.part} of {count(after.of)}"
    change = ""
    if before.rate is not None and after.rate is not None:
        change = f"{100 * (after.rate - before.rate):+.0f} points" if before.rate != after.rate else "the same"
    return Metric(title, first, second, change, basis, role)


def _durations(title: str, before: Durations, after: Durations, *, is_slow: bool) -> Metric:
    first, second = (one.slow_us if is_slow else one.typical_us for one in (before, after))
    change = f"{second / first - 1:+.0%}" if first and second is not None else ""
    basis = f"n {before.n}, {after.n}"
    if is_slow and before.is_p90 is not after.is_p90:
        basis = f"{_kind(before)}, {_kind(after)}"
    return Metric(title, duration(first), duration(second), change, basis)


def _kind(durations: Durations) -> str:
    return "p90" if durations.is_p90 else f"longest of {durations.n}"


def card_lines(pair: Pair, cells: int) -> list[Line]:
    """The figures as cards: what, before and after, and under it what it rests on; as many beside each other as fit."""
    found = metrics(pair)
    beside = max(1, min(4, cells // _CARD))
    room = cells // beside
    lines: list[Line] = []
    for start in range(0, len(found), beside):
        row = found[start : start + beside]
        if lines:
            lines.append(())
        lines.append(tuple(Span(fit(f" {one.title}", room), Role.DIM) for one in row))
        lines.append(tuple(piece for one in row for piece in _values(one, room)))
        lines.append(tuple(Span(fit(f" {_basis(one, room)}", room - 1) + " ", Role.DIM) for one in row))
    return lines


def _values(one: Metric, room: int) -> Line:
    value: Line = (Span(f" {one.before} → ", Role.DIM), Span(one.after, one.role, bold=True))
    return (*value, Span(" " * max(0, room - width(value))))


def _basis(one: Metric, room: int) -> str:
    """With the change where there is room for both."""
    both = f"{one.change}  {one.basis}" if one.change else one.basis
    return both if len(both) < room - 1 else one.basis


def profile_lines(pair: Pair, cells: int) -> list[Line]:
    """Each axis with its formula, and a bar for either version: its value, its n, and where it may truly be."""
    lines: list[Line] = []
    for first, second in zip(*pair.profiles, strict=True):
        if lines:
            lines.append(())
        lines.append((Span(f" {axis_title(first.axis)}", bold=True), Span(f"  {formula(first.axis)}", Role.DIM)))
        lines.append(_bar(pair.before.version, first, cells, Role.DIM))
        lines.append(_bar(pair.after.version, second, cells, Role.TEXT))
    return lines  # fmt: skip


def axis_title(axis: Axis) -> str:
    """The axis as a title."""
    match axis:
        case Axis.SUCCESS:
            return "SUCCESS"
        case Axis.SPEED:
            return "SPEED"
        case Axis.STEADINESS:
            return "STEADINESS"
        case Axis.COMPLETENESS:
            return "NOTHING EMPTY"
        case Axis.SMOOTHNESS:
            return "AT THE FIRST TRY"
        case _:
            assert_never(axis)


def _bar(version: int, rating: Rating, cells: int, role: Role) -> Line:
    name = Span(f"   @{version:<4}", role, bold=role is Role.TEXT)
    room = max(8, min(_BAR_MOST, cells - _BAR_BESIDE))
    if rating.value is None:
        return (name, Span(f"{NOTHING}  too few runs tell: {rating.n}", Role.DIM))
    full, rest = divmod(round(rating.value / 100 * room * 2), 2)
    bar = "━" * full + "╸" * rest
    known = ""
    if rating.low is not None and rating.high is not None:
        known = f"  {rating.low:.0f} to {rating.high:.0f}"
    return (
        name,
        Span(bar.ljust(room), role),
        Span(f" {_whole(rating.value):>4}", Role.TEXT, bold=True),
        Span(f"  n {rating.n}".ljust(9) + known, Role.DIM),
    )


def _whole(value: float) -> str:
    """All is said of nothing less."""
    return "99" if 99.5 <= value < 99.9999 else f"{value:.0f}"


_FIRST: Final = ("FINDING", "BASELINE", "CANDIDATES", "Δ", "q", "INTERVAL", "n v m", "METHOD")
"""The columns of the evidence by how much they say; what does not fit is left out from the end."""
_RIGHT: Final = frozenset(["BASELINE", "CANDIDATES", "Δ", "q", "INTERVAL", "n v m"])
_NAMES: Final = {"BASELINE": "BEFORE", "CANDIDATES": "AFTER"}


def compared_lines(pair: Pair, cells: int) -> list[Line]:
    """The verdict, the evidence, and everything that follows from it; in words where there is nothing to compare."""
    analysis, sides = pair.analysis, pair.sides
    if analysis is None or sides is None:
        said = f"no plan has run with both @{pair.before.version} and @{pair.after.version}, so there is nothing to compare"
        return [(Span(f" {said}", Role.DIM),)]
    of = f"the newest {plural(len(sides.before), 'run')} of {sides.plan_id} with @{pair.before.version}"
    lines: list[Line] = [
        (Span(" "), *verdict_line(analysis)),
        (span(f"   {of} against {count(len(sides.after))} with @{pair.after.version}", Role.DIM),),
        *head_lines(analysis)[1:],
    ]
    lines += _evidence(analysis, cells)
    for title, more in sections(analysis):
        lines += [(), (Span(f" {title}", bold=True),), *more]
    return lines


def _evidence(analysis: Analysis, cells: int) -> list[Line]:
    rows, more = evidence_rows(analysis)
    lines: list[Line] = []
    if rows:
        table = [[cell if isinstance(cell, Span) else Span(cell) for cell in row] for row in rows]
        widths = {
            title: max(len(_NAMES.get(title, title)), *(width((row[place],)) for row in table))
            for place, title in enumerate(TITLES)
        }
        part = max(16, min(widths["PART"], cells // 3))
        shown, room = ["PART"], cells - part - 2
        for title in _FIRST:
            if room < widths[title] + len(_COLUMN_GAP):
                break
            room -= widths[title] + len(_COLUMN_GAP)
            shown.append(title)
        widths["PART"] = part
        lines.append(())
        lines.append(tuple(_cell(Span(_NAMES.get(title, title), Role.DIM), title, widths) for title in shown))
        lines += [tuple(_cell(row[TITLES.index(title)], title, widths) for title in shown) for row in table]
    if more:
        said = f"and {plural(more, 'more part')}" if rows else plural(more, "part")
        lines.append((Span(f"   {said} without a change that counts", Role.DIM),))
    return lines  # fmt: skip


def _cell(cell: Span, title: str, widths: dict[str, int]) -> Span:
    gap = " " if title == "PART" else _COLUMN_GAP
    return cell._replace(text=gap + fit(cell.text, widths[title], right=title in _RIGHT))
