"""The list of the assets that a run applied, one a line. What a line says is the view model's, what opens one the tab's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.applied_assets import AppliedAsset, asset_line
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class AssetList(LineList):
    """The assets, one a line."""

    def __init__(self) -> None:
        super().__init__(id="asset-lines")
        self.assets: Sequence[AppliedAsset] = ()
        self.empty_text = "reading…"

    @property
    def chosen(self) -> AppliedAsset | None:
        """The asset under the cursor."""
        return self.assets[self.cursor] if self.cursor < len(self.assets) else None

    @property
    def line_count(self) -> int:
        """All of them."""
        return len(self.assets)

    def line_at(self, index: int, cells: int) -> Line:
        """One asset."""
        return asset_line(self.assets[index], self.assets, cells)

    def empty_line(self, cells: int) -> Line:  # noqa: ARG002
        """Why there are none."""
        return (Span(f" {self.empty_text}", Role.DIM),)

    def behind_blurred(self) -> str:
        """The chosen asset stays visible while its content has the keys."""
        return painter_of(self).palette.cursor_blurred
