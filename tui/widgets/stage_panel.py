"""One side of a stage: a heading and the JSON viewer under it. Two of them make StageInOut; the screen says what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, spread, width
from tui.widgets.json_view import TELLING, JsonView
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Collection

    from textual.app import ComposeResult

    from tui.viewmodel.json_nodes import Node


class StagePanel(Vertical):
    """A heading that is brighter while the panel has the focus, and a value."""

    DEFAULT_CSS = """
    StagePanel { height: 1fr; width: 1fr; }
    StagePanel > Lines { height: 1; }
    """

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title = title
        self._stage: Line = ()
        self._facts: Line = ()

    def compose(self) -> ComposeResult:
        """Heading and value."""
        yield Lines(classes="panel-heading")
        yield JsonView()

    @property
    def view(self) -> JsonView:
        """The value."""
        return self.query_one(JsonView)

    def show(
        self,
        node: Node,
        *,
        fresh: bool,
        stage: Line,
        facts: Line,
        empty_text: str,
        edge: Role,
        telling: Collection[str] | None = TELLING,
    ) -> None:
        """Show a value under its heading: the stage's name at the left, facts at the right. `telling`: see the viewer."""
        self._stage, self._facts = stage, facts
        self.view.show(node, fresh=fresh, empty_text=empty_text, edge=edge, telling=telling)
        self.draw_heading()

    def draw_heading(self) -> None:
        """Draw the heading for this width and focus."""
        focused = self.view.has_focus
        rule = "━" if focused else "─"
        role = Role.TEXT if focused else Role.BORDER
        left: Line = (
            Span(rule + " ", role),
            Span(self.title, Role.STRONG if focused else Role.DIM, bold=focused),
            Span(" "),
            *self._stage,
            Span(" "),
        )
        right: Line = (Span(" "), *self._facts, Span(" " + rule, role)) if self._facts else ()
        cells = self.size.width
        filling = max(0, cells - width(left) - width(right))
        if right and not filling:
            self.query_one(Lines).show([spread(left, right, cells)])
        else:
            self.query_one(Lines).show([(*left, Span(rule * filling, role), *right)])

    def on_resize(self) -> None:
        """The heading fills the width."""
        self.draw_heading()

    def on_descendant_focus(self) -> None:
        """Brighter."""
        self.draw_heading()

    def on_descendant_blur(self) -> None:
        """Calmer."""
        self.draw_heading()
