"""A panel under a heading that is brighter while what is below it has the keys. What that is, the kinds of panels say."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from textual.containers import Vertical

from tui.viewmodel.heading import heading_line
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from tui.viewmodel.text import Line


class HeadedPanel(Vertical):
    """Title, what is shown, and facts at the end, on a rule; below it the one thing that can have the keys."""

    DEFAULT_CSS = """
    HeadedPanel > .panel-heading { height: 1; }
    """

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title = title
        self._named: Line = ()
        self._facts: Line = ()

    def compose(self) -> ComposeResult:
        """Heading and content."""
        yield Lines(classes="panel-heading")
        yield self.made()

    @abstractmethod
    def made(self) -> Widget:
        """What stands below the heading, new."""

    @property
    @abstractmethod
    def content(self) -> Widget:
        """What stands below the heading."""

    def head(self, named: Line, facts: Line) -> None:
        """Say what is shown, and facts about it."""
        self._named, self._facts = named, facts
        self.draw_heading()

    def draw_heading(self) -> None:
        """Draw the heading for this width and focus."""
        cells, has_keys = self.size.width, self.content.has_focus
        line = heading_line(self.title, self._named, self._facts, cells, is_focused=has_keys)
        self.query_one(".panel-heading", Lines).show([line])

    def on_resize(self) -> None:
        """The rule goes to the end."""
        self.draw_heading()

    def on_descendant_focus(self) -> None:
        """Brighter."""
        self.draw_heading()

    def on_descendant_blur(self) -> None:
        """Calmer."""
        self.draw_heading()
