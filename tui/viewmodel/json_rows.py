"""The rows of a JSON value: what each shows of it, and which are directly under another. What is unfolded is decided in `json_tree`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui.viewmodel.json_nodes import PAGE, Branch, Deferred, Fold, Node, Path, Piece, Range, Row
from tui.viewmodel.json_packed import PackedText, is_list, is_object, window
from tui.viewmodel.long_text import SHORT_TEXT, broken, is_long

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from tui.viewmodel.json_filter import Sieve


@dataclass(slots=True)
class JsonRows:
    """A value, what of it is unfolded, and what has been read of it since.

    `text_cells` is the room for lines of long strings. Loaded values are kept by their token, so that a value that is
    replaced while a run goes on keeps what was unfolded in it. Where it `wraps`, long strings stand whole until they are
    folded. With a `sieve`, only what it lets through is there. `progress` says how far what is being read has come.
    """

    root: Node = None
    text_cells: int = 60
    unfolded: set[Path] = field(default_factory=set)
    loaded: dict[Hashable, Node] = field(default_factory=dict)
    failed: dict[Hashable, str] = field(default_factory=dict)
    progress: dict[Hashable, str] = field(default_factory=dict)
    wraps: bool = False
    sieve: Sieve | None = None
    _folded_texts: set[Path] = field(default_factory=set)
    _pieces: dict[int, tuple[str, list[str]]] = field(default_factory=dict)

    def content(self, node: Node) -> Node:
        """What is under a node: branches and loaded values looked through."""
        while True:
            if isinstance(node, Branch):
                node = node.content
            elif isinstance(node, Deferred) and node.token in self.loaded:
                node = self.loaded[node.token]
            else:
                return node

    def is_container(self, node: Node) -> bool:
        """True for an object or a list with something in it."""
        return (is_object(node) or is_list(node)) and bool(node)

    def is_foldable(self, node: Node) -> bool:
        """True when there is more to a node than its row shows."""
        inner = self.content(node)
        if isinstance(inner, str):
            return is_long(inner)
        if isinstance(inner, (Deferred, PackedText)):
            return True
        return self.is_container(inner) or (isinstance(node, Branch) and inner is not None)

    def pieces(self, text: str) -> list[str]:
        """A string as lines of at most `text_cells` cells, control characters visible, tabs as blanks."""
        cached = self._pieces.get(id(text))
        if cached is None or cached[0] is not text:
            cached = (text, list(broken(text, self.text_cells)))
            self._pieces[id(text)] = cached
        return cached[1]

    def is_long_text(self, node: Node) -> bool:
        """True for a string that does not fit on a row."""
        inner = self.content(node)
        return isinstance(inner, str) and is_long(inner)

    def is_text(self, node: Node) -> bool:
        """True for a string."""
        return isinstance(self.content(node), str)

    def children(self, row: Row) -> Iterator[Row]:
        """The rows directly under one, whether it is unfolded or not."""
        return self.rows_under(row.path, row.depth + 1, row.node)

    def rows_under(self, path: Path, depth: int, node: Node) -> Iterator[Row]:
        """The rows directly under a node."""
        inner = self.content(node)
        part = path[-1] if path and isinstance(path[-1], Range) else None
        if isinstance(inner, Deferred):
            note = self.failed.get(inner.token) or self.progress.get(inner.token, "loading")
            yield Row((*path, "…"), depth, None, inner, Fold.LEAF, note)
        elif isinstance(inner, str):
            yield from self._text_rows(path, depth, inner, part)
        elif isinstance(inner, PackedText):
            yield from self._packed_text_rows(path, depth, inner, part)
        elif is_object(inner) or is_list(inner):
            if self.sieve is not None and (let := self.sieve.through(path)) is not None:
                yield from (self.row_of((*path, key), depth, key, child) for key, child in let.members(inner))
            else:
                yield from self._item_rows(path, depth, inner, part)

    def _item_rows(
        self, path: Path, depth: int, value: Mapping[str, Node] | Sequence[Node], part: Range | None
    ) -> Iterator[Row]:
        if part is None and len(value) > PAGE:
            yield from self._range_rows(path, depth, value, len(value))
            return
        start, stop = (part.start, part.stop) if part else (0, len(value))
        for _, key, child in window(value, start, stop):
            yield self.row_of((*path, key), depth, key, child)

    def _text_rows(self, path: Path, depth: int, text: str, part: Range | None) -> Iterator[Row]:
        pieces = self.pieces(text)
        if part is None and len(pieces) > PAGE:
            yield from self._range_rows(path, depth, text, len(pieces))
            return
        start, stop = (part.start, part.stop) if part else (0, len(pieces))
        for index in range(start, stop):
            yield Row((*path, Piece(index)), depth, None, pieces[index], Fold.LEAF)

    def _packed_text_rows(self, path: Path, depth: int, text: PackedText, part: Range | None) -> Iterator[Row]:
        if part is None:
            for number in range(len(text)):
                inner_path = (*path, Range(number, number + 1))
                yield Row(inner_path, depth, None, text, _fold(True, inner_path in self.unfolded))
            return
        for index, piece in enumerate(broken(text.part(part.start), self.text_cells)):
            yield Row((*path, Piece(index)), depth, None, piece, Fold.LEAF)

    def _range_rows(self, path: Path, depth: int, node: Node, count: int) -> Iterator[Row]:
        for start in range(0, count, PAGE):
            part = Range(start, min(start + PAGE, count))
            inner_path = (*path, part)
            yield Row(inner_path, depth, None, node, _fold(True, inner_path in self.unfolded))

    def row_of(self, path: Path, depth: int, key: str | int | None, node: Node) -> Row:
        """The row of a node itself."""
        foldable = self.is_foldable(node) and not self._fits(depth, key, node)
        unfolded = foldable and (path in self.unfolded or self._stands_whole(path, node))
        return Row(path, depth, key, node, _fold(foldable, unfolded))

    def room(self, depth: int, key: str | int | None) -> int:
        """Cells for the beginning of a long string on its row."""
        return max(SHORT_TEXT, self.text_cells - 2 * depth - len(str(key)) - 2)

    def _fits(self, depth: int, key: str | int | None, node: Node) -> bool:
        inner = self.content(node)
        return (
            isinstance(inner, str) and len(inner) <= self.room(depth, key) and inner.isascii() and inner.isprintable()
        )

    def _stands_whole(self, path: Path, node: Node) -> bool:
        return self.wraps and path not in self._folded_texts and self.is_text(node)


def _fold(foldable: bool, unfolded: bool) -> Fold:
    if not foldable:
        return Fold.LEAF
    return Fold.UNFOLDED if unfolded else Fold.FOLDED
