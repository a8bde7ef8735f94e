"""Going through a JSON tree in the order of its rows, whatever of it is folded or has not been read: what searching and filtering share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui.viewmodel.json_nodes import PAGE, Branch, Deferred, Node, Path, Range
from tui.viewmodel.json_packed import is_list, is_object, window

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from tui.viewmodel.json_packed import Wanted
    from tui.viewmodel.json_tree import JsonTree


def _nothing(_: Hashable) -> Node:
    raise LookupError


@dataclass(slots=True)
class Look:
    """A tree as it is looked through, maybe in another thread: nothing of the tree itself is touched.

    `fetch` reads what a token stands for and raises LookupError where that is not possible. What was read is in `read`.
    """

    root: Node
    loaded: Mapping[Hashable, Node]
    text_cells: int = 60
    fetch: Callable[[Hashable], Node] = _nothing
    read: dict[Hashable, Node] = field(default_factory=dict)
    unread: int = 0
    """What could not be looked into."""
    keep: int = 8
    """How much of what was read is kept, the newest."""

    @classmethod
    def into(cls, tree: JsonTree, fetch: Callable[[Hashable], Node] = _nothing, *, keep: int = 8) -> Look:
        """Into a tree as it is now."""
        return cls(tree.root, dict(tree.loaded), tree.text_cells, fetch, keep=keep)

    def content(self, node: Node) -> Node:
        """What is under a node; a Deferred where it cannot be read."""
        while True:
            if isinstance(node, Branch):
                node = node.content
            elif not isinstance(node, Deferred):
                return node
            elif node.token in self.loaded:
                node = self.loaded[node.token]
            elif node.token in self.read:
                node = self.read[node.token]
            elif node.is_more:
                self.unread += 1
                return node
            else:
                try:
                    self.read[node.token] = self.fetch(node.token)
                    if len(self.read) > self.keep:
                        del self.read[next(iter(self.read))]
                except LookupError:
                    self.unread += 1
                    return node


def members(
    path: Path, inner: Node, wanted: Wanted | None = None, *, in_ranges: bool = True
) -> Iterator[tuple[Path, str | int, Node]]:
    """What is directly in an object or a list, with the path that its row has."""
    if not (is_object(inner) or is_list(inner)):
        return
    length = len(inner)
    for number, key, value in window(inner, 0, length, wanted):
        if in_ranges and length > PAGE:
            start = number // PAGE * PAGE
            yield (*path, Range(start, min(start + PAGE, length)), key), key, value
        else:
            yield (*path, key), key, value
