"""Kinds of terminals: few colours, none, ASCII only, one that can do nothing. What is said is the same everywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.tui.terminal.programs import inspector

if TYPE_CHECKING:
    from pathlib import Path

_COLOUR = re.compile(rb"\x1b\[[0-9;]*?(?:[34]8;[25]|(?<![0-9])(?:3[0-7]|4[0-7]|9[0-7]|10[0-7])[;m])")

KINDS: dict[str, tuple[tuple[str, ...], dict[str, str], bool, bool]] = {
    # words, environment, whether colours may come, whether only ASCII may
    "NO_COLOR": ((), {"NO_COLOR": "1"}, False, False),
    "ascii": (("--ascii",), {}, True, True),
    "xterm": ((), {"TERM": "xterm", "COLORTERM": ""}, True, False),
    "linux": ((), {"TERM": "linux", "COLORTERM": ""}, True, False),
    "screen": ((), {"TERM": "screen", "COLORTERM": ""}, True, False),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.sampled(one_in=6)
def test_what_is_said_is_the_same_on_every_kind(database: Path, kind: str) -> None:
    """A run that went well with a warning, its stages: words carry it, not colours; no true colour where none was promised."""
    words, told, has_colours, is_ascii = KINDS[kind]
    with inspector(database, 80, 24, *words, **told) as screen:
        screen.wait_for(r"28 runs(?s:.*)\? help")
        screen.press("j", "\r")
        screen.wait_for(r"ping +. FAILED +timed out after 10 s")
        if is_ascii:
            assert screen.text.isascii()
        screen.press("q")
        assert screen.wait_for_end() == 0
        raw = bytes(screen.raw)
        assert has_colours or not _COLOUR.search(raw), _COLOUR.search(raw)
        if told.get("COLORTERM") == "":
            assert b"38;2" not in raw


@pytest.mark.long
def test_a_terminal_that_can_do_nothing_gets_a_list(database: Path) -> None:
    """No screen is drawn where no cursor moves: the runs as lines, and the prompt is back."""
    with inspector(database, TERM="dumb", COLORTERM="") as screen:
        assert screen.wait_for_end() == 0
        assert "SUCCEEDED" in screen.text
        assert b"\x1b" not in screen.raw
