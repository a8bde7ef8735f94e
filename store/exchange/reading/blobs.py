"""The large values of a trace that are kept apart from its events, some of them within others. Whether the events need them is
asked in whole.py.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter
from pydantic_core import to_json

from store.blobs import DIGEST, Blob, keep, value_of
from store.exchange.document import MOST_VALUE_CHARACTERS, ExportedBlob
from store.repeats import head_at, put_at

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.exchange.reading.opened import OpenDocument

_STORED: Final = "SELECT size_bytes, encoding, content FROM blobs WHERE sha256 = ?"
_BLOB: Final = TypeAdapter(ExportedBlob)


def read_blobs(document: OpenDocument) -> None:
    """Store the list that comes next. Raises InputError at the first value that is not what its hash says."""
    for _ in document.cursor.elements():
        given, written = document.element("value")
        blob = _blob(document, document.valid(_BLOB, given), written)
        document.guard(partial(keep, document.connection, [blob]))


def _blob(document: OpenDocument, given: ExportedBlob, written: str) -> Blob:
    """The value with the text that its hash is of: as written, or else as we write it."""
    if given.places:
        _put_back(document, given)
    try:
        blob = Blob.of(written.encode())
        if blob.digest != given.sha256:
            blob = Blob.of(to_json(given.value))
    except ValueError:
        return document.refuse("a large value cannot be stored: nested too deeply, or no valid text")
    if blob.digest == given.sha256:
        return blob
    return document.refuse(
        "a large value has been changed since it was recorded: its hash is another",
        hint="a program that sorts keys or rounds numbers changes a trace too; export the run again",
    )


def _put_back(document: OpenDocument, given: ExportedBlob) -> None:
    """Put the values that stand before this one into their places in it. Together they must be of a size that can have been."""
    entry: JsonObject = {"value": given.value}
    values: dict[str, Json] = {}
    size = 0
    for place in given.places:
        head = head_at(entry, place)
        if head is None or not place.startswith("value/"):
            document.refuse(f"a large value left out another, and does not say which: {place}")
        digest = str(head[DIGEST])
        stored = document.connection.execute(_STORED, (digest,)).fetchall()
        if not stored:
            document.refuse("a large value has the head of another that does not stand before it")
        ((size_bytes, encoding, content),) = stored
        size += size_bytes
        if size > MOST_VALUE_CHARACTERS:
            document.refuse(f"a single value is larger than {MOST_VALUE_CHARACTERS} bytes")
        if digest not in values:
            values[digest] = value_of(digest, encoding, content)
        put_at(entry, place, values[digest])
