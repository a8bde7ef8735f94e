"""The terminal that the inspector reads keys from: Textual's own, which must go on whatever bytes come. Nothing is drawn here."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from textual.drivers import linux_driver

from tui.key_parser import KeyParser

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App


def _forgiving(name: str) -> Callable[[], codecs.IncrementalDecoder]:
    return lambda: codecs.getincrementaldecoder(name)(errors="replace")


class ForgivingDriver(linux_driver.LinuxDriver):
    """A Latin-1 terminal, a noisy line or an answer nobody asked for must not end the inspector: what cannot be read is no key."""

    def run_input_thread(self) -> None:
        """Read keys until the app ends."""
        # The reading loop makes its decoder and its parser itself and has no parameters for them; textual is pinned.
        linux_driver.getincrementaldecoder = _forgiving  # type: ignore[attr-defined, assignment, unused-ignore]
        linux_driver.XTermParser = KeyParser  # type: ignore[attr-defined, misc, unused-ignore]
        super().run_input_thread()

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:  # noqa: BLE001  (nobody would see it in this thread)
            app: App[object] = self._app
            # The message loop of the application ends it, in its own thread.
            app.call_later(app._handle_exception, error)  # noqa: SLF001  (as the thread of textual ends it)
