"""Reading a JSON document value by value, whatever the pieces in which it comes."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from store.exchange.cursor import JsonCursor

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Drip:
    """Gives a document in pieces of a few bytes, as a slow pipe does."""

    def __init__(self, content: bytes, piece: int) -> None:
        self._rest = io.BytesIO(content)
        self._piece = piece

    def read(self, size: int, /) -> bytes:
        return self._rest.read(min(size, self._piece))


def cursor(content: bytes, *, piece: int = 1 << 20, most_value: int = 10_000, most_bytes: int = 1 << 20) -> JsonCursor:
    return JsonCursor(Drip(content, piece), "doc", most_value=most_value, most_bytes=most_bytes)


@given(st.lists(VALUES, max_size=5), st.integers(1, 9), st.booleans())
def test_it_reads_what_json_reads(values: list[object], piece: int, spaced: bool) -> None:
    text = json.dumps(values, ensure_ascii=False, indent=2 if spaced else None)
    reading = cursor(text.encode("utf-8", "surrogatepass"), piece=piece) if text.isascii() else cursor(text.encode())
    found = [reading.value() for _ in reading.elements()]
    reading.end()
    assert [value for value, _ in found] == values
    assert [json.loads(written) for _, written in found] == values


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_numbers_at_the_end_of_a_piece_are_read_whole(piece: int) -> None:
    reading = cursor(b'{"a": 12345678, "b": -1.5e-7}', piece=piece)
    assert {key: reading.value()[0] for key in reading.members()} == {"a": 12345678, "b": -1.5e-7}


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"", "doc:1:1", "the document ends where a value should be"),
        (b"{", "doc:1:2", "expected a name in double quotes"),
        (b'{"a" 1}', "doc:1:6", "expected ':', found '1'"),
        (b'{"a": 1, "a": 2}', "doc:1:13", "'a' stands there twice"),
        (b'{\n "a": 1\n "b": 2}', "doc:3:2", "expected '}', found '\"'"),
        (b'{"a": nope}', "doc:1:7", "expecting value"),
        (b'{"a": NaN}', "doc:1:7", "NaN is no JSON"),
        (b'{"a": -Infinity}', "doc:1:7", "-Infinity is no JSON"),
        (b'{"a": 1e999}', "doc:1:7", "a number is larger than any that can be stored"),
        (b'{"a": "x', "doc:1:7", "unterminated string starting at"),
        (b'{"a": "\n"}', "doc:1:8", "invalid control character at"),
        (b'{"a": ' + b"[" * 200_000, "doc:1:7", "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "doc:1:7", "Exceeds the limit (4300 digits) for integer string conversion"),
        (b'{"a": "\xff"}', "doc:1:1", "this is no UTF-8 text"),
        (b'{"a": 1} x', "doc:1:10", "more follows after the end of the document"),
    ],
)
def test_faults_have_their_place(content: bytes, place: str, message: str) -> None:
    reading = cursor(content, most_value=1 << 20)
    with pytest.raises(InputError) as refused:
        _read_all(reading)
    assert message in refused.value.cause
    if message != "nested too deeply":
        assert refused.value.place == place


def _read_all(reading: JsonCursor) -> None:
    if not reading.peek():
        reading.value()
    for _ in reading.members():
        reading.value()
    reading.end()


def test_a_single_value_is_bounded() -> None:
    reading = cursor(b'{"a": "' + b"x" * 400_000 + b'"}', piece=1000, most_value=50_000)
    with pytest.raises(InputError, match="larger than 50000 characters"):
        _read_all(reading)
    assert reading.bytes_read < 60_000


def test_the_whole_document_is_bounded() -> None:
    reading = cursor(b"[" + b"1," * 500_000 + b"1]", piece=1000, most_bytes=20_000)
    with pytest.raises(InputError, match="larger than 20 KB"):
        _read_elements(reading)
    assert reading.bytes_read <= 21_000


def _read_elements(reading: JsonCursor) -> list[object]:
    return [reading.value()[0] for _ in reading.elements()]


def test_a_byte_order_mark_is_passed_over() -> None:
    reading = cursor(b"\xef\xbb\xbf[1]")
    assert _read_elements(reading) == [1]
