"""Lines of typed text that scroll and can have the focus. Which lines is up to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.viewmodel.text import Line


class TextList(LineList):
    """As many lines as there are; its height is up to the styles."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._texts: list[Line] = []

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines."""
        self._texts = list(lines)
        self.lines_changed()

    @property
    def line_count(self) -> int:
        """The lines there are."""
        return len(self._texts)

    def line_at(self, index: int, cells: int) -> Line:  # noqa: ARG002
        """A line."""
        return self._texts[index]
