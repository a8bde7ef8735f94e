"""From typed text to what Textual draws: roles become styles of the current palette. Decides no wording and no layout."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.color import Color as ContentColor
from textual.content import Content
from textual.strip import Strip
from textual.style import Style as ContentStyle
from textual.theme import BUILTIN_THEMES, Theme

from tui.viewmodel.palette import DARK, OURS, Palette, Role, palette_on
from tui.viewmodel.text import width

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui.viewmodel.text import Line


class Painter:
    """Styles of one palette, made once each."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self._styles: dict[tuple[Role, bool, bool, str | None], Style] = {}

    def style(self, role: Role, *, bold: bool = False, underline: bool = False, behind: str | None = None) -> Style:
        """The style of a role. `behind` is a background colour, None leaves the widget's own."""
        key = (role, bold, underline, behind)
        style = self._styles.get(key)
        if style is None:
            style = Style(color=self.palette.colour(role), bold=bold, underline=underline, bgcolor=behind)
            self._styles[key] = style
        return style

    def strip(self, line: Line, cells: int, *, behind: str | None = None) -> Strip:
        """A line as a strip of exactly `cells` cells; neighbours that look alike are drawn as one."""
        behind = behind or self.palette.background
        segments: list[Segment] = []
        for text, role, bold, underline in line:
            if not text:
                continue
            # A blank looks the same in every colour, so it goes with what stands before it and costs no escape sequence.
            style = self.style(role, bold=bold, underline=underline, behind=behind)
            last = segments[-1] if segments else None
            if last is not None and (
                last.style == style or (text.isspace() and not underline and not (last.style and last.style.underline))
            ):
                segments[-1] = Segment(last.text + text, last.style)
            else:
                segments.append(Segment(text, style))
        padding = self.style(Role.TEXT, behind=behind)
        return Strip(segments, width(line)).adjust_cell_length(cells, padding)

    def content(self, line: Line) -> Content:
        """A line for a widget that takes Textual's typed text."""
        return Content.assemble(
            *(
                (text, ContentStyle(foreground=_colour(self.palette.colour(role)), bold=bold or None))
                for text, role, bold, _ in line
            )
        )


def theme_of(palette: Palette) -> Theme:
    """A palette as a theme of Textual, for the parts that Textual draws itself: scrollbars, inputs, the palette, messages."""
    colour = palette.colour
    return Theme(
        name=palette.name,
        primary=colour(Role.RUNNING),
        secondary=colour(Role.DIM),
        accent=colour(Role.RUNNING),
        warning=colour(Role.WARNING),
        error=colour(Role.FAILED),
        success=colour(Role.SUCCEEDED),
        foreground=colour(Role.TEXT),
        background=palette.background,
        surface=palette.background,
        panel=palette.cursor,
        boost=palette.cursor_blurred,
        dark=palette.is_dark,
        text_alpha=1.0,
        variables={
            "scrollbar": colour(Role.BORDER),
            "scrollbar-hover": colour(Role.DIM),
            "scrollbar-active": colour(Role.TEXT),
            "scrollbar-background": palette.background,
            "scrollbar-background-hover": palette.background,
            "scrollbar-background-active": palette.background,
            "scrollbar-corner-color": palette.background,
            "block-cursor-foreground": colour(Role.STRONG),
            "block-cursor-background": palette.cursor,
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-foreground": colour(Role.TEXT),
            "block-cursor-blurred-background": palette.cursor_blurred,
            "input-selection-background": colour(Role.BORDER),
            "input-cursor-background": colour(Role.TEXT),
            "input-cursor-foreground": palette.background,
            "border": colour(Role.BORDER),
            "border-blurred": colour(Role.BORDER),
            "quiet": colour(Role.DIM),
            "footer-key-foreground": colour(Role.RUNNING),
        },
    )


_OURS = {palette.name: palette for palette in OURS}


@cache
def palette_named(name: str) -> Palette:
    """The palette of one of our themes, or our roles on the background of one of Textual's own."""
    theme = BUILTIN_THEMES.get(name)
    if name in _OURS or theme is None:
        return _OURS.get(name, DARK)
    colours = theme.to_color_system().generate()
    return palette_on(
        name, is_dark=theme.dark, background=colours["background"].upper(), foreground=colours["foreground"].upper()
    )


@cache
def _painter(name: str) -> Painter:
    return Painter(palette_named(name))


def painter_of(widget: Widget) -> Painter:
    """The painter for the theme the widget is shown in."""
    return _painter(widget.app.theme)


def _colour(value: str) -> ContentColor:
    return ContentColor.parse(value)
