"""How well a few typed words fit a sentence: whole words first, then beginnings, then parts, then scattered letters. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_WHOLE, _BEGINNING, _PART, _SCATTERED = 4.0, 3.0, 2.0, 1.0


class Found(NamedTuple):
    """The higher the `score`, the better it fits; `places` are those of the letters that were found."""

    score: float
    places: Sequence[int]


def found_in(text: str, typed: str) -> Found | None:
    """How well it fits; None where one of the typed words is nowhere. The worst of them counts, then how early they come."""
    wanted = typed.casefold().split()
    if not wanted:
        return None
    # Letter by letter: the small form of a few letters is longer than they are, and places would not be those of the text.
    lowered = "".join(small if len(small := letter.casefold()) == 1 else letter for letter in text)
    best = [_best(lowered, word) for word in wanted]
    found = [one for one in best if one is not None]
    if len(found) < len(wanted):
        return None
    places = sorted({place for one in found for place in one.places})
    return Found(min(one.score for one in found) - places[0] / (len(text) + 1) / 2, places)


def _best(text: str, word: str) -> Found | None:
    words = list(re.finditer(r"\w+", text))
    for whole in words:
        if whole[0] == word:
            return Found(_WHOLE, range(whole.start(), whole.end()))
    for begun in words:
        if text.startswith(word, begun.start()):
            return Found(_BEGINNING, range(begun.start(), begun.start() + len(word)))
    at = text.find(word)
    if at >= 0:
        return Found(_PART, range(at, at + len(word)))
    # Within one word: letters that are gathered from a whole sentence are found in nearly every one.
    scattered = (_scattered(one[0], word, one.start()) for one in words)
    return next((Found(_SCATTERED, places) for places in scattered if places), None)


def _scattered(text: str, word: str, start: int) -> list[int]:
    """The places of the letters of a word in a longer one that begins with the same; empty where they are not all there."""
    if text[0] != word[0]:
        return []
    places: list[int] = []
    at = 0
    for letter in word:
        at = text.find(letter, at) + 1
        if not at:
            return []
        places.append(start + at - 1)
    return places
