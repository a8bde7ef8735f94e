"""Whether the kept output of attempts is what their events say it was. Chains and structure are checked elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.event import EventKind
from engine.model.states import Stream
from store.amounts import readable
from store.queries.query import json_object

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_KEPT_BYTES: Final = 64 << 20  # of one attempt; what a program wrote beyond it is counted but not kept
_CUT: Final = b"\n[opscope: the log ends here"  # where the executor stops keeping, it says so in the output itself
_FINISHED: Final = "SELECT seq, pass_index, step_id, item_index, attempt, data FROM run_events WHERE run_id = ? AND kind = ? ORDER BY seq"
_CHUNKS: Final = (
    "SELECT offset, content FROM logs WHERE run_id = ? AND pass_index = ? AND step_id = ? AND item_index IS ? "
    "AND attempt = ? AND stream = ? ORDER BY offset, log_id"
)
_STRAY: Final = (
    "SELECT l.step_id, l.attempt FROM logs AS l WHERE l.run_id = ? AND NOT EXISTS (SELECT 1 FROM step_attempts AS a "
    "WHERE a.run_id = l.run_id AND a.pass_index = l.pass_index AND a.step_id = l.step_id "
    "AND a.item_index = coalesce(l.item_index, -1) AND a.attempt = l.attempt) LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class OutputFault:
    """What is wrong with the output of an attempt. `contradicts`: it is not what was written; else some of it is missing."""

    message: str
    contradicts: bool


def output_faults(connection: sqlite3.Connection, run_id: str) -> Iterator[OutputFault]:
    """Every attempt whose kept output does not fit the digest and the size that its event recorded."""
    for step_id, attempt in connection.execute(_STRAY, (run_id,)).fetchall():
        yield OutputFault(f"there is output of attempt {attempt} of {step_id}, which never began", contradicts=True)
    finished = connection.execute(_FINISHED, (run_id, EventKind.ATTEMPT_FINISHED.value))
    for _seq, pass_index, step_id, item_index, attempt, text in finished:
        data = json_object(text)
        for stream in Stream:
            summary = data.get(stream.value)
            if not isinstance(summary, dict):
                continue
            size, digest = summary.get("size_bytes"), summary.get("sha256")
            if not isinstance(size, int) or not isinstance(digest, str) or (size == 0 and not digest):
                continue
            key = (run_id, pass_index, step_id, item_index, attempt, stream.value)
            named = f"{stream.value} of attempt {attempt} of {step_id}"
            try:
                kept = _kept(connection, key)
            except (AttributeError, TypeError):  # values of another type than any that is ever written
                kept = _Kept(0, "", overlaps=True)
            if kept.overlaps or kept.size > size or (kept.size == size and kept.digest != digest):
                yield OutputFault(f"the {named} is not what was recorded of it", contradicts=True)
            elif kept.size < size <= _KEPT_BYTES and not kept.is_cut:
                missing = f"{readable(size - kept.size)} of the {readable(size)} of the {named} are missing"
                yield OutputFault(missing, contradicts=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What there is of a stream from its beginning, up to the first gap."""

    size: int
    digest: str
    overlaps: bool = False
    is_cut: bool = False


def _kept(connection: sqlite3.Connection, key: tuple[object, ...]) -> _Kept:
    digest, size = hashlib.sha256(), 0
    for offset, content in connection.execute(_CHUNKS, key):
        if content.startswith(_CUT):
            return _Kept(size, digest.hexdigest(), is_cut=True)
        if offset < size:
            return _Kept(size, "", overlaps=True)
        if offset > size:
            break
        digest.update(content)
        size += len(content)
    return _Kept(size, digest.hexdigest())
