"""The Gantt on the screen: a ruler that stays and lines that scroll, built as they come into view. Bars are in the view model."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget

from tui.actions import Scope
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.widgets.bindings import bindings_of
from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textual.binding import BindingType
    from textual.strip import Strip

    from tui.viewmodel.groups.gantt import Gantt, RowKey
    from tui.viewmodel.text import Line


class GanttChart(LineList, inherit_bindings=False):
    """Lines of a Gantt. The cursor stays on its step, and passes over the lines of the other run."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.STEPS)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.gantt: Gantt | None = None
        self.matches: Collection[int] = ()
        self.empty_text = ""
        self.above: Sequence[Sequence[int]] = ()
        self.below: Sequence[Sequence[int]] = ()

    def show(self, gantt: Gantt) -> None:
        """Show a pass, or the same one as it stands now."""
        chosen = self.chosen
        self.gantt = gantt
        if chosen is not None and (line := gantt.line_of.get(chosen)) is not None and line != self.cursor:
            self.set_reactive(LineList.cursor, line)
            self.show_cursor()
        self.lines_changed()

    @property
    def chosen(self) -> RowKey | None:
        """The step or the group under the cursor."""
        if self.gantt is None or self.cursor >= len(self.gantt.rows):
            return None
        return self.gantt.rows[self.cursor].key

    def choose(self, key: RowKey) -> None:
        """Put the cursor on a step."""
        if self.gantt is not None and (line := self.gantt.line_of.get(key)) is not None:
            self.cursor = line
            self.show_cursor()

    @property
    def line_count(self) -> int:
        """Groups and steps."""
        return len(self.gantt.rows) if self.gantt is not None else 0

    def line_at(self, index: int, cells: int) -> Line:  # noqa: ARG002
        """A line of it."""
        assert self.gantt is not None
        return self.gantt.line(index, matches=self.matches)

    def empty_line(self, cells: int) -> Line:  # noqa: ARG002
        """What stands there while there are no steps."""
        return (Span(f" {self.empty_text}", Role.DIM),)

    def behind_blurred(self) -> str:
        """The step that the panel shows stays visible."""
        return painter_of(self).palette.cursor_blurred

    def action_do(self, action_id: str) -> None:
        """Move between lines; left and right along the edges."""
        match action_id:
            case "step_down":
                self._step(1)
            case "step_up":
                self._step(-1)
            case "step_first":
                super().action_do("first")
            case "step_last":
                super().action_do("last")
            case "steps_down":
                super().action_do("half_down")
            case "steps_up":
                super().action_do("half_up")
            case "step_left":
                self._follow(self.above)
            case "step_right":
                self._follow(self.below)
            case _:
                raise KeyError(action_id)

    def _step(self, by: int) -> None:
        if self.gantt is None:
            return
        line = self.cursor + by
        while 0 <= line < len(self.gantt.rows) and self.gantt.rows[line].is_ghost:
            line += by
        if 0 <= line < len(self.gantt.rows):
            self.cursor = line

    def _follow(self, edges: Sequence[Sequence[int]]) -> None:
        chosen = self.chosen
        if isinstance(chosen, int) and self.gantt is not None:
            lines = [self.gantt.line_of[at] for at in edges[chosen] if at in self.gantt.line_of]
            if lines:
                self.cursor = min(lines, key=lambda line: abs(line - self.cursor))


class GanttRuler(Widget):
    """The times, always above the bars."""

    DEFAULT_CSS = """
    GanttRuler { height: 1; width: 1fr; }
    """

    def __init__(self, chart: GanttChart) -> None:
        super().__init__()
        self._chart = chart
        self._drawn: Line = ()

    def follow(self) -> None:
        """Stay in line with the bars."""
        if self._chart.gantt is not None and self._drawn != self._chart.gantt.header():
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """The ruler."""
        self._drawn = self._chart.gantt.header() if self._chart.gantt is not None else ()
        return painter_of(self).strip(self._drawn, self.size.width)
