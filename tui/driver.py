"""The terminal that the inspector reads keys from: Textual's own, which must go on after bytes that are no text."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from textual.drivers import linux_driver

if TYPE_CHECKING:
    from collections.abc import Callable


def _forgiving(name: str) -> Callable[[], codecs.IncrementalDecoder]:
    return lambda: codecs.getincrementaldecoder(name)(errors="replace")


class ForgivingDriver(linux_driver.LinuxDriver):
    """A Latin-1 terminal, a noisy line or a pasted byte must not end the inspector: what cannot be read is no key."""

    def run_input_thread(self) -> None:
        """Read keys until the app ends."""
        # The reading loop makes its decoder itself and has no parameter for it; textual is pinned to this version.
        linux_driver.getincrementaldecoder = _forgiving  # type: ignore[attr-defined, assignment, unused-ignore]
        super().run_input_thread()
