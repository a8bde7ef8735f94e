"""What stands above the tabs of a run: title, stages, what has to be said of it, names of the tabs. What they say is the view models'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical
from textual.message import Message

from tui.viewmodel.palette import Role
from tui.viewmodel.stage_strip import StagePlace, strip_lines
from tui.viewmodel.tabs import Tab, TabPlace, tab_row
from tui.viewmodel.text import Line, Span
from tui.widgets.lines import Lines, TitleLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from engine.model.states import Stage
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.runs import Moment


class RunHead(Vertical):
    """Lines of fixed places. Stages and tabs can be chosen with the mouse."""

    # How narrow the screen is stands at the screen, above what scoped styles may look at.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    RunHead { height: auto; min-height: 1; }
    RunHead > #strip { height: 1; }
    RunHead > #standing { display: none; }
    RunHead.-stands > #standing { display: block; }
    RunHead > #tabs { height: 1; margin: 1 0 0 0; }
    .-narrow RunHead > #tabs, .-short RunHead > #tabs { margin: 0; }
    RunHead.-blank > #strip, RunHead.-blank > #tabs, RunHead.-blank > #standing { display: none; }
    """

    @dataclass
    class StageChosen(Message):
        """A stage was clicked."""

        stage: Stage

    @dataclass
    class TabChosen(Message):
        """A tab was clicked."""

        tab: Tab

    def __init__(self) -> None:
        super().__init__()
        self._stages: list[StagePlace] = []
        self._tabs: list[TabPlace] = []

    def compose(self) -> ComposeResult:
        """Title, strip, standing, tabs."""
        yield TitleLine(id="title")
        yield Lines(id="strip")
        yield Lines(id="standing")
        yield Lines(id="tabs")

    @property
    def cells(self) -> int:
        """The room of a line."""
        return self.screen.size.width

    def show_title(self, left: Line, right: Line) -> None:
        """Where one is, and how the run stands."""
        self.query_one(TitleLine).tell(left, right)

    def show_fault(self, left: Line) -> None:
        """Nothing but that the run cannot be read."""
        self.add_class("-blank")
        self.show_title(left, (Span("✗ NOT READABLE", Role.FAILED, bold=True),))

    def show_run(self, picture: RunPicture, moment: Moment, standing: Sequence[Line]) -> None:
        """The stages, and what has to be said of the run."""
        self.remove_class("-blank")
        lines, self._stages = strip_lines(picture, moment, self.cells)
        strip = self.query_one("#strip", Lines)
        strip.styles.height = len(lines)  # the strip itself knows from which width it takes one line
        strip.show(lines)
        self.query_one("#standing", Lines).show(standing)
        self.set_class(bool(standing), "-stands")

    def show_tabs(self, chosen: Tab, facts: Line) -> None:
        """The tabs' names, and what the one that is chosen says of itself."""
        row, self._tabs = tab_row(chosen, facts, self.cells)
        self.query_one("#tabs", Lines).show([row])

    @on(Lines.Pressed)
    def _pressed(self, event: Lines.Pressed) -> None:
        event.stop()
        if event.lines.id == "strip":
            for stage in self._stages:
                if stage.start <= event.x < stage.stop:
                    self.post_message(self.StageChosen(stage.stage))
        elif event.lines.id == "tabs":
            for tab in self._tabs:
                if tab.start <= event.x < tab.stop:
                    self.post_message(self.TabChosen(tab.tab))
