"""The columns of the evidence: which there is room for, and a part's line in them. What stands in them is the rows' to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import Line, Span, fit, span

if TYPE_CHECKING:
    from engine.regression.parts import PartKey


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


def header_line(cells: int) -> Line:
    """The titles of the columns that there is room for."""
    name, columns = _layout(cells)
    pieces = [Span(f"   {fit('PART', name)}  {'FINDING':<{_WORD}}", Role.DIM)]
    pieces += [
        Span("  " + fit(one.title, one.cells, right=one.title != "INTERVAL"), Role.DIM)
        for one in _COLUMNS
        if one.title in columns
    ]
    return tuple(pieces)


def part_line(
    part: PartKey | None,
    name: str,
    said: tuple[str, str, Role],
    values: dict[str, str | Line] | dict[str, str],
    cells: int,
) -> Line:
    """A part with what is said of it and its figures, by the title of their column."""
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


def _role(column: _Column, role: Role) -> Role:
    return (
        role
        if column.title in ("Δ", "CHANGE") and role is not Role.DIM
        else Role.DIM
        if role is Role.DIM
        else Role.TEXT
    )
