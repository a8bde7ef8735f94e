"""Which parts of the evidence stand together, and in which order: what counts first. What a line of one says is not here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.regression.evidence import Finding
from engine.regression.verdict import AttemptRow, RateFinding, RateRow, TimeRow

if TYPE_CHECKING:
    from engine.regression.verdict import Analysis

NEXT_TO_NOTHING_SEC: Final = 0.0005
"""Seconds of drag below which a slower part costs the run nothing."""


class Group(Enum):
    """What stands together, in the order in which it matters."""

    COUNTS = ("CHANGES THAT COUNT", "hardly chance, larger than the noise, long enough to notice")
    SUSPECTED = ("SUSPECTED", "outside of what the baseline does; too few runs to tell")
    RATES = ("RATES OF SUCCESS", "how often it ends well")
    ATTEMPTS = ("ATTEMPTS", "how many tries it takes")
    FASTER = ("BETTER THAN BEFORE", "where that counts")
    OFF_PATH = ("SLOWER, BUT NOTHING WAITS FOR IT", "off the critical path: costs no points")
    DRIFT = ("DRIFT", "steady but small: listed, never alarms")
    UNTESTED = ("NOT TESTED", "too few runs to tell a change from chance")
    REST = ("NO CHANGE THAT COUNTS", "tested, and not said to be another")


@dataclass(frozen=True, slots=True)
class Head:
    """The title of a group, with how many parts stand under it."""

    group: Group
    number: int


@dataclass(frozen=True, slots=True)
class Gap:
    """The empty line before the title of a group."""

    group: Group


EvidenceRow: TypeAlias = Gap | Head | TimeRow | RateRow | AttemptRow


def off_path(row: TimeRow) -> bool:
    """True for what is slower for sure and costs the run nothing, because others take longer anyway."""
    return row.finding is Finding.SLOWER and row.drag_sec is not None and row.drag_sec < NEXT_TO_NOTHING_SEC


def grouped(analysis: Analysis) -> dict[Group, list[TimeRow | RateRow | AttemptRow]]:
    """The parts of each group that has some, those with most to say first."""
    groups: dict[Group, list[TimeRow | RateRow | AttemptRow]] = {}
    for row in sorted(analysis.times, key=_weight):
        groups.setdefault(_group_of(row), []).append(row)
    rates = [
        row for row in analysis.rates if row.part is None or row.finding in (RateFinding.DROPPED, RateFinding.ROSE)
    ]
    for rate in sorted(rates, key=lambda row: (row.finding not in (RateFinding.DROPPED, RateFinding.ROSE), -row.drop)):
        groups.setdefault(Group.RATES, []).append(rate)
    if analysis.attempts:
        groups[Group.ATTEMPTS] = list(analysis.attempts)
    return groups


def _weight(row: TimeRow) -> tuple[bool, float, tuple[int, int, str, int]]:
    """A step before the stage that it makes longer, then the largest."""
    return not row.part.step_id, -abs(row.delta_sec), row.part.order


def _group_of(row: TimeRow) -> Group:
    match row.finding:
        case Finding.SLOWER:
            return Group.OFF_PATH if off_path(row) else Group.COUNTS
        case Finding.SUSPECT:
            return Group.SUSPECTED
        case Finding.FASTER:
            return Group.FASTER
        case Finding.DRIFT:
            return Group.DRIFT
        case Finding.TOO_FEW:
            return Group.UNTESTED
        case Finding.NOTHING:
            return Group.REST
