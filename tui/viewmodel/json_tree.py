"""A JSON value as a tree that is only walked where it is unfolded: folding, and what follows from it. How rows read is in `json_lines`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from tui.viewmodel.json_first_folds import first_folds
from tui.viewmodel.json_nodes import Branch, Deferred, Fold, Node, Path, Row
from tui.viewmodel.json_rows import JsonRows

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from tui.viewmodel.json_filter import Sieve

UNFOLD_MOST = 10_000
"""Rows after which unfolding everything stops."""


@dataclass(slots=True)
class JsonTree(JsonRows):
    """A value and its visible rows. What is unfolded is changed here."""

    rows: list[Row] = field(default_factory=list)
    unfolds_all: bool = False
    _before_sieve: set[Path] = field(default_factory=set)

    def replace(self, root: Node, *, budget: int = 0, telling: Collection[str] | None = None) -> None:
        """Show another value, keeping folds by path. With a `budget` of rows, small parts of it start unfolded.

        `telling` are the keys of the first level that may start unfolded, None stands for all.
        """
        self.root = root
        self._pieces.clear()
        if budget:
            self.unfolded = set()
            self.unfolded = first_folds(self, budget, telling)
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
        self._folded_texts.discard(path)
        self.rebuild()
        return self.missing()

    def fold(self, path: Path) -> None:
        """Hide what is under `path`."""
        self.unfolds_all = False
        self.unfolded.discard(path)
        if self.wraps:
            self._folded_texts.add(path)
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
                children = list(islice(self.children(row), UNFOLD_MOST))
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

    def wrap(self, wraps: bool) -> None:
        """Let long strings stand whole, or cut them to one row."""
        self.wraps = wraps
        self._folded_texts.clear()
        if not wraps:
            texts = {row.path for row in self.rows if row.fold is Fold.UNFOLDED and self.is_text(row.node)}
            self.unfolded -= texts
        self.rebuild()

    def sift(self, sieve: Sieve | None) -> None:
        """Show what the sieve lets through, or everything again, unfolded as it was before."""
        if self.sieve is None:
            self._before_sieve = set(self.unfolded)
        if sieve is None:
            self.unfolded = set(self._before_sieve)
        else:
            self.unfolded = self._before_sieve | sieve.branches.keys()
        self.sieve = sieve
        self.rebuild()

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
            self._unfold_below([child for row in arrived for child in self.children(row)])

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

    def _emit(self, rows: list[Row], path: Path, depth: int, key: str | int | None, node: Node) -> None:
        row = self.row_of(path, depth, key, node)
        rows.append(row)
        if row.fold is Fold.UNFOLDED:
            self._emit_children(rows, path, depth + 1, node)

    def _emit_children(self, rows: list[Row], path: Path, depth: int, node: Node) -> None:
        for child in self.rows_under(path, depth, node):
            rows.append(child)
            if child.fold is Fold.UNFOLDED:
                self._emit_children(rows, child.path, depth + 1, child.node)


def _token(node: Node) -> Hashable | None:
    """What a node waits for, or has waited for."""
    while isinstance(node, Branch):
        node = node.content
    return node.token if isinstance(node, Deferred) else None


def _is_more(node: Node) -> bool:
    while isinstance(node, Branch):
        node = node.content
    return isinstance(node, Deferred) and node.is_more
