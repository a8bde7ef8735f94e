"""Large values that were left in the file, as nodes that are read when they are unfolded. Reading them is not done here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.blobs import Kept
from tui.viewmodel.json_nodes import Branch, Deferred
from tui.viewmodel.palette import Role
from tui.viewmodel.text import ELLIPSIS, Span, span
from tui.viewmodel.words import size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.viewmodel.json_nodes import Node

_BEGINNING = 40
_LEVELS = 2


def with_kept(value: Mapping[str, object], levels: int = _LEVELS) -> dict[str, Node]:
    """The members of an object, those that were left in the file as nodes to be unfolded."""
    members: dict[str, Node] = {}
    for key, child in value.items():
        if isinstance(child, Kept):
            members[key] = _node(child)
        elif levels > 1 and isinstance(child, dict) and any(isinstance(inner, Kept) for inner in child.values()):
            members[key] = with_kept(child, levels - 1)
        else:
            members[key] = child  # type: ignore[assignment]  # JSON, as it was read
    return members


def _node(kept: Kept) -> Branch:
    begins = span(kept.prefix[:_BEGINNING] + ELLIPSIS, Role.DIM)
    summary = (Span(f"{size(kept.size)}, read when unfolded  ", Role.DIM), begins)
    return Branch(summary, (), Deferred(("payload", kept.digest, kept.size)))
