"""What a JSON tree is made of: nodes that may still have to be read, paths to them, and the rows that show them. Nothing is folded here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tui.viewmodel.json_packed import PackedText
    from tui.viewmodel.text import Line

PAGE = 1000
"""Children shown at once; a longer list is shown as foldable ranges of this many."""


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
    """A value that is read only when somebody unfolds it. `token` says which; equal tokens are the same value.

    `is_more` stands for what comes after the rest of a list: only who unfolds it by itself wants it.
    """

    token: Hashable
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A node with words of its own: `summary` behind its key, `aside` at the right edge, `content` under it."""

    summary: Line
    aside: Line = ()
    content: Node = None


Node: TypeAlias = (
    "bool | int | float | str | Sequence[Node] | Mapping[str, Node] | PackedText | Deferred | Branch | None"
)


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
