"""Searching a JSON tree: every place that holds what is looked for, folded, large or unread. Where to go is up to the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.json_nodes import PAGE, Branch, Node, Path, Piece, Range
from tui.viewmodel.json_packed import PackedText
from tui.viewmodel.json_walk import Look, members
from tui.viewmodel.long_text import SHORT_TEXT, broken, is_long

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tui.viewmodel.json_packed import Wanted

_BREATH = 5000
"""Values that are looked at before others get their turn."""


def find(look: Look, needle: str) -> Iterator[Path | None]:
    """Paths whose key or value holds `needle`, any case, in the order of the rows; of a long string each line that does.

    Yields None now and then in between, so that a caller can stop. What was read and holds nothing is forgotten again.
    """
    wanted = needle.casefold()
    holds = may_hold(wanted)
    steps = 0
    stack: list[Iterator[tuple[Path, str | int | None, Node]]] = [iter([((), None, look.root)])]
    while stack:
        place = next(stack[-1], None)
        if place is None:
            stack.pop()
            continue
        path, key, node = place
        steps += 1
        if steps % _BREATH == 0 or isinstance(node, Branch):
            yield None
        found = False
        inner = look.content(node)
        if (isinstance(key, str) and wanted in key.casefold()) or _says(node, inner, wanted):
            found = True
            yield path
        for inside in _in_text(look, path, inner, wanted):
            if inside is None or not found or inside != path:
                yield inside
        stack.append(members(path, inner, holds))


def _in_text(look: Look, path: Path, inner: Node, wanted: str) -> Iterator[Path | None]:
    """The lines of a string that hold it; the string itself where no line does and it is cut on its row."""
    if isinstance(inner, PackedText):
        for number in range(len(inner)):
            yield None
            part = inner.part(number)
            if wanted in part.casefold():
                for index, piece in enumerate(broken(part, look.text_cells)):
                    if wanted in piece.casefold():
                        yield (*path, Range(number, number + 1), Piece(index))
    elif isinstance(inner, str) and is_long(inner) and wanted in inner.casefold():
        pieces = list(broken(inner, look.text_cells))
        hits = [index for index, piece in enumerate(pieces) if wanted in piece.casefold()]
        if not hits or (hits == [0] and wanted in inner[: SHORT_TEXT - 1].split("\n", 1)[0].casefold()):
            yield path
            return
        for index in hits:
            start = index // PAGE * PAGE
            inside = (Range(start, min(start + PAGE, len(pieces))),) if len(pieces) > PAGE else ()
            yield (*path, *inside, Piece(index))


def _says(node: Node, inner: Node, wanted: str) -> bool:
    if isinstance(node, Branch) and any(wanted in piece.text.casefold() for piece in node.summary):
        return True
    if isinstance(inner, str):
        return not is_long(inner) and wanted in inner.casefold()
    if isinstance(inner, bool) or inner is None:
        return wanted in {True: "true", False: "false", None: "null"}[inner]
    return isinstance(inner, (int, float)) and wanted in str(inner)


def may_hold(wanted: str) -> Wanted | None:
    """Whether the text of some values can hold it at all; None where their text says nothing about that."""
    if not wanted.isprintable() or any(sign in wanted for sign in '"\\/'):
        return None
    plain = wanted.encode() if wanted.isascii() else None

    def may(text: bytes, _first: int, _stop: int) -> bool:
        if b"\\u" in text:
            return True
        if text.isascii():
            return plain is not None and plain in text.lower()
        return wanted in text.decode("utf-8", "replace").casefold()

    return may
