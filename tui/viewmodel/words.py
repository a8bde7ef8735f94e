"""How numbers, times, sizes and states are written for a person: the same words on every screen and command. No layout here."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from engine.model.states import DiagnosticsStatus, RunStatus, StageStatus, StepStatus
from tui.viewmodel.palette import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from engine.model.event import EventKind

NOTHING = "–"
SHORT_ID = 6
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SECOND, _MINUTE, _HOUR, _DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
_HALF_YEAR = 182 * _DAY
_ASCII = {"✓": "+", "●": "*", "!": "!", "✗": "x", "◆": "Q", "‖": "=", "·": ".", "↷": ">", "⊘": "-"}


class Mark(NamedTuple):
    """A state as it is shown: glyph, word in upper case, and the role that colours both."""

    glyph: str
    word: str
    role: Role

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


def duration(us: int | None) -> str:
    """Microseconds as `<1ms`, `812ms`, `12.4s`, `1m 03s`, `2h 05m`, `3d 04h`; never rounded up, so it cannot run ahead."""
    if us is None:
        return NOTHING
    if us < 1000:
        return "<1ms"
    if us < _SECOND:
        return f"{us // 1000}ms"
    if us < _MINUTE:
        return f"{us // _SECOND}.{us % _SECOND // 100_000}s"
    if us < _HOUR:
        return f"{us // _MINUTE}m {us % _MINUTE // _SECOND:02d}s"
    if us < _DAY:
        return f"{us // _HOUR}h {us % _HOUR // _MINUTE:02d}m"
    return f"{us // _DAY}d {us % _DAY // _HOUR:02d}h"


def clock(at_us: int | None, *, now_us: int, zone: tzinfo | None = None) -> str:
    """A moment in `zone` (None: this host's): `10:42:10` today, `Nov 20 10:42` within half a year, else `2024-11-20`. ≤12 cells."""
    if at_us is None:
        return NOTHING
    at, now = _moment(at_us, zone), _moment(now_us, zone)
    if at.date() == now.date():
        return f"{at:%H:%M:%S}"
    if abs(now_us - at_us) < _HALF_YEAR:
        return f"{_MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M}"
    return f"{at.year:04d}-{at.month:02d}-{at.day:02d}"


def time_of_day(at_us: int, *, zone: tzinfo | None = None, exact: bool = False) -> str:
    """The time alone, `10:42:10`, or `10:42:10.123` where it has to be exact: for lists of what happened in one run."""
    at = _moment(at_us, zone)
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}" if exact else f"{at:%H:%M:%S}"


def iso(at_us: int, *, zone: tzinfo | None = None) -> str:
    """A moment whole, with its zone, for copies and exports: `2026-01-01T12:00:00.000000+00:00`."""
    return _moment(at_us, zone).isoformat(timespec="microseconds")


def _moment(at_us: int, zone: tzinfo | None) -> datetime:
    seconds, rest = divmod(at_us, _SECOND)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest).astimezone(zone)


def short_kind(kind: EventKind) -> str:
    """A kind of event without the group that its name tells already."""
    return kind.value.removeprefix("orchestration.")


def size(count_of_bytes: int) -> str:
    """Bytes as `812 B`, `1.2 KB`, `34 MB`."""
    if count_of_bytes < 1000:
        return f"{count_of_bytes} B"
    value = float(count_of_bytes)
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"
    raise AssertionError("unreachable")


def count(number: int) -> str:
    """A whole number with thousands apart: `12,304`."""
    return f"{number:,}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 step`, `12,304 steps`."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def short_id(run_id: str, length: int = SHORT_ID) -> str:
    """The beginning of a run's id, as screens show it."""
    return run_id[:length]


def unique_length(run_ids: Iterable[str]) -> int:
    """The shortest length, at least six, at which the given ids differ from each other."""
    ordered = sorted(set(run_ids))
    longest = SHORT_ID
    for one, other in pairwise(ordered):
        shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
        longest = max(longest, shared + 1)
    return longest


def ascii_glyph(glyph: str) -> str:
    """The stand-in of a glyph for terminals that draw ASCII only."""
    return _ASCII.get(glyph, glyph)


def run_mark(status: RunStatus, *, engine_lost: bool = False, ascii_only: bool = False) -> Mark:
    """The mark of a run. `engine_lost`: it is live by its record, but the engine that owned it is dead."""
    if engine_lost and not status.is_final:
        return _mark("✗", "ENGINE LOST", Role.FAILED, ascii_only)
    match status:
        case RunStatus.PENDING:
            return _mark("·", "PENDING", Role.DIM, ascii_only)
        case RunStatus.RUNNING:
            return _mark("●", "RUNNING", Role.RUNNING, ascii_only)
        case RunStatus.PAUSED:
            return _mark("‖", "PAUSED", Role.DIM, ascii_only)
        case RunStatus.QUARANTINED:
            return _mark("◆", "QUARANTINED", Role.QUARANTINED, ascii_only)
        case RunStatus.SUCCEEDED:
            return _mark("✓", "SUCCEEDED", Role.SUCCEEDED, ascii_only)
        case RunStatus.FAILED:
            return _mark("✗", "FAILED", Role.FAILED, ascii_only)
        case RunStatus.CANCELED:
            return _mark("⊘", "CANCELED", Role.DIM, ascii_only)


def stage_mark(status: StageStatus, *, ascii_only: bool = False) -> Mark:
    """The mark of a stage."""
    match status:
        case StageStatus.PENDING:
            return _mark("·", "PENDING", Role.DIM, ascii_only)
        case StageStatus.RUNNING:
            return _mark("●", "RUNNING", Role.RUNNING, ascii_only)
        case StageStatus.SUCCEEDED:
            return _mark("✓", "SUCCEEDED", Role.SUCCEEDED, ascii_only)
        case StageStatus.FAILED:
            return _mark("✗", "FAILED", Role.FAILED, ascii_only)
        case StageStatus.CANCELED:
            return _mark("⊘", "CANCELED", Role.DIM, ascii_only)


def step_mark(status: StepStatus, *, ascii_only: bool = False) -> Mark:
    """The mark of a step or of an attempt. `waiting` is between two attempts, so it carries the sign of a retry."""
    match status:
        case StepStatus.PENDING:
            return _mark("·", "PENDING", Role.DIM, ascii_only)
        case StepStatus.WAITING:
            return _mark("!", "WAITING", Role.WARNING, ascii_only)
        case StepStatus.RUNNING:
            return _mark("●", "RUNNING", Role.RUNNING, ascii_only)
        case StepStatus.SUCCEEDED:
            return _mark("✓", "SUCCEEDED", Role.SUCCEEDED, ascii_only)
        case StepStatus.FAILED:
            return _mark("✗", "FAILED", Role.FAILED, ascii_only)
        case StepStatus.SKIPPED:
            return _mark("↷", "SKIPPED", Role.DIM, ascii_only)
        case StepStatus.CANCELED:
            return _mark("⊘", "CANCELED", Role.DIM, ascii_only)
        case StepStatus.QUARANTINED:
            return _mark("◆", "QUARANTINED", Role.QUARANTINED, ascii_only)


def diagnostics_mark(status: DiagnosticsStatus, *, ascii_only: bool = False) -> Mark:
    """The mark of a stage's diagnostics."""
    match status:
        case DiagnosticsStatus.OK:
            return _mark("✓", "OK", Role.SUCCEEDED, ascii_only)
        case DiagnosticsStatus.WARNING:
            return _mark("!", "WARNING", Role.WARNING, ascii_only)
        case DiagnosticsStatus.ERROR:
            return _mark("✗", "ERROR", Role.FAILED, ascii_only)


def _mark(glyph: str, word: str, role: Role, ascii_only: bool) -> Mark:
    return Mark(ascii_glyph(glyph) if ascii_only else glyph, word, role)


def items_words(numbers: Mapping[StepStatus, int]) -> str:
    """`12 items, 2 failed`: how many items a step has and what they have come to; nothing is said of what succeeded."""
    if not (total := sum(numbers.values())):
        return ""
    others = [
        f"{count(number)} {status.value}"
        for status, number in numbers.items()
        if number and status is not StepStatus.SUCCEEDED
    ]
    return ", ".join([plural(total, "item"), *others])
