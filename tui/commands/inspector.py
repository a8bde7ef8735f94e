"""Opens the inspector: the one place in the commands from which a screen is reached. The screens themselves are in tui.app."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.commands.context import Context


def open_inspector(context: Context, *, run_id: str | None = None, watching: bool = False) -> int:
    """Show the inspector on the database until the person leaves it; the exit code. `watching`: the run has just begun."""
    # Textual reads these when it is first imported.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if context.no_color:
        os.environ["NO_COLOR"] = "1"
    from tui.app import run_inspector

    return run_inspector(context.database, run_id=run_id, ascii_only=context.ascii_only, watching=watching)
