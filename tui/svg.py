"""A screen as an SVG picture: every cell at its place, the same bytes for the same screen, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.color import ColorType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.color import Color
    from rich.segment import Segment
    from rich.style import Style

_FONT_PIXELS = 14
_CELL_WIDTH = 8.43
_CELL_HEIGHT = 18
_BASELINE = 13.5
_MARGIN = 12
_FONTS = "'DejaVu Sans Mono','Menlo','Consolas','Liberation Mono',monospace"


def svg(lines: Sequence[Iterable[Segment]], *, columns: int, background: str, foreground: str, title: str) -> str:
    """The lines of a screen as one SVG document on `background`."""
    width = round(columns * _CELL_WIDTH + 2 * _MARGIN, 2)
    height = len(lines) * _CELL_HEIGHT + 2 * _MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{_text(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{background}"/>',
        f'<g font-family="{_FONTS}" font-size="{_FONT_PIXELS}" fill="{foreground}" xml:space="preserve">',
    ]
    for row, segments in enumerate(lines):
        out.extend(_row(segments, row, background, foreground))
    out.append("</g>\n</svg>\n")
    return "\n".join(out)


def _row(segments: Iterable[Segment], row: int, background: str, foreground: str) -> Iterator[str]:
    top = _MARGIN + row * _CELL_HEIGHT
    column = 0
    texts: list[str] = []
    for text, style, _ in segments:
        cells = cell_len(text)
        ink, paper = _colours(style, background, foreground)
        if paper != background:
            place = f'x="{_x(column)}" y="{top}" width="{round(cells * _CELL_WIDTH, 2)}" height="{_CELL_HEIGHT}"'
            yield f'<rect {place} fill="{paper}"/>'
        for start, word in _words(text):
            look = f' fill="{ink}"' if ink != foreground else ""
            if style is not None and style.bold:
                look += ' font-weight="bold"'
            if style is not None and style.underline:
                look += ' text-decoration="underline"'
            length = round(cell_len(word) * _CELL_WIDTH, 2)
            place = f'x="{_x(column + start)}" y="{round(top + _BASELINE, 2)}" textLength="{length}"'
            texts.append(f"<text {place}{look}>{_text(word)}</text>")
        column += cells
    yield from texts


def _words(text: str) -> Iterator[tuple[int, str]]:
    """The words of a text with the cell each starts at: placed one by one, they stay in their columns in every font."""
    at = 0
    for word in text.split(" "):
        if word:
            yield at, word
        at += cell_len(word) + 1


def _colours(style: Style | None, background: str, foreground: str) -> tuple[str, str]:
    ink = _hex(style.color if style else None, foreground)
    paper = _hex(style.bgcolor if style else None, background)
    return (paper, ink) if style is not None and style.reverse else (ink, paper)


def _hex(colour: Color | None, default: str) -> str:
    if colour is None or colour.type is ColorType.DEFAULT:
        return default
    return colour.get_truecolor().hex.upper()


def _x(column: int) -> float:
    return round(_MARGIN + column * _CELL_WIDTH, 2)


def _text(text: str) -> str:
    return escape(text, quote=False)
