"""The last thing before the terminal: line filters through which every cell of every widget passes. No widgets here."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter

from tui.terminal import is_clean, visible
from tui.viewmodel.glyphs import TO_ASCII

if TYPE_CHECKING:
    from textual.color import Color

    from tui.viewmodel.palette import Palette


class VisibleFilter(LineFilter):
    """Shows what a terminal could take as a command as a visible escape, and keeps every line as wide as it was.

    Widgets make their text safe before they measure it; this holds for the ones that do not.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same line without control characters and without hyperlinks."""
        if all(is_clean(text) and not (style and style.link) for text, style, _ in segments):
            return segments
        cells = Segment.get_line_length(segments)
        safe = [Segment(visible(text), _without_link(style), None) for text, style, _ in segments]
        return Segment.adjust_line_length(safe, cells)


class AsciiFilter(LineFilter):
    """Draws the inspector's own signs with ASCII characters of the same width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same line, drawn in ASCII."""
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(TO_ASCII), segment.style, segment.control)
            for segment in segments
        ]


class ColourlessFilter(LineFilter):
    """Takes every colour away, for NO_COLOR. The chosen row is shown in reverse instead, dim text stays dim."""

    def __init__(self, palettes: tuple[Palette, ...]) -> None:
        super().__init__()
        self._dim = frozenset(
            RichColor.parse(p.roles[role]).triplet for p in palettes for role in p.roles if role == "dim"
        )
        self._chosen = frozenset(RichColor.parse(palette.cursor).triplet for palette in palettes)
        self._plain = lru_cache(1024)(self._without_colour)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same line without colours."""
        return [Segment(text, self._plain(style) if style else style, control) for text, style, control in segments]

    def _without_colour(self, style: Style) -> Style:
        foreground, background = style.color, style.bgcolor
        return Style(
            bold=style.bold,
            italic=style.italic,
            underline=style.underline,
            dim=foreground is not None and foreground.triplet in self._dim,
            reverse=background is not None and background.triplet in self._chosen,
            meta=style.meta or None,
        )


def _without_link(style: Style | None) -> Style | None:
    return style.update_link(None) if style and style.link else style
