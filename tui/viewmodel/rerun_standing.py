"""What is said of a run that was made of another: of which, what is different, why, what to do once it is over. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from engine.model.states import RunMode
from tui.terminal import visible
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import rerun_words
from tui.viewmodel.text import Line, Span, span, spread, width
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from store.rows import RunRow


def rerun_lines(run: RunRow, cells: int, *, compared_with: str = "", key: str = "c") -> list[Line]:
    """One line, nothing for a run that was made of nothing. `compared_with`: it is over, and `key` compares it with that."""
    if run.source_run_id is None:
        return []
    test: Line = (Span("TEST RUN", Role.WARNING, bold=True), Span("  ")) if run.mode is RunMode.TEST else ()
    words = rerun_words(run)
    said: Line = (Span(" ↻ ", Role.RUNNING, bold=True), *test)
    offer: Line = (Span(key, bold=True), span(f" compare with {compared_with} ")) if compared_with else ()
    if offer and width(said) + cell_len(visible(words)) + width(offer) >= cells:
        # What it is compared with names the run already.
        words = words.removeprefix(f"rerun of {short_id(run.source_run_id)}: ")
    return [spread((*said, span(words, Role.DIM)), offer, cells)]
