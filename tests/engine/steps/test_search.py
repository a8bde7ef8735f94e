"""Finding many strings at once gives what looking for each of them alone gives, whichever way they lie in the text."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from engine.steps.search import Finder

_STRINGS = st.lists(st.text("ab", min_size=5, max_size=45).map(str.encode), max_size=60)


def _expected(strings: list[bytes], text: bytes) -> tuple[list[tuple[int, int]], list[int]]:
    wanted = {string for string in strings if len(string) >= 8}
    found = [(at, at + len(string)) for string in wanted for at in range(len(text)) if text.startswith(string, at)]
    begun = [at for at in range(len(text)) if any(s != text[at:] and s.startswith(text[at:]) for s in wanted)]
    return sorted(found), begun


@given(_STRINGS, st.text("ab", max_size=120).map(str.encode), st.data())
def test_it_finds_all_of_them_and_every_beginning(strings: list[bytes], text: bytes, data: st.DataObject) -> None:
    if strings:
        string = data.draw(st.sampled_from(strings))
        text = text + string + text[:7] + string[: data.draw(st.integers(0, len(string)))]
    found, begun = Finder(strings).scan(text)
    wanted, beginnings = _expected(strings, text)
    assert sorted(set(found)) == wanted
    # A whole string at the end is no beginning of itself, but may well be reported: it is found as well.
    assert [at for at in begun if at in beginnings] == beginnings
    assert all(at in beginnings or (at, len(text)) in wanted for at in begun)


def test_as_many_as_a_table_is_made_for_are_found_at_every_place() -> None:
    chance = random.Random(7)
    strings = [
        bytes(chance.choices(b"abcdefgh0123", k=length)) for length in (8, 11, 18, 19, 34, 35, 90) for _ in range(60)
    ]
    finder = Finder(strings)
    for string in strings[::7]:
        for shift in range(40):
            text = b"." * shift + string + b"." * 50
            assert (shift, shift + len(string)) in finder.scan(text)[0]
            for length in range(1, len(string)):
                assert shift in finder.scan(text[: shift + length])[1]


def test_nothing_is_found_of_nothing() -> None:
    finder = Finder([])
    assert not finder
    assert finder.scan(b"text") == ([], [])
    assert Finder([b"abcdefgh"]).scan(b"") == ([], [])
