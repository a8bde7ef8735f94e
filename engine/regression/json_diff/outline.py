"""A diff as a tree: every change at its place, equal neighbours folded to a count. Screens unfold it; nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.regression.json_diff.changes import Change, JsonDiff


@dataclass(slots=True)
class Branch:
    """One place with something to say. `part` is its key or index, None at the root.

    `changes` are those of the place itself: one, or a move together with a change, or what stands at an index now and
    what stood there before. `equal` counts the keys or elements below that are the same on both sides.
    """

    part: str | int | None
    changes: list[Change] = field(default_factory=list)
    children: dict[str | int, Branch] = field(default_factory=dict)
    equal: int = 0


def outline(diff: JsonDiff, limit: int = 1000) -> tuple[Branch, int]:
    """The first `limit` changes as a tree, and how many changes are left out.

    What is left out or hidden is not counted as equal.
    """
    shown, left = diff.shown(limit)
    root = Branch(None)
    for change in shown:
        branch = root
        for part in change.place:
            below = branch.children.get(part)
            if below is None:
                below = branch.children[part] = Branch(part)
            branch = below
        branch.changes.append(change)
    touched = _touched(diff)
    waiting: list[tuple[Branch, Json, tuple[str | int, ...]]] = [(root, diff.after, ())]
    while waiting:
        branch, value, path = waiting.pop()
        if not branch.children or not isinstance(value, dict | list):
            continue
        branch.equal = max(0, len(value) - len(touched.get(path, ())))
        for part, child in branch.children.items():
            if isinstance(value, dict):
                if isinstance(part, str) and part in value:
                    waiting.append((child, value[part], (*path, part)))
            elif isinstance(part, int) and part < len(value):
                waiting.append((child, value[part], (*path, part)))
    return root, left


def _touched(diff: JsonDiff) -> dict[tuple[str | int, ...], set[str | int]]:
    """Of every container on the way to a change in the second document: which of its children lead to one."""
    found: dict[tuple[str | int, ...], set[str | int]] = {}
    for change in (*diff.changes, *diff.hidden):
        path = change.after_path
        if path is None:
            continue
        for depth in range(len(path)):
            found.setdefault(path[:depth], set()).add(path[depth])
    return found
