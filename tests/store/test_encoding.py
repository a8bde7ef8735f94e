"""Events as bytes: what is kept, what is replaced, and what the hash covers."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.event import Event, EventKind
from engine.model.states import Stage
from store.blobs import PLACES
from store.encoding import DEEPEST, cleaned, encode, event_hash
from store.errors import RefusedEventError

RUN = "ab" * 16
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=None)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(categories=None)), inner, max_size=4)
    ),
    max_leaves=12,
)


def _not_the_stores(key: str) -> bool:
    """One key of an event's data is refused, see test_blobs; Hypothesis finds it in the source and tries it."""
    return key != PLACES


def test_the_hash_covers_the_whole_envelope() -> None:
    """Made anew here with nothing but json and hashlib."""
    event = Event(
        EventKind.ATTEMPT_STARTED, 17, {"process": None, "é": 1.5}, 2, Stage.EXECUTE, "s1", 3, 4, 'operator:"x"'
    )
    (encoded,) = encode(RUN, [event])
    previous = hashlib.sha256(b"before").digest()
    envelope = {
        "v": 1,
        "run_id": RUN,
        "seq": 12,
        "at_us": 17,
        "kind": "attempt.started",
        "pass_index": 2,
        "stage": "execute",
        "step_id": "s1",
        "item_index": 3,
        "attempt": 4,
        "actor": 'operator:"x"',
        "data": {"process": None, "é": 1.5},
        "prev_hash": previous.hex(),
    }
    text = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    assert event_hash(encoded.before_seq, 12, encoded.after_seq, previous) == hashlib.sha256(text.encode()).digest()


def test_what_an_event_does_not_have_is_not_in_it() -> None:
    (encoded,) = encode(RUN, [Event(EventKind.RUN_STARTED, 1)])
    whole = json.loads(encoded.before_seq + b"1" + encoded.after_seq + b'"}')
    assert set(whole) == {"v", "run_id", "seq", "at_us", "kind", "pass_index", "actor", "data", "prev_hash"}


@given(st.dictionaries(st.text(st.characters(categories=None)).filter(_not_the_stores), JSON, max_size=4))
def test_whatever_it_is_it_becomes_json_that_can_be_read(data: dict[str, object]) -> None:
    (encoded,) = encode(RUN, [Event(EventKind.CONTROL_RECEIVED, 1, data)])  # type: ignore[arg-type]
    encoded.data_text.encode("utf-8")
    json.loads(encoded.data_text, parse_constant=pytest.fail)


@given(
    st.dictionaries(
        st.text().filter(_not_the_stores),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9),
    )
)
def test_good_data_are_kept_as_they_are(data: dict[str, object]) -> None:
    (encoded,) = encode(RUN, [Event(EventKind.CONTROL_RECEIVED, 1, data)])  # type: ignore[arg-type]
    assert json.loads(encoded.data_text) == data
    assert encoded.data is data


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (float("nan"), "NaN"),
        ([float("-inf")], ["-Infinity"]),
        ("a\udc80b", "a\\udc80b"),
        ({"\ud800": 1}, {"\\ud800": 1}),
        (2**63, 2**63),
        (("a", "b"), ["a", "b"]),
    ],
)
def test_what_is_replaced_is_replaced_visibly(given: object, kept: object) -> None:
    (encoded,) = encode(RUN, [Event(EventKind.CONTROL_RECEIVED, 1, {"value": given})])  # type: ignore[dict-item]
    assert json.loads(encoded.data_text) == {"value": kept}


def test_nesting_is_cut_at_the_limit() -> None:
    value: list[object] = []
    for _ in range(1000):
        value = [value]
    (encoded,) = encode(RUN, [Event(EventKind.CONTROL_RECEIVED, 1, {"value": value})])  # type: ignore[dict-item]
    assert encoded.data_text.count("[") == DEEPEST - 1
    assert "nested deeper" in encoded.data_text


@pytest.mark.parametrize("value", [object(), b"\xff"])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(RefusedEventError, match="no JSON value"):
        encode(RUN, [Event(EventKind.CONTROL_RECEIVED, 1, {"value": value})])  # type: ignore[dict-item]


def test_cleaning_does_not_touch_what_it_was_given() -> None:
    data = {"a": ["\ud800"]}
    assert cleaned(data) == {"a": ["\\ud800"]}  # type: ignore[arg-type]
    assert data == {"a": ["\ud800"]}
