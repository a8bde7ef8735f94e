"""What differs between two documents or two texts, as lines: the summary first, equals folded, all of it capped with a count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.regression.json_diff import ChangeKind, LineKind, SpanKind, groups_of, outline, path_text, text_diff
from engine.regression.json_diff.summary import brief
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import Json
    from engine.regression.json_diff import Branch, Change, JsonDiff
    from engine.regression.json_diff.text import Line as TextLine

MOST_CHANGES: Final = 500
"""In one document; beyond it a count."""

MOST_GROUPS: Final = 12
"""Of the summary."""

MOST_LINES: Final = 400
"""Of one text; beyond it a count."""

LONG_TEXT: Final = 60
"""Characters from which on a text that changed is shown as text, line by line."""

MARKS: Final = {
    ChangeKind.ADDED: ("+", Role.SUCCEEDED),
    ChangeKind.REMOVED: ("-", Role.FAILED),
    ChangeKind.CHANGED: ("~", Role.WARNING),
    ChangeKind.MOVED: ("→", Role.RUNNING),
}
_MOST_VALUE: Final = 400


def diff_lines(diff: JsonDiff) -> list[Line]:
    """The summary, then the tree of what differs. Nothing at all is said in a sentence."""
    if diff.is_empty:
        same = "both are the same" if not diff.hidden else "both are the same but for what differs every time"
        return [(Span(" = ", Role.SUCCEEDED), Span(same)), *_hidden(diff)]
    lines: list[Line] = [
        (
            Span(f" {plural(len(diff.changes), 'change')}", Role.STRONG, bold=True),
            Span("  - baseline  + candidate  ~ changed  → moved", Role.DIM),
        )
    ]
    groups = groups_of(diff.changes)
    if len(groups) < len(diff.changes):
        lines += [(Span("   "), span(str(group))) for group in groups[:MOST_GROUPS]]
        if len(groups) > MOST_GROUPS:
            lines.append((Span(f"   and {plural(len(groups) - MOST_GROUPS, 'other place')}", Role.DIM),))
    lines += _hidden(diff)
    lines.append(())
    root, left = outline(diff, MOST_CHANGES)
    lines += _branch(root, 0, "")
    if left:
        lines.append((Span(f" and {plural(left, 'more change')}: the export has them", Role.DIM),))
    return lines


def _hidden(diff: JsonDiff) -> list[Line]:
    if not diff.hidden:
        return []
    places = len(groups_of(diff.hidden))
    said = f"{plural(len(diff.hidden), 'change')} hidden in {plural(places, 'place')} where runs of the baseline differ too"
    return [(Span(f"   {said}", Role.DIM),)]


def _branch(branch: Branch, depth: int, name: str) -> Iterator[Line]:
    """A place, what is said of it, what is below it, and how much of it is the same."""
    pad = "  " * min(depth, 12)
    # What has one thing below it and nothing to say is written with it in one line: a.b.c
    if name and not branch.changes and len(branch.children) == 1 and not branch.equal:
        [(part, only)] = branch.children.items()
        yield from _branch(only, depth, _joined(name, part))
        return
    for change in branch.changes:
        yield from _change(change, pad, name or "the whole")
    if not branch.children:
        return
    below = depth
    if name:
        if not branch.changes:
            yield (Span(f" {pad}  "), span(name, Role.KEY))
        below = depth + 1
    for part, child in branch.children.items():
        yield from _branch(child, below, _joined("", part))
    if branch.equal:
        yield (Span(f" {'  ' * min(below, 12)}= {branch.equal:,} the same", Role.DIM),)


def _joined(name: str, part: str | int) -> str:
    text = path_text((part,))
    return f"{name}{text}" if not name or text.startswith("[") else f"{name}.{text}"


def _change(change: Change, pad: str, name: str) -> Iterator[Line]:
    sign, role = MARKS[change.kind]
    head: Line = (Span(f" {pad}{sign} ", role, bold=True), span(name, Role.KEY))
    match change.kind:
        case ChangeKind.ADDED:
            yield from _value(head, "+", role, change.after, pad)
        case ChangeKind.REMOVED:
            yield from _value(head, "-", role, change.before, pad)
        case ChangeKind.MOVED:
            was = path_text(change.before_path or ())
            yield (*head, span(f"  was {was}", Role.DIM))
        case ChangeKind.CHANGED:
            yield from _changed(head, change.before, change.after, pad)


def _changed(head: Line, before: Json, after: Json, pad: str) -> Iterator[Line]:
    if isinstance(before, str) and isinstance(after, str):
        is_long = max(len(before), len(after)) > LONG_TEXT or "\n" in before or "\n" in after
        if is_long:
            yield head
            for line in text_lines(before, after):
                yield (Span(f" {pad}  "), *line)
            return
    one, other = _short(before), _short(after)
    if len(one) + len(other) > LONG_TEXT:
        yield head
        yield (Span(f" {pad}  - ", Role.FAILED), span(one, Role.FAILED))
        yield (Span(f" {pad}  + ", Role.SUCCEEDED), span(other, Role.SUCCEEDED))
        return
    by = Span(_by(before, after), Role.DIM)
    yield (*head, Span(": "), span(one, Role.FAILED), Span(" → ", Role.DIM), span(other, Role.SUCCEEDED), by)


def _by(before: Json, after: Json) -> str:
    """By how much a number changed, where that can be said."""
    if isinstance(before, bool) or isinstance(after, bool) or not before:
        return ""
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return ""
    share = (after - before) / abs(before)
    return f"  ({share:+.0%})" if abs(share) < 100 else ""


def _value(head: Line, sign: str, role: Role, value: Json, pad: str) -> Iterator[Line]:
    if isinstance(value, str) and "\n" in value:
        yield head
        texts = value.splitlines()
        yield from ((Span(f" {pad}  {sign} ", role), span(text, role)) for text in texts[:MOST_LINES])
        if len(texts) > MOST_LINES:
            yield (Span(f" {pad}  and {plural(len(texts) - MOST_LINES, 'more line')}", Role.DIM),)
        return
    yield (*head, Span(": "), span(_short(value), role))


def _short(value: Json) -> str:
    if isinstance(value, dict | list) and value:
        text = json.dumps(value, ensure_ascii=False) if _is_small(value) else ""
        return text if text and len(text) <= LONG_TEXT else brief(value)
    return brief(value, _MOST_VALUE)


def _is_small(value: Json, most: int = 8) -> bool:
    """Whether writing it out is worth trying: a large one is never serialised to find that out."""
    match value:
        case dict():
            return len(value) <= most and all(_is_small(one, 4) for one in value.values())
        case list():
            return len(value) <= most and all(_is_small(one, 4) for one in value)
        case str():
            return len(value) <= LONG_TEXT
        case _:
            return True


def text_lines(before: str, after: str) -> list[Line]:
    """A text diff: removed and added lines, within a changed one the words; equal ones folded."""
    found = text_diff(before, after)
    lines: list[Line] = []
    for line in found:
        lines += _text_line(line)
        if len(lines) > MOST_LINES:
            break
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], (Span("and more lines", Role.DIM),)]
    return lines


def _text_line(line: TextLine) -> list[Line]:
    match line.kind:
        case LineKind.SAME:
            return [(Span("  "), span(_bare(line.after), Role.DIM))]
        case LineKind.FOLDED:
            return [(Span(f"= {plural(line.folded, 'line')} the same", Role.DIM),)]
        case LineKind.ADDED:
            return [(Span("+ ", Role.SUCCEEDED), span(_bare(line.after), Role.SUCCEEDED))]
        case LineKind.REMOVED:
            return [(Span("- ", Role.FAILED), span(_bare(line.before), Role.FAILED))]
        case LineKind.CHANGED:
            sides = (("- ", Role.FAILED, SpanKind.REMOVED), ("+ ", Role.SUCCEEDED, SpanKind.ADDED))
            return [
                (
                    Span(sign, role),
                    *(
                        span(_bare(one.text), role if one.kind is kind else Role.TEXT, bold=one.kind is kind)
                        for one in line.spans
                        if one.kind in (kind, SpanKind.SAME)
                    ),
                )
                for sign, role, kind in sides
            ]


def _bare(text: str) -> str:
    return text.rstrip("\r\n").expandtabs(4)
