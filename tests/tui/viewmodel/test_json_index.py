"""Large JSON as places in its text: what is read of it is what was written, part by part, and it can be stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.viewmodel.test_json_tree import json_values, text_of
from tui.viewmodel.json_index import index
from tui.viewmodel.json_lines import copy_text
from tui.viewmodel.json_nodes import PAGE
from tui.viewmodel.json_packed import PART_BYTES, PackedList, PackedObject, PackedText
from tui.viewmodel.json_search import find
from tui.viewmodel.json_tree import JsonTree
from tui.viewmodel.json_walk import Look

if TYPE_CHECKING:
    from engine.model.json import Json
    from tui.viewmodel.json_nodes import Node

ROWS: Json = [{"id": n, "name": f"db{n:05} zwölf", "tags": ["a", "b"], "note": 'say "\\n"'} for n in range(20_000)]


def whole(node: Node) -> Json:
    """A value with everything in it."""
    if isinstance(node, PackedText):
        assert "".join(node.part(number) for number in range(len(node))) == str(node)
        return str(node)
    if isinstance(node, PackedObject):
        return {key: whole(value) for key, value in node.items()}
    if isinstance(node, PackedList):
        return [whole(value) for value in node]
    return node  # type: ignore[return-value]  # as it was parsed


def as_text(value: Json, *, ascii_only: bool = False, indent: int | None = None) -> bytes:
    """JSON as one may find it stored."""
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_every_kind_of_large_value_reads_back(indent: int | None, ascii_only: bool) -> None:
    """Long lists, long texts full of quotes and line ends, deep nesting, large members among small ones."""
    deep: Json = 1
    for _ in range(12):
        deep = [deep]
    value: Json = {
        "rows": ROWS[:3000],  # type: ignore[index]
        "text": 'line\\n\n\\\\"é日😀' * 20_000,
        "numbers": list(range(60_000)),
        "deep": [deep] * 6000,
        "small": {"e": [], "f": {}, "g": None},
        'odd "key" \\': [True, False, None, -1.5e-7],
    }
    node = index(as_text(value, ascii_only=ascii_only, indent=indent))
    assert isinstance(node, PackedObject)
    assert whole(node) == value
    numbers = node["numbers"]
    assert isinstance(numbers, PackedList)
    assert (len(numbers), numbers[59_999], numbers[1000:1003]) == (60_000, 59_999, [1000, 1001, 1002])


@given(st.lists(json_values, min_size=1, max_size=5))
def test_any_value_repeated_until_it_is_large_reads_back(values: list[Json]) -> None:
    """Whatever the members are."""
    often = PART_BYTES // max(8, len(as_text(values))) + 2
    value: Json = [values] * often
    assert whole(index(as_text(value))) == value


@pytest.mark.parametrize(
    "text", [b"[" + b"1," * 70_000, b'["' + b"x" * 70_000, b"[" + b"[" * 70_000, b"x" * 70_000, b'{"a"' + b" " * 70_000]
)
def test_what_is_no_json_is_said_to_be_none(text: bytes) -> None:
    """It ends with an error, and it ends."""
    with pytest.raises((ValueError, RecursionError)):
        index(text)


def test_it_tells_how_far_it_is_and_can_be_stopped() -> None:
    """Often enough that nobody waits for it."""
    data = as_text(ROWS)
    told: list[int] = []
    index(data, told.append)
    assert told == sorted(told)
    assert len(told) >= len(data) // PART_BYTES

    class EnoughError(Exception):
        pass

    def stop(_: int) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        index(data, stop)


def test_the_tree_shows_large_values_as_small_ones() -> None:
    """Ranges of a thousand, a text in parts, a copy as it was stored."""
    tree = JsonTree(text_cells=40)
    tree.replace({"data": index(as_text({"rows": ROWS, "log": "one line of it\n" * 10_000}))})
    tree.unfold(("data",))
    tree.unfold(("data", "rows"))
    assert text_of(tree)[:4] == ["▾ data  {2}", "  ▾ rows  [20,000]", "    ▸ 0 … 999", "    ▸ 1,000 … 1,999"]
    assert text_of(tree)[-1] == '  ▸ log  "one line of it…"  160 KB'
    tree.unfold(("data", "log"))
    part = next(row.path for row in tree.rows if row.path[:2] == ("data", "log") and len(row.path) == 3)
    tree.unfold(part)
    assert "      │ one line of it" in text_of(tree)
    copied = copy_text(tree, tree.rows[0].node)
    assert copied is not None
    assert json.loads(copied)["rows"] == ROWS


@pytest.mark.parametrize("needle", ["db19999", "DB19999 ZWÖLF", "ZWÖLF"])
def test_searching_finds_what_is_deep_in_a_large_value(needle: str) -> None:
    """In any case, in any part; the way to it leads through its range."""
    tree = JsonTree(text_cells=40)
    tree.replace({"rows": index(as_text(ROWS))})
    found = [path for path in find(Look.into(tree), needle) if path is not None]
    assert len(found) == (20_000 if needle == "ZWÖLF" else 1)
    at = tree.reveal(found[-1])
    row = tree.rows[at]
    assert row.path[-2:] == (19_999, "name")
    assert len(tree.rows) < 3 * PAGE
