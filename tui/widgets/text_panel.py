"""A heading and a text under it that scrolls. What the text says, for a width, is up to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical

from tui.viewmodel.heading import heading_line
from tui.widgets.lines import Lines
from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from tui.viewmodel.text import Line


class TextPanel(Vertical):
    """Like a stage's panel: the heading is brighter while the text has the focus."""

    DEFAULT_CSS = """
    TextPanel { height: 1fr; width: 1fr; }
    TextPanel > Lines { height: 1; }
    """

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title = title
        self._named: Line = ()
        self._facts: Line = ()
        self._text: Callable[[int], Sequence[Line]] = lambda _: ()

    def compose(self) -> ComposeResult:
        """Heading and text."""
        yield Lines()
        yield Reading()

    @property
    def reading(self) -> Reading:
        """The text."""
        return self.query_one(Reading)

    def show(self, named: Line, facts: Line, text: Callable[[int], Sequence[Line]], *, fresh: bool) -> None:
        """Show what `text` gives for the width. `fresh`: it is another text, read from its top."""
        self._named, self._facts, self._text = named, facts, text
        self._draw()
        if fresh:
            self.reading.scroll_to(y=0, animate=False)

    def _draw(self) -> None:
        self._draw_heading()
        self.reading.show(self._text(max(20, self.size.width - 2)))

    def _draw_heading(self) -> None:
        heading = heading_line(self.title, self._named, self._facts, self.size.width, is_focused=self.reading.has_focus)
        self.query_one(Lines).show([heading])

    def on_resize(self) -> None:
        """Texts are folded to the width."""
        self._draw()

    def on_descendant_focus(self) -> None:
        """Brighter."""
        self._draw_heading()

    def on_descendant_blur(self) -> None:
        """Calmer."""
        self._draw_heading()
