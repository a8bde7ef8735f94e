"""The two views of the Groups tab, one of them shown: which step is chosen, what is folded, narrowed and marked. Reading is the tab's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Container, Vertical
from textual.message import Message

from engine.collector import collector_paused
from engine.model.states import RunStatus, StepStatus
from tui.viewmodel.groups.critical_path import critical_path, figures
from tui.viewmodel.groups.gantt import Gantt
from tui.viewmodel.groups.heading import heading
from tui.viewmodel.groups.layering import Wish, layered
from tui.viewmodel.groups.relations import Relations, relate
from tui.viewmodel.words import plural, short_id
from tui.widgets.gantt_chart import GanttChart, GanttRuler
from tui.widgets.group_graph import GroupGraph
from tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from textual.app import ComposeResult

    from store.rows import StepRow
    from tui.viewmodel.groups.critical_path import Figures
    from tui.viewmodel.groups.folding import Fold
    from tui.viewmodel.groups.gantt import Ghost
    from tui.viewmodel.groups.graph import Graph
    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.groups.placing import Key
    from tui.viewmodel.text import Line

_LOUD = (StepStatus.FAILED, StepStatus.QUARANTINED)
_FIRST_SEEN = (*_LOUD, StepStatus.RUNNING, StepStatus.WAITING)


class GroupViews(Container):
    """The graph and the Gantt of the same steps; the cursor is on the same step in both."""

    DEFAULT_CSS = """
    GroupViews #gantt { display: none; height: 1fr; }
    GroupViews.-gantt #gantt { display: block; }
    GroupViews.-gantt GroupGraph { display: none; }
    """

    @dataclass
    class Chosen(Message):
        """The cursor is on another step."""

    @dataclass
    class Opened(Message):
        """The step under the cursor was clicked."""

    @dataclass
    class Drawn(Message):
        """The views, or what is to be said of them, look different."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.picture: GroupsPicture | None = None
        self.relations: Relations | None = None
        self.ghost: Ghost | None = None
        self.chosen: Key | None = None
        self.matches: Collection[int] = ()
        self.exact_ends = True
        self.heading: Line = ()
        self._now_us = 0
        self._graph: Graph | None = None
        self._laid_out: tuple[object, ...] = ()
        self._measured: tuple[GroupsPicture, int, list[int], Figures] | None = None
        self._compares = False
        self._center: int | None = None
        self._unfolded: frozenset[int] = frozenset()
        self._folded: frozenset[int] = frozenset()
        self._pinned: frozenset[int] = frozenset()

    def compose(self) -> ComposeResult:
        """One above the other; only one of them is shown."""
        chart = GanttChart(id="gantt-lines")
        yield GroupGraph(id="graph")
        with Vertical(id="gantt"):
            yield GanttRuler(chart)
            yield chart

    @property
    def graph(self) -> GroupGraph:
        """The layered graph."""
        return self.query_one(GroupGraph)

    @property
    def chart(self) -> GanttChart:
        """The Gantt."""
        return self.query_one(GanttChart)

    @property
    def shown_view(self) -> GroupGraph | GanttChart:
        """The one that is shown."""
        return self.chart if self.is_gantt else self.graph

    @property
    def is_gantt(self) -> bool:
        """True while time is shown."""
        return self.has_class("-gantt")

    @property
    def is_narrowed(self) -> bool:
        """True while only the lineage of one step is shown."""
        return self._center is not None

    @property
    def folds(self) -> Mapping[str, Fold]:
        """What is folded in the graph."""
        return self._graph.folds if self._graph is not None else {}

    @property
    def place(self) -> int | None:
        """The place of the chosen step; None where a group or a fold is chosen."""
        return self.chosen if isinstance(self.chosen, int) else None

    @property
    def step(self) -> StepRow | None:
        """The chosen step."""
        return self.picture.steps[self.place] if self.picture is not None and self.place is not None else None

    def show(self, picture: GroupsPicture, now_us: int) -> bool:
        """Show a pass as it stands. True when it has other steps than what was shown before."""
        with collector_paused():
            return self._show(picture, now_us)

    def _show(self, picture: GroupsPicture, now_us: int) -> bool:
        before, self.picture = self.picture, picture
        same = (
            before is not None
            and before.run.pass_index == picture.run.pass_index
            and _same(before.steps, picture.steps)
        )
        if not same:
            self.relations = relate(picture.steps, picture.shape.fallback_of)
            self._center, self._unfolded, self._folded, self._pinned = None, frozenset(), frozenset(), frozenset()
            self.chosen = _first_choice(picture) if picture.steps else None
        self.draw(now_us)
        return not same

    # Drawing

    def draw(self, now_us: int | None = None) -> None:
        """Draw the view that is shown, as it is at a moment, or at the last one."""
        picture, relations = self.picture, self.relations
        if picture is None or relations is None or not self.is_attached:
            return
        self._now_us = now_us if now_us is not None else self._now_us
        path, found = self._measure(picture, relations)
        self.graph.empty_text = self.chart.empty_text = _nothing(picture)
        if self.is_gantt:
            self._draw_gantt(picture, relations, path)
        else:
            self._draw_graph(picture, relations)
        view = "Gantt" if self.is_gantt else "graph"
        self.heading = heading(picture, found, self.screen.size.width, view=view, notes=self._notes(picture))
        self.post_message(self.Drawn())

    def _measure(self, picture: GroupsPicture, relations: Relations) -> tuple[list[int], Figures]:
        """The critical path and the figures, once for each moment that is shown."""
        measured = self._measured
        if measured is None or measured[0] is not picture or measured[1] != self._now_us:
            path = critical_path(picture, relations, self._now_us)
            measured = self._measured = (picture, self._now_us, path, figures(picture, path, self._now_us))
        return measured[2], measured[3]

    def on_resize(self) -> None:
        """Another layout may fit, once both views know their own size."""
        self.call_after_refresh(self.draw)

    def _draw_graph(self, picture: GroupsPicture, relations: Relations) -> None:
        graph = self.graph
        # A bar that comes and goes with what is shown must not change the layout that decides about it.
        cells = graph.size.width - 1
        if cells <= 0:
            return
        only = self._only(relations)
        loud = tuple(at for at, step in enumerate(picture.steps) if step.status in _LOUD)
        numbers = tuple((name, sum(items.values())) for name, items in picture.items.items())
        laid_out = (relations, cells, graph.size.height, self._pinned, self._unfolded, only, loud, numbers)
        if self._graph is None or laid_out != self._laid_out:
            wish = Wish(cells, graph.size.height, self._pinned, self._unfolded, only)
            self._graph, self._laid_out = layered(picture, relations, wish), laid_out
        if self.place is not None and (key := self._graph.key_of(self.place)) is not None:
            graph.chosen = self.chosen = key
        elif self.chosen is None or self._graph.spot(self.chosen) is None:
            graph.chosen = self.chosen = self._graph.first()
        graph.matches = self.matches
        graph.show(self._graph, picture, self._now_us)

    def _draw_gantt(self, picture: GroupsPicture, relations: Relations, path: Sequence[int]) -> None:
        chart = self.chart
        cells = chart.scrollable_content_region.width
        if cells <= 0:
            return
        gantt = Gantt(
            picture,
            cells,
            self._now_us,
            path=path,
            ghost=self.ghost if self._compares else None,
            folded=self._folded,
            only=self._only(relations),
            parents=relations.parents,
            exact_ends=self.exact_ends,
        )
        chart.above, chart.below = relations.parents, relations.children
        chart.matches = self.matches
        chart.show(gantt)
        if self.chosen is not None and chart.chosen != self.chosen:
            chart.choose(self.chosen)
        self.query_one(GanttRuler).follow()

    def _notes(self, picture: GroupsPicture) -> tuple[str, ...]:
        notes: list[str] = []
        if self._center is not None and (only := self._only(self.relations)) is not None:
            name = picture.steps[self._center].step_id
            notes.append(f"focus {name}: {plural(len(picture.steps) - len(only), 'step')} hidden")
        if self._compares and self.is_gantt and self.ghost is not None:
            notes.append(f"beside run {short_id(self.ghost.run_id)}")
        return tuple(notes)

    def _only(self, relations: Relations | None) -> frozenset[int] | None:
        if self._center is None or relations is None:
            return None
        return frozenset({self._center, *relations.before(self._center), *relations.after(self._center)})

    # Choosing

    def go_to(self, at: int) -> None:
        """Put the cursor on a step, whatever hides it."""
        only = self._only(self.relations)
        if only is not None and at not in only:
            self._center = None
        self._pinned = frozenset({at})
        if self.picture is not None:
            self._folded -= {self.picture.steps[at].group_index}
        self.chosen = at
        self.draw()
        self.graph.keep_in_view()
        self.post_message(self.Chosen())

    @on(GroupGraph.Chosen)
    def _graph_chosen(self, event: GroupGraph.Chosen) -> None:
        event.stop()
        self.chosen = event.key
        self.post_message(self.Chosen())

    @on(LineList.Moved)
    def _line_chosen(self, event: LineList.Moved) -> None:
        event.stop()
        if self.is_gantt and self.chart.chosen is not None and self.chart.chosen != self.chosen:
            self.chosen = self.chart.chosen
            self.post_message(self.Chosen())

    @on(GroupGraph.Opened)
    @on(LineList.Opened)
    def _was_opened(self, event: GroupGraph.Opened | LineList.Opened) -> None:
        event.stop()
        self.post_message(self.Opened())

    # What is shown of it

    def change_view(self) -> None:
        """The other view, with the cursor on the same step."""
        had_focus = self.shown_view.has_focus
        self.toggle_class("-gantt")
        if had_focus:
            self.shown_view.focus()
        self.call_after_refresh(self.draw)

    def compare(self) -> None:
        """Set the steps beside those of the other run, or not any more."""
        if self.is_gantt:
            self._compares = not self._compares
        else:
            self._compares = True
            self.change_view()
        self.draw()

    def narrow(self) -> None:
        """To the lineage of the chosen step, or back to all."""
        self._center = self.place if self._center is None else None
        self.draw()

    def unfold(self) -> None:
        """All steps of the group under the cursor, or as few as before."""
        group = self._group_chosen()
        if group is None:
            return
        if self.is_gantt:
            self._folded ^= {group}
            self.chosen = f"g{group}"
        else:
            self._unfolded ^= {group}
            if isinstance(self.chosen, str) and self.chosen in self.folds:
                self.chosen = self.folds[self.chosen].members[0]
        self.draw()
        self.post_message(self.Chosen())

    def _group_chosen(self) -> int | None:
        if self.step is not None:
            return self.step.group_index
        return int(self.chosen.strip("+g!")) if isinstance(self.chosen, str) else None


def _same(before: Sequence[StepRow], now: Sequence[StepRow]) -> bool:
    return before is now or [step.step_id for step in before] == [step.step_id for step in now]


def _first_choice(picture: GroupsPicture) -> int:
    """What was stopped by whoever canceled the run, what failed, else what runs, else the first step."""
    first: dict[StepStatus, int] = {}
    for at, step in enumerate(picture.steps):
        if picture.run.status is RunStatus.CANCELED and _was_stopped(step):
            return at
        first.setdefault(step.status, at)
    return next((first[status] for status in _FIRST_SEEN if status in first), 0)


def _was_stopped(step: StepRow) -> bool:
    return step.status is StepStatus.CANCELED and step.started_at_us is not None


def _nothing(picture: GroupsPicture) -> str:
    """What stands there while there are no steps."""
    if not picture.run.has_plan:
        return "this request was answered without a plan: there are no steps"
    return (
        "no steps yet: they are there when the plan has been validated" if picture.is_live else "no steps were planned"
    )
