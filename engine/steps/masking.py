"""Finding secrets in bytes and putting *** in their place, across any chunk borders. What a secret is and its encodings live elsewhere.

Output is looked at in up to three ways: as it is, without its line breaks, and without whatever stands between digits. In
each way what is searched for are plain byte strings. A match depends on nothing but its own bytes, so a stream can be
masked piece by piece and gives the same as the whole.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.steps.search import Finder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK: Final = b"***"

_BREAKS: Final = b"\r\n"
_BLANKS: Final = b"\r\n \t"
_INDENTS: Final = (*([b" " * 8] * 5), b" " * 4, b" " * 2, b" ", b"\t", b"\t")
_LONGEST_BREAK: Final = 40
_BEFORE_BREAK: Final = 3
"""Bytes of a match that must stand before a line break in it: else every line that ends like a secret begins would wait."""

_BETWEEN_DIGITS: Final = b" \t\r\n:;,-=+\\xXuU%&#{}\"'\0"
_LONGEST_BETWEEN: Final = 8
_DIGITS_BEFORE_BREAK: Final = 4  # more, since lines end with numbers
_LOWER: Final = bytes.maketrans(b"ABCDEF", b"abcdef")
_IS_DIGIT: Final = bytes(ord("x") if byte in b"0123456789abcdefABCDEF" else ord(" ") for byte in range(256))
_LONGEST_RUN: Final = 40  # so that a beginning that is not noticed is one that `Finder.begun_at_end` looks at

Span: TypeAlias = tuple[int, int]
_MayStand: TypeAlias = "Callable[[bytes, int], bool]"


class Patterns:
    """The byte strings that must not get out, prepared for searching. Those shorter than eight bytes are ignored.

    `exact` are found as they are, `wrapped` also with line breaks in them, `digits` (of 0-9a-f) with what stands between
    digits when they are written one by one.
    """

    def __init__(self, exact: Iterable[bytes], wrapped: Iterable[bytes] = (), digits: Iterable[bytes] = ()) -> None:
        wrapped = tuple(wrapped)
        self._exact = Finder([*exact, *wrapped])
        self._wrapped = Finder(wrapped)
        self._digits = Finder(digits)
        # What has no run of digits so long needs no closer look.
        self._digit_run = b"x" * min(self._digits.shortest, _LONGEST_RUN)
        self._shortest = min(finder.shortest for finder in (self._exact, self._wrapped, self._digits))

    def __bool__(self) -> bool:
        return bool(self._exact) or bool(self._wrapped) or bool(self._digits)

    def spans(self, text: bytes) -> list[Span]:
        """Where secrets stand, in order; those that overlap are one span."""
        if len(text) < self._shortest:
            return []
        return self.scan(text)[0]

    def scan(self, text: bytes) -> tuple[list[Span], int]:
        """The same, and where the earliest unfinished secret at the end of `text` begins; its length if there is none."""
        spans, begun = self._exact.scan(text)
        held = begun[0] if begun else len(text)
        if self._wrapped:
            held = min(held, self._scan_lines(text, spans))
        if self._digits:
            held = min(held, self._scan_digits(text, spans))
        return (_merged(spans) if spans else spans), held

    def _scan_lines(self, text: bytes, spans: list[Span]) -> int:
        """Add what is found without line breaks, written as such or as JSON writes them; where a beginning is."""
        if b"\\" in text:
            # As many bytes as before, so that places stay what they are.
            text = text.replace(b"\\n", b"\r\n").replace(b"\\r", b"\r\r")
            if text.endswith(b"\\"):
                text = text[:-1] + b"\n"
        if b"\n" not in text and b"\r" not in text:
            return len(text)
        packed = text.translate(None, _BLANKS)
        found, begun = self._wrapped.scan(packed)
        if not found and not begun:
            return len(text)
        # What was found may have blanks in it that do not follow a break. Only what concerns it is looked at again.
        rest = 0 if found else max(0, len(text) - (len(packed) - begun[0] + 1) * (1 + _LONGEST_BREAK))
        text = text[rest:]
        for indent in _INDENTS:
            text = text.replace(b"\n" + indent, b"\r" * len(indent) + b"\n")
        return rest + _scan_without(self._wrapped, text, text.translate(None, _BREAKS), _BREAKS, _is_break, spans)

    def _scan_digits(self, text: bytes, spans: list[Span]) -> int:
        """Add what is found of digits alone, whatever stands between them; where a beginning is."""
        if self._digit_run in text.translate(_IS_DIGIT, _BETWEEN_DIGITS):
            seen = text.translate(_LOWER, _BETWEEN_DIGITS)
            return _scan_without(self._digits, text, seen, _BETWEEN_DIGITS, _is_between_digits, spans)
        rest = max(0, len(text) - (_LONGEST_RUN + 1) * (1 + _LONGEST_BETWEEN))
        text = text[rest:]
        seen = text.translate(_LOWER, _BETWEEN_DIGITS)
        begun = self._digits.begun_at_end(seen)
        return rest + _held_from(text, len(seen), begun, _BETWEEN_DIGITS, _is_between_digits)


def _is_break(gap: bytes, before: int) -> bool:
    """True if this may stand in a wrapped secret, `before` bytes of which stand before it."""
    return gap[0] in _BREAKS and before >= _BEFORE_BREAK and len(gap) <= _LONGEST_BREAK


def _is_between_digits(gap: bytes, before: int) -> bool:
    # Digits come at least in pairs; a line must not wait for the next one because of its last few digits.
    least = _DIGITS_BEFORE_BREAK if b"\n" in gap or b"\r" in gap else 2
    return before >= least and len(gap) <= _LONGEST_BETWEEN


def _scan_without(
    finder: Finder,
    text: bytes,
    seen: bytes,
    left_out: bytes,
    may_stand: _MayStand,
    spans: list[Span],
) -> int:
    """Search `seen`, which is `text` without the bytes of `left_out`; only matches all of whose gaps `may_stand` count."""
    found, begun = finder.scan(seen)
    if found:
        places = [place for place, byte in enumerate(text) if byte not in left_out]
        for start, end in found:
            own = places[start:end]
            if _are_near(text, own, may_stand):
                spans.append((own[0], own[-1] + 1))
    return _held_from(text, len(seen), begun, left_out, may_stand)


def _held_from(text: bytes, seen_length: int, begun: list[int], left_out: bytes, may_stand: _MayStand) -> int:
    """Where the earliest of the beginnings stands in `text` that can still become a match; its length if none can."""
    if not begun:
        return len(text)
    own: list[int] = []
    place, wanted = len(text), seen_length - begun[0]
    while len(own) < wanted:
        place -= 1
        if text[place] not in left_out:
            own.append(place)
    own.reverse()
    for start in begun:
        part = own[start - begun[0] :]
        gap = text[part[-1] + 1 :]
        if _are_near(text, part, may_stand) and (not gap or may_stand(gap, len(part))):
            return part[0]
    return len(text)


def _are_near(text: bytes, places: list[int], may_stand: _MayStand) -> bool:
    if places[-1] - places[0] == len(places) - 1:
        return True
    for before, (last, place) in enumerate(pairwise(places), 1):
        if place > last + 1 and not may_stand(text[last + 1 : place], before):
            return False
    return True


def _merged(spans: list[Span]) -> list[Span]:
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


def _replaced(text: bytes, spans: list[Span], start: int, end: int) -> bytes:
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
    pattern with what may stand in it.
    """

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._held = b""
        self._covered = 0  # how many of the held bytes a *** that is already out stands for

    @property
    def held(self) -> bytes:
        """What is held back."""
        return self._held

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece and return what can be told for certain."""
        if not self._patterns:
            return chunk
        text = self._held + chunk
        spans, end = self._patterns.scan(text)
        return self._emit(text, spans, end)

    def flush(self) -> bytes:
        """End the stream and return what was held back."""
        return self._emit(self._held, self._patterns.scan(self._held)[0], len(self._held))

    def _emit(self, text: bytes, spans: list[Span], end: int) -> bytes:
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
