"""The versions of an asset with a cursor. How one reads is in the view model; what is done with it, on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.viewmodel.impact.versions import version_line
from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from engine.regression.impact import VersionUse
    from engine.regression.impact_report import Impact
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.text import Line


class VersionList(LineList):
    """The versions, one a line."""

    @dataclass
    class ReadOn(Message):
        """Half a page of the text below is to be moved: `half_down` or `half_up`."""

        action_id: str

    def __init__(self) -> None:
        super().__init__(id="versions")
        self._impact: Impact | None = None
        self._moment: Moment | None = None

    def show(self, impact: Impact, moment: Moment) -> None:
        """Show these; the cursor stays on its version."""
        chosen = self.chosen
        self._impact, self._moment = impact, moment
        places = [one.version for one in impact.versions]
        if chosen is not None and chosen.version in places:
            self.set_reactive(LineList.cursor, places.index(chosen.version))
        elif chosen is None and impact.pair is not None:
            self.set_reactive(LineList.cursor, places.index(impact.pair.after.version))
        self.lines_changed()

    @property
    def chosen(self) -> VersionUse | None:
        """The version under the cursor."""
        versions = self._impact.versions if self._impact is not None else ()
        return versions[self.cursor] if self.cursor < len(versions) else None

    @property
    def line_count(self) -> int:
        """All of them."""
        return 0 if self._impact is None else len(self._impact.versions)

    def line_at(self, index: int, cells: int) -> Line:
        """One version."""
        if self._impact is None or self._moment is None:
            return ()
        return version_line(self._impact, self._impact.versions[index], cells, self._moment)

    def action_do(self, action_id: str) -> None:
        """There are few versions and much text: half a page is one of the text."""
        if action_id in ("half_down", "half_up"):
            self.post_message(self.ReadOn(action_id))
        else:
            super().action_do(action_id)

    def behind_blurred(self) -> str:
        """The chosen version stays visible while a text has the keys."""
        return painter_of(self).palette.cursor_blurred
