"""What every tab of the Run screen shares: it reads what it shows when the screen reads, and does the actions of its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container
from textual.message import Message

from tui.actions import Scope

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui.actions import Action, Need
    from tui.app import Inspector
    from tui.screens.run import RunScreen
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.tabs import Tab
    from tui.viewmodel.text import Line


class RunTab(Container):
    """A part of the Run screen. Only the one that is shown is read and painted; the others keep their place."""

    TAB: ClassVar[Tab]
    SCOPE: ClassVar[Scope]
    MOVES: ClassVar[Scope] = Scope.LIST
    """How one moves in it."""
    HAS_DOCUMENTS: ClassVar[bool] = False
    """True where the stage's input and output are needed with the picture."""

    DEFAULT_CSS = """
    RunTab { height: 1fr; display: none; }
    RunTab.-shown { display: block; }
    """

    class FactsChanged(Message):
        """What the tab says of itself is something else now, or other keys matter."""

    @property
    def run_screen(self) -> RunScreen:
        """The screen, by its own type."""
        from tui.screens.run import RunScreen

        assert isinstance(self.screen, RunScreen)
        return self.screen

    @property
    def inspector(self) -> Inspector:
        """The app, by its own type."""
        return self.run_screen.inspector

    @property
    def moment(self) -> Moment:
        """Now."""
        return self.inspector.moment()

    async def read(self, picture: RunPicture) -> object:
        """What this tab shows beyond the picture. Runs in a worker: no widget may be touched."""
        raise NotImplementedError

    def shown(self, picture: RunPicture, answer: object) -> None:
        """Put what was read on the screen."""
        raise NotImplementedError

    def tick(self, picture: RunPicture) -> None:
        """Write times anew while the run goes on."""

    @property
    def facts(self) -> Line:
        """What stands at the end of the row of tabs."""
        return ()

    @property
    def override_at(self) -> tuple[str | None, str | None]:
        """The step, and the alias of the asset, that the cursor is on: where `o` begins."""
        return None, None

    @property
    def given(self) -> set[Need]:
        """What holds for the actions of this tab."""
        return set()

    def worded(self, action: Action) -> Action:
        """The action with the label that fits now."""
        return action

    @property
    def panels(self) -> list[Widget]:
        """What takes the keys in turn; the first gets them when the tab is opened."""
        raise NotImplementedError

    def perform(self, action_id: str) -> None:
        """Do an action of this tab that is possible."""
        raise KeyError(action_id)

    def leave(self) -> bool:
        """Close the nearest thing that is open. False when there is none, so that the run is left."""
        return False

    def action_do(self, action_id: str) -> None:
        """Keys that are pressed in here."""
        self.run_screen.action_do(action_id)
