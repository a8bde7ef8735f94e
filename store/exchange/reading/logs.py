"""The log of a trace: what steps wrote, piece by piece. Whether it is what their events say is asked in whole.py."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from store.exchange.document import ExportedLog

if TYPE_CHECKING:
    from store.exchange.reading.opened import OpenDocument

_MOST: Final = 64 * 1024 * 1024
_INSERT: Final = (
    "INSERT INTO logs (run_id, pass_index, step_id, item_index, attempt, stream, at_us, offset, content) "
    "VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?)"
)

_LOG = TypeAdapter(ExportedLog)


def read_logs(document: OpenDocument) -> None:
    """Store the list that comes next, of no run yet: which one it is, the events say. Raises InputError at the first fault."""
    for _ in document.cursor.elements():
        value, _text = document.cursor.value()
        log = document.valid(_LOG, value)
        if (log.text is None) == (log.base64 is None):
            document.refuse("a log entry has either text or base64")
        content = _content(document, log)
        row = (
            log.pass_index,
            log.step_id,
            log.item_index,
            log.attempt,
            log.stream.value,
            document.moment(log.at),
            log.offset,
            content,
        )
        document.guard(partial(document.connection.execute, _INSERT, row))


def name_run(document: OpenDocument, run_id: str) -> None:
    """Say of which run the entries are."""
    document.guard(lambda: document.connection.execute("UPDATE logs SET run_id = ?", (run_id,)))


def _content(document: OpenDocument, log: ExportedLog) -> bytes:
    try:
        content = log.text.encode() if log.text is not None else base64.b64decode(log.base64 or "", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        document.refuse("a log entry is neither text nor base64")
    if len(content) > _MOST:
        document.refuse("a log entry is larger than any that is ever written")
    return content
