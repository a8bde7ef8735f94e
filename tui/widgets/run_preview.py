"""The panel beside the list of runs: whether it is shown, and the run in it. What stands in it is made in the view model."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from textual.binding import BindingType

    from store.rows import RunRow
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.runs_preview import Preview

PREVIEW_FROM = 120
"""Columns from which the chosen run is shown beside the list unless somebody says otherwise."""


class RunPreview(Reading, can_focus=False):
    """Lines about the chosen run, with a thin edge. Keys stay with the list; the wheel moves the text."""

    BINDINGS: ClassVar[list[BindingType]] = []

    DEFAULT_CSS = """
    RunPreview { display: none; padding: 0 1; }
    RunPreview.-open { display: block; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._wish: bool | None = None

    @property
    def is_open(self) -> bool:
        """True while it is shown: as somebody wished, else where there is room."""
        return self.app.size.width >= PREVIEW_FROM if self._wish is None else self._wish

    def turn(self) -> None:
        """Show it, or hide it, whatever room there is."""
        self._wish = not self.is_open

    def tell(self, row: RunRow | None, preview: Preview | None, moment: Moment, *, engine_lost: bool) -> None:
        """What is known of a run."""
        # Late: a narrow screen has no preview, and the first paint is not to wait for one.
        from tui.viewmodel.runs_preview import preview_lines

        cells = max(1, self.scrollable_content_region.width)
        self.show(preview_lines(row, preview, moment, cells, engine_lost=engine_lost))
