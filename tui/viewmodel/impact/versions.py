"""The versions of an asset as lines: how many runs used each, how they ended, and when, as a lane of the timeline. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui.viewmodel.asset_words import asset_mark
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, fit, span, spread
from tui.viewmodel.words import NOTHING, clock, count, duration

if TYPE_CHECKING:
    from engine.model.asset import AssetStatus
    from engine.regression.impact import Share, VersionUse
    from engine.regression.impact_report import Impact, Slot
    from tui.viewmodel.runs import Moment

_GAP: Final = "  "
_SIDE, _VERSION, _STATUS, _RUNS, _RATE, _TIME = 6, 4, 12, 6, 7, 7
_SLOW_FROM: Final = 96
_LAST: Final = 12
_LAST_FROM: Final = 120
_NEXT_TO_NOTHING: Final = 1e-9
_LANE_LEAST: Final = 8
_LANE_MOST: Final = 120
_HEIGHTS: Final = "▂▃▄▅▆▇█"
_MANY: Final = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class Columns:
    """What fits: whether the slow ones and the last use are shown, and how wide the lanes are; 0 for none."""

    with_slow: bool
    with_last: bool
    lane: int


def columns_for(cells: int) -> Columns:
    """The columns for a width: what is left over are the lanes."""
    with_slow, with_last = cells >= _SLOW_FROM, cells >= _LAST_FROM
    used = 1 + sum((_SIDE, _VERSION, _STATUS, _RUNS, _RATE, _TIME)) + 6 * len(_GAP)
    used += (_TIME + len(_GAP)) * with_slow + (_LAST + len(_GAP)) * with_last
    lane = min(_LANE_MOST, cells - used - 1)
    return Columns(with_slow, with_last, lane if lane >= _LANE_LEAST else 0)


def header(impact: Impact, cells: int, moment: Moment) -> Line:
    """The titles; over the lanes, from when to when they are."""
    columns = columns_for(cells)
    titles = ["".ljust(_SIDE), "".ljust(_VERSION), "STATUS".ljust(_STATUS), "RUNS".rjust(_RUNS), "SUCCESS".rjust(_RATE)]
    titles.append("TYPICAL".rjust(_TIME))
    if columns.with_slow:
        titles.append("SLOW".rjust(_TIME))
    if columns.with_last:
        titles.append("LAST USED".rjust(_LAST))
    left: Line = (Span(f" {_GAP.join(titles)}", Role.DIM),)
    timeline = impact.record.timeline
    if not columns.lane or timeline is None:
        return left
    first, last = (clock(us, now_us=moment.now_us, zone=moment.zone) for us in (timeline.first_us, timeline.last_us))
    room = columns.lane - len(first) - len(last) - 2
    between = f" {'─' * room} " if room > 0 else " "
    axis = f"{first}{between}{last}" if room >= 0 else fit(first, columns.lane)
    return (*left, Span(_GAP), Span(axis, Role.DIM))


def version_line(impact: Impact, one: VersionUse, cells: int, moment: Moment) -> Line:
    """One version: which side of the comparison it is, its status, its figures, its lane."""
    columns = columns_for(cells)
    side = _side(impact, one.version)
    durations = one.durations
    pieces: list[Span] = [
        Span(f" {side:<{_SIDE}}", Role.STRONG if side else Role.DIM, bold=bool(side)),
        Span(f"{_GAP}{f'@{one.version}':<{_VERSION}}", Role.TEXT, bold=True),
        Span(_GAP),
        status_span(impact.record.statuses.get(one.version), _STATUS),
        Span(f"{_GAP}{count(one.runs) if one.runs else NOTHING:>{_RUNS}}"),
        Span(f"{_GAP}{_rate(one.success):>{_RATE}}", _role(one.success)),
        Span(f"{_GAP}{duration(durations.typical_us):>{_TIME}}"),
    ]
    if columns.with_slow:
        pieces.append(Span(f"{_GAP}{duration(durations.slow_us):>{_TIME}}", Role.DIM))
    if columns.with_last:
        last = clock(one.last_us, now_us=moment.now_us, zone=moment.zone)
        pieces.append(Span(f"{_GAP}{last:>{_LAST}}", Role.DIM))
    if columns.lane:
        pieces += (Span(_GAP), *lane(impact, one.version, columns.lane))
    return tuple(pieces)


def status_span(status: AssetStatus | None, cells: int) -> Span:
    """The status with its sign; a version that the registry does not know came with an imported run."""
    if status is None:
        return Span(fit("not here", cells), Role.DIM)
    mark = asset_mark(status)
    return Span(fit(str(mark), cells), mark.role)


def _side(impact: Impact, version: int) -> str:
    pair = impact.pair
    if pair is None:
        return ""
    return {pair.before.version: "before", pair.after.version: "after"}.get(version, "")


def _rate(share: Share) -> str:
    return NOTHING if share.rate is None else percent(share.rate)


def percent(rate: float) -> str:
    """`89%`; all and none are said of nothing less."""
    rounded = round(rate * 100)
    if rounded == 100 and rate < 1 - _NEXT_TO_NOTHING:
        rounded = 99
    elif rounded == 0 and rate > _NEXT_TO_NOTHING:
        rounded = 1
    return f"{rounded}%"


def _role(share: Share) -> Role:
    return Role.DIM if share.rate is None else Role.TEXT


def lane(impact: Impact, version: int, cells: int) -> Line:
    """When the version was used: higher for more runs, ✗ where one failed, ○ where none came to an end by itself."""
    timeline = impact.record.timeline
    if timeline is None:
        return ()
    at: dict[int, list[Slot]] = {}
    for slot in timeline.slots:
        if slot.version == version:
            at.setdefault(slot.place * cells // timeline.places, []).append(slot)
    return tuple(_cell(at.get(place, ())) for place in range(cells))


def _cell(slots: list[Slot] | tuple[()]) -> Span:
    if not slots:
        return Span("·", Role.BORDER)
    if any(slot.failed for slot in slots):
        return Span("✗", Role.FAILED)
    succeeded = sum(slot.succeeded for slot in slots)
    if not succeeded:
        return Span("○", Role.DIM)
    height = sum(succeeded > least for least in _MANY)
    return Span(_HEIGHTS[height], Role.SUCCEEDED)


def legend(impact: Impact, cells: int) -> Line:
    """What the signs of the lanes mean, and on which runs the durations rest."""
    signs: Line = ()
    if columns_for(cells).lane and impact.record.timeline is not None:
        signs = (
            Span(" █", Role.SUCCEEDED), Span(" succeeded, higher is more  ", Role.DIM),
            Span("✗", Role.FAILED), Span(" one failed", Role.DIM),
        )  # fmt: skip
    if not impact.measured:
        return signs
    looked = max((one.looked_at for one in impact.versions), default=0)
    is_cut = any(one.runs > one.looked_at for one in impact.versions)
    of = f"newest {count(looked)} of {impact.measured}" if is_cut else f"of {impact.measured}"
    return spread(signs, (span(f"durations {of}", Role.DIM),), cells - 1)
