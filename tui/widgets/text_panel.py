"""A heading and a text under it that scrolls. What the text says, for a width, is up to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.widgets.headed_panel import HeadedPanel
from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui.viewmodel.text import Line


class TextPanel(HeadedPanel):
    """Like a stage's panel: the heading is brighter while the text has the focus."""

    DEFAULT_CSS = """
    TextPanel { height: 1fr; width: 1fr; }
    """

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002
        super().__init__(title, id=id)
        self._text: Callable[[int], Sequence[Line]] = lambda _: ()

    def made(self) -> Reading:
        """The text, new."""
        return Reading()

    @property
    def content(self) -> Reading:
        """The text."""
        return self.query_one(Reading)

    @property
    def reading(self) -> Reading:
        """The text."""
        return self.content

    def show(self, named: Line, facts: Line, text: Callable[[int], Sequence[Line]], *, fresh: bool) -> None:
        """Show what `text` gives for the width. `fresh`: it is another text, read from its top."""
        self._text = text
        self.head(named, facts)
        self._draw_text()
        if fresh:
            self.reading.scroll_to(y=0, animate=False)

    def _draw_text(self) -> None:
        # Without a width yet there is nothing to fold to: the first one that it gets draws it.
        if self.size.width:
            self.reading.show(self._text(max(20, self.size.width - 2)))

    def on_resize(self) -> None:
        """Texts are folded to the width."""
        self._draw_text()
