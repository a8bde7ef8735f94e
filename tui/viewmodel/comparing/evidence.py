"""The evidence section: every part with its figures, those that matter first, drift and what costs nothing apart. Made when seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from engine.regression.evidence import Finding
from engine.regression.verdict import AttemptRow, RateFinding, RateRow, TimeRow
from tui.viewmodel.comparing.headline import rate_sentence, time_sentence
from tui.viewmodel.comparing.plots import Axis
from tui.viewmodel.comparing.rows import Rows, fact, facts, heading
from tui.viewmodel.comparison import percent, probability, seconds, signed_seconds, suspect_text
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import Line, Span, fit, span

if TYPE_CHECKING:
    from engine.regression.parts import PartKey
    from engine.regression.verdict import Analysis

_RULE: Final = (
    "A change counts where q is at most .05, the effect is larger than 5% and than the part's own noise, and it is long "
    "enough to notice."
)
_NEXT_TO_NOTHING_SEC: Final = 0.0005
"""Seconds of drag below which a slower part costs the run nothing."""


class _Group(Enum):
    """What stands together, in the order in which it matters."""

    COUNTS = ("CHANGES THAT COUNT", "hardly chance, larger than the noise, long enough to notice")
    SUSPECTED = ("SUSPECTED", "outside of what the baseline does; too few runs to tell")
    RATES = ("RATES OF SUCCESS", "how often it ends well")
    ATTEMPTS = ("ATTEMPTS", "how many tries it takes")
    FASTER = ("BETTER THAN BEFORE", "where that counts")
    OFF_PATH = ("SLOWER, BUT NOTHING WAITS FOR IT", "off the critical path: costs no points")
    DRIFT = ("DRIFT", "steady but small: listed, never alarms")
    REST = ("NO CHANGE THAT COUNTS", "")


@dataclass(frozen=True, slots=True)
class _Head:
    group: _Group
    number: int


@dataclass(frozen=True, slots=True)
class _Gap:
    group: _Group


_Row: TypeAlias = _Gap | _Head | TimeRow | RateRow | AttemptRow

_FINDINGS: Final = {
    Finding.SLOWER: ("✗", "SLOWER", Role.FAILED),
    Finding.SUSPECT: ("!", "SUSPECT", Role.WARNING),
    Finding.FASTER: ("✓", "FASTER", Role.SUCCEEDED),
    Finding.DRIFT: ("·", "DRIFT", Role.DIM),
    Finding.TOO_FEW: ("·", "TOO FEW", Role.DIM),
    Finding.NOTHING: ("·", "SAME", Role.DIM),
}
_RATES: Final = {
    RateFinding.DROPPED: ("✗", "DROPPED", Role.FAILED),
    RateFinding.ROSE: ("✓", "ROSE", Role.SUCCEEDED),
    RateFinding.NOTHING: ("·", "SAME", Role.DIM),
    RateFinding.TOO_FEW: ("·", "TOO FEW", Role.DIM),
}


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    cells: int
    rank: int


_COLUMNS: Final = (
    _Column("BASELINE", 9, 2),
    _Column("CANDIDATES", 10, 1),
    _Column("Δ", 8, 0),
    _Column("CHANGE", 7, 0),
    _Column("INTERVAL", 18, 4),
    _Column("q", 6, 3),
    _Column("n v m", 6, 5),
)
_NAME, _WORD, _GAP = 10, 9, 2


def off_path(row: TimeRow) -> bool:
    """True for what is slower for sure and costs the run nothing, because others take longer anyway."""
    return row.finding is Finding.SLOWER and row.drag_sec is not None and row.drag_sec < _NEXT_TO_NOTHING_SEC


class EvidenceRows(Rows):
    """Times, rates and attempts by what is said of them."""

    empty = "no part stands on both sides: there is nothing to compare"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        groups = _grouped(analysis)
        self._rows: list[_Row] = []
        for group in _Group:
            if members := groups.get(group):
                self._rows += [*([_Gap(group)] if self._rows else []), _Head(group, len(members)), *members]
        told = [row for group, rows in groups.items() if group is not _Group.REST for row in rows]
        self._places: dict[str, int] = {}
        self._axis = Axis.over(row for row in told if isinstance(row, TimeRow))

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """What it says of which part."""
        match self._rows[index]:
            case _Gap() as gap:
                return f"#gap {gap.group.name}"
            case _Head() as head:
                return f"# {head.group.name}"
            case TimeRow() as row:
                return f"time {row.part}"
            case RateRow() as row:
                return f"rate {row.name}"
            case AttemptRow() as row:
                return f"attempts {row.part}"
            case other:
                assert_never(other)

    def place_of(self, key: str) -> int:
        """Looked up, since there may be thousands of rows."""
        if not self._places:
            self._places = {self.key(index): index for index in range(len(self))}
        return self._places.get(key, self.first)

    def title(self, index: int) -> str:
        """The part."""
        match self._rows[index]:
            case _Gap() | _Head() as head:
                return head.group.value[0].lower()
            case RateRow() as row:
                return row.name
            case TimeRow() | AttemptRow() as row:
                return str(row.part)
            case other:
                assert_never(other)

    def part(self, index: int) -> PartKey | None:
        """The part."""
        row = self._rows[index]
        return None if isinstance(row, _Gap | _Head) else row.part

    def sentence(self, index: int) -> str:
        """With all its figures."""
        match self._rows[index]:
            case _Gap() | _Head() as head:
                return head.group.value[0].lower()
            case TimeRow() as row:
                return time_sentence(row)
            case RateRow() as row:
                return rate_sentence(row)
            case AttemptRow() as row:
                return f"{row.part} takes {row.candidate_mean:.3g} tries, before {row.baseline_mean:.3g}; q {probability(row.q)}."
            case other:
                assert_never(other)

    def header(self, cells: int) -> Line:
        """The columns that there is room for."""
        name, columns = _layout(cells)
        pieces = [Span(f"   {fit('PART', name)}  {'FINDING':<{_WORD}}", Role.DIM)]
        pieces += [
            Span("  " + fit(one.title, one.cells, right=one.title != "INTERVAL"), Role.DIM)
            for one in _COLUMNS
            if one.title in columns
        ]
        return tuple(pieces)

    def line(self, index: int, cells: int) -> Line:
        """A part with its figures, or the title of what follows."""
        row = self._rows[index]
        match row:
            case _Gap():
                return ()
            case _Head():
                text, note = row.group.value
                note = note or "tested, and not said to be another"
                return heading(f"{text} ({row.number:,})", note if cells >= 60 else "")
            case TimeRow():
                return self._time(row, cells)
            case RateRow():
                good, before = f"{row.candidate_good}/{row.candidate_n}", f"{row.baseline_good}/{row.baseline_n}"
                values = {
                    "BASELINE": before,
                    "CANDIDATES": good,
                    "Δ": "",
                    "CHANGE": percent(-row.drop),
                    "INTERVAL": f"{percent(-row.high)} to {percent(-row.low)}",
                    "q": probability(row.q),
                    "n v m": f"{row.baseline_n} v {row.candidate_n}",
                }
                return _cells(row.part, row.name, _RATES[row.finding], values, cells)
            case AttemptRow():
                values = {
                    "BASELINE": f"{row.baseline_mean:.3g}",
                    "CANDIDATES": f"{row.candidate_mean:.3g}",
                    "Δ": f"{row.candidate_mean - row.baseline_mean:+.2g}",
                    "q": probability(row.q),
                }
                more = row.candidate_mean > row.baseline_mean
                said = ("!", "MORE", Role.WARNING) if more else ("✓", "FEWER", Role.SUCCEEDED)
                return _cells(row.part, str(row.part), said, values, cells)
            case other:
                assert_never(other)

    def _time(self, row: TimeRow, cells: int) -> Line:
        values: dict[str, str | Line] = {
            "BASELINE": seconds(row.baseline_sec),
            "CANDIDATES": seconds(row.candidate_sec),
            "Δ": _short_delta(row.delta_sec),
            "CHANGE": percent(row.effect),
            "q": probability(row.q),
            "n v m": f"{row.baseline_n} v {row.candidate_n}",
        }
        glyph, word, role = _FINDINGS[row.finding]
        if row.baseline_n > 1 and row.finding is not Finding.TOO_FEW:
            plain = row.finding in (Finding.NOTHING, Finding.DRIFT)
            values["INTERVAL"] = self._axis.plot(row, 18, Role.DIM if plain else role)
        if off_path(row):
            glyph, role = "·", Role.DIM
        return _cells(row.part, str(row.part), (glyph, word, role), values, cells)

    def detail(self, index: int, cells: int) -> list[Line]:
        """Every figure, and what it means."""
        row = self._rows[index]
        match row:
            case _Gap() | _Head():
                return facts("what", row.group.value[1] or _RULE, cells)
            case TimeRow():
                return self._time_detail(row, cells)
            case RateRow():
                glyph, word, role = _RATES[row.finding]
                return [
                    fact("finding", Span(f"{glyph} {word}", role, bold=True)),
                    fact("succeeds", f"{row.candidate_good} of {row.candidate_n}, before {row.baseline_good} of {row.baseline_n}"),
                    fact("interval", f"{percent(-row.high)} to {percent(-row.low)}"),
                    fact("q", probability(row.q)),
                    *facts("tested by", row.method, cells),
                ]  # fmt: skip
            case AttemptRow():
                return [
                    fact("tries", f"{row.candidate_mean:.3g} on average, before {row.baseline_mean:.3g}"),
                    fact("q", probability(row.q)),
                    *facts("tested by", "exact rank test", cells),
                ]
            case other:
                assert_never(other)

    def _time_detail(self, row: TimeRow, cells: int) -> list[Line]:
        glyph, word, role = _FINDINGS[row.finding]
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
        lines += facts("q", f"{probability(row.q)}{_chance(row)}", cells)
        lines += facts("tested by", f"{row.method}, {row.baseline_n} runs against {row.candidate_n}", cells)
        lines.append(fact("noise", f"±{row.noise:.0%}", Span("  what it varies by anyway", Role.DIM)))
        if row.drag_sec is not None:
            waits = (
                "nothing waits for it: it costs no points"
                if row.drag_sec < _NEXT_TO_NOTHING_SEC
                else f"{seconds(row.drag_sec)} of the run's end wait for it"
            )
            lines += facts("drag", waits, cells)
        lost = [loss for loss in self._analysis.losses if loss.name == str(row.part)]
        lines += [line for loss in lost for line in facts("points", f"{loss.points:.1f} lost: {loss.why}", cells)]
        for cause in self._analysis.causes:
            if row.part in cause.parts and cause.suspects:
                lines += facts("suspected", suspect_text(cause.suspects[0]), cells, Role.WARNING)
                break
        return [*lines, (), *facts("counts if", _RULE, cells, Role.DIM)]


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


def _grouped(analysis: Analysis) -> dict[_Group, list[TimeRow | RateRow | AttemptRow]]:
    groups: dict[_Group, list[TimeRow | RateRow | AttemptRow]] = {}
    for row in sorted(analysis.times, key=_weight):
        groups.setdefault(_group_of(row), []).append(row)
    rates = [
        row for row in analysis.rates if row.part is None or row.finding in (RateFinding.DROPPED, RateFinding.ROSE)
    ]
    for rate in sorted(rates, key=lambda row: (row.finding not in (RateFinding.DROPPED, RateFinding.ROSE), -row.drop)):
        groups.setdefault(_Group.RATES, []).append(rate)
    if analysis.attempts:
        groups[_Group.ATTEMPTS] = list(analysis.attempts)
    return groups


def _weight(row: TimeRow) -> tuple[bool, float, tuple[int, int, str, int]]:
    """A step before the stage that it makes longer, then the largest."""
    return not row.part.step_id, -abs(row.delta_sec), row.part.order


def _group_of(row: TimeRow) -> _Group:
    match row.finding:
        case Finding.SLOWER:
            return _Group.OFF_PATH if off_path(row) else _Group.COUNTS
        case Finding.SUSPECT:
            return _Group.SUSPECTED
        case Finding.FASTER:
            return _Group.FASTER
        case Finding.DRIFT:
            return _Group.DRIFT
        case Finding.NOTHING | Finding.TOO_FEW:
            return _Group.REST


def _layout(cells: int) -> tuple[int, frozenset[str]]:
    """How wide the name is, and which columns there is room for."""
    kept = list(_COLUMNS)
    for rank in range(5, 0, -1):
        taken = 3 + _NAME + _GAP + _WORD + sum(one.cells + _GAP for one in kept)
        if taken <= cells:
            break
        kept = [one for one in kept if one.rank != rank]
    taken = 3 + _GAP + _WORD + sum(one.cells + _GAP for one in kept) + 1
    return max(10, min(40, cells - taken)), frozenset(one.title for one in kept)


def _cells(
    part: PartKey | None,
    name: str,
    said: tuple[str, str, Role],
    values: dict[str, str | Line] | dict[str, str],
    cells: int,
) -> Line:
    width, columns = _layout(cells)
    glyph, word, role = said
    edge = STAGE_ROLES[part.stage] if part is not None else Role.TEXT
    # Of a step its own name tells the most; a stage stands out by its colour.
    shown = name.partition("/")[2] if part is not None and part.step_id and not part.pass_index else name
    pieces: list[Span] = [
        Span("   "),
        span(fit(shown, width), edge if part is not None and not part.step_id else Role.TEXT),
        Span(f"  {glyph} {word:<{_WORD - 2}}", role),
    ]
    for column in _COLUMNS:
        if column.title not in columns:
            continue
        value = values.get(column.title, "")
        if isinstance(value, str):
            pieces += [
                Span("  "),
                Span(fit(value, column.cells, right=column.title != "INTERVAL"), _role(column, role)),
            ]
        else:
            pieces += [Span("  "), *value]
    return tuple(pieces)


def _short_delta(value: float) -> str:
    """Below a millisecond two digits are enough: nobody notices more."""
    return f"{value * 1000:+.2f}ms" if abs(value) < 0.001 else signed_seconds(value)


def _role(column: _Column, role: Role) -> Role:
    return (
        role
        if column.title in ("Δ", "CHANGE") and role is not Role.DIM
        else Role.DIM
        if role is Role.DIM
        else Role.TEXT
    )
