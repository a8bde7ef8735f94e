"""Keys told apart from what a terminal says of itself: nobody asked for its answers, so they are no keys. No key is acted on here."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from textual import _xterm_parser, events
from textual.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.message import Message

_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-Z\\-~]")
"""A control sequence as ECMA-48 has it, but for `[`, with which the Linux console begins its function keys."""
_STRING: Final = re.compile(r"\x1b[\]PX^_][^\x1b\x07]")
"""The beginning of a string of any length: an answer about colours, the clipboard, the terminal's name or its settings."""
_END: Final = "\x1b\\"
_X10_MOUSE: Final = "\x1b[M"
_BEGUN: Final = re.compile(r"\x1b\[[0-?]+[ -/]*")
"""More of a control sequence than fingers can type before it counts as single keys."""
_GAP_SECONDS: Final = 0.5
"""What has not gone on for so long will not: what comes then is a key again."""
_LONGEST: Final = 256
"""Characters of a control sequence: a terminal that lists everything it can do needs more than textual's 32."""


class KeyParser(_xterm_parser.XTermParser):
    """Textual's parser spells out what it does not know as single keys; this one drops whatever is no key by its form."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        _xterm_parser._MAX_SEQUENCE_SEARCH_THRESHOLD = _LONGEST  # noqa: SLF001  (it has no parameter for it)
        self._string_at: float | None = None
        self._begun_at: float | None = None

    def tick(self) -> Iterable[Message]:
        """What was begun and did not go on in time counts as single keys, unless it began as an answer."""
        if self._begun_at is None:
            yield from super().tick()
        elif time.monotonic() - self._begun_at > _GAP_SECONDS:
            self._begun_at = None
            for _ in super().tick():
                pass

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        self._begun_at = None
        if self._is_in_string(sequence):
            return [_ignored(sequence)]
        keys = list(super()._sequence_to_key_events(sequence, alt))
        if keys:
            return keys
        if _STRING.fullmatch(sequence):
            self._string_at = time.monotonic()
            return [_ignored(sequence)]
        if _is_answer(sequence):
            return [_ignored(sequence)]
        if _BEGUN.fullmatch(sequence):
            self._begun_at = time.monotonic()
        return []

    def _is_in_string(self, sequence: str) -> bool:
        if self._string_at is None:
            return False
        now = time.monotonic()
        goes_on = now - self._string_at < _GAP_SECONDS and (len(sequence) == 1 or sequence == _END)
        ends = sequence in ("\x07", _END)
        self._string_at = now if goes_on and not ends else None
        return goes_on


def _is_answer(sequence: str) -> bool:
    """True for a whole control sequence that means nothing to anybody: neither the mouse nor a mode that was asked about."""
    if sequence == _X10_MOUSE or not _CONTROL.fullmatch(sequence):
        return False
    return not any(
        known.match(sequence)
        for known in (
            _xterm_parser._re_mouse_event,  # noqa: SLF001  (what is decided on after the keys, in the same loop)
            _xterm_parser._re_terminal_mode_response,  # noqa: SLF001
        )
    )


def _ignored(sequence: str) -> events.Key:
    return events.Key(Keys.Ignore, sequence)
