"""The Override screen: change one thing of a run and run it again. What that comes to is made in the view model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.actions import Scope
from tui.screens.base import LiveScreen

if TYPE_CHECKING:
    from engine.errors import OpscopeError


class OverrideScreen(LiveScreen[None]):
    """To be built."""

    SCOPES = (Scope.OVERRIDE,)

    def __init__(self, run_id: str, *, step_id: str | None = None, alias: str | None = None) -> None:
        super().__init__()
        self.run_id = run_id
        self.step_id = step_id
        self.alias = alias

    async def read(self) -> None:
        """Nothing yet."""

    def shown(self, answer: None) -> None:
        """Nothing yet."""

    def failed(self, error: OpscopeError) -> None:
        """Nothing yet."""
