"""The path filter: what fits, what leads there, and what is said of a path that is none."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.tui.corpus import EVIL
from tests.tui.viewmodel.test_json_tree import text_of, tree_of
from tui.viewmodel.json_filter import PathFaultError, Sieve, parse, sift
from tui.viewmodel.json_index import index
from tui.viewmodel.json_lines import path_text
from tui.viewmodel.json_nodes import Deferred, Node
from tui.viewmodel.json_walk import Look

VALUE: Node = {
    "result": {
        "primary": {"data": {"rows": [{"name": "db01", "up": True}, {"name": "db02"}]}},
        "ping": {"data": None, "error": {"message": "timed out"}},
        "odd key": {"a.b": 1},
    },
    "error": "none",
}


def sifted(text: str, value: Node = VALUE, most: int = 100) -> list[str]:
    """The paths that fit."""
    return [path_text(path) for path in sift(Look.into(tree_of(value)), parse(text), most, lambda _: None).matches]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("result.ping.*", ["result.ping.data", "result.ping.error"]),
        ("ping.data", ["result.ping.data"]),
        ("rows[*].name", ["result.primary.data.rows[0].name", "result.primary.data.rows[1].name"]),
        ("rows[1]", ["result.primary.data.rows[1]"]),
        ("rows[1:]", ["result.primary.data.rows[1]"]),
        ("..error", ["result.ping.error", "error"]),
        ("error", ["error"]),
        ("$.result..message", ["result.ping.error.message"]),
        ("NAME", ["result.primary.data.rows[0].name", "result.primary.data.rows[1].name"]),
        ("p*.data", ["result.primary.data", "result.ping.data"]),
        ("['odd key']['a.b']", ["result['odd key']['a.b']"]),
        ("$.ping", []),
        ("nowhere", []),
        ("", []),
    ],
)
def test_what_fits(text: str, paths: list[str]) -> None:
    """From the top, one level below it, then anywhere; `$` is the top and nothing else."""
    assert sifted(text) == paths


@pytest.mark.parametrize(("text", "at"), [("a[", 2), ("a...", 4), ("a[x]", 2), ("$]", 2), ("  a['b", 4)])
def test_what_is_no_path_is_told_with_its_place(text: str, at: int) -> None:
    """And with what may stand there."""
    with pytest.raises(PathFaultError, match=f"from character {at} on"):
        parse(text)


def test_a_path_that_is_being_typed_is_no_fault() -> None:
    """The end of it is still to come."""
    assert sifted("result.") == ["result"]
    assert sifted("ping..") == ["result.ping"]


def test_only_what_fits_and_what_leads_there_is_shown_and_all_comes_back() -> None:
    """With everything below what fits; folds are as they were afterwards."""
    tree = tree_of(VALUE)
    tree.unfold(("result",))
    before = text_of(tree)
    tree.sift(sift(Look.into(tree), parse("..error"), 100, lambda _: None))
    assert text_of(tree) == [
        "▾ result  {3}",
        "  ▾ ping  {2}",
        '    ▸ error  {1}  message: "timed out"',
        '  error  "none"',
    ]
    tree.unfold(("result", "ping", "error"))
    assert '        message  "timed out"' in text_of(tree)
    tree.sift(Sieve("nowhere", sift(Look.into(tree), parse("nowhere"), 1, lambda _: None).branches))
    assert text_of(tree) == []
    tree.sift(None)
    assert text_of(tree) == before


def test_it_looks_into_large_values_and_reads_only_what_may_fit() -> None:
    """In a list of many rows; steps that cannot lead there are not read."""
    rows: list[Node] = [{"id": n, "name": f"db{n}"} for n in range(20_000)]
    large = index(json.dumps({"rows": rows, "last": {"name": "x"}}).encode())
    assert sifted("rows[19998:].name", {"a": large}) == ["a.rows[19998].name", "a.rows[19999].name"]
    assert len(sifted("rows[*].name", {"a": large}, most=50)) == 50
    read: list[object] = []

    def fetch(token: object) -> Node:
        read.append(token)
        return {"data": {"rows": [1]}}

    tree = tree_of({"result": {"a": Deferred("a"), "b": Deferred("b")}})
    look = Look.into(tree, fetch)
    assert sift(look, parse("result.a.data"), 10, lambda _: None).matches == [("result", "a", "data")]
    assert read == ["a"]


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_breaks_it(evil: str) -> None:
    """It is a path, or it is told to be none."""
    with suppress(PathFaultError):
        assert len(sifted(evil)) >= 0
    assert sifted(f'["{evil}"]' if '"' not in evil else "x", {evil: 1, "x": 1}) != []
