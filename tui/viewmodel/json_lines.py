"""How the rows of a JSON tree read, and what is copied from them. Folding and searching live in `json_tree`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tui.terminal import visible
from tui.viewmodel.json_nodes import Branch, Deferred, Fold, Node, Path, Piece, Range, Row
from tui.viewmodel.json_packed import PACKED, PackedText, is_list, is_object, json_bytes, window
from tui.viewmodel.long_text import SHORT_TEXT, is_long
from tui.viewmodel.palette import Role
from tui.viewmodel.text import ELLIPSIS, Line, Span, fit, span
from tui.viewmodel.words import count, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tui.viewmodel.json_tree import JsonTree

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PREVIEW_ITEMS = 4
_PREVIEW_CELLS = 60
_SIGNS = {Fold.LEAF: "  ", Fold.FOLDED: "▸ ", Fold.UNFOLDED: "▾ "}


def row_line(tree: JsonTree, row: Row) -> Line:
    """A row as text: indentation, fold sign, key and value."""
    indent = Span("  " * row.depth)
    if row.path and isinstance(row.path[-1], Piece):
        return (indent, Span("│ ", Role.DIM), span(row.node if isinstance(row.node, str) else ""))
    sign = Span(_SIGNS[row.fold], Role.DIM)
    if row.note:
        return (indent, sign, span(f"{row.note}{ELLIPSIS}" if row.note == "loading" else row.note, Role.DIM))
    if row.path and isinstance(row.path[-1], Range):
        part, inner = row.path[-1], tree.content(row.node)
        if isinstance(inner, PackedText):
            begin, end = (size(inner.bounds[at] - inner.start) for at in (part.start, part.stop))
            return (indent, sign, span(f"{begin} {ELLIPSIS} {end}", Role.DIM))
        lines = "lines " if isinstance(inner, str) else ""
        return (indent, sign, span(f"{lines}{count(part.start)} {ELLIPSIS} {count(part.stop - 1)}", Role.DIM))
    return (indent, sign, *_key(row.key), *_value(tree, row))


def row_aside(row: Row) -> Line:
    """What stands at the right edge of a row."""
    return row.node.aside if isinstance(row.node, Branch) else ()


def path_text(path: Path) -> str:
    """A path as references write it: `primary.data.rows[0]['odd key']`."""
    out = ""
    for part in path:
        if isinstance(part, (Range, Piece)):
            continue
        if isinstance(part, int):
            out += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            out += f".{part}" if out else part
        else:
            quote = '"' if "'" in part else "'"
            out += f"[{quote}{visible(part)}{quote}]"
    return out


def copy_text(tree: JsonTree, node: Node) -> str | None:
    """The whole value behind a row: a string as it is, anything else as indented JSON. None while it is not loaded.

    Control characters other than newline and tab are made visible, so that pasting cannot run anything.
    """
    value = _loaded(tree, node)
    if isinstance(value, Deferred):
        return None
    if isinstance(value, PACKED):
        # As it was stored: it is too much to be read in rows, and to be written anew.
        value = str(value) if isinstance(value, PackedText) else json_bytes(value).decode("utf-8", "replace")
    return json_text(value)


def json_text(value: Node) -> str:
    """A loaded value as text for the clipboard: a string as it is, anything else as indented JSON."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return "\n".join("\t".join(visible(cell) for cell in line.split("\t")) for line in text.split("\n"))


def preview(node: Node) -> Line:
    """A container in a few words: `{2}` for an object and what is in it, `[12]` for a list."""
    if is_object(node):
        inner = ", ".join(_preview_pairs(node))
        return _container("{", "}", len(node), inner)
    if is_list(node):
        inner = ", ".join(_brief(item) for _, _, item in window(node, 0, _PREVIEW_ITEMS))
        return _container("[", "]", len(node), inner)
    return _scalar(node)


def _loaded(tree: JsonTree, node: Node) -> Node:
    value = tree.content(node)
    if isinstance(value, dict):
        loaded = {key: _loaded(tree, child) for key, child in value.items()}
        return next((child for child in loaded.values() if isinstance(child, Deferred)), loaded)
    if isinstance(value, list) and any(isinstance(item, (Branch, Deferred)) for item in value):
        return [_loaded(tree, item) for item in value]
    return value


def _key(key: str | int | None) -> Line:
    if key is None:
        return ()
    if isinstance(key, int):
        return (Span(f"{key}", Role.DIM), Span("  "))
    return (span(key or '""', Role.KEY), Span("  "))


def _value(tree: JsonTree, row: Row) -> Line:
    is_packed = isinstance(tree.content(row.node), PACKED)
    # What was large and has been read says more of itself than what stood for it.
    if isinstance(row.node, Branch) and not (is_packed and isinstance(row.node.content, Deferred)):
        return row.node.summary
    node = tree.content(row.node)
    if isinstance(node, str):
        if is_long(node) and row.fold is Fold.UNFOLDED:
            return (span(_extent(node), Role.DIM),)
        return _text(node, tree.room(row.depth, row.key), is_whole=row.fold is Fold.LEAF)
    if isinstance(node, PackedText):
        head = visible(node.head.split("\n", 1)[0][:SHORT_TEXT])
        quoted = (Span('"', Role.DIM), Span(head + ELLIPSIS, Role.TEXT), Span('"', Role.DIM), Span("  "))
        return (*(quoted if row.fold is not Fold.UNFOLDED else ()), Span(size(node.size), Role.DIM))
    if isinstance(node, Deferred):
        return (Span(ELLIPSIS, Role.DIM),)
    if is_object(node) or is_list(node):
        return _counted(node) if row.fold is Fold.UNFOLDED else preview(node)
    return _scalar(node)


def _counted(node: Node) -> Line:
    if is_object(node):
        return (Span(f"{{{count(len(node))}}}", Role.DIM),)
    assert is_list(node)
    return (Span(f"[{count(len(node))}]", Role.DIM),)


def _container(opening: str, closing: str, length: int, inner: str) -> Line:
    if not length:
        return (Span(opening + closing, Role.DIM),)
    more = f", {ELLIPSIS}" if length > _PREVIEW_ITEMS else ""
    if len(inner) > _PREVIEW_CELLS:
        inner, more = inner[:_PREVIEW_CELLS], ELLIPSIS
    return (Span(f"{opening}{count(length)}{closing}  ", Role.DIM), span(f"{inner}{more}", Role.DIM))


def _preview_pairs(node: Mapping[str, Node]) -> Iterator[str]:
    for _, key, value in window(node, 0, _PREVIEW_ITEMS):
        yield f"{visible(str(key)[:24])}: {_brief(value)}"


def _brief(node: Node) -> str:
    match node:
        case Branch():
            return node.summary[0].text if node.summary else ELLIPSIS
        case Deferred():
            return ELLIPSIS
        case PackedText():
            return f'"{visible(node.head[:16])}{ELLIPSIS}"'
        case str():
            return f'"{visible(node[:16])}{ELLIPSIS if len(node) > 16 else ""}"'
        case _ if is_object(node):
            return f"{{{count(len(node))}}}" if node else "{}"
        case _ if is_list(node):
            return f"[{count(len(node))}]" if node else "[]"
        case _:
            return json.dumps(node)


def _scalar(node: Node) -> Line:
    if isinstance(node, str):
        return _text(node, SHORT_TEXT, is_whole=not is_long(node))
    if node is None:
        return (Span("null", Role.DIM),)
    return (Span(json.dumps(node), Role.NUMBER),)


def _text(text: str, room: int, *, is_whole: bool) -> Line:
    if is_whole:
        return (Span('"', Role.DIM), span(text), Span('"', Role.DIM))
    extent = f"  {_extent(text)}"
    cells = max(SHORT_TEXT, room - len(extent))
    head = text[: cells * 2].split("\n", 1)[0].strip("\r")
    head = fit(head, min(cells, len(head) + 1)).rstrip() if len(head) > cells else visible(head)
    head = head if head.endswith(ELLIPSIS) else head + ELLIPSIS
    return (Span('"', Role.DIM), Span(head), Span('"', Role.DIM), Span(extent, Role.DIM))


def _extent(text: str) -> str:
    lines = text.count("\n") + (not text.endswith("\n"))
    amount = size(len(text.encode("utf-8", "surrogatepass")))
    return f"{plural(lines, 'line')}, {amount}" if lines > 1 else amount
