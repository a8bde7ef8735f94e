"""What of a JSON value starts unfolded: as much as there is room for, like things alike. What is unfolded later is in `json_tree`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.json_nodes import Branch, Deferred, Path, Row

if TYPE_CHECKING:
    from collections.abc import Collection

    from tui.viewmodel.json_rows import JsonRows


def first_folds(value: JsonRows, budget: int, telling: Collection[str] | None) -> set[Path]:
    """Small containers, outer ones first, as long as everything stays within `budget` rows.

    `telling` are the keys of the first level that may start unfolded, None stands for all of them and for long texts.
    """
    rows = list(value.rows_under((), 0, value.content(value.root)))
    room = budget - len(rows)
    # The first level one by one; below it siblings together or not at all, so that like things look alike.
    groups = [[row] for row in rows if telling is None or row.key in telling]
    opened: set[Path] = set()
    while groups:
        below: list[list[Row]] = []
        for group in groups:
            foldable = [row for row in group if _may_start_unfolded(value, row, texts=telling is None)]
            children = [list(value.children(row)) for row in foldable]
            taken = sum(map(len, children))
            if taken > room and not any(_is_subject(row) or value.is_long_text(row.node) for row in foldable):
                continue
            room -= taken
            opened.update(row.path for row in foldable)
            below += children
        groups = below
    return opened


def _may_start_unfolded(value: JsonRows, row: Row, *, texts: bool) -> bool:
    if isinstance(row.node, Deferred) or (isinstance(row.node, Branch) and not _is_subject(row)):
        return False
    return value.is_container(value.content(row.node)) or (texts and row.depth == 0 and value.is_long_text(row.node))


def _is_subject(row: Row) -> bool:
    """What the value is about starts unfolded whatever its size."""
    return isinstance(row.node, Branch) and row.depth == 0
