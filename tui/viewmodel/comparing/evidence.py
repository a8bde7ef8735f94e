"""The evidence section: every part with its figures, those that matter first, drift and what costs nothing apart. Made when seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from engine.regression.evidence import Finding
from engine.regression.verdict import AttemptRow, RateRow, TimeRow
from tui.viewmodel.comparing.evidence_columns import header_line, part_line
from tui.viewmodel.comparing.evidence_detail import FINDINGS, RATES, RULE, attempts_detail, rate_detail, time_detail
from tui.viewmodel.comparing.evidence_groups import EvidenceRow, Gap, Group, Head, grouped, off_path
from tui.viewmodel.comparing.headline import rate_sentence, time_sentence
from tui.viewmodel.comparing.plots import Axis
from tui.viewmodel.comparing.rows import Rows, facts, heading
from tui.viewmodel.comparison import percent, probability, seconds, signed_seconds
from tui.viewmodel.palette import Role

if TYPE_CHECKING:
    from engine.regression.parts import PartKey
    from engine.regression.verdict import Analysis
    from tui.viewmodel.text import Line


class EvidenceRows(Rows):
    """Times, rates and attempts by what is said of them."""

    empty = "no part stands on both sides: there is nothing to compare"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        groups = grouped(analysis)
        self._rows: list[EvidenceRow] = []
        for group in Group:
            if members := groups.get(group):
                self._rows += [*([Gap(group)] if self._rows else []), Head(group, len(members)), *members]
        quiet = (Group.UNTESTED, Group.REST)
        told = [row for group, rows in groups.items() if group not in quiet for row in rows]
        self._places: dict[str, int] = {}
        self._axis = Axis.over(row for row in told if isinstance(row, TimeRow))

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """What it says of which part."""
        match self._rows[index]:
            case Gap() as gap:
                return f"#gap {gap.group.name}"
            case Head() as head:
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
            case Gap() | Head() as head:
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
        return None if isinstance(row, Gap | Head) else row.part

    def sentence(self, index: int) -> str:
        """With all its figures."""
        match self._rows[index]:
            case Gap() | Head() as head:
                return head.group.value[0].lower()
            case TimeRow() as row:
                return time_sentence(row)
            case RateRow() as row:
                return rate_sentence(row)
            case AttemptRow() as row:
                return f"{row.part} takes {row.candidate_mean:.3g} tries, before {row.baseline_mean:.3g}; q {probability(row.q)}."
            case other:
                assert_never(other)

    def line(self, index: int, cells: int) -> Line:
        """A part with its figures, or the title of what follows."""
        row = self._rows[index]
        match row:
            case Gap():
                return ()
            case Head():
                text, note = row.group.value
                return heading(f"{text} ({row.number:,})", note if cells >= 60 else "")
            case TimeRow():
                return self._time(row, cells)
            case RateRow():
                return _rate(row, cells)
            case AttemptRow():
                return _attempts(row, cells)
            case other:
                assert_never(other)

    def header(self, cells: int) -> Line:
        """The columns that there is room for."""
        return header_line(cells)

    def _time(self, row: TimeRow, cells: int) -> Line:
        values: dict[str, str | Line] = {
            "BASELINE": seconds(row.baseline_sec),
            "CANDIDATES": seconds(row.candidate_sec),
            "Δ": _short_delta(row.delta_sec),
            "CHANGE": percent(row.effect),
            "q": probability(row.q),
            "n v m": f"{row.baseline_n} v {row.candidate_n}",
        }
        glyph, word, role = FINDINGS[row.finding]
        if row.baseline_n > 1 and row.finding is not Finding.TOO_FEW:
            plain = row.finding in (Finding.NOTHING, Finding.DRIFT)
            values["INTERVAL"] = self._axis.plot(row, 18, Role.DIM if plain else role)
        if off_path(row):
            glyph, role = "·", Role.DIM
        return part_line(row.part, str(row.part), (glyph, word, role), values, cells)

    def detail(self, index: int, cells: int) -> list[Line]:
        """Every figure, and what it means."""
        row = self._rows[index]
        match row:
            case Gap() | Head():
                return facts("what", row.group.value[1] or RULE, cells)
            case TimeRow():
                return time_detail(row, self._analysis, cells)
            case RateRow():
                return rate_detail(row, cells)
            case AttemptRow():
                return attempts_detail(row, cells)
            case other:
                assert_never(other)


def _rate(row: RateRow, cells: int) -> Line:
    values = {
        "BASELINE": f"{row.baseline_good}/{row.baseline_n}",
        "CANDIDATES": f"{row.candidate_good}/{row.candidate_n}",
        "CHANGE": percent(-row.drop),
        "INTERVAL": f"{percent(-row.high)} to {percent(-row.low)}",
        "q": probability(row.q),
        "n v m": f"{row.baseline_n} v {row.candidate_n}",
    }
    return part_line(row.part, row.name, RATES[row.finding], values, cells)


def _attempts(row: AttemptRow, cells: int) -> Line:
    values = {
        "BASELINE": f"{row.baseline_mean:.3g}",
        "CANDIDATES": f"{row.candidate_mean:.3g}",
        "Δ": f"{row.candidate_mean - row.baseline_mean:+.2g}",
        "q": probability(row.q),
    }
    more = row.candidate_mean > row.baseline_mean
    said = ("!", "MORE", Role.WARNING) if more else ("✓", "FEWER", Role.SUCCEEDED)
    return part_line(row.part, str(row.part), said, values, cells)


def _short_delta(value: float) -> str:
    """Below a millisecond two digits are enough: nobody notices more."""
    return f"{value * 1000:+.2f}ms" if abs(value) < 0.001 else signed_seconds(value)
