"""The layered graph on the screen: scrolls both ways, has a chosen mark, builds only the lines in view. Layout is in the view model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from tui.actions import Scope
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.widgets.bindings import bindings_of
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from textual import events
    from textual.binding import BindingType
    from textual.strip import Strip

    from tui.viewmodel.groups.graph import Graph
    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.groups.placing import Key
    from tui.viewmodel.text import Line

_MOVES = {"step_down": "down", "step_up": "up", "step_right": "right", "step_left": "left"}


class GroupGraph(ScrollView, can_focus=True, inherit_bindings=False):
    """Call `show` with what was laid out; the chosen mark stays chosen wherever it comes to stand."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.STEPS)

    DEFAULT_CSS = """
    GroupGraph { overflow: auto auto; scrollbar-gutter: stable; scrollbar-size: 1 1; height: 1fr; width: 1fr; }
    """

    @dataclass
    class Chosen(Message):
        """Another mark is chosen."""

        key: Key

    @dataclass
    class Opened(Message):
        """The chosen mark was clicked."""

        key: Key

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.graph: Graph | None = None
        self.chosen: Key | None = None
        self.matches: Collection[int] = ()
        self.empty_text = ""
        self._picture: GroupsPicture | None = None
        self._now_us = 0
        self._lit: Mapping[int, frozenset[tuple[int, int]]] = {}
        self._drawn: dict[int, Line] = {}

    def show(self, graph: Graph, picture: GroupsPicture, now_us: int) -> None:
        """Show a pass in this layout, or the same one as it stands now; what looks as before is not painted again."""
        is_other = graph is not self.graph
        self.graph, self._picture, self._now_us = graph, picture, now_us
        if is_other:
            self._lit = graph.lit(self.chosen)
            size = Size(graph.cells, graph.line_count)
            if size != self.virtual_size:
                self.virtual_size = size
            self.call_after_refresh(self.keep_in_view)
        self.repaint_changed()

    def repaint_changed(self) -> None:
        """Paint the lines in view that say something else now."""
        top = round(self.scroll_y)
        for y in range(self.size.height):
            if self._line_for(top + y) != self._drawn.get(y):
                self.refresh_line(top + y)

    def choose(self, key: Key) -> None:
        """Put the cursor on a mark."""
        if key == self.chosen:
            return
        self.chosen = key
        self._lit = self.graph.lit(key) if self.graph else {}
        self.repaint_changed()
        self.keep_in_view()
        self.post_message(self.Chosen(key))

    def keep_in_view(self) -> None:
        """Scroll as little as needed so that the chosen mark is seen whole, with a line of what is around it."""
        spot = self.graph.spot(self.chosen) if self.graph is not None and self.chosen is not None else None
        if spot is None:
            return
        top = max(0, spot.top - 1)
        region = Region(max(0, spot.left - 1), top, spot.right - spot.left + 2, spot.bottom - top + 1)
        if spot.right <= self.scrollable_content_region.width:
            region = Region(0, region.y, spot.right, region.height)
        self.scroll_to_region(region, animate=False, force=True)

    def _line_for(self, number: int) -> Line:
        if self.graph is None or self._picture is None or not self.graph.line_count:
            return (Span(f" {self.empty_text}", Role.DIM),) if number == 0 else ()
        if number >= self.graph.line_count:
            return ()
        return self.graph.line(
            number, self._picture, self._now_us, chosen=self.chosen, lit=self._lit, matches=self.matches
        )

    def render_line(self, y: int) -> Strip:
        """A line in view."""
        line = self._drawn[y] = self._line_for(y + round(self.scroll_y))
        cells, left = self.scrollable_content_region.width, round(self.scroll_x)
        return painter_of(self).strip(line, max(self.virtual_size.width, left + cells)).crop(left, left + cells)

    def watch_show_vertical_scrollbar(self, shows: bool) -> None:
        """A bar that appears after the graph was scrolled has to be told where it stands."""
        if shows:
            self.vertical_scrollbar.position = self.scroll_y

    def on_click(self, event: events.Click) -> None:
        """A click chooses a mark; on the chosen one it opens it."""
        event.stop()
        if self.graph is None:
            return
        key = self.graph.key_at(event.x + round(self.scroll_x), event.y + round(self.scroll_y))
        if key is None:
            return
        if key == self.chosen:
            self.post_message(self.Opened(key))
        else:
            self.choose(key)

    def action_do(self, action_id: str) -> None:
        """Move between marks."""
        graph = self.graph
        if graph is None or graph.first() is None:
            return
        now = self.chosen if self.chosen is not None and graph.spot(self.chosen) else graph.first()
        assert now is not None
        match action_id:
            case "step_first":
                now = graph.first() or now
            case "step_last":
                now = graph.last() or now
            case "steps_down" | "steps_up":
                now = self._far(graph, now, "down" if action_id == "steps_down" else "up")
            case _:
                now = graph.move(now, _MOVES[action_id])
        self.choose(now)

    def _far(self, graph: Graph, key: Key, way: str) -> Key:
        """Half a page on."""
        start = graph.spot(key)
        while start is not None:
            following = graph.move(key, way)
            spot = graph.spot(following)
            if following == key or spot is None:
                break
            key = following
            if abs(spot.top - start.top) >= max(1, self.size.height // 2):
                break
        return key
