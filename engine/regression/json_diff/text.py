"""The difference between two long strings: by lines, and within replaced lines by words. Bounded, as everything here is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from engine.regression.json_diff.sequences import Budget, match_sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTEXT: Final = 3
"""Equal lines shown on each side of a change."""

LONGEST_LINE: Final = 10_000
"""Characters; a longer line is not looked at word by word."""

_WORDS: Final = re.compile(r"\w+|\s+|[^\w\s]")


class LineKind(StrEnum):
    """What happened to a line."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    FOLDED = "folded"
    """Equal lines far from any change; only their number is kept."""


class SpanKind(StrEnum):
    """What happened to a part of a changed line."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a changed line, with what lies between them."""

    kind: SpanKind
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its line end, or a number of folded ones. `spans` are of changed lines only."""

    kind: LineKind
    before: str = ""
    after: str = ""
    spans: tuple[Span, ...] = ()
    folded: int = 0


def text_diff(before: str, after: str, *, context: int | None = CONTEXT) -> tuple[Line, ...]:
    """The lines of both texts in one order. With `context` None nothing is folded, and both texts can be read back."""
    mine, theirs = before.splitlines(keepends=True), after.splitlines(keepends=True)
    budget = Budget()
    lines: list[Line] = []
    at_mine = at_theirs = 0
    for one, other in [*match_sequences(mine, theirs, budget), (len(mine), len(theirs))]:
        lines += _replaced(mine[at_mine:one], theirs[at_theirs:other], budget)
        if one < len(mine):
            lines.append(Line(LineKind.SAME, mine[one], mine[one]))
        at_mine, at_theirs = one + 1, other + 1
    return tuple(lines if context is None else _folded(lines, context))


def _replaced(mine: list[str], theirs: list[str], budget: Budget) -> list[Line]:
    paired = min(len(mine), len(theirs))
    return [
        *(
            Line(LineKind.CHANGED, one, other, _spans(one, other, budget))
            for one, other in zip(mine, theirs, strict=False)
        ),
        *(Line(LineKind.REMOVED, before=text) for text in mine[paired:]),
        *(Line(LineKind.ADDED, after=text) for text in theirs[paired:]),
    ]


def _spans(before: str, after: str, budget: Budget) -> tuple[Span, ...]:
    if len(before) > LONGEST_LINE or len(after) > LONGEST_LINE:
        return (Span(SpanKind.REMOVED, before), Span(SpanKind.ADDED, after))
    mine, theirs = _WORDS.findall(before), _WORDS.findall(after)
    parts: list[tuple[SpanKind, str]] = []
    at_mine = at_theirs = 0
    for one, other in [*match_sequences(mine, theirs, budget), (len(mine), len(theirs))]:
        parts += ((SpanKind.REMOVED, word) for word in mine[at_mine:one])
        parts += ((SpanKind.ADDED, word) for word in theirs[at_theirs:other])
        if one < len(mine):
            parts.append((SpanKind.SAME, mine[one]))
        at_mine, at_theirs = one + 1, other + 1
    return tuple(_joined(parts))


def _joined(parts: Sequence[tuple[SpanKind, str]]) -> list[Span]:
    spans: list[Span] = []
    words: list[str] = []
    for place, (kind, word) in enumerate(parts):
        words.append(word)
        if place + 1 == len(parts) or parts[place + 1][0] is not kind:
            spans.append(Span(kind, "".join(words)))
            words = []
    return spans


def _folded(lines: list[Line], context: int) -> list[Line]:
    near: set[int] = set()
    for place, line in enumerate(lines):
        if line.kind is not LineKind.SAME:
            near.update(range(place - context, place + context + 1))
    found: list[Line] = []
    hidden = 0
    for place, line in enumerate(lines):
        if place in near:
            if hidden:
                found.append(Line(LineKind.FOLDED, folded=hidden))
                hidden = 0
            found.append(line)
        else:
            hidden += 1
    if hidden:
        found.append(Line(LineKind.FOLDED, folded=hidden))
    return found
