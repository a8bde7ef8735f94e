"""The Groups tab: the steps of a pass as a graph or a Gantt, one of them looked at closely. What is drawn is up to the views."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container

from tui.actions import Action, Need, Scope
from tui.screens.tabs.group_step import look_at, look_into
from tui.screens.tabs.group_views import GroupViews
from tui.screens.tabs.loading import Loader
from tui.screens.tabs.searching import SearchingTab
from tui.viewmodel.groups.picture import GroupsPicture
from tui.viewmodel.palette import Role
from tui.viewmodel.tabs import Tab
from tui.widgets.bindings import bindings_of
from tui.widgets.json_view import JsonView
from tui.widgets.lines import Lines
from tui.widgets.prompt import Prompt
from tui.widgets.stage_panel import StagePanel

if TYPE_CHECKING:
    from collections.abc import Hashable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.run_picture import RunPicture

_MOST_MATCHES = 1000


class GroupsTab(SearchingTab):
    """The figures, the view, the step that the cursor is on, the search."""

    TAB = Tab.GROUPS
    SCOPE = Scope.GROUPS
    MOVES = Scope.STEPS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.GROUPS)

    # How narrow the screen is stands at the screen, above what scoped styles may look at.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    GroupsTab > #group-heading { height: 1; }
    GroupsTab > #group-panels { height: 1fr; layout: horizontal; }
    GroupsTab GroupViews { width: 3fr; height: 1fr; }
    GroupsTab #step { width: 2fr; margin-left: 1; }
    .-narrow GroupsTab > #group-panels { layout: vertical; }
    .-narrow GroupsTab GroupViews { width: 1fr; height: 2fr; min-height: 4; }
    .-narrow GroupsTab #step { width: 1fr; height: 1fr; margin: 0; min-height: 3; }
    .-narrow GroupsTab #step:focus-within { height: 3fr; }
    .-short.-narrow GroupsTab #step { min-height: 2; }
    """

    def __init__(self) -> None:
        super().__init__(id="groups")
        self._loader = Loader(self, self._read_token)
        self._has_looked_back = False
        self._good_run: str | None = None
        self._needle = ""
        self._matches: list[int] = []
        self._match = 0

    def compose(self) -> ComposeResult:
        """The figures above, the view and the step side by side or one above the other."""
        yield Lines(id="group-heading")
        with Container(id="group-panels"):
            yield GroupViews(id="group-views")
            yield StagePanel("STEP", id="step")
        yield Prompt("search", "ids of steps", id="step-search")

    @property
    def views(self) -> GroupViews:
        """The graph and the Gantt."""
        return self.query_one(GroupViews)

    @property
    def panel(self) -> StagePanel:
        """The step that is looked at."""
        return self.query_one(StagePanel)

    # Reading

    async def read(self, picture: RunPicture) -> GroupsPicture:
        """The steps of the pass; once, whether an earlier run can be set beside it."""
        found = await self.inspector.source.groups(picture)
        if not self._has_looked_back:
            self._good_run = await self.inspector.source.good_run_id(picture.run)
            self._has_looked_back = True
        return found

    def shown(self, picture: RunPicture, answer: object) -> None:  # noqa: ARG002
        """Draw what has changed."""
        assert isinstance(answer, GroupsPicture)
        self.views.exact_ends = not self.inspector.ascii_only
        self._show_step(fresh=self.views.show(answer, self.moment.now_us))

    def tick(self, picture: RunPicture) -> None:  # noqa: ARG002
        """Bars grow."""
        self.views.draw(self.moment.now_us)

    @on(GroupViews.Drawn)
    def _drawn(self, event: GroupViews.Drawn) -> None:
        event.stop()
        self.query_one("#group-heading", Lines).show([self.views.heading])

    # The step that is looked at

    def _show_step(self, *, fresh: bool) -> None:
        self.inspector.busily(self._read_step(fresh=fresh))

    async def _read_step(self, *, fresh: bool) -> None:
        views = self.views
        chosen, picture, relations = views.chosen, views.picture, views.relations
        if picture is None or relations is None:
            return
        looked = await look_at(self.inspector.source, picture, relations, chosen, views.folds, self.moment)
        if not self.is_attached or chosen != views.chosen:
            return
        self.panel.show(
            looked.node,
            fresh=fresh,
            stage=looked.title,
            facts=looked.facts,
            empty_text="choose a step",
            edge=Role.DIM,
            telling=None,
        )
        self.run_screen.keys_changed()

    @on(GroupViews.Chosen)
    def _step_chosen(self, event: GroupViews.Chosen) -> None:
        event.stop()
        self._show_step(fresh=True)

    @on(GroupViews.Opened)
    def _step_opened(self, event: GroupViews.Opened) -> None:
        event.stop()
        self.action_do("open_step")

    @on(JsonView.LoadRequested)
    def _load_requested(self, event: JsonView.LoadRequested) -> None:
        event.stop()
        self._loader.load(event.view, event.token)

    async def _read_token(self, token: Hashable) -> Node:
        return await look_into(self.inspector.source, self.run_screen.run_id, self._pass_index, token, self.moment)

    @on(JsonView.Opened)
    @on(JsonView.Moved)
    def _row_changed(self) -> None:
        self.run_screen.keys_changed()

    @on(Lines.Pressed)
    def _heading_pressed(self, event: Lines.Pressed) -> None:
        event.stop()
        if isinstance(event.lines.parent, StagePanel):
            self.panel.view.focus()
        else:
            self.action_do("group_view")

    # What a person does

    @property
    def panels(self) -> list[Widget]:
        """The view, and the step."""
        return [self.views.shown_view, self.panel.view]

    @property
    def override_at(self) -> tuple[str | None, str | None]:
        """The step under the cursor."""
        step = self.views.step
        return step.step_id if step is not None else None, None

    @property
    def given(self) -> set[Need]:
        """A step under the cursor, something found, a run to compare with."""
        given: set[Need] = set()
        if self.views.chosen is not None:
            given.add(Need.STEP_CHOSEN)
        if self._matches:
            given.add(Need.SEARCHED)
        if self._good_run is not None:
            given.add(Need.OTHER_RUN)
        if self._pass_index:
            given.add(Need.PASS_BEFORE)
        if self._pass_index < self._last_pass:
            given.add(Need.PASS_AFTER)
        return given

    @property
    def _pass_index(self) -> int:
        return self.views.picture.run.pass_index if self.views.picture else 0

    @property
    def _last_pass(self) -> int:
        return self.views.picture.last_pass if self.views.picture else 0

    def worded(self, action: Action) -> Action:
        """What the keys would do now."""
        match action.id:
            case "groups_before" if self._last_pass:
                return action._replace(rank=22)
            case "group_view" if self.views.is_gantt:
                return action._replace(label="graph")
            case "narrow" if self.views.is_narrowed:
                return action._replace(label="all")
            case "other_run" if not self.views.is_gantt:
                return action._replace(rank=None)
            case "step_logs" if self.views.is_gantt:  # there is room for one of the two
                return action._replace(rank=None)
            case _:
                return action

    def perform(self, action_id: str) -> None:
        """Change the view, narrow it, search, open the step elsewhere."""
        match action_id:
            case "group_view":
                self.views.change_view()
            case "narrow":
                self.views.narrow()
            case "unfold_group":
                self.views.unfold()
            case "other_run":
                self.inspector.busily(self._compare())
            case "open_step" | "step_logs" | "copy_step":
                self._go_elsewhere(action_id)
            case "groups_before" | "groups_after":
                self.run_screen.choose_pass(self._pass_index + (1 if action_id == "groups_after" else -1))
            case "search_steps":
                self.prompt.note("esc clears")
                self.prompt.open()
            case "next_step":
                self._go_to_match(self._match + 1)
            case "previous_step":
                self._go_to_match(self._match - 1)
            case _:
                super().perform(action_id)
        self.run_screen.keys_changed()

    def leave(self) -> bool:
        """What is being read, the search, then the narrowing."""
        if self._loader.stop():
            return True
        if self._needle or self.prompt.is_open:
            self.end_search()
        elif self.views.is_narrowed:
            self.views.narrow()
        else:
            return False
        return True

    async def _compare(self) -> None:
        """The steps of the other run are read when somebody wants to see them."""
        if self.views.ghost is None and self._good_run is not None:
            self.views.ghost = await self.inspector.source.ghost(self._good_run)
        if self.is_attached:
            self.views.compare()

    def show_gantt(self) -> None:
        """Show time."""
        if not self.views.is_gantt:
            self.views.change_view()

    def _go_elsewhere(self, action_id: str) -> None:
        """With the step under the cursor; a fold has none, so it is unfolded first."""
        step = self.views.step
        if step is None:
            self.views.unfold()
            return
        match action_id:
            case "open_step":
                self.run_screen.show_step(step.step_id, step.execution_order)
            case "step_logs":
                self.run_screen.show_logs_of(step.step_id)
            case _:
                self.inspector.copy(step.step_id, "id")

    # Searching

    def search(self, needle: str) -> None:
        """Look for it."""
        self._needle = needle
        wanted = needle.casefold()
        steps = self.views.picture.steps if self.views.picture else ()
        found = [at for at, step in enumerate(steps) if wanted in step.step_id.casefold()] if wanted else []
        self._matches, self._match = found[:_MOST_MATCHES], 0
        self.views.matches = frozenset(self._matches)
        if self._matches:
            now = self.views.place or 0
            self._go_to_match(next((number for number, at in enumerate(self._matches) if at >= now), 0))
            return
        self.prompt.note("no match   esc clears" if needle else "esc clears")
        self.views.draw()
        self.run_screen.keys_changed()

    def _go_to_match(self, number: int) -> None:
        self._match = number % len(self._matches)
        self.views.go_to(self._matches[self._match])
        self.prompt.note(f"{self._match + 1:,} of {len(self._matches):,}   n N   esc clears")
        self.run_screen.keys_changed()
