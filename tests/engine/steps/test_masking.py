"""Masking of bytes: nothing of a secret gets through, wherever a stream is cut, and no more is masked than has to be."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from engine.steps.masking import Patterns, StreamMasker, mask_bytes

# Few letters and repeated pieces, so that patterns overlap each other and themselves.
_PIECES = st.sampled_from(
    [b"abababab", b"babababa", b"aaaaaaaa", b"aaaaaaaab", b"cdcdcdcdcd", b"a", b"b", b"ab", b"cd", b"\n"]
)
_TEXTS = st.lists(_PIECES, max_size=12).map(b"".join)
_PATTERNS = st.lists(
    st.sampled_from([b"abababab", b"babababab", b"aaaaaaaa", b"aaaaaaaab", b"cdcdcdcdcd", b"bcdcdcdcdcda"]), min_size=1
)


def _expected(patterns: list[bytes], text: bytes) -> bytes:
    """The definition, slowly: every byte of an occurrence is covered; occurrences that share a byte are one ***."""
    covered = [False] * len(text)
    joined = [False] * len(text)  # this byte and the one before it are in one occurrence
    for pattern in patterns:
        for at in range(len(text) - len(pattern) + 1):
            if text.startswith(pattern, at):
                for index in range(at, at + len(pattern)):
                    covered[index] = True
                    joined[index] = joined[index] or index > at
    result = b""
    for index, byte in enumerate(text):
        if not covered[index]:
            result += bytes([byte])
        elif not joined[index]:
            result += b"***"
    return result


@given(_PATTERNS, _TEXTS)
@example([b"abababab"], b"abababababab")
def test_whole_text_is_masked_as_defined(patterns: list[bytes], text: bytes) -> None:
    assert mask_bytes(Patterns(patterns), text) == _expected(patterns, text)


@given(_PATTERNS, _TEXTS, st.data())
def test_a_stream_is_masked_like_the_whole_however_it_is_cut(
    patterns: list[bytes], text: bytes, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    masker = StreamMasker(Patterns(patterns))
    pieces = [masker.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert b"".join([*pieces, masker.flush()]) == mask_bytes(Patterns(patterns), text)


@given(_PATTERNS, _TEXTS)
def test_a_stream_of_single_bytes(patterns: list[bytes], text: bytes) -> None:
    masker = StreamMasker(Patterns(patterns))
    pieces = [masker.feed(text[at : at + 1]) for at in range(len(text))]
    assert b"".join([*pieces, masker.flush()]) == mask_bytes(Patterns(patterns), text)


def test_only_a_possible_beginning_is_held_back() -> None:
    masker = StreamMasker(Patterns([b"supersecret"]))
    assert masker.feed(b"login: ") == b"login: "
    assert masker.feed(b"password supers") == b"password "
    assert masker.feed(b"onic") == b"supersonic"
    assert masker.flush() == b""


def test_an_endless_overlap_is_not_held_for_ever() -> None:
    masker = StreamMasker(Patterns([b"a" * 8]))
    written = b"".join(masker.feed(b"a" * 1000) for _ in range(1000))
    assert written + masker.feed(b"b") == b"***b"
    assert len(written) < 8


def test_without_patterns_the_very_same_bytes_come_back() -> None:
    chunk = bytes(1000)
    assert StreamMasker(Patterns([])).feed(chunk) is chunk


def test_a_longer_secret_wins_over_one_that_it_begins_with() -> None:
    patterns = Patterns([b"password", b"password-of-root"])
    assert mask_bytes(patterns, b"<password-of-root> <password-of>") == b"<***> <***-of>"
