"""The JSON tree as text: what is unfolded, how it reads, what is found and copied."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tui.viewmodel.json_lines import copy_text, path_text, row_aside, row_line
from tui.viewmodel.json_nodes import PAGE, Branch, Deferred, Node
from tui.viewmodel.json_search import find
from tui.viewmodel.json_tree import UNFOLD_MOST, JsonTree
from tui.viewmodel.json_walk import Look
from tui.viewmodel.text import Span, plain

if TYPE_CHECKING:
    from engine.model.json import Json

VALUE: Json = {
    "params": {"host": "db01", "limit": 20, "dry": False, "note": None},
    "rows": [{"name": "db01"}, {"name": "db02"}],
    "empty": {},
    "log": "first line\nsecond\tline\n\x1b[31mthird",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def tree_of(value: Node, *, budget: int = 0) -> JsonTree:
    """A tree with a value."""
    tree = JsonTree(text_cells=40)
    tree.replace(value, budget=budget)
    return tree


def text_of(tree: JsonTree) -> list[str]:
    """The visible rows."""
    return [plain(row_line(tree, row)).rstrip() for row in tree.rows]


def test_a_folded_value_says_what_is_in_it() -> None:
    """One row a key, with size and a glimpse."""
    assert text_of(tree_of(VALUE)) == [
        '▸ params  {4}  host: "db01", limit: 20, dry: false, note: null',
        "▸ rows  [2]  {1}, {1}",
        "  empty  {}",
        '▸ log  "first line…"  3 lines, 33 B',
    ]


def test_unfolding_shows_one_level() -> None:
    """Keys, values by their kind, and text line by line with its control characters visible."""
    tree = tree_of(VALUE)
    tree.unfold(("params",))
    tree.unfold(("log",))
    assert text_of(tree) == [
        "▾ params  {4}",
        '    host  "db01"',
        "    limit  20",
        "    dry  false",
        "    note  null",
        "▸ rows  [2]  {1}, {1}",
        "  empty  {}",
        "▾ log  3 lines, 33 B",
        "  │ first line",
        "  │ second  line",
        "  │ \\x1b[31mthird",
    ]


def test_long_lists_come_in_ranges() -> None:
    """A thousand at a time, however many there are."""
    tree = tree_of({"rows": list(range(2 * PAGE + 5))})
    tree.unfold(("rows",))
    assert text_of(tree) == ["▾ rows  [2,005]", "  ▸ 0 … 999", "  ▸ 1,000 … 1,999", "  ▸ 2,000 … 2,004"]
    tree.unfold(tree.rows[3].path)
    assert text_of(tree)[-1] == "      2004  2004"
    assert path_text(tree.rows[-1].path) == "rows[2004]"


def test_only_unfolded_parts_are_walked() -> None:
    """A value with a hundred thousand items has one row until it is opened."""
    tree = tree_of({"a": [{"b": n} for n in range(100_000)]})
    assert len(tree.rows) == 1


def test_unfold_all_stops_at_its_limit() -> None:
    """And says so."""
    tree = tree_of({"a": {"b": {"c": 1}}})
    assert tree.unfold_all()
    assert len(tree.rows) == 3
    many = tree_of({str(n): {"a": [1] * 100} for n in range(UNFOLD_MOST // 50)})
    assert not many.unfold_all()
    assert UNFOLD_MOST // 2 < len(many.rows) <= UNFOLD_MOST
    tree.fold_all()
    assert len(tree.rows) == 1


def test_unfold_all_goes_on_in_what_is_loaded_because_of_it() -> None:
    """Every level of it, but not what comes after a list; folding anything ends it."""
    steps = {name: Branch((), (), Deferred(name)) for name in "ab"} | {
        "…": Branch((), (), Deferred("more", is_more=True))
    }
    tree = tree_of({"result": Branch((), (), steps)})
    assert tree.unfold_all()
    assert tree.missing() == ["a", "b"]
    tree.deliver("a", {"data": {"rows": [{"host": {"name": "db01"}}]}})
    assert [line.strip() for line in text_of(tree)] == [
        "▾ result", "▾ a", "▾ data  {1}", "▾ rows  [1]", "▾ 0  {1}", "▾ host  {1}", 'name  "db01"', "▾ b", "loading…", "▸ …",
    ]  # fmt: skip
    tree.fold(("result", "a"))
    tree.deliver("b", {"data": {"rows": []}})
    assert [line.strip() for line in text_of(tree)] == [
        "▾ result", "▸ a", "▾ b", "▸ data  {1}  rows: []", "▸ …",
    ]  # fmt: skip


def test_a_control_character_is_spelled_the_same_folded_and_unfolded() -> None:
    """As everywhere else."""
    tree = tree_of({"box": {"key\x1b": "a\x1b[31m\u202e\n"}})
    (folded,) = text_of(tree)
    assert folded == r'▸ box  {1}  key\x1b: "a\x1b[31m\u202e\n"'
    tree.unfold(("box",))
    assert text_of(tree)[1].strip().startswith(r'▸ key\x1b  "a\x1b[31m\u202e')


def test_what_is_not_loaded_is_asked_for_once() -> None:
    """Unfolding gives the token; delivering it shows the value; a failure shows why."""
    step = Branch((Span("✓ SUCCEEDED"),), (Span("31ms"),), Deferred("one"))
    tree = tree_of({"primary": step, "other": Branch((), (), Deferred("two"))})
    assert plain(row_aside(tree.rows[0])) == "31ms"
    assert tree.unfold(("primary",)) == ["one"]
    assert text_of(tree)[1].strip() == "loading…"
    tree.deliver("one", {"data": 5})
    assert text_of(tree) == ["▾ primary  ✓ SUCCEEDED", "    data  5", "▸ other"]
    assert tree.missing() == []
    assert tree.unfold(("other",)) == ["two"]
    tree.fail("two", "the file is gone")
    assert text_of(tree)[-1].strip() == "the file is gone"


def test_folds_stay_while_the_value_changes() -> None:
    """A live run replaces the value; what was unfolded stays so, and a lost place falls back to its parent."""
    tree = tree_of({"result": {"a": {"x": 1}}})
    tree.unfold(("result",))
    tree.unfold(("result", "a"))
    tree.replace({"result": {"a": {"x": 2, "y": 3}, "b": 4}})
    assert text_of(tree) == ["▾ result  {2}", "  ▾ a  {2}", "      x  2", "      y  3", "    b  4"]
    assert tree.nearest(("result", "gone", "deep")) == 0


def test_searching_finds_keys_and_values_in_order_and_folded() -> None:
    """Any case; a match inside a long text is its line."""
    tree = tree_of(VALUE)
    found = [path_text(path) for path in find(Look.into(tree), "DB0") if path is not None]
    assert found == ["params.host", "rows[0].name", "rows[1].name"]
    (place,) = [path for path in find(Look.into(tree), "third") if path is not None]
    index = tree.reveal(place)
    assert text_of(tree)[index] == "  │ \\x1b[31mthird"


def test_copies_are_whole_and_cannot_run_anything() -> None:
    """A string as it is, a value as JSON, control characters visible, what is not loaded not at all."""
    tree = tree_of(VALUE)
    assert copy_text(tree, {"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'
    assert copy_text(tree, "a\tb\n\x1b[201~rm") == "a\tb\n\\x1b[201~rm"
    assert copy_text(tree, {"x": Deferred("t")}) is None
    assert path_text(("a", 0, "odd key", "b")) == "a[0]['odd key'].b"


@given(json_values)
def test_every_value_can_be_shown_folded_unfolded_and_copied(value: Json) -> None:
    """No value breaks the viewer, and a copy reads back as the value."""
    tree = tree_of({"value": value}, budget=20)
    tree.unfold_all()
    assert all("\n" not in line for line in text_of(tree))
    list(find(Look.into(tree), "a"))
    copied = copy_text(tree, {"value": value})
    assert copied is not None
    if copied.isprintable() and "\\" not in copied:
        assert json.loads(copied) == {"value": value}
