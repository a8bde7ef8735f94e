"""Finding any of many byte strings in text, and the beginnings of them at its end. Nothing of secrets is known here.

A search for one string after the other is fast for a few. For many, the text is read as words: whichever way a string
lies in it, one word of every `stride` bytes lies wholly in the string's first bytes if it is long enough. So the words that
may be such are looked up in one table, a number of times that does not depend on how many strings there are, and only the
strings that a word belongs to are searched for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

STEM: Final = 8
"""Every string has at least this many bytes; a beginning of fewer is looked up, a longer one found by its first eight."""

_EARLY_WORD: Final = 4
_LAYOUTS: Final[tuple[tuple[int, int, Literal["Q", "I"]], ...]] = ((32, 8, "Q"), (16, 8, "Q"), (8, 4, "I"), (4, 4, "I"))
"""Stride, bytes of a word and their format. Longer words are hit by chance less often, and want longer strings."""

_LATE: Final = 40
"""A beginning of so many bytes has a word of every layout in it."""

_FEW: Final = 160
"""So many strings times their stride cost no more one by one than the table does: measured at 64 KiB."""


class _Group:
    """Strings of which each is long enough for the layout: one of every `stride` bytes begins a word in its beginning."""

    def __init__(self, stride: int, size: int, layout: Literal["Q", "I"], strings: list[bytes]) -> None:
        self._size = size
        self._layout = layout
        self._step = stride // size
        self._strings = strings
        self._by_word: dict[int, list[bytes]] = {}
        self._words: frozenset[int] | None = None
        if len(strings) * stride > _FEW:
            for string in strings:
                for at in range(stride):
                    (word,) = memoryview(string[at : at + size]).cast(self._layout)
                    self._by_word.setdefault(word, []).append(string)
            self._words = frozenset(self._by_word)

    def candidates(self, text: bytes) -> Iterable[bytes]:
        """The strings that may stand in the text, or begin at its end with enough bytes to have a word in it."""
        if self._words is None:
            return self._strings
        words = memoryview(text)[: len(text) // self._size * self._size].cast(self._layout)
        if self._step > 1:
            words = words[:: self._step]
        hits = self._words.intersection(words)
        if not hits:
            return ()
        return {string for word in hits for string in self._by_word[word]}


class Finder:
    """Finds these strings; those shorter than eight bytes are ignored."""

    def __init__(self, strings: Iterable[bytes]) -> None:
        # A string that holds another one is searched for as well: both are masked whole.
        wanted = sorted({string for string in strings if len(string) >= STEM}, key=lambda s: (-len(s), s))
        self._groups: list[_Group] = []
        rest = wanted
        for stride, size, layout in _LAYOUTS:
            long = [string for string in rest if len(string) >= stride + size - 1]
            rest = [string for string in rest if len(string) < stride + size - 1]
            if long:
                self._groups.append(_Group(stride, size, layout, long))
        self._starts = [frozenset(string[:length] for string in wanted) for length in range(STEM)]
        self._by_stem: dict[bytes, list[bytes]] = {}
        for string in wanted:
            self._by_stem.setdefault(string[:STEM], []).append(string)
        self._early = frozenset(
            word
            for string in wanted
            for at in range(_EARLY_WORD)
            for word in memoryview(string[at : at + _EARLY_WORD]).cast("I")
        )
        self._longest = len(wanted[0]) if wanted else 0
        self.shortest = len(wanted[-1]) if wanted else 2**31

    def __bool__(self) -> bool:
        return bool(self._longest)

    def scan(self, text: bytes) -> tuple[list[tuple[int, int]], list[int]]:
        """Where the strings stand, in no order, and where at the end of the text one may begin, the earliest first."""
        found: list[tuple[int, int]] = []
        begun: set[int] = set()
        for group in self._groups:
            for string in group.candidates(text):
                at = text.find(string)
                while at >= 0:
                    found.append((at, at + len(string)))
                    at = text.find(string, at + 1)
                self._add_begun(string, text, begun)
        begun.update(self.begun_at_end(text))
        return found, sorted(begun)

    def begun_at_end(self, text: bytes) -> list[int]:
        """Where one may begin at the end of the text, with too few bytes to be noticed otherwise; the earliest first."""
        end = len(text)
        begun = []
        longest = min(_LATE, end, self._longest - 1)
        tail = memoryview(text)[end - longest :]
        if longest >= STEM and self._early.isdisjoint(tail[: longest // _EARLY_WORD * _EARLY_WORD].cast("I")):
            longest = STEM - 1  # a beginning of more has a word of its string's first seven bytes in it
        for length in range(longest, 0, -1):
            if length < STEM:
                if text[end - length :] in self._starts[length]:
                    begun.append(end - length)
            elif strings := self._by_stem.get(text[end - length : end - length + STEM]):
                rest = text[end - length :]
                if any(len(string) > length and string.startswith(rest) for string in strings):
                    begun.append(end - length)
        return begun

    def _add_begun(self, string: bytes, text: bytes, begun: set[int]) -> None:
        stem = string[:STEM]
        at = text.find(stem, max(0, len(text) - len(string) + 1))
        while at >= 0:
            if string.startswith(text[at:]):
                begun.add(at)
            at = text.find(stem, at + 1)
