"""The section of what differs between the sides as a whole: plan, parameters, assets, environment, replans, and parts of one side only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.regression.verdict import Difference, DifferenceKind, OneSided, Side
from tui.viewmodel.comparing.changes import diff_lines, text_lines
from tui.viewmodel.comparing.rows import Rows, fact, facts, heading
from tui.viewmodel.comparison import KINDS, difference_text
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, fit, span, width
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json
    from engine.regression.json_diff import JsonDiff
    from engine.regression.parts import PartKey
    from engine.regression.verdict import Analysis

MOST_VALUES: Final = 8
_TITLES: Final = {
    DifferenceKind.PLAN: "PLAN",
    DifferenceKind.PLAN_STEP: "STEPS OF THE PLAN",
    DifferenceKind.PARAM: "PARAMETERS",
    DifferenceKind.ASSET: "ASSETS",
    DifferenceKind.ENVIRONMENT: "ENVIRONMENT",
    DifferenceKind.REPLAN: "REPLANS",
}
_NAME: Final = 10
_MOST_CHARS: Final = 80
_LEAST: Final = 8
_LEAST_NAME: Final = 4
_AROUND: Final = 9
"""Cells of a row that are neither its name nor a value: the mark, a blank, the arrow."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the two sides of a difference hold, once it was read: `why` says why it cannot be shown.

    `said` is what differs in what they say, `texts` are to be compared line by line.
    """

    said: JsonDiff | None = None
    texts: tuple[str, str] | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Head:
    title: str
    note: str


_Row: TypeAlias = "_Head | Difference | OneSided"


class DifferenceRows(Rows):
    """What differs, by kind; then in one line what does not. `contents` is filled as it is read, by the row's key."""

    def __init__(self, analysis: Analysis, contents: Mapping[str, Contents] | None = None) -> None:
        self._analysis = analysis
        self._contents = contents if contents is not None else {}
        self._rows: list[_Row] = []
        self._longest = max((len(one.name) for one in analysis.differences), default=0)
        kinds = {one.kind for one in analysis.differences}
        for kind in DifferenceKind:
            of_kind = [one for one in analysis.differences if one.kind is kind]
            if of_kind:
                self._rows += [*self._gap(), _Head(_TITLES[kind], ""), *of_kind]
        if analysis.one_sided:
            only = _Head("ON ONE SIDE ONLY", plural(len(analysis.one_sided), "part"))
            self._rows += [*self._gap(), only, *analysis.one_sided]
        same = [
            _TITLES[kind].lower()
            for kind in DifferenceKind
            if kind not in kinds and kind is not DifferenceKind.PLAN_STEP
        ]
        if not kinds & {DifferenceKind.PLAN, DifferenceKind.PLAN_STEP}:
            same = [name for name in same if name != "plan"]
            same.insert(0, "plan")
        elif "plan" in same:
            same.remove("plan")
        if same:
            self._rows += [*self._gap(), _Head("THE SAME ON BOTH SIDES", "")]
            self._rows += [_Head("", name) for name in same]

    def _gap(self) -> list[_Row]:
        return [_Head("", "")] if self._rows else []

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """What it is."""
        row = self._rows[index]
        if isinstance(row, _Head):
            return f"# {row.title}"
        return f"only {row.part}" if isinstance(row, OneSided) else f"{row.kind.value} {row.name}"

    def title(self, index: int) -> str:
        """Its name."""
        row = self._rows[index]
        if isinstance(row, _Head):
            return row.title.lower()
        return str(row.part) if isinstance(row, OneSided) else f"{KINDS[row.kind]} {row.name}"

    def difference(self, index: int) -> Difference | None:
        """The difference, if the row is one."""
        row = self._rows[index] if index < len(self._rows) else None
        return row if isinstance(row, Difference) else None

    def part(self, index: int) -> PartKey | None:
        """The part that is on one side only."""
        row = self._rows[index]
        return row.part if isinstance(row, OneSided) else None

    def sentence(self, index: int) -> str:
        """With both values."""
        row = self._rows[index]
        if isinstance(row, _Head):
            return f"{row.title.lower()}: {row.note}" if row.note else row.title.lower()
        if isinstance(row, OneSided):
            return _one_sided(row, self._analysis)
        return difference_text(row)

    def line(self, index: int, cells: int) -> Line:
        """One difference: its name, then both values."""
        row = self._rows[index]
        if isinstance(row, _Head):
            return heading(row.title, row.note) if row.title else (Span(f"     {row.note}", Role.DIM),)
        if isinstance(row, OneSided):
            gone = row.side is Side.BASELINE_ONLY
            sign, role = ("-", Role.FAILED) if gone else ("+", Role.SUCCEEDED)
            return (Span(f"   {sign} ", role, bold=True), span(_one_sided(row, self._analysis)))
        name = min(self._longest, max(_NAME, cells // 3))
        mark = Span("   ? ", Role.WARNING, bold=True) if row.separates else Span("   ~ ", Role.DIM, bold=True)
        room = max(_LEAST, (cells - name - _AROUND) // 2)
        before, after = (width(_side(side, Role.TEXT, _MOST_CHARS)) for side in (row.baseline, row.candidates))
        # What one side leaves over is the other's.
        more = max(0, room - before), max(0, room - after)
        return (
            mark,
            span(fit(row.name, name)),
            Span(" "),
            *_side(row.baseline, Role.DIM, room + more[1]),
            Span(" → ", Role.DIM),
            *_side(row.candidates, Role.TEXT, room + more[0]),
        )

    def detail(self, index: int, cells: int) -> list[Line]:
        """Both sides with the number of their runs, whether it can be the cause, and what the two hold."""
        row = self._rows[index]
        if isinstance(row, _Head):
            legend = "? can be the cause: no value stands on both sides.  ~ differs in part of the runs."
            return facts("what", row.note or legend, cells)
        if isinstance(row, OneSided):
            return facts("what", _one_sided(row, self._analysis), cells)
        lines = _values("baseline", row.baseline, cells)
        lines += _values("candidates", row.candidates, cells)
        if row.kind is DifferenceKind.REPLAN:
            said = "follows from what happened: it is no input, and so no cause"
        elif row.separates:
            said = "can be: no value stands on both sides"
        else:
            said = "hardly: a value stands on both sides"
        lines += facts("the cause?", said, cells, Role.WARNING if row.separates else Role.DIM)
        contents = self._contents.get(self.key(index))
        if contents is not None:
            lines += [(), *content_lines(contents, cells)]
        return lines


def content_lines(contents: Contents, cells: int) -> list[Line]:
    """What differs in what the two sides hold."""
    if contents.why:
        return facts("", contents.why, cells, Role.DIM)
    lines: list[Line] = []
    if contents.said is not None:
        lines += diff_lines(contents.said)
    if contents.texts is not None:
        if lines:
            lines.append(())
        before, after = contents.texts
        if before == after:
            lines.append((Span(" = ", Role.SUCCEEDED), Span("both texts are the same")))
        else:
            lines += [(Span(" "), *line) for line in text_lines(before, after)]
    return lines


def _side(values: Sequence[tuple[str, int]], role: Role, cells: int) -> Line:
    if not values:
        return (Span("–", Role.DIM),)
    rest = f" and {len(values) - 1} other" if len(values) > 1 else ""
    first = span(_with_version(values[0][0], min(_MOST_CHARS, max(_LEAST, cells - len(rest)))), role)
    return (first, Span(rest, Role.DIM)) if rest else (first,)


def _with_version(value: str, cells: int) -> str:
    """`query/ci-lo…@3`: of a reference the name is shortened, since the version is what differs."""
    name, at, version = value.rpartition("@")
    room = cells - len(at + version)
    if not at or len(value) <= cells or room < _LEAST_NAME:
        return _short(value, cells)
    return f"{_short(name, room)}@{version}"


def _values(name: str, values: Sequence[tuple[str, int]], cells: int) -> list[Line]:
    if not values:
        return [fact(name, Span("–", Role.DIM))]
    lines: list[Line] = []
    for number, (value, runs) in enumerate(values[:MOST_VALUES]):
        lines += facts(name if number == 0 else "", f"{_short(value, 300)}  in {plural(runs, 'run')}", cells)
    return lines


def _short(value: str, most: int = _MOST_CHARS) -> str:
    return value if len(value) <= most else f"{value[: most - 1]}…"


def _one_sided(one: OneSided, analysis: Analysis) -> str:
    gone = one.side is Side.BASELINE_ONLY
    where, of = ("baseline", len(analysis.baseline)) if gone else ("candidates", len(analysis.candidates))
    return f"{one.part} only in the {where}, {one.runs} of {plural(of, 'run')}"


def definition_text(definition: Json) -> str:
    """A step as it was written, in lines that can be compared."""
    return json.dumps(definition, ensure_ascii=False, indent=2)
