"""Searching a JSON tree: every place whose key or value holds what is looked for, folded or not. Where to go is up to the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tui.viewmodel.json_nodes import PAGE, Branch, Node, Path, Piece, Range
from tui.viewmodel.long_text import SHORT_TEXT, is_long

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tui.viewmodel.json_tree import JsonTree

_Item = TypeVar("_Item")
_BREATH = 5000
"""Values that are looked at before others get their turn."""


def find(tree: JsonTree, needle: str) -> Iterator[Path | None]:
    """Paths whose key or value holds `needle`, any case, in the order of the rows.

    Yields None now and then in between, so that a caller can let others work. What is not loaded is not searched.
    """
    wanted = needle.casefold()
    stack: list[tuple[Path, str | int | None, Node]] = [((), None, tree.content(tree.root))]
    steps = 0
    while stack:
        at, key, value = stack.pop()
        steps += 1
        if steps % _BREATH == 0:
            yield None
        inner = tree.content(value)
        if (isinstance(key, str) and wanted in key.casefold()) or _says(value, inner, wanted):
            yield _place_of_match(tree, at, inner, wanted)
        if isinstance(inner, dict):
            stack.extend((*_under(at, len(inner), i, k), v) for i, (k, v) in _backwards(inner.items()))
        elif isinstance(inner, list):
            stack.extend((*_under(at, len(inner), i, i), v) for i, v in _backwards(inner))


def _under(path: Path, count: int, position: int, key: str | int) -> tuple[Path, str | int]:
    if count > PAGE:
        start = position // PAGE * PAGE
        return (*path, Range(start, min(start + PAGE, count)), key), key
    return (*path, key), key


def _place_of_match(tree: JsonTree, path: Path, value: Node, wanted: str) -> Path:
    if not isinstance(value, str) or not is_long(value):
        return path
    if wanted in value[: SHORT_TEXT - 1].split("\n", 1)[0].casefold():
        return path
    pieces = tree.pieces(value)
    for index, piece in enumerate(pieces):
        if wanted in piece.casefold():
            start = index // PAGE * PAGE
            inside = (Range(start, min(start + PAGE, len(pieces))),) if len(pieces) > PAGE else ()
            return (*path, *inside, Piece(index))
    return path


def _backwards(items: Iterable[_Item]) -> Iterator[tuple[int, _Item]]:
    return reversed(list(enumerate(items)))


def _says(node: Node, inner: Node, wanted: str) -> bool:
    if isinstance(node, Branch) and any(wanted in piece.text.casefold() for piece in node.summary):
        return True
    if isinstance(inner, str):
        return wanted in inner.casefold()
    if isinstance(inner, bool) or inner is None:
        return wanted in {True: "true", False: "false", None: "null"}[inner]
    return isinstance(inner, (int, float)) and wanted in str(inner)
