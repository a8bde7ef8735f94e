"""What a diff gives: changes with their places, and the diff as a whole. How they are found and shown is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from engine.regression.json_diff.paths import path_text

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.regression.json_diff.paths import Path


class ChangeKind(StrEnum):
    """What happened to a value."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    """Another value in the same place; of arrays and objects the parts are reported, not the whole."""
    MOVED = "moved"
    """An equal value, or an element with the same identity, in another place; what changed within is reported apart."""


class Change(NamedTuple):
    """One difference. A path is None, and its value means nothing, on the side where there is nothing.

    `container` is the array or object around it, by its place in the other document: of what is added or moved, where the
    first document has what it is put into; of what is removed, where the second one has what it was taken from.
    """

    kind: ChangeKind
    before_path: Path | None
    after_path: Path | None
    before: Json = None
    after: Json = None
    container: Path = ()

    @property
    def path(self) -> Path:
        """Where it is now; where it was, if it is gone."""
        path = self.after_path if self.after_path is not None else self.before_path
        assert path is not None
        return path

    @property
    def place(self) -> Path:
        """The same in terms of the second document: what is gone stands in what is still there."""
        if self.after_path is not None:
            return self.after_path
        assert self.before_path is not None
        return (*self.container, self.before_path[-1])

    def __str__(self) -> str:
        return f"{self.kind} {path_text(self.path)}"


@dataclass(frozen=True, slots=True)
class JsonDiff:
    """All that differs between two documents, in the order of reading.

    `hidden` are changes at places known to be volatile: found, counted, and kept apart. The documents are the ones
    given, not copies: they must not be changed as long as the diff is in use.
    """

    before: Json
    after: Json
    changes: tuple[Change, ...]
    hidden: tuple[Change, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing differs but what is known to be volatile."""
        return not self.changes

    def shown(self, limit: int) -> tuple[tuple[Change, ...], int]:
        """The first `limit` changes, and how many more there are."""
        return self.changes[:limit], max(0, len(self.changes) - limit)
