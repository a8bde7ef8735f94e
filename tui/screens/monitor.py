"""The Monitor screen: all runs that go on. What it shows is made in the view model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.actions import Scope
from tui.screens.base import LiveScreen

if TYPE_CHECKING:
    from engine.errors import OpscopeError


class MonitorScreen(LiveScreen[None]):
    """To be built."""

    SCOPES = (Scope.MONITOR,)

    async def read(self) -> None:
        """Nothing yet."""

    def shown(self, answer: None) -> None:
        """Nothing yet."""

    def failed(self, error: OpscopeError) -> None:
        """Nothing yet."""
