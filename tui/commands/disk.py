"""The lines about a disk that fills up, under what a person was looking at anyway. When there is one to tell is the store's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from tui.commands.context import Context


def print_disk_warnings(context: Context) -> None:
    """Write them to a terminal; programs ask `doctor --json`."""
    if not context.err.is_terminal:
        return
    from store.retention import disk_state, disk_warnings

    try:
        found = disk_warnings(disk_state(context.database))
    except OSError:  # what was asked for has been answered; a disk that does not say is no reason to complain
        return
    for warning in found:
        context.err.line(Span(f"! {warning.message}", Role.WARNING), Span(f"  {warning.hint}", Role.DIM))
