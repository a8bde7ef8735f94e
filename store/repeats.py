"""Large values that a document would hold several times: where they are left out, and what stands there instead.

A place where one is left out has a head, `{"$blob": sha256 of its JSON, "size": bytes, "prefix": text}`, and the entry of the
document that the place is in begins with `"$blobs"`, the list of such places as JSON Pointers without the first slash. The
list decides, never the look of a value. Where the value itself stands is the document's rule: either the head has `"at"`, a
JSON Pointer to it, or the document has a list of blobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from store.blobs import DIGEST, PLACES, THRESHOLD_BYTES, Blob, head_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model.json import Json, JsonObject

AT: Final = "at"
_LONGEST_ESCAPE: Final = 6
_DEPTH: Final = 8
"""How far inside a large value others are looked for: each level is encoded once more, and what steps refer to is not deeper."""


class Repeats:
    """What a document holds already: the values that it was told of, or the blobs `kept_apart` that it lists by their hashes."""

    def __init__(self, kept_apart: Iterable[str] | None = None) -> None:
        self._at: dict[str, str | None] = dict.fromkeys(kept_apart or ())
        self._learns = kept_apart is None

    def stands(self, value: Json, pointer: str) -> None:
        """Take note that the value stands whole at this place of the document, and with it the large values in it."""
        _Walk(self, pointer, leaves_out=False).visit(value, "", _DEPTH)

    def reduced(self, entry: JsonObject, pointer: str, parts: Iterable[tuple[str | int, ...]]) -> JsonObject:
        """The entry at this place of the document without what the document holds elsewhere. It is not changed itself.

        Left out is only what stands in the objects at `parts`, never these objects: their fields stay what they are.
        """
        walk = _Walk(self, pointer, leaves_out=True)
        result = entry
        for part in parts:
            holder = _found(entry, part)
            if isinstance(holder, dict):
                place = "".join(f"/{_escaped(name)}" for name in part)
                fields = walk.below(holder, place, _DEPTH)
                if fields is not holder:
                    result = _replaced(result, part, fields)
        return {PLACES: walk.places, **result} if walk.places else result

    def lists(self, digest: str) -> None:
        """Take note that the document has this blob in its list now."""
        self._at[digest] = None

    def __bool__(self) -> bool:
        return bool(self._at)

    def home(self, digest: str, pointer: str) -> tuple[bool, str | None]:
        """Whether the value stands elsewhere, and where; a value that does not stands here from now on."""
        if digest in self._at:
            return True, self._at[digest]
        if self._learns:
            self._at[digest] = pointer
        return False, None


class _Walk:
    """Once through a value that stands at `pointer` of the document. `places` are those where something was left out."""

    def __init__(self, known: Repeats, pointer: str, *, leaves_out: bool) -> None:
        self._known = known
        self._pointer = pointer
        self._leaves_out = leaves_out
        self.places: list[Json] = []

    def visit(self, value: Json, place: str, depth: int) -> Json:
        """The value itself, its head, or a copy that has heads in it."""
        blob = _blob_if_large(value)
        if blob is None:
            return value
        is_elsewhere, at = self._known.home(blob.digest, self._pointer + place)
        if is_elsewhere:
            if not self._leaves_out:
                return value
            self.places.append(place.removeprefix("/"))
            head = head_of(value, blob)
            return head if at is None else {**head, AT: at}
        return self.below(value, place, depth - 1) if depth else value

    def below(self, value: Json, place: str, depth: int) -> Json:
        """The same for what an object or a list holds, itself left where it is."""
        found: list[tuple[str | int, Json]] = []
        for name, item in _members(value):
            if _may_be_large(item):
                shown = self.visit(item, f"{place}/{_escaped(name)}", depth)
                if shown is not item:
                    found.append((name, shown))
        if not found:
            return value
        copy: Json = {**value} if isinstance(value, dict) else list(value) if isinstance(value, list) else value
        for name, shown in found:
            _put(copy, name, shown)
        return copy


def head_at(entry: JsonObject, place: Json) -> JsonObject | None:
    """The head at one of the places that an entry names; None where there is none."""
    if not isinstance(place, str):
        return None
    try:
        head = _found(entry, _path(place))
    except (ValueError, IndexError):
        return None
    return head if isinstance(head, dict) and isinstance(head.get(DIGEST), str) else None


def put_at(entry: JsonObject, place: str, value: Json) -> None:
    """Put a value in the place of its head, which must be there."""
    *holder, name = _path(place)
    _put(_found(entry, holder), name, value)


def _path(place: str) -> list[str]:
    return [name.replace("~1", "/").replace("~0", "~") for name in place.split("/")]


def _members(value: Json) -> Iterable[tuple[str | int, Json]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _may_be_large(value: Json) -> bool:
    """False for what is small beyond doubt, without encoding it."""
    if isinstance(value, str):
        return len(value) * _LONGEST_ESCAPE + 2 > THRESHOLD_BYTES
    return isinstance(value, dict | list) and bool(value)


def _blob_if_large(value: Json) -> Blob | None:
    if not _may_be_large(value):
        return None
    from pydantic_core import to_json  # its JSON is what the hashes of stored values are of

    text = to_json(value)
    return Blob.of(text) if len(text) > THRESHOLD_BYTES else None


def _escaped(name: str | int) -> str:
    return name.replace("~", "~0").replace("/", "~1") if isinstance(name, str) else str(name)


def _found(value: Json, path: Iterable[str | int]) -> Json:
    for name in path:
        if isinstance(value, dict):
            value = value.get(str(name))
        elif isinstance(value, list):
            value = value[int(name)]
        else:
            return None
    return value


def _put(holder: Json, name: str | int, value: Json) -> None:
    if isinstance(holder, dict):
        holder[str(name)] = value
    elif isinstance(holder, list):
        holder[int(name)] = value


def _replaced(entry: JsonObject, path: tuple[str | int, ...], value: Json) -> JsonObject:
    """A copy with another value at the path."""
    if not path:
        return value if isinstance(value, dict) else entry
    copy: JsonObject = {**entry}
    holder: Json = copy
    for name in path[:-1]:
        inner = _found(holder, (name,))
        inner = {**inner} if isinstance(inner, dict) else list(inner) if isinstance(inner, list) else inner
        _put(holder, name, inner)
        holder = inner
    _put(holder, path[-1], value)
    return copy
