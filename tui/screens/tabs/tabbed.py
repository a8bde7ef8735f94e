"""A screen of which one tab is shown at a time: which one, its panels and its keys. Which tabs there are is the screen's."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, TypeVar

from textual import on

from tui.actions import Scope, by_id
from tui.screens.steering import SteeringScreen
from tui.screens.tabs.base import RunTab
from tui.viewmodel.tabs import Tab
from tui.widgets.json_view import JsonView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.actions import Need

Answer = TypeVar("Answer")

_TAB_ACTIONS = {f"tab_{tab.name.lower()}": tab for tab in Tab}


class TabbedScreen(SteeringScreen[Answer]):
    """The keys of the tab that is shown come before those of the screen."""

    tabs: Sequence[RunTab]
    """All of them, in their order."""

    def __init__(self, tab: Tab) -> None:
        super().__init__()
        self.shown_tab = tab
        self.came_from: Tab | None = None
        """The tab whose line led to the one that is shown, to which one goes back once; None where one chose it."""

    @abstractmethod
    def tell_tabs(self) -> None:
        """Say which tab is shown, and what it says of itself."""

    @property
    def tab(self) -> RunTab:
        """The tab that is shown."""
        return self.tab_of(self.shown_tab)

    def tab_of(self, wanted: Tab) -> RunTab:
        """The tab of this kind."""
        return next(tab for tab in self.tabs if tab.TAB is wanted)

    def choose_tab(self, tab: Tab, *, returns: bool = False) -> None:
        """Show another tab. `returns`: one comes back from there to the tab that is shown now."""
        if tab is not self.shown_tab:
            self.came_from = self.shown_tab if returns else None
            self.shown_tab = tab
            self.inspector.history.now_at_tab(tab)
            self.show_tab()
            self.want()

    def return_to_tab(self) -> bool:
        """Back to the tab that led here; False where none did."""
        if self.came_from is None:
            return False
        self.choose_tab(self.came_from)
        return True

    def show_tab(self) -> None:
        """Show the tab that is chosen, and give it the keys."""
        for tab in self.tabs:
            tab.set_class(tab is self.tab, "-shown")
        self.set_focus(self.tab.panels[0])
        self.tell_tabs()
        self.keys_changed()

    @on(RunTab.FactsChanged)
    def _facts_changed(self, event: RunTab.FactsChanged) -> None:
        event.stop()
        self.tell_tabs()
        self.keys_changed()

    @property
    def given(self) -> set[Need]:
        """What holds for the run and for the tab."""
        return super().given | self.tab.given

    @property
    def scopes_now(self) -> tuple[Scope, ...]:
        """The tab's own keys come before those of the run."""
        if isinstance(self.focused, JsonView) and self.shown_tab is not Tab.STAGES:
            return super().scopes_now
        *closest, run, steer, everywhere = super().scopes_now
        return (*closest, self.tab.SCOPE, run, steer, everywhere)

    @property
    def moves(self) -> Scope:
        """How one moves in the tab."""
        return super().moves if isinstance(self.focused, JsonView) else self.tab.MOVES

    def perform(self, action_id: str) -> None:
        """Go to a tab or a panel, or let the tab do it."""
        match action_id:
            case _ if action_id in _TAB_ACTIONS:
                self.choose_tab(_TAB_ACTIONS[action_id])
            case "next_panel":
                self._next_panel(1)
            case "previous_panel":
                self._next_panel(-1)
            case _ if by_id(action_id).scope is self.tab.SCOPE:
                self.tab.perform(action_id)
            case _:
                super().perform(action_id)

    def _next_panel(self, step: int) -> None:
        shown = [panel for panel in self.tab.panels if panel.size.height > 0 and panel.display and panel.is_on_screen]
        at = next((index for index, panel in enumerate(shown) if panel is self.focused), -1)
        if shown:
            shown[(at + step) % len(shown)].focus()
