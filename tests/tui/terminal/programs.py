"""The inspector in a pseudo-terminal, and what a mouse and a clipboard send to it. No tests."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tests.tui.pseudo_terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

OPSCOPE = (sys.executable, "-c", "import sys; from tui.commands import main; sys.exit(main())")
RUNS = r"opscope › runs .*28 runs"
BRACKETED = "\x1b[200~", "\x1b[201~"


def environment(**more: str) -> dict[str, str]:
    """What a program in these tests is told."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    common = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", "LANG": "C.UTF-8"}
    return {**kept, **common, "OPSCOPE_CONFIG": os.devnull, **more}


def inspector(
    path: Path,
    columns: int = 80,
    rows: int = 24,
    *words: str,
    **told: str,
) -> Terminal:
    """The inspector on a file; `words` are more of its command line, `told` more of its environment."""
    return Terminal([*OPSCOPE, "--db", str(path), *words], columns, rows, environment(**told))


def at(screen: Terminal, text: str) -> tuple[int, int]:
    """The column and row, counted from 1, at which a text begins on the screen."""
    for row, line in enumerate(screen.text.splitlines(), 1):
        if text in line:
            return line.index(text) + 1, row
    raise AssertionError(f"{text!r} is not on the screen:\n{screen.text}")


def click(column: int, row: int) -> str:
    """The left button goes down and up."""
    return f"\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"


def wheel(column: int, row: int, *, down: bool) -> str:
    """One notch of the wheel."""
    return f"\x1b[<{65 if down else 64};{column};{row}M"


def pasted(text: str) -> str:
    """What a terminal sends for a paste when it was asked to mark them."""
    begin, end = BRACKETED
    return f"{begin}{text}{end}"
