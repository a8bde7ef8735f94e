"""The last thing before the terminal: line filters through which every cell of every widget passes. No widgets here."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import normalize

from rich.cells import cell_len
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
    """Draws everything with ASCII characters, as wide as it was.

    The inspector's own signs have stand-ins. Of data, a letter keeps what it is without its accents, and what has no such
    letter becomes a question mark a cell: a terminal that cannot draw it would draw anything. What is copied is whole.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same line, drawn in ASCII."""
        return [
            segment if segment.text.isascii() else Segment(_in_ascii(segment.text), segment.style, segment.control)
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


@lru_cache(1024)
def _in_ascii(text: str) -> str:
    drawn = text.translate(TO_ASCII)
    if not drawn.isascii():
        drawn = "".join(character if character.isascii() else _letter(character) for character in drawn)
    # Of characters that are drawn as one, each has cells of its own here.
    cells = cell_len(text)
    return drawn[:cells].ljust(cells, "?")


def _letter(character: str) -> str:
    plain = normalize("NFKD", character)[0]
    return plain if plain.isascii() and plain.isprintable() and cell_len(character) == 1 else "?" * cell_len(character)


def _without_link(style: Style | None) -> Style | None:
    return style.update_link(None) if style and style.link else style
