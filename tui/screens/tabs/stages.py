"""The Stages tab: what each stage was given, what it gave, and what it says of itself, live."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container

from engine.model.states import Stage
from tui.actions import Need, Scope
from tui.screens.tabs.base import RunTab
from tui.screens.tabs.loading import Loader
from tui.viewmodel.diagnostics import diagnostics_lines
from tui.viewmodel.palette import STAGE_ROLES
from tui.viewmodel.stages import (
    StageNodes,
    empty_input,
    empty_output,
    input_reference,
    output_reference,
    panel_facts,
    pass_facts,
    searched_words,
    step_at,
)
from tui.viewmodel.step_nodes import step_detail
from tui.viewmodel.tabs import Tab
from tui.viewmodel.text import Span
from tui.widgets.bindings import bindings_of
from tui.widgets.json_finder import JsonFinder
from tui.widgets.json_view import JsonView
from tui.widgets.lines import Lines
from tui.widgets.stage_panel import StagePanel
from tui.widgets.text_list import TextList

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from tui.actions import Action
    from tui.viewmodel.json_nodes import Node, Path
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.text import Line

STEPS_SEARCHED = 2_000
"""Steps whose heads are read to be looked through; where there are more, what is said of a search names both numbers."""
_MOST_ITEMS = 10_000
"""More than a step can have."""


class StagesTab(RunTab):
    """One stage at a time: input and output beside each other or above each other, diagnostics below."""

    TAB = Tab.STAGES
    SCOPE = Scope.STAGES
    HAS_DOCUMENTS = True
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.STAGES)

    # How narrow the screen is stands at the screen, above what scoped styles may look at.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    StagesTab > #panels { height: 1fr; layout: horizontal; }
    StagesTab #input { width: 2fr; }
    StagesTab #output { width: 3fr; margin-left: 1; }
    StagesTab > #diagnostics { height: auto; max-height: 9; min-height: 1; margin-top: 1; }
    .-narrow StagesTab > #panels { layout: vertical; }
    .-narrow StagesTab #input, .-narrow StagesTab #output { width: 1fr; height: 1fr; margin: 0; min-height: 3; }
    .-narrow StagesTab #input:focus-within, .-narrow StagesTab #output:focus-within { height: 3fr; }
    .-narrow StagesTab #input.-searched, .-narrow StagesTab #output.-searched { height: 3fr; }
    .-narrow StagesTab > #diagnostics { max-height: 5; margin-top: 0; }
    .-narrow StagesTab > #diagnostics:focus { max-height: 12; }
    .-short StagesTab > #diagnostics { margin-top: 0; min-height: 0; max-height: 1; }
    .-short StagesTab > #diagnostics:focus { max-height: 4; }
    .-short.-narrow StagesTab #input { height: 1; min-height: 1; }
    .-short.-narrow StagesTab #output { min-height: 2; }
    .-short.-narrow StagesTab #input:focus-within { height: 3fr; min-height: 2; }
    .-short.-narrow StagesTab #input.-searched { height: 3fr; min-height: 2; }
    StagesTab.-zoomed StagePanel { display: none; }
    StagesTab.-zoomed StagePanel.-zoomed { display: block; margin: 0; }
    StagesTab.-zoomed > #diagnostics { display: none; }
    """

    def __init__(self) -> None:
        super().__init__(id="stages")
        self._picture: RunPicture | None = None
        self._stage_nodes = StageNodes()
        self._wanted_step: str | None = None
        self._loader = Loader(self, self._read_token)

    def compose(self) -> ComposeResult:
        """Input and output, diagnostics, search."""
        with Container(id="panels"):
            yield StagePanel("INPUT", id="input")
            yield StagePanel("OUTPUT", id="output")
        yield TextList(id="diagnostics")
        yield JsonFinder()

    @property
    def input(self) -> StagePanel:
        """What the stage was given."""
        return self.query_one("#input", StagePanel)

    @property
    def output(self) -> StagePanel:
        """What the stage gave."""
        return self.query_one("#output", StagePanel)

    @property
    def diagnostics(self) -> TextList:
        """What the stage says of itself."""
        return self.query_one("#diagnostics", TextList)

    def on_mount(self) -> None:
        """What the viewers need to look into what has not been read, and to name a path as plans do."""
        for panel, reference in ((self.input, input_reference), (self.output, output_reference)):
            panel.view.fetcher = self._loader.read
            panel.view.working = self.inspector.busy.working
            panel.view.reference = partial(self._referenced, reference)

    def _referenced(self, reference: Callable[[Stage, Path], Path], path: Path) -> Path:
        return path if self._picture is None else reference(self._picture.stage, path)

    @property
    def finder(self) -> JsonFinder:
        """What is searched for or filtered."""
        return self.query_one(JsonFinder)

    async def read(self, picture: RunPicture) -> None:
        """Everything is in the picture."""

    def shown(self, picture: RunPicture, answer: object) -> None:  # noqa: ARG002
        """Input, output, diagnostics of the chosen stage."""
        before, self._picture = self._picture, picture
        fresh = before is None or before.stage is not picture.stage or before.pass_index != picture.pass_index
        self._show(picture, fresh=fresh)
        has_more = not fresh and before is not None and len(picture.steps) > len(before.steps)
        if has_more and self.finder.is_finding_in(self.output.view):
            self.output.view.find_again()
        self.post_message(self.FactsChanged())
        self._go_to_wanted(picture)

    def want_step(self, step_id: str) -> None:
        """Go to a step of the output when it is shown next."""
        self._wanted_step = step_id

    def _go_to_wanted(self, picture: RunPicture) -> None:
        if self._wanted_step is None or picture.stage is not Stage.EXECUTE:
            return
        view, path = self.output.view, ("result", self._wanted_step)
        self._wanted_step = None
        view.go_to(path)

    def tick(self, picture: RunPicture) -> None:
        """The times of steps that run."""
        if self._picture is None:
            return
        if picture.stage is Stage.EXECUTE:
            self._show(picture, fresh=False)
        else:
            self._show_diagnostics(picture)

    def _show(self, picture: RunPicture, *, fresh: bool) -> None:
        edge = STAGE_ROLES[picture.stage]
        stage = (Span(picture.stage.value, edge),)
        given, gave = self._stage_nodes.input(picture), self._stage_nodes.output(picture, self.moment)
        self.input.show(
            given, fresh=fresh, stage=stage, facts=panel_facts(given), empty_text=empty_input(picture), edge=edge
        )
        self.output.show(
            gave, fresh=fresh, stage=stage, facts=panel_facts(gave), empty_text=empty_output(picture), edge=edge
        )
        self._show_diagnostics(picture)

    def _show_diagnostics(self, picture: RunPicture) -> None:
        lines = diagnostics_lines(picture, self.moment, self.screen.size.width - 3)
        self.diagnostics.show([(Span(" "), *line) for line in lines])

    def on_resize(self) -> None:
        """Sentences are folded to the width."""
        if self._picture is not None:
            self._show_diagnostics(self._picture)

    # What a person does

    @property
    def step_id(self) -> str | None:
        """The step of the output that the cursor is in, where one goes through steps."""
        return step_at(self._picture, self.output.view.path) if self._picture is not None else None

    @property
    def panels(self) -> list[Widget]:
        """Output first: it is what most come for."""
        return [self.output.view, self.diagnostics, self.input.view]

    @property
    def facts(self) -> Line:
        """Which pass, where there are several."""
        return pass_facts(self._picture) if self._picture is not None else ()

    @property
    def given(self) -> set[Need]:
        """Passes before and after the one that is shown."""
        picture, given = self._picture, set[Need]()
        if picture is not None and picture.pass_index > 0:
            given.add(Need.PASS_BEFORE)
        if picture is not None and picture.pass_index < picture.run.pass_index:
            given.add(Need.PASS_AFTER)
        return given

    def worded(self, action: Action) -> Action:
        """Passes matter where there are several."""
        several = self._picture is not None and self._picture.run.pass_index > 0
        return action._replace(rank=22) if action.id == "pass_before" and several else action

    def perform(self, action_id: str) -> None:
        """Move between stages, fold, search, zoom."""
        match action_id:
            case "next_stage":
                self.run_screen.step_stage(1)
            case "previous_stage":
                self.run_screen.step_stage(-1)
            case "pass_before" | "pass_after":
                if self._picture is not None:
                    self.run_screen.choose_pass(self._picture.pass_index + (1 if action_id == "pass_after" else -1))
            case "unfold_all":
                self._panel_view().unfold_all()
            case "fold_all":
                self._panel_view().fold_all()
            case "search":
                self._make_room()
                self.finder.search_in(self._panel_view())
            case "filter_paths":
                self._make_room()
                self.finder.filter_in(self._panel_view())
            case "zoom":
                self._zoom()
            case _:
                super().perform(action_id)

    def leave(self) -> bool:
        """What is being read first, then the search or the filter, then the zoom."""
        if self._loader.stop():
            return True
        if self.finder.is_open:
            self.finder.end()
        elif self.has_class("-zoomed"):
            self._zoom()
        else:
            return False
        return True

    def _panel_view(self) -> JsonView:
        focused = self.screen.focused
        return focused if isinstance(focused, JsonView) else self.output.view

    def _zoom(self) -> None:
        zoomed = not self.has_class("-zoomed")
        view = self._panel_view()
        for panel in (self.input, self.output):
            panel.set_class(zoomed and panel.view is view, "-zoomed")
        self.set_class(zoomed, "-zoomed")
        view.focus()
        self.run_screen.keys_changed()

    @on(Lines.Pressed)
    def _heading_pressed(self, event: Lines.Pressed) -> None:
        if isinstance(event.lines.parent, StagePanel):
            event.stop()
            event.lines.parent.view.focus()

    @on(JsonView.Opened)
    @on(JsonView.Moved)
    def _row_changed(self) -> None:
        self.run_screen.keys_changed()

    # Reading on demand

    @on(JsonView.LoadRequested)
    def _load_requested(self, event: JsonView.LoadRequested) -> None:
        event.stop()
        token = event.token
        if isinstance(token, tuple) and token[:1] == ("steps",):
            event.view.document.fold(("result", "…"))
            self.run_screen.want_more_steps()
        else:
            self._loader.load(event.view, token)

    async def _read_token(self, token: Hashable) -> Node:
        match token:
            case ("step", str(step_id), (int() | None) as item_index, *_):
                source = self.inspector.source
                pass_index = self._picture.pass_index if self._picture else 0
                result, attempts = await source.step(self.run_screen.run_id, pass_index, step_id, item_index)
                if item_index is not None or attempts:
                    took_us = self._took_us(step_id) if item_index is None else None
                    return step_detail(result, attempts, self.moment, took_us=took_us)
                items, values = await source.items(self.run_screen.run_id, pass_index, step_id, _MOST_ITEMS)
                return step_detail(result, attempts, self.moment, items, values)
            case _:
                raise KeyError(token)

    def _took_us(self, step_id: str) -> int | None:
        steps = self._picture.steps if self._picture is not None else ()
        return next((step.duration_us for step in steps if step.step_id == step_id), None)

    # Searching

    def _make_room(self) -> None:
        """For the line in which one types: the diagnostics give one of theirs, so that what is searched stays as it is."""
        view = self._panel_view()
        for panel in (self.input, self.output):
            panel.set_class(panel.view is view, "-searched")
        if not self.finder.is_open:
            self.diagnostics.styles.max_height = max(0, self.diagnostics.outer_size.height - 1)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Whoever has the focus again grows by itself."""
        if event.widget is self.diagnostics:
            self.diagnostics.styles.max_height = None
        if self.finder not in event.widget.ancestors:
            self.input.remove_class("-searched")
            self.output.remove_class("-searched")

    @on(JsonFinder.Ended)
    def _search_ended(self, event: JsonFinder.Ended) -> None:
        event.stop()
        if not self.finder.is_open:
            self.diagnostics.styles.max_height = None

    @on(JsonView.Searched)
    def _searched(self, event: JsonView.Searched) -> None:
        event.stop()
        picture, within = self._picture, ""
        if picture is not None and picture.steps_unread and event.view is self.output.view:
            within = searched_words(picture)
            if self.finder.is_finding_in(event.view):
                self.run_screen.want_steps(STEPS_SEARCHED)
        self.finder.tell(event.view, within)
        self.run_screen.keys_changed()
