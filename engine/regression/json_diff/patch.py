"""A diff as a JSON Patch (RFC 6902): add, remove, replace, move, in an order in which each finds its place. Applying is elsewhere.

Replacements come first, while all places are those of the first document; then removals from the end, so that none shifts
the next; then whatever is new or moves, with the arrays kept in mind as they are at that moment.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from engine.regression.json_diff.changes import ChangeKind
from engine.regression.json_diff.pointer import pointer_text

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from engine.regression.json_diff.changes import Change, JsonDiff
    from engine.regression.json_diff.paths import Path

    _Label: TypeAlias = "int | None"
    """An element of an array: its place in the first document, None for what was not there."""


def to_json_patch(diff: JsonDiff) -> list[JsonObject]:
    """Operations that make the second document of the first one, hidden changes among them.

    Exact for a diff without options. What options took for equal stays as it is in the first document.
    """
    replacing: list[Change] = []
    removing: list[Change] = []
    placing: list[Change] = []
    for change in (*diff.changes, *diff.hidden):
        match change.kind:
            case ChangeKind.CHANGED:
                replacing.append(change)
            case ChangeKind.REMOVED:
                removing.append(change)
            case ChangeKind.ADDED | ChangeKind.MOVED:
                placing.append(change)
            case _:
                assert_never(change.kind)
    operations: list[JsonObject] = [
        {"op": "replace", "path": pointer_text(_before(change)), "value": change.after} for change in replacing
    ]
    arrays = _Arrays(diff.before)
    removing.sort(key=_before, reverse=True)
    for change in removing:
        operations.append({"op": "remove", "path": pointer_text(_before(change))})
        arrays.take(_before(change))
    return operations + _placed(arrays, placing)


class _Arrays:
    """The arrays of the first document as they are after the operations so far, as far as any touched them."""

    __slots__ = ("_document", "_indices", "_labels")

    def __init__(self, document: Json) -> None:
        self._document = document
        self._labels: dict[Path, list[_Label]] = {}
        self._indices: dict[Path, dict[_Label, int]] = {}

    def labels(self, array: Path) -> list[_Label]:
        """What stands in an array, to be changed by the caller, for whom the indices are forgotten."""
        self._indices.pop(array, None)
        found = self._labels.get(array)
        if found is None:
            value: Any = self._document
            for part in array:
                value = value[part]
            found = self._labels[array] = list(range(len(value)))
        return found

    def take(self, path: Path) -> None:
        """What was at `path` is gone from there."""
        last = path[-1]
        if isinstance(last, int):
            place = self._index(path[:-1], last)
            del self.labels(path[:-1])[place]

    def now(self, path: Path) -> Path:
        """Where something of the first document is now."""
        if not self._labels:
            return path
        return tuple(
            self._index(path[:depth], part) if isinstance(part, int) else part for depth, part in enumerate(path)
        )

    def _index(self, array: Path, label: int) -> int:
        labels = self._labels.get(array)
        if labels is None or (label < len(labels) and labels[label] == label):
            return label
        indices = self._indices.get(array)
        if indices is None:
            indices = self._indices[array] = {name: place for place, name in enumerate(labels)}
        return indices[label]


def _placed(arrays: _Arrays, changes: list[Change]) -> list[JsonObject]:
    """What is new or moves, one container after the other."""
    of_container: defaultdict[Path, list[Change]] = defaultdict(list)
    leaving: defaultdict[Path, set[_Label]] = defaultdict(set)
    for change in changes:
        of_container[change.container].append(change)
        if change.before_path is not None and isinstance(change.before_path[-1], int):
            leaving[change.before_path[:-1]].add(change.before_path[-1])
    operations: list[JsonObject] = []
    for container, those in of_container.items():
        if isinstance(_after(those[0])[-1], int):
            operations += _into_array(arrays, container, sorted(those, key=_after), leaving)
        else:
            for change in those:
                origin = _taken(arrays, change, leaving)
                operations += _put(change, origin, (*arrays.now(container), _after(change)[-1]))
    return operations


def _into_array(
    arrays: _Arrays, container: Path, changes: list[Change], leaving: dict[Path, set[_Label]]
) -> list[JsonObject]:
    """From left to right. What will leave may stand between what is in its place already, and is not counted."""
    operations: list[JsonObject] = []
    labels = arrays.labels(container)
    place = settled = 0
    for change in changes:
        wanted = _after(change)[-1]
        assert isinstance(wanted, int)
        while settled < wanted and place < len(labels):
            settled += labels[place] not in leaving[container]
            place += 1
        label: _Label = None
        origin: Path | None
        if change.before_path is not None and change.before_path[:-1] == container:
            label = change.before_path[-1]  # type: ignore[assignment]
            came_from = labels.index(label)
            origin = (*arrays.now(container), came_from)
            del labels[came_from]
            leaving[container].discard(label)
            place -= came_from < place
        else:
            origin = _taken(arrays, change, leaving)
        target = (*arrays.now(container), place)
        if origin != target:
            operations += _put(change, origin, target)
        arrays.labels(container).insert(place, label)
        place += 1
        settled += 1
    return operations


def _taken(arrays: _Arrays, change: Change, leaving: dict[Path, set[_Label]]) -> Path | None:
    """Where something that moves is now; from here on it is not there any more."""
    path = change.before_path
    if path is None:
        return None
    now = arrays.now(path)
    arrays.take(path)
    if isinstance(path[-1], int):
        leaving[path[:-1]].discard(path[-1])
    return now


def _put(change: Change, origin: Path | None, target: Path) -> list[JsonObject]:
    put: JsonObject = {"op": "add", "path": pointer_text(target), "value": change.after}
    if origin is None:
        return [put]
    if target[: len(origin)] == origin:
        # An element moves into its neighbour, who then has its index: right, but no `from` may be a prefix of its `path`.
        return [{"op": "remove", "path": pointer_text(origin)}, put]
    return [{"op": "move", "from": pointer_text(origin), "path": pointer_text(target)}]


def _before(change: Change) -> Path:
    assert change.before_path is not None
    return change.before_path


def _after(change: Change) -> Path:
    assert change.after_path is not None
    return change.after_path
