"""The panel beside the list of runs. What stands in it is made in the view model."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from textual.binding import BindingType


class RunPreview(Reading, can_focus=False):
    """Lines about the chosen run, with a thin edge. Keys stay with the list; the wheel moves the text."""

    BINDINGS: ClassVar[list[BindingType]] = []

    DEFAULT_CSS = """
    RunPreview { display: none; padding: 0 1; }
    RunPreview.-open { display: block; }
    """
