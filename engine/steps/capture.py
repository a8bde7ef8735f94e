"""What is kept of an attempt's output: counts, digests, the beginning, the tail, and how much goes to the log. No pipes here."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from engine.model.result import StreamSummary
from engine.model.states import Stream

if TYPE_CHECKING:
    from engine.steps.secrets import SecretBox

LogPiece: TypeAlias = tuple[Stream, int, bytes]
"""A piece for the log: its stream, the masked bytes before it, the masked bytes themselves."""


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """How much of an attempt is kept, in bytes. Whatever lies beyond is still read, counted and hashed.

    `stdout_bytes` bounds what a function or a tool returns as well. `log_bytes` is for both streams together; `sql_rows` and
    `sql_bytes` bound the result of a query.
    """

    stdout_bytes: int = 10 << 20
    stderr_bytes: int = 64 << 10
    tail_bytes: int = 4 << 10
    log_bytes: int = 64 << 20
    sql_rows: int = 100_000
    sql_bytes: int = 10 << 20

    def with_cap(self, output_bytes: int | None) -> CaptureLimits:
        """The same for a step that has a cap of its own on what becomes its data."""
        if output_bytes is None:
            return self
        return replace(self, stdout_bytes=output_bytes, sql_bytes=output_bytes)


class StreamCapture:
    """One stream of an attempt. All that it hands out is masked, except `raw`, which is there to be parsed only."""

    def __init__(self, secrets: SecretBox, *, kept_bytes: int, tail_bytes: int, keep_raw: bool) -> None:
        self._masker = secrets.stream_masker()
        self._digest = hashlib.sha256()
        self._kept_limit = kept_bytes
        self._tail_limit = tail_bytes
        self._raw_limit = kept_bytes if keep_raw else 0
        self._kept = bytearray()
        self._raw = bytearray()
        self._tail = b""
        self.size = 0
        self.raw_size = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take what the process wrote and return what of it may be shown now."""
        self.raw_size += len(chunk)
        room = self._raw_limit - len(self._raw)
        if room > 0:
            self._raw += chunk[:room]
        return self._account(self._masker.feed(chunk))

    def finish(self) -> bytes:
        """Return what had been held back because it might have become a secret."""
        return self._account(self._masker.flush())

    def _account(self, masked: bytes) -> bytes:
        if masked:
            self.size += len(masked)
            self._digest.update(masked)
            room = self._kept_limit - len(self._kept)
            if room > 0:
                self._kept += masked[:room]
            self._tail = (self._tail + masked[-self._tail_limit :])[-self._tail_limit :]
        return masked

    @property
    def raw(self) -> bytes:
        """The beginning, unmasked, if it was asked for."""
        return bytes(self._raw)

    @property
    def is_cut(self) -> bool:
        """True if the kept beginning is not all."""
        return self.size > len(self._kept)

    def summary(self) -> StreamSummary:
        """The stream as an outcome carries it."""
        text = decode(bytes(self._kept), is_cut=self.is_cut)
        return StreamSummary(self.size, self._digest.hexdigest(), text, self.size - len(self._kept))

    def tail(self) -> str:
        """The last lines, whole ones where one fits."""
        text = self._tail
        if self.size > len(text):
            line_end = text.find(b"\n")
            if 0 <= line_end < len(text) - 1:
                text = text[line_end + 1 :]
        return decode(text, is_cut=False)


class AttemptCapture:
    """Both streams of an attempt and the log they share."""

    def __init__(self, secrets: SecretBox, limits: CaptureLimits, *, keep_raw: bool) -> None:
        self.stdout = StreamCapture(
            secrets, kept_bytes=limits.stdout_bytes, tail_bytes=limits.tail_bytes, keep_raw=keep_raw
        )
        self.stderr = StreamCapture(
            secrets, kept_bytes=limits.stderr_bytes, tail_bytes=limits.tail_bytes, keep_raw=False
        )
        self._log_limit = limits.log_bytes
        self._log_room = limits.log_bytes

    def feed(self, stream: Stream, chunk: bytes) -> list[LogPiece]:
        """Take what the process wrote and return what goes to the log now."""
        capture = self._stream(stream)
        offset = capture.size
        return self._log(stream, offset, capture.feed(chunk))

    def finish(self, stream: Stream) -> list[LogPiece]:
        """Take note that a stream has ended and return what of it was still held back."""
        capture = self._stream(stream)
        offset = capture.size
        return self._log(stream, offset, capture.finish())

    def _stream(self, stream: Stream) -> StreamCapture:
        return self.stdout if stream is Stream.STDOUT else self.stderr

    def _log(self, stream: Stream, offset: int, content: bytes) -> list[LogPiece]:
        if not content or self._log_room < 0:
            return []
        if len(content) <= self._log_room:
            self._log_room -= len(content)
            return [(stream, offset, content)]
        kept = content[: self._log_room]
        self._log_room = -1
        marker = f"\n[opscope: the log ends here after {self._log_limit} bytes; the rest is counted, not kept]\n"
        pieces = [(stream, offset, kept)] if kept else []
        return [*pieces, (stream, offset + len(kept), marker.encode())]


def decode(content: bytes, *, is_cut: bool) -> str:
    """Bytes as text, what is no UTF-8 replaced; a character that the cut went through is left out."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(content, final=not is_cut)
