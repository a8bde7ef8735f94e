"""A JSON value as a tree that is only walked where it is unfolded. What its rows look like is in `json_lines`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from tui.viewmodel.json_nodes import PAGE, Branch, Deferred, Fold, Node, Path, Piece, Range, Row
from tui.viewmodel.long_text import broken, is_long

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator

UNFOLD_MOST = 10_000
"""Rows after which unfolding everything stops."""


@dataclass(slots=True)
class JsonTree:
    """A value, what of it is unfolded, and the rows that follow from both.

    `text_cells` is the room for lines of long strings. Loaded values are kept by their token, so that a tree that is
    replaced while a run goes on keeps what was unfolded in it.
    """

    root: Node = None
    text_cells: int = 60
    unfolded: set[Path] = field(default_factory=set)
    loaded: dict[Hashable, Node] = field(default_factory=dict)
    failed: dict[Hashable, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    unfolds_all: bool = False
    _pieces: dict[int, tuple[str, list[str]]] = field(default_factory=dict)

    def replace(self, root: Node, *, budget: int = 0, telling: Collection[str] | None = None) -> None:
        """Show another value, keeping folds by path. With a `budget` of rows, small parts of it start unfolded.

        `telling` are the keys of the first level that may start unfolded, None stands for all.
        """
        self.root = root
        self._pieces.clear()
        if budget:
            self.unfolded = self._first_folds(budget, telling)
        self.rebuild()

    def rebuild(self) -> None:
        """Work out the visible rows again."""
        rows: list[Row] = []
        root = self.content(self.root)
        if self.is_container(root):
            self._emit_children(rows, (), 0, root)
        else:
            self._emit(rows, (), 0, None, root)
        self.rows = rows

    def index_of(self, path: Path) -> int | None:
        """The row of a path, or None while it is folded away."""
        return next((index for index, row in enumerate(self.rows) if row.path == path), None)

    def nearest(self, path: Path) -> int:
        """The row of a path, or of the closest of its ancestors that is visible."""
        visible_rows = {row.path: index for index, row in enumerate(self.rows)}
        while path:
            if path in visible_rows:
                return visible_rows[path]
            path = path[:-1]
        return 0

    def parent_index(self, index: int) -> int | None:
        """The row that the row at `index` is folded into, if it has one."""
        depth = self.rows[index].depth
        return next((i for i in range(index - 1, -1, -1) if self.rows[i].depth < depth), None)

    def unfold(self, path: Path) -> list[Hashable]:
        """Show what is under `path`. Returns the tokens that have to be loaded for it."""
        self.unfolded.add(path)
        self.rebuild()
        return self.missing()

    def fold(self, path: Path) -> None:
        """Hide what is under `path`."""
        self.unfolds_all = False
        self.unfolded.discard(path)
        self.rebuild()

    def fold_all(self) -> None:
        """Hide everything but the first level."""
        self.unfolds_all = False
        self.unfolded.clear()
        self.rebuild()

    def unfold_all(self) -> bool:
        """Show everything, level by level, up to about `UNFOLD_MOST` rows. False when that stopped it.

        What is not loaded yet is unfolded in its turn when it is delivered, until something is folded again.
        """
        self.unfolded = set()
        self.unfolds_all = True
        self.rebuild()
        return self._unfold_below(self.rows)

    def _unfold_below(self, level: Collection[Row]) -> bool:
        total = len(self.rows)
        while level := [row for row in level if row.fold is not Fold.LEAF and not _is_more(row.node)]:
            below: list[Row] = []
            for row in level:
                children = list(islice(self._children(row.path, row.depth + 1, row.node), UNFOLD_MOST))
                total += len(children)
                if total > UNFOLD_MOST:
                    self.unfolds_all = False
                    self.rebuild()
                    return False
                if children:
                    self.unfolded.add(row.path)
                    below.extend(children)
            level = below
        self.rebuild()
        return True

    def missing(self) -> list[Hashable]:
        """The tokens that visible rows wait for."""
        return [
            row.node.token
            for row in self.rows
            if isinstance(row.node, Deferred)
            and row.node.token not in self.loaded
            and row.node.token not in self.failed
        ]

    def deliver(self, token: Hashable, value: Node) -> None:
        """Put in what was loaded for a token."""
        self.failed.pop(token, None)
        self.loaded[token] = value
        self.rebuild()
        if self.unfolds_all:
            arrived = [row for row in self.rows if row.fold is Fold.UNFOLDED and _token(row.node) == token]
            self._unfold_below(
                [child for row in arrived for child in self._children(row.path, row.depth + 1, row.node)]
            )

    def fail(self, token: Hashable, message: str) -> None:
        """Say why a token could not be loaded."""
        self.failed[token] = message
        self.rebuild()

    def reveal(self, path: Path) -> int:
        """Unfold every ancestor of `path` and return its row."""
        for end in range(1, len(path)):
            self.unfolded.add(path[:end])
        self.rebuild()
        return self.nearest(path)

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
        return isinstance(node, (dict, list)) and bool(node)

    def is_foldable(self, node: Node) -> bool:
        """True when there is more to a node than its row shows."""
        inner = self.content(node)
        if isinstance(inner, str):
            return is_long(inner)
        if isinstance(inner, Deferred):
            return True
        return self.is_container(inner) or (isinstance(node, Branch) and inner is not None)

    def pieces(self, text: str) -> list[str]:
        """A string as lines of at most `text_cells` cells, control characters visible, tabs as blanks."""
        cached = self._pieces.get(id(text))
        if cached is None or cached[0] is not text:
            cached = (text, list(broken(text, self.text_cells)))
            self._pieces[id(text)] = cached
        return cached[1]

    def _first_folds(self, budget: int, telling: Collection[str] | None) -> set[Path]:
        """Unfold small containers, outer ones first, as long as everything stays within `budget` rows."""
        self.unfolded = set()
        rows = list(self._children((), 0, self.content(self.root)))
        room = budget - len(rows)
        # The first level one by one; below it siblings together or not at all, so that like things look alike.
        groups = [[row] for row in rows if telling is None or row.key in telling]
        opened: set[Path] = set()
        while groups:
            below: list[list[Row]] = []
            for group in groups:
                foldable = [row for row in group if self._may_start_unfolded(row, texts=telling is None)]
                taken = sum(len(list(self._children(row.path, row.depth + 1, row.node))) for row in foldable)
                if taken > room and not any(_is_subject(row) or self._is_text(row) for row in foldable):
                    continue
                room -= taken
                opened.update(row.path for row in foldable)
                below.extend(list(self._children(row.path, row.depth + 1, row.node)) for row in foldable)
            groups = below
        return opened

    def _may_start_unfolded(self, row: Row, *, texts: bool) -> bool:
        if isinstance(row.node, Deferred) or (isinstance(row.node, Branch) and not _is_subject(row)):
            return False
        inner = self.content(row.node)
        return self.is_container(inner) or (texts and row.depth == 0 and self._is_text(row))

    def _is_text(self, row: Row) -> bool:
        inner = self.content(row.node)
        return isinstance(inner, str) and is_long(inner)

    def _emit(self, rows: list[Row], path: Path, depth: int, key: str | int | None, node: Node) -> None:
        foldable = self.is_foldable(node)
        unfolded = foldable and path in self.unfolded
        rows.append(Row(path, depth, key, node, _fold(foldable, unfolded)))
        if unfolded:
            self._emit_children(rows, path, depth + 1, node)

    def _emit_children(self, rows: list[Row], path: Path, depth: int, node: Node) -> None:
        for child in self._children(path, depth, node):
            rows.append(child)
            if child.fold is Fold.UNFOLDED:
                self._emit_children(rows, child.path, depth + 1, child.node)

    def _children(self, path: Path, depth: int, node: Node) -> Iterator[Row]:
        inner = self.content(node)
        window = path[-1] if path and isinstance(path[-1], Range) else None
        if isinstance(inner, Deferred):
            yield Row((*path, "…"), depth, None, inner, Fold.LEAF, self.failed.get(inner.token, "loading"))
        elif isinstance(inner, str):
            yield from self._text_rows(path, depth, inner, window)
        elif isinstance(inner, (dict, list)):
            yield from self._item_rows(path, depth, inner, window)

    def _item_rows(self, path: Path, depth: int, value: Node, window: Range | None) -> Iterator[Row]:
        assert isinstance(value, (dict, list))
        if window is None and len(value) > PAGE:
            yield from self._range_rows(path, depth, value, len(value))
            return
        start, stop = (window.start, window.stop) if window else (0, len(value))
        if isinstance(value, dict):
            for key, child in islice(value.items(), start, stop):
                yield self._row((*path, key), depth, key, child)
        else:
            for index in range(start, stop):
                yield self._row((*path, index), depth, index, value[index])

    def _text_rows(self, path: Path, depth: int, text: str, window: Range | None) -> Iterator[Row]:
        pieces = self.pieces(text)
        if window is None and len(pieces) > PAGE:
            yield from self._range_rows(path, depth, text, len(pieces))
            return
        start, stop = (window.start, window.stop) if window else (0, len(pieces))
        for index in range(start, stop):
            yield Row((*path, Piece(index)), depth, None, pieces[index], Fold.LEAF)

    def _range_rows(self, path: Path, depth: int, node: Node, count: int) -> Iterator[Row]:
        for start in range(0, count, PAGE):
            part = Range(start, min(start + PAGE, count))
            inner_path = (*path, part)
            yield Row(inner_path, depth, None, node, _fold(True, inner_path in self.unfolded))

    def _row(self, path: Path, depth: int, key: str | int, node: Node) -> Row:
        foldable = self.is_foldable(node)
        return Row(path, depth, key, node, _fold(foldable, foldable and path in self.unfolded))


def _is_subject(row: Row) -> bool:
    """What the value is about starts unfolded whatever its size."""
    return isinstance(row.node, Branch) and row.depth == 0


def _token(node: Node) -> Hashable | None:
    """What a node waits for, or has waited for."""
    while isinstance(node, Branch):
        node = node.content
    return node.token if isinstance(node, Deferred) else None


def _is_more(node: Node) -> bool:
    while isinstance(node, Branch):
        node = node.content
    return isinstance(node, Deferred) and node.is_more


def _fold(foldable: bool, unfolded: bool) -> Fold:
    if not foldable:
        return Fold.LEAF
    return Fold.UNFOLDED if unfolded else Fold.FOLDED
