"""A short list out of which one thing is chosen, above the screen that asked. What the things are is up to who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, spread, width
from tui.widgets.line_list import LineList
from tui.widgets.lines import Lines
from tui.widgets.text_list import TextList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

_EDGE = 3
_MOST_ROWS = 16


class ChooserScreen(ModalScreen[int | None]):
    """Gives back the place of what was chosen, None when nothing was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,right,space", "choose", "Choose", show=False),
        Binding("escape,q,h,left", "dismiss", "Close", show=False),
    ]

    DEFAULT_CSS = """
    ChooserScreen { background: $background 40%; align: right top; }
    ChooserScreen > Vertical { margin: 2 1 2 0; padding: 0 1; background: $background; border: round $border; height: auto; }
    """

    def __init__(self, title: tuple[str, str], choices: Sequence[Line], chosen: int) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Title, choices, keys."""
        with Vertical():
            yield Lines(id="chooser-title")
            yield TextList(id="choices")
            yield Lines(id="chooser-keys")

    def on_mount(self) -> None:
        """As large as needed, the cursor on what is chosen now."""
        keys: Line = (
            Span("enter", bold=True), Span(" choose  ", Role.DIM), Span("esc", bold=True), Span(" leave it", Role.DIM),
        )  # fmt: skip
        cells = max(width(keys), *(width(line) for line in self._choices)) + 1
        box = self.query_one(Vertical)
        box.styles.width = min(cells + _EDGE + 1, self.app.size.width - 1)
        left, right = self._title
        title = spread((Span(left, Role.TEXT, bold=True),), (Span(right, Role.DIM),), cells - 1)
        self.query_one("#chooser-title", Lines).show([title])
        self.query_one("#chooser-keys", Lines).show([(), keys])
        choices = self.query_one(TextList)
        choices.styles.height = min(len(self._choices), _MOST_ROWS, max(3, self.app.size.height - 12))
        choices.show(self._choices)
        choices.cursor = self._chosen
        choices.focus()
        choices.call_after_refresh(choices.keep_in_view)

    def action_choose(self) -> None:
        """This one."""
        self.dismiss(self.query_one(TextList).cursor)

    @on(LineList.Opened)
    def _clicked(self, event: LineList.Opened) -> None:
        event.stop()
        self.dismiss(event.index)
