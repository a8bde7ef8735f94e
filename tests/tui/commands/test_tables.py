"""Columns that line up by cells and fit the terminal; blocks of an answer as text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from tui.commands.blocks import print_blocks
from tui.commands.output import Output
from tui.commands.tables import Column, print_table

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject

COLUMNS = (
    Column("NAME", flexible=True),
    Column("N", right=True),
    Column("EXTRA", rank=2),
    Column("MORE", rank=1),
    Column("NOTE", flexible=True),
)
ROWS = [
    ["short", "1", "extra", "more", "a note that is long enough to be cut on a narrow terminal"],
    ["日本語の名前", "12,304", "e", "m", "–"],
    ["e\u0301clair", "7", "", "", ""],
]


def drawn(width: int | None) -> list[str]:
    stream = io.StringIO()
    print_table(Output(stream, width=width), COLUMNS, ROWS)
    return stream.getvalue().splitlines()


def test_on_a_pipe_nothing_is_cut_and_wide_characters_line_up() -> None:
    lines = drawn(None)
    assert lines[1].endswith("a note that is long enough to be cut on a narrow terminal")
    assert cell_len(lines[1].split("12,304")[0].split("extra")[0]) == cell_len(lines[2].split("e  ")[0])
    assert len(lines) == 4


@pytest.mark.parametrize("width", [10, 20, 30, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(cell_len, drawn(width))) <= width


def test_columns_go_by_rank_before_anything_else() -> None:
    assert "EXTRA" in drawn(80)[0]
    assert "EXTRA" not in drawn(34)[0]
    assert "MORE" in drawn(34)[0]
    assert "MORE" not in drawn(28)[0]


def test_a_table_without_rows_is_its_head() -> None:
    stream = io.StringIO()
    print_table(Output(stream), COLUMNS, [])
    assert stream.getvalue() == "NAME  N  EXTRA  MORE  NOTE\n"


def blocks(*given: JsonObject, width: int | None = None) -> str:
    stream = io.StringIO()
    print_blocks(Output(stream, width=width), given)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "markdown", "text": "# Title\n\ntext *x*\n"}, "# Title\n\ntext *x*\n"),
        ({"type": "table", "title": "T", "rows": [{"a": 1, "b": "x"}, {"a": 22, "c": None}]}, "T\n   a  b  c\n   1  x  –\n  22  –  –\n"),
        ({"type": "table", "rows": [[1, "x"], [2]]}, "  1  2\n  1  x\n  2  –\n"),
        ({"type": "table", "rows": ["x", 3]}, "  value\n  x\n  3\n"),
        ({"type": "table", "rows": [{"a": 1, "b": 2}], "columns": ["b"]}, "  b\n  2\n"),
        ({"type": "table", "title": "T", "rows": []}, "T\n  none\n"),
        ({"type": "table", "title": "T", "rows": "not looked at"}, "T\n  not looked at\n"),
        ({"type": "key_value", "values": {"a": 1, "long": [1, {"x": True}]}}, '  a     1\n  long  [1, {"x": true}]\n'),
        ({"type": "key_value", "values": {}}, "  none\n"),
        ({"type": "key_value", "values": 3}, "  3\n"),
        ({"type": "list", "entries": ["a\nb", None, True]}, "  - a b\n  - –\n  - yes\n"),
        ({"type": "list", "entries": []}, "  none\n"),
        ({"type": "json", "value": {"a": 1}}, '{\n  "a": 1\n}\n'),
        ({"type": "hologram", "x": 1}, '{\n  "type": "hologram",\n  "x": 1\n}\n'),
    ],
)  # fmt: skip
def test_a_block_as_text(block: JsonObject, text: str) -> None:
    assert blocks(block) == text


def test_a_block_without_a_value_is_left_out_with_its_title() -> None:
    assert blocks({"type": "table", "title": "T", "rows": None}, {"type": "list", "entries": ["x"]}) == "  - x\n"


def test_blocks_stand_apart() -> None:
    one: JsonObject = {"type": "list", "entries": ["x"]}
    assert blocks(one, one) == "  - x\n\n  - x\n"


def test_a_flood_of_rows_is_cut_and_counted() -> None:
    rows: list[Json] = [{"n": number} for number in range(1250)]
    text = blocks({"type": "table", "rows": rows})
    assert text.count("\n") == 202
    assert text.endswith("and 1,050 more rows\n")


def test_a_terminal_folds_paragraphs_and_headings_lose_their_marks() -> None:
    text = blocks({"type": "markdown", "text": "# Head\n" + "word " * 30}, width=40)
    assert text.startswith("Head\nword word")
    assert max(map(len, text.splitlines())) <= 40
