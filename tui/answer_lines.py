"""The answer of a run as lines for a screen: the same that `opscope run` prints. What the blocks are is the engine's."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from tui.commands.blocks import print_blocks
from tui.commands.output import Output
from tui.viewmodel.text import Span, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from tui.commands.output import Piece
    from tui.viewmodel.text import Line


class _Lines(Output):
    """Keeps the lines instead of writing them."""

    def __init__(self, width: int | None) -> None:
        super().__init__(io.StringIO(), width=width)
        self.lines: list[Line] = []

    def line(self, *pieces: Piece) -> None:
        self.lines.append(tuple(self._made_safe(piece) for piece in pieces))

    def json_text(self, text: str) -> None:
        self.lines += [(span(line),) for line in text.removesuffix("\n").split("\n")]

    def _made_safe(self, piece: Piece) -> Span:
        return Span(self.clean(piece)) if isinstance(piece, str) else piece._replace(text=self.clean(piece.text))


def answer_lines(blocks: Sequence[JsonObject], cells: int) -> list[Line]:
    """The blocks folded to `cells` cells, each line with what has to stand out."""
    out = _Lines(cells)
    print_blocks(out, blocks)
    return out.lines


def answer_text(blocks: Sequence[JsonObject]) -> str:
    """The blocks as text for the clipboard, nothing cut off."""
    stream = io.StringIO()
    print_blocks(Output(stream), blocks)
    return stream.getvalue()
