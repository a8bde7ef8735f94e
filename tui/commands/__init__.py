"""The commands: the composition root that joins an engine to a store. One file a command; `main` is the entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name; None: this process's) and return its exit code."""
    from tui.commands.entry import run

    return run(argv)
