"""What differs between two versions of an asset, as text and, of JSON and YAML, by what they say, and as lines. Pure."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import PlanError
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.asset import AssetVersion
    from engine.model.json import Json
    from engine.regression.json_diff import Change, JsonDiff

_MOST_CHANGES: Final = 100
_MOST_VALUE_CHARS: Final = 60
_HEADING: Final = 2
"""Lines of a unified diff that name the two."""
_NO_NEWLINE: Final = "\\ no newline at the end"


@dataclass(frozen=True, slots=True)
class AssetDifference:
    """Two versions and what differs: `text` is a unified diff, empty if the texts are the same.

    `structural` is None where they are not both documents.
    """

    before: AssetVersion
    after: AssetVersion
    text: tuple[str, ...]
    structural: JsonDiff | None

    @property
    def is_same(self) -> bool:
        """True if the texts are the same."""
        return not self.text

    @property
    def amounts(self) -> tuple[int, int]:
        """How many lines came and how many went."""
        lines = self.text[_HEADING:]
        return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)


def difference_of(before: AssetVersion, after: AssetVersion) -> AssetDifference:
    """What differs. It takes time where they are large."""
    return AssetDifference(before, after, tuple(text_diff(before, after)), structural_diff(before, after))


def text_diff(before: AssetVersion, after: AssetVersion) -> list[str]:
    """A unified diff; empty if the texts are the same."""
    texts = (before.content, after.content)
    lines = [text.split("\n") for text in texts]
    for text, some in zip(texts, lines, strict=True):
        if text.endswith("\n"):
            some.pop()
        else:
            some[-1] += "\0"  # differs from the same line with an end
    found = difflib.unified_diff(lines[0], lines[1], before.ref, after.ref, lineterm="")
    shown: list[str] = []
    for line in found:
        if line.endswith("\0"):
            shown += [line[:-1], _NO_NEWLINE]
        else:
            shown.append(line)
    return shown


def structural_diff(before: AssetVersion, after: AssetVersion) -> JsonDiff | None:
    """What differs in what they say; None where they are not both documents."""
    from engine.model.asset import AssetName, AssetSource, ResolvedAsset
    from engine.plan.asset_values import asset_value, is_structured
    from engine.regression.json_diff import diff

    if not (is_structured(before.media_type) and is_structured(after.media_type)):
        return None
    try:
        values = [
            asset_value(
                ResolvedAsset(
                    AssetName(one.type, one.name), one.version, one.media_type, one.content, "", AssetSource.PIN
                )
            )
            for one in (before, after)
        ]
    except PlanError:  # an earlier opscope took what this one does not read
        return None
    return diff(values[0], values[1])


# How it is told


def difference_lines(difference: AssetDifference) -> list[Line]:
    """The difference as it is read: line by line, then by what the two say."""
    before, after = difference.before, difference.after
    lines: list[Line] = []
    if before.media_type != after.media_type:
        lines.append((span(f"media type {before.media_type} → {after.media_type}"),))
    if difference.is_same:
        return [*lines, (Span(f"{before.ref} and {after.ref} have the same content"),)]
    lines += [(span(line, Role.DIM),) for line in difference.text[:_HEADING]]
    lines += [(span(line, _role(line)),) for line in difference.text[_HEADING:]]
    return [*lines, *_what_they_say(difference.structural)]


def _what_they_say(structural: JsonDiff | None) -> Sequence[Line]:
    if structural is None:
        return ()
    if structural.is_empty:
        return (), (Span("both say the same; only the layout differs", Role.DIM),)
    changes, more = structural.shown(_MOST_CHANGES)
    lines: list[Line] = [(), (Span(f"{plural(len(structural.changes), 'change')} in what they say", Role.DIM),)]
    lines += [(Span("  "), *_change(change)) for change in changes]
    if more:
        lines.append((Span(f"  and {more} more", Role.DIM),))
    return lines


def _role(line: str) -> Role:
    # A comment of SQL that went looks like a heading, so where a line stands says what it is.
    return {"+": Role.SUCCEEDED, "-": Role.FAILED, "@": Role.DIM, "\\": Role.DIM}.get(line[:1], Role.TEXT)


def _change(change: Change) -> Line:
    from engine.regression.json_diff import ChangeKind
    from engine.regression.json_diff.paths import path_text

    path = path_text(change.path) or "."
    match change.kind:
        case ChangeKind.ADDED:
            return (span(f"+ {path}", Role.SUCCEEDED), span(f": {_value(change.after)}"))
        case ChangeKind.REMOVED:
            return (span(f"- {path}", Role.FAILED), span(f": {_value(change.before)}"))
        case ChangeKind.CHANGED:
            return (span(f"~ {path}", Role.WARNING), span(f": {_value(change.before)} → {_value(change.after)}"))
        case ChangeKind.MOVED:
            origin = path_text(change.before_path) if change.before_path is not None else ""
            return (span(f"> {path}", Role.WARNING), span(f": was {origin}"))


def _value(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_VALUE_CHARS else f"{text[: _MOST_VALUE_CHARS - 1]}…"
