"""One side of a stage: a heading and the JSON viewer under it. Two of them make StageInOut; the screen says what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.widgets.headed_panel import HeadedPanel
from tui.widgets.json_folds import TELLING
from tui.widgets.json_view import JsonView

if TYPE_CHECKING:
    from collections.abc import Collection

    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.palette import Role
    from tui.viewmodel.text import Line


class StagePanel(HeadedPanel):
    """A heading that is brighter while the panel has the focus, and a value."""

    DEFAULT_CSS = """
    StagePanel { height: 1fr; width: 1fr; }
    """

    def made(self) -> JsonView:
        """The value, new."""
        return JsonView()

    @property
    def content(self) -> JsonView:
        """The value."""
        return self.query_one(JsonView)

    @property
    def view(self) -> JsonView:
        """The value."""
        return self.content

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
        self.view.show(node, fresh=fresh, empty_text=empty_text, edge=edge, telling=telling)
        self.head(stage, facts)
