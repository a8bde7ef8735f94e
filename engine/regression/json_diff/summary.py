"""A diff in a few lines: changes grouped by the pattern of their places. Nothing is coloured or laid out here."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.regression.json_diff.changes import Change, ChangeKind, JsonDiff
from engine.regression.json_diff.paths import path_text, pattern_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json
    from engine.regression.json_diff.paths import Pattern

LINES: Final = 50
_VALUE_WIDTH: Final = 40


@dataclass(frozen=True, slots=True)
class Group:
    """All changes whose places differ in array indices only, in the order of reading."""

    pattern: Pattern
    changes: tuple[Change, ...]

    @property
    def counts(self) -> Mapping[ChangeKind, int]:
        """How many of each kind."""
        return Counter(change.kind for change in self.changes)

    def __str__(self) -> str:
        if len(self.changes) == 1:
            return f"{path_text(self.changes[0].path)}: {_one(self.changes[0])}"
        counts = self.counts
        said = ", ".join(f"{counts[kind]:,} {kind}" for kind in ChangeKind if counts[kind])
        return f"{path_text(self.pattern)}: {said}"


def groups_of(changes: Sequence[Change]) -> tuple[Group, ...]:
    """The changes in groups, ordered by the first of each."""
    found: dict[Pattern, list[Change]] = {}
    for change in changes:
        found.setdefault(pattern_of(change.path), []).append(change)
    return tuple(Group(pattern, tuple(those)) for pattern, those in found.items())


def summary_lines(diff: JsonDiff, limit: int = LINES) -> list[str]:
    """The groups as plain text, one a line, at most `limit` of them; what is left out or hidden is counted in lines of its own.

    The text may hold anything that stands in the documents: filter it before it reaches a terminal.
    """
    groups = groups_of(diff.changes)
    lines = [str(group) for group in groups[:limit]]
    if left := groups[limit:]:
        changes = sum(len(group.changes) for group in left)
        lines.append(f"and {_count(changes, 'change')} more in {_count(len(left), 'other place')}")
    if diff.hidden:
        lines.append(f"{_count(len(diff.hidden), 'change')} hidden where every run differs")
    return lines or ["no difference"]


def brief(value: Json, width: int = _VALUE_WIDTH) -> str:
    """A value in few characters: long texts are cut, arrays and objects are counted."""
    if isinstance(value, dict):
        return f"{{{_count(len(value), 'key')}}}" if value else "{}"
    if isinstance(value, list):
        return f"[{_count(len(value), 'element')}]" if value else "[]"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4 * width:
        return f"an integer of {_count(value.bit_length(), 'bit')}"  # its digits may be beyond what Python will print
    text = value[: width + 1] if isinstance(value, str) else value
    said = json.dumps(text, ensure_ascii=False)
    return said if len(said) <= width else f"{said[: width - 1]}…"


def _one(change: Change) -> str:
    match change.kind:
        case ChangeKind.ADDED:
            return f"added {brief(change.after)}"
        case ChangeKind.REMOVED:
            return f"removed {brief(change.before)}"
        case ChangeKind.CHANGED:
            return f"{brief(change.before)} → {brief(change.after)}"
        case ChangeKind.MOVED:
            assert change.before_path is not None
            return f"moved from {path_text(change.before_path)}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
