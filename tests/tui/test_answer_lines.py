"""The answer on a screen is the answer on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tests.tui.corpus import EVIL
from tests.tui.replan_samples import BLOCKS
from tui.answer_lines import answer_lines, answer_text
from tui.terminal import is_clean
from tui.viewmodel.text import plain

if TYPE_CHECKING:
    from engine.model.json import JsonObject

_BLOCKS = [block for block in BLOCKS if isinstance(block, dict)]


def test_every_kind_of_block_reads_as_its_command_prints_it() -> None:
    """Headings stand out instead of their signs; what is copied has no width."""
    on_screen = "\n".join(plain(line).rstrip() for line in answer_lines(_BLOCKS, 60))
    assert on_screen == answer_text(_BLOCKS).replace("# db3", "db3").rstrip("\n")
    heading = answer_lines(_BLOCKS, 60)[0][0]
    assert (heading.text, heading.bold) == ("db3", True)
    assert "  payments-db      1" in on_screen
    assert '  "rows": 1' in on_screen


def test_it_is_folded_to_the_width_and_holds_no_command() -> None:
    """Texts, titles, names and values of all kinds of blocks."""
    for evil in EVIL:
        blocks: list[JsonObject] = [
            {"type": "markdown", "title": evil, "text": f"word {evil} " * 9},
            {"type": "key_value", "title": "", "values": {evil: evil}},
            {"type": "table", "title": evil, "rows": [{evil: evil * 20}], "columns": []},
            {"type": "list", "title": "", "entries": [evil, {evil: [evil]}]},
            {"type": "json", "title": "", "value": {evil: evil}},
            {"type": evil, "text": evil},
        ]
        lines = answer_lines(blocks, 60)
        assert all(is_clean(piece.text) for line in lines for piece in line)
        assert all(cell_len(plain(line)) <= 60 for line in lines[1:3])
        assert all(is_clean(line) for line in answer_text(blocks).split("\n"))
