"""Finding secrets in bytes and putting *** in their place, across any chunk borders. What a secret is and its encodings live elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = b"***"
_STEM = 8
"""Every pattern has at least this many bytes, so its first eight are what a partial match is looked for with."""


class Patterns:
    """The byte strings that must not get out, prepared for searching. Patterns shorter than eight bytes are ignored."""

    def __init__(self, patterns: Iterable[bytes]) -> None:
        # A pattern that holds another one needs no search of its own only if both would be masked whole; it would not
        # be, so every distinct pattern is searched for.
        self.all = tuple(sorted({p for p in patterns if len(p) >= _STEM}, key=lambda p: (-len(p), p)))
        self._starts = [frozenset(p[:length] for p in self.all) for length in range(_STEM)]

    def __bool__(self) -> bool:
        return bool(self.all)

    def spans(self, text: bytes) -> list[tuple[int, int]]:
        """Where secrets stand, in order; those that overlap are one span."""
        found = []
        for pattern in self.all:
            at = text.find(pattern)
            while at >= 0:
                found.append((at, at + len(pattern)))
                at = text.find(pattern, at + 1)
        return _merged(found) if found else found

    def held_from(self, text: bytes) -> int:
        """Where the earliest unfinished secret at the end of `text` begins; its length if there is none."""
        end = len(text)
        earliest = end
        for pattern in self.all:
            stem = pattern[:_STEM]
            at = text.find(stem, max(0, end - len(pattern) + 1))
            while 0 <= at < earliest:
                if pattern.startswith(text[at:]):
                    earliest = at
                    break
                at = text.find(stem, at + 1)
        if earliest > end - _STEM:
            for length in range(min(_STEM - 1, end), end - earliest, -1):
                if text[end - length :] in self._starts[length]:
                    return end - length
        return earliest


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    spans.sort()
    merged = [spans[0]]
    for start, end in spans[1:]:
        last_start, last_end = merged[-1]
        if start < last_end:
            merged[-1] = (last_start, max(last_end, end))
        else:
            merged.append((start, end))
    return merged


def mask_bytes(patterns: Patterns, text: bytes) -> bytes:
    """`text` with each secret, or run of overlapping secrets, as one ***."""
    spans = patterns.spans(text)
    return _replaced(text, spans, 0, len(text)) if spans else text


def _replaced(text: bytes, spans: list[tuple[int, int]], start: int, end: int) -> bytes:
    pieces = []
    for span_start, span_end in spans:
        if span_start >= end:
            break
        if span_start >= start:
            pieces += [text[start:span_start], MASK]
        start = max(start, span_end)
    if start < end:
        pieces.append(text[start:end])
    return b"".join(pieces)


class StreamMasker:
    """Masks a stream piece by piece; wherever it is cut, the pieces put together are what masking the whole gives.

    Holds back only bytes that may be the beginning of a secret, so a line is not late, and never more than the longest
    pattern.
    """

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._held = b""
        self._covered = 0  # how many of the held bytes a *** that is already out stands for

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece and return what can be told for certain."""
        if not self._patterns:
            return chunk
        text = self._held + chunk
        return self._emit(text, self._patterns.held_from(text))

    def flush(self) -> bytes:
        """End the stream and return what was held back."""
        return self._emit(self._held, len(self._held))

    def _emit(self, text: bytes, end: int) -> bytes:
        spans = self._patterns.spans(text)
        start = 0
        if self._covered:
            # What overlaps a secret that is already masked belongs to the same ***.
            start = self._covered
            while spans and spans[0][0] < start:
                start = max(start, spans.pop(0)[1])
        masked = _replaced(text, spans, start, end)
        covered = max([start, *(span_end for span_start, span_end in spans if span_start < end)])
        self._held = text[end:]
        self._covered = max(0, covered - end)
        return masked
