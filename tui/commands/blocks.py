"""The answer of a run, its present blocks, as text. What the blocks are is the engine's; screens draw them in their own way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, fit
from tui.viewmodel.words import NOTHING, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json, JsonObject
    from tui.commands.output import Output, Piece

MOST_ROWS = 200
_MOST_CELL = 400
_VALUES = {"markdown": "text", "table": "rows", "key_value": "values", "list": "entries", "json": "value"}


def blocks_of(output: Json) -> list[JsonObject]:
    """The blocks in the present stage's output, as the file keeps it; none where it did not get that far."""
    result = output.get("result") if isinstance(output, dict) else None
    blocks = result.get("blocks") if isinstance(result, dict) else None
    return [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []


def print_blocks(out: Output, blocks: Sequence[JsonObject]) -> None:
    """Write all blocks, an empty line between two. A block whose value is null has nothing to say and is left out."""
    written = 0
    for block in blocks:
        value = block.get(_VALUES.get(str(block.get("type")), "type"))
        if value is None:
            continue
        if written:
            out.line()
        print_block(out, block, value)
        written += 1


def print_block(out: Output, block: JsonObject, value: Json) -> None:
    """Write one block; one of a kind this version does not know is shown as JSON."""
    title = block.get("title")
    if title:
        out.line(Span(_one_line(_scalar(title)), Role.TEXT, bold=True))
    match block.get("type"):
        case "markdown":
            _markdown(out, _scalar(value))
        case "table":
            _table(out, value, block.get("columns"))
        case "key_value":
            _key_value(out, value)
        case "list":
            _list(out, value)
        case "json":
            out.json(value)
        case _:
            out.json(block)


def _scalar(value: Json) -> str:
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case list() | dict():
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= _MOST_CELL else text[:_MOST_CELL] + "…"
        case _:
            return str(value)


def _markdown(out: Output, text: str) -> None:
    """Headings stand out and long lines are folded on a terminal; everything else is text as it is written."""
    for line in text.rstrip("\n").split("\n"):
        heading = line.lstrip("#")
        if line.startswith("#") and heading.startswith(" ") and out.is_terminal:
            out.line(Span(heading.strip(), Role.TEXT, bold=True))
        elif out.width is not None and line[:1].isalnum():
            out.paragraph(line)
        else:
            out.line(line)


def _none(out: Output) -> None:
    out.line("  ", Span("none", Role.DIM))


def _table(out: Output, rows: Json, columns: Json) -> None:
    if not isinstance(rows, list):
        out.text(_scalar(rows), indent="  ", role=Role.DIM)
        return
    if not rows:
        _none(out)
        return
    titles = [str(name) for name in columns] if isinstance(columns, list) and columns else _titles(rows)
    shown = rows[:MOST_ROWS]
    cells = [[_cell(row, index, title) for index, title in enumerate(titles)] for row in shown]
    numeric = [
        all(isinstance(value, int | float) and not isinstance(value, bool) for value in column if value is not None)
        for column in zip(*cells, strict=True)
    ]
    layout = [Column(title, right=right, flexible=not right) for title, right in zip(titles, numeric, strict=True)]
    texts: list[list[Piece]] = [[_one_line(_scalar(value)) for value in row] for row in cells]
    print_table(out, layout, texts, indent=2)
    if len(rows) > MOST_ROWS:
        out.line("  ", Span(f"and {plural(len(rows) - MOST_ROWS, 'more row')}", Role.DIM))


def _titles(rows: Sequence[Json]) -> list[str]:
    names: dict[str, None] = {}
    width = 0
    for row in rows:
        if isinstance(row, dict):
            names.update(dict.fromkeys(row))
        else:
            width = max(width, len(row) if isinstance(row, list) else 1)
    if not names and not any(isinstance(row, list) for row in rows):
        return ["value"]
    return [*names] or [str(number) for number in range(1, width + 1)]


def _cell(row: Json, index: int, title: str) -> Json:
    match row:
        case dict():
            return row.get(title)
        case list():
            return row[index] if index < len(row) else None
        case _:
            return row if index == 0 else None


def _one_line(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", " ")


def _key_value(out: Output, values: Json) -> None:
    if not isinstance(values, dict):
        out.text(_scalar(values), indent="  ", role=Role.DIM)
        return
    if not values:
        _none(out)
        return
    width = max(cell_len(out.clean(name)) for name in values)
    for name, value in values.items():
        out.line("  ", Span(fit(out.clean(name), width), Role.DIM), "  ", _one_line(_scalar(value)))


def _list(out: Output, entries: Json) -> None:
    if not isinstance(entries, list):
        out.text(_scalar(entries), indent="  ", role=Role.DIM)
        return
    if not entries:
        _none(out)
    for entry in entries[:MOST_ROWS]:
        out.line("  - ", _one_line(_scalar(entry)))
    if len(entries) > MOST_ROWS:
        out.line("  ", Span(f"and {len(entries) - MOST_ROWS} more", Role.DIM))
