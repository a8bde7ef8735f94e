"""One line of typed text. Only in which order what is typed has its effect is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

if TYPE_CHECKING:
    from textual import events


class TypedLine(Input):
    """Keys that edit take effect in their turn, as letters do: what is pasted or typed right behind one must not overtake it."""

    async def _on_key(self, event: events.Key) -> None:
        # Otherwise such a key would first go up to the application, while what follows it arrives here.
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if not binding.priority:
                event.stop()
                event.prevent_default()
                await self.run_action(binding.action)
                return
        await super()._on_key(event)
