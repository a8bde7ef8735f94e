"""A JSON value as a tree that is only walked where it is unfolded. What its rows look like is in `json_lines`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from rich.cells import cell_len

from tui.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence

    from tui.viewmodel.text import Line

PAGE = 1000
"""Children shown at once; a longer list is shown as foldable ranges of this many."""
SHORT_TEXT = 48
"""Cells of a string that are shown on its own row; a longer one can be unfolded."""


@dataclass(frozen=True, slots=True)
class Range:
    """A path element that stands for the children `start` to `stop` (exclusive) of a long list, object or text."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A path element that stands for one line of an unfolded text."""

    index: int


Path: TypeAlias = "tuple[str | int | Range | Piece, ...]"


@dataclass(frozen=True, slots=True)
class Deferred:
    """A value that is read only when somebody unfolds it. `token` says which; equal tokens are the same value."""

    token: Hashable


@dataclass(frozen=True, slots=True)
class Branch:
    """A node with words of its own: `summary` behind its key, `aside` at the right edge, `content` under it."""

    summary: Line
    aside: Line = ()
    content: Node = None


Node: TypeAlias = "bool | int | float | str | Sequence[Node] | Mapping[str, Node] | Deferred | Branch | None"
_Item = TypeVar("_Item")


class Fold(Enum):
    """What can be done with a row."""

    LEAF = auto()
    FOLDED = auto()
    UNFOLDED = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """One visible row: where it is in the value, how deep, its key (None for a line of text), and what it shows."""

    path: Path
    depth: int
    key: str | int | None
    node: Node
    fold: Fold
    note: str = ""


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
        self.unfolded.discard(path)
        self.rebuild()

    def fold_all(self) -> None:
        """Hide everything but the first level."""
        self.unfolded.clear()
        self.rebuild()

    def unfold_all(self, limit: int = 10_000) -> bool:
        """Show everything that is loaded, level by level, up to about `limit` rows. False when the limit stopped it."""
        level = [row for row in self.rows if row.fold is not Fold.LEAF and row.depth == 0]
        self.unfolded = set()
        total = len(self.rows)
        while level:
            below: list[Row] = []
            for row in level:
                children = list(islice(self._children(row.path, row.depth + 1, row.node), limit))
                if not children:
                    continue
                total += len(children)
                if total > limit:
                    self.rebuild()
                    return False
                self.unfolded.add(row.path)
                below.extend(child for child in children if child.fold is not Fold.LEAF)
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
            cached = (text, list(_break(text, self.text_cells)))
            self._pieces[id(text)] = cached
        return cached[1]

    def find(self, needle: str) -> Iterator[Path | None]:
        """Paths whose key or value holds `needle`, any case, in the order of the rows.

        Yields None now and then in between, so that a caller can let others work. What is not loaded is not searched.
        """
        wanted = needle.casefold()
        yield from self._find((), self.content(self.root), wanted, [0])

    def _find(self, path: Path, node: Node, wanted: str, steps: list[int]) -> Iterator[Path | None]:
        stack: list[tuple[Path, str | int | None, Node]] = [(path, None, node)]
        while stack:
            at, key, value = stack.pop()
            steps[0] += 1
            if steps[0] % 5000 == 0:
                yield None
            inner = self.content(value)
            if (isinstance(key, str) and wanted in key.casefold()) or _says(value, inner, wanted):
                yield self._place_of_match(at, inner, wanted)
            if isinstance(inner, dict):
                stack.extend((*self._under(at, len(inner), i, k), v) for i, (k, v) in _backwards(inner.items()))
            elif isinstance(inner, list):
                stack.extend((*self._under(at, len(inner), i, i), v) for i, v in _backwards(inner))

    def _under(self, path: Path, count: int, position: int, key: str | int) -> tuple[Path, str | int]:
        if count > PAGE:
            start = position // PAGE * PAGE
            return (*path, Range(start, min(start + PAGE, count)), key), key
        return (*path, key), key

    def _place_of_match(self, path: Path, value: Node, wanted: str) -> Path:
        if not isinstance(value, str) or not is_long(value):
            return path
        if wanted in value[: SHORT_TEXT - 1].split("\n", 1)[0].casefold():
            return path
        pieces = self.pieces(value)
        for index, piece in enumerate(pieces):
            if wanted in piece.casefold():
                start = index // PAGE * PAGE
                inside = (Range(start, min(start + PAGE, len(pieces))),) if len(pieces) > PAGE else ()
                return (*path, *inside, Piece(index))
        return path

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


def is_long(text: str) -> bool:
    """True for a string that does not fit on its row: several lines, or more than `SHORT_TEXT` cells."""
    return len(text) > SHORT_TEXT or "\n" in text or (not text.isascii() and cell_len(visible(text)) > SHORT_TEXT)


def _fold(foldable: bool, unfolded: bool) -> Fold:
    if not foldable:
        return Fold.LEAF
    return Fold.UNFOLDED if unfolded else Fold.FOLDED


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


def _break(text: str, cells: int) -> Iterator[str]:
    cells = max(8, cells)
    for line in text.removesuffix("\n").split("\n"):
        shown = visible(line.expandtabs(8).removesuffix("\r"))
        if len(shown) <= cells and (shown.isascii() or cell_len(shown) <= cells):
            yield shown
        elif shown.isascii():
            yield from (shown[at : at + cells] for at in range(0, len(shown), cells))
        else:
            yield from _break_wide(shown, cells)


def _break_wide(line: str, cells: int) -> Iterator[str]:
    start, taken = 0, 0
    for index, character in enumerate(line):
        wide = cell_len(character)
        if taken + wide > cells:
            yield line[start:index]
            start, taken = index, 0
        taken += wide
    yield line[start:]
