"""What the tabs with a long list share: the list that follows, a panel with one entry whole, and a line to type into."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from textual import on

from tui.actions import Action, Need
from tui.screens.tabs.base import RunTab
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.widgets.follow_list import FollowList
from tui.widgets.json_view import JsonView
from tui.widgets.line_list import LineList
from tui.widgets.lines import Lines
from tui.widgets.prompt import Prompt
from tui.widgets.stage_panel import StagePanel

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.text import Line


class ListTab(RunTab):
    """A list; Enter opens a panel beside or below it, which then shows whatever the cursor is on."""

    # How narrow the screen is stands at the screen, above what scoped styles may look at.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    ListTab > .listing { height: 1fr; layout: horizontal; }
    ListTab .entries { width: 1fr; height: 1fr; }
    ListTab .detail { display: none; width: 1fr; margin-left: 1; }
    ListTab.-open .detail { display: block; }
    .-narrow ListTab > .listing { layout: vertical; }
    .-narrow ListTab .entries { height: 1fr; min-height: 3; }
    .-narrow ListTab .detail { height: 1fr; margin: 0; }
    .-narrow ListTab .detail:focus-within { height: 2fr; }
    .-short.-narrow ListTab .entries { min-height: 2; }
    .-short.-narrow ListTab .detail { min-height: 2; }
    """

    @property
    @abstractmethod
    def entries(self) -> FollowList:
        """The list."""

    @property
    def detail(self) -> StagePanel:
        """The entry under the cursor, whole."""
        return self.query_one(".detail", StagePanel)

    @property
    def prompt(self) -> Prompt:
        """Where something is typed."""
        return self.query_one(Prompt)

    @property
    def is_open(self) -> bool:
        """True while an entry is shown whole."""
        return self.has_class("-open")

    @property
    def panels(self) -> list[Widget]:
        """The list, and the entry if it is open."""
        return [self.entries, self.detail.view]

    @property
    def given(self) -> set[Need]:
        """An entry under the cursor, a run that goes on."""
        given: set[Need] = set()
        if self.entries.line_count:
            given.add(Need.LINE_CHOSEN)
        if self.entries.goes_on:
            given.add(Need.GOING_ON)
        return given

    def worded(self, action: Action) -> Action:
        """There is no other panel before an entry is open."""
        return action._replace(rank=None) if action.id == "next_panel" and not self.is_open else action

    def going_on(self, picture: RunPicture, *, is_first: bool) -> None:
        """Whether something can still be added; a list that is opened on a live run follows it."""
        if not picture.goes_on:
            self.entries.ended()
            return
        self.entries.goes_on = True
        if is_first:
            self.entries.follow(True)

    # One entry whole

    @abstractmethod
    async def whole(self) -> tuple[Node, Line] | None:
        """The entry under the cursor and what its heading says, None if there is none. Reads what it needs."""

    def open(self) -> None:
        """Show the entry under the cursor, or give the keys to it where it is shown already."""
        if self.is_open:
            self.detail.view.focus()
            return
        self.add_class("-open")
        self.run_screen.keys_changed()
        self.show_whole(fresh=True)
        self.entries.show_cursor()

    def close(self) -> None:
        """The list has all the room again."""
        self.remove_class("-open")
        self.entries.focus()
        self.run_screen.keys_changed()

    def show_whole(self, *, fresh: bool) -> None:
        """Read the entry under the cursor and show it; `fresh` when it is another one than before."""
        if self.is_open:
            self.inspector.busily(self._show_whole(fresh=fresh))

    async def _show_whole(self, *, fresh: bool) -> None:
        found = await self.whole()
        if not self.is_attached:
            return
        node, heading = found or (None, ())
        self.detail.show(
            node, fresh=fresh, stage=heading, facts=(), empty_text="nothing is chosen", edge=Role.DIM, telling=None
        )

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        if event.line_list is self.entries:
            event.stop()
            self.show_whole(fresh=True)
            self.run_screen.keys_changed()

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        event.stop()
        self.open()

    @on(FollowList.FollowingChanged)
    def _following_changed(self, event: FollowList.FollowingChanged) -> None:
        event.stop()
        self.post_message(self.FactsChanged())

    @on(JsonView.Opened)
    @on(JsonView.Moved)
    def _row_changed(self) -> None:
        self.run_screen.keys_changed()

    @on(Lines.Pressed)
    def _heading_pressed(self, event: Lines.Pressed) -> None:
        event.stop()
        self.detail.view.focus()

    def leave(self) -> bool:
        """What is open beside the list."""
        if not self.is_open:
            return False
        self.close()
        return True

    @staticmethod
    def heading(text: str, role: Role = Role.TEXT) -> Line:
        """What the panel's heading names."""
        return (Span(text, role),)
