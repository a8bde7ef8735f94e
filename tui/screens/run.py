"""The Run screen with its Stages tab: what each stage was given, what it gave, and what it says of itself, live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Container
from textual.message import Message

from engine.errors import OpscopeError
from engine.model.states import Stage
from tui.actions import Scope
from tui.screens.base import LiveScreen
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.stages import (
    STAGES,
    RunPicture,
    StagePlace,
    diagnostics_lines,
    empty_input,
    empty_output,
    input_node,
    output_node,
    panel_facts,
    step_detail,
    strip_lines,
    title_right,
)
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import short_id
from tui.widgets.bindings import bindings_of
from tui.widgets.json_view import JsonView
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.prompt import Prompt
from tui.widgets.stage_panel import StagePanel
from tui.widgets.text_list import TextList

if TYPE_CHECKING:
    from collections.abc import Hashable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui.viewmodel.json_tree import Node

STEPS_AT_ONCE = 200
"""Step heads that are read at once; more when the operator unfolds them."""


class RunScreen(LiveScreen[RunPicture]):
    """One run, one stage at a time."""

    SCOPES = (Scope.RUN,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.RUN)

    DEFAULT_CSS = """
    RunScreen > #strip { height: 1; margin-bottom: 1; }
    RunScreen > #panels { height: 1fr; layout: horizontal; }
    RunScreen #input { width: 2fr; }
    RunScreen #output { width: 3fr; margin-left: 1; }
    RunScreen > #diagnostics { height: auto; max-height: 9; min-height: 1; margin-top: 1; }
    RunScreen.-narrow > #strip { height: 2; margin-bottom: 0; }
    RunScreen.-narrow > #panels { layout: vertical; }
    RunScreen.-narrow #input, RunScreen.-narrow #output { width: 1fr; height: 1fr; margin: 0; min-height: 3; }
    RunScreen.-narrow #input:focus-within, RunScreen.-narrow #output:focus-within { height: 3fr; }
    RunScreen.-narrow > #diagnostics { max-height: 5; margin-top: 0; }
    RunScreen.-narrow > #diagnostics:focus { max-height: 12; }
    RunScreen.-zoomed StagePanel { display: none; }
    RunScreen.-zoomed StagePanel.-zoomed { display: block; margin: 0; }
    RunScreen.-zoomed > #diagnostics { display: none; }
    RunScreen.-blank > #strip, RunScreen.-blank > #panels, RunScreen.-blank > #diagnostics { display: none; }
    """

    @dataclass
    class Loaded(Message):
        """Something that was unfolded has been read; `why` is empty, or says why it could not be."""

        view: JsonView
        token: Hashable
        value: Node
        why: str

    def __init__(self, run_id: str, stage: Stage | None = None) -> None:
        super().__init__()
        self.run_id = run_id
        self._stage = stage
        self._chosen_by_hand = stage is not None
        self._steps_wanted = STEPS_AT_ONCE
        self._picture: RunPicture | None = None
        self._places: list[StagePlace] = []
        self._searched: JsonView | None = None

    def compose(self) -> ComposeResult:
        """Title, strip, input and output, diagnostics, search, keys."""
        yield TitleLine(id="title")
        yield Lines(id="strip")
        with Container(id="panels"):
            yield StagePanel("INPUT", id="input")
            yield StagePanel("OUTPUT", id="output")
        yield TextList(id="diagnostics")
        yield Notice(id="notice")
        yield Prompt("search", "keys and values, folded ones too", id="search")
        yield KeyBar()

    def on_mount(self) -> None:
        """The output has the keys: it is what most come for."""
        self.query_one("#title", TitleLine).tell(
            breadcrumb("runs", short_id(self.run_id)), (Span("reading", Role.DIM),)
        )
        self.output.view.focus()

    @property
    def input(self) -> StagePanel:
        """What the stage was given."""
        return self.query_one("#input", StagePanel)

    @property
    def output(self) -> StagePanel:
        """What the stage gave."""
        return self.query_one("#output", StagePanel)

    @property
    def prompt(self) -> Prompt:
        """The search."""
        return self.query_one(Prompt)

    @property
    def stage(self) -> Stage | None:
        """The stage that is shown, None before anything was read."""
        return self._picture.stage if self._picture else self._stage

    async def read(self) -> RunPicture:
        """The run's head, its stages, and what belongs to the chosen one."""
        stage = self._stage if self._chosen_by_hand else None
        return await self.inspector.source.picture(self.run_id, stage, steps=self._steps_wanted)

    def shown(self, answer: RunPicture) -> None:
        """Everything that is in sight."""
        before, self._picture = self._picture, answer
        self.set_class(False, "-blank")
        self.query_one(Notice).close()
        fresh = before is None or before.stage is not answer.stage or before.run.pass_index != answer.run.pass_index
        self._show_panels(answer, fresh=fresh)
        self._show_lines(answer)

    def failed(self, error: OpscopeError) -> None:
        """The run cannot be read."""
        self.inspector.note_error(error)
        self.set_class(True, "-blank")
        crumbs = breadcrumb("runs", short_id(self.run_id))
        self.query_one("#title", TitleLine).tell(crumbs, (Span("✗ NOT READABLE", Role.FAILED, bold=True),))
        headline = (Span("✗ ", Role.FAILED), span(error.cause, bold=True))
        texts = [text for text in (error.place, error.hint) if text]
        self.query_one(Notice).say(headline, texts, (("esc", "back to the runs"),))

    def tick(self) -> bool:
        """Times go on while the run does."""
        picture = self._picture
        if picture is None or not picture.is_running:
            return False
        self._show_lines(picture)
        if picture.stage is Stage.EXECUTE:
            self._show_panels(picture, fresh=False)
        return True

    def _show_lines(self, picture: RunPicture) -> None:
        moment = self.inspector.moment()
        run = picture.run
        crumbs = breadcrumb("runs", f"{short_id(run.run_id)} {run.plan_id}")
        self.query_one("#title", TitleLine).tell(crumbs, title_right(picture, moment))
        strip = self.query_one("#strip", Lines)
        cells = self.size.width
        lines, self._places = strip_lines(picture, moment, cells)
        strip.show(lines)
        self.query_one("#diagnostics", TextList).show(
            [(Span(" "), *line) for line in diagnostics_lines(picture, moment, cells - 3)]
        )

    def _show_panels(self, picture: RunPicture, *, fresh: bool) -> None:
        moment = self.inspector.moment()
        edge = STAGE_ROLES[picture.stage]
        stage = (Span(picture.stage.value, edge),)
        given, gave = input_node(picture), output_node(picture, moment)
        self.input.show(
            given, fresh=fresh, stage=stage, facts=panel_facts(given), empty_text=empty_input(picture), edge=edge
        )
        self.output.show(
            gave, fresh=fresh, stage=stage, facts=panel_facts(gave), empty_text=empty_output(picture), edge=edge
        )

    # What a person does

    def perform(self, action_id: str) -> None:
        """Move between stages and panels, fold, zoom, leave."""
        match action_id:
            case "next_stage":
                self._step_stage(1)
            case "previous_stage":
                self._step_stage(-1)
            case "stage_1" | "stage_2" | "stage_3" | "stage_4" | "stage_5":
                self.choose_stage(STAGES[int(action_id[-1]) - 1])
            case "next_panel":
                self._next_panel(1)
            case "previous_panel":
                self._next_panel(-1)
            case "unfold_all":
                self._panel_view().unfold_all()
            case "fold_all":
                self._panel_view().fold_all()
            case "search":
                self._start_search()
            case "zoom":
                self._zoom()
            case "back":
                self._leave()
            case _:
                super().perform(action_id)

    def choose_stage(self, stage: Stage) -> None:
        """Show another stage; from now on the choice is the operator's."""
        self._stage, self._chosen_by_hand = stage, True
        self.inspector.went_to_stage(stage)
        self.want()

    def _step_stage(self, step: int) -> None:
        now = STAGES.index(self._stage if self._chosen_by_hand and self._stage else (self.stage or Stage.EXECUTE))
        self.choose_stage(STAGES[max(0, min(len(STAGES) - 1, now + step))])

    def _next_panel(self, step: int) -> None:
        panels = [self.input.view, self.output.view, self.query_one("#diagnostics", TextList)]
        shown = [panel for panel in panels if panel.size.height > 0 and panel.display]
        at = next((index for index, panel in enumerate(shown) if panel is self.focused), -1)
        if shown:
            shown[(at + step) % len(shown)].focus()

    def _panel_view(self) -> JsonView:
        return self.focused if isinstance(self.focused, JsonView) else self.output.view

    def _zoom(self) -> None:
        zoomed = not self.has_class("-zoomed")
        view = self._panel_view()
        for panel in (self.input, self.output):
            panel.set_class(zoomed and panel.view is view, "-zoomed")
        self.set_class(zoomed, "-zoomed")
        view.focus()

    def _leave(self) -> None:
        if self._searched is not None and (self._searched.needle or self.prompt.is_open):
            self._end_search()
        elif self.has_class("-zoomed"):
            self._zoom()
        else:
            self.inspector.show_runs()

    @on(Lines.Pressed)
    def _strip_pressed(self, event: Lines.Pressed) -> None:
        event.stop()
        if event.lines.id == "strip":
            for place in self._places:
                if place.start <= event.x < place.stop:
                    self.choose_stage(place.stage)
        elif isinstance(event.lines.parent, StagePanel):
            event.lines.parent.view.focus()

    @on(JsonView.Opened)
    @on(JsonView.Moved)
    def _row_changed(self) -> None:
        self.keys_changed()

    # Reading on demand

    @on(JsonView.LoadRequested)
    def _load_requested(self, event: JsonView.LoadRequested) -> None:
        event.stop()
        token = event.token
        if isinstance(token, tuple) and token and token[0] == "steps":
            self._steps_wanted += max(STEPS_AT_ONCE, self._steps_wanted)
            event.view.document.fold(("result", "…"))
            self.want()
        else:
            self._load(event.view, token)

    @work(group="loading")
    async def _load(self, view: JsonView, token: Hashable) -> None:
        # The handler of `Loaded` says that the work is done.
        self.inspector.busy.begin()
        try:
            self.post_message(self.Loaded(view, token, await self._read_token(token), ""))
        except OpscopeError as error:
            self.post_message(self.Loaded(view, token, None, str(error)))
        except BaseException:
            self.inspector.busy.end()
            raise

    async def _read_token(self, token: Hashable) -> Node:
        match token:
            case ("step", str(step_id), (int() | None) as item_index, *_):
                source = self.inspector.source
                pass_index = self._picture.run.pass_index if self._picture else 0
                result, attempts = await source.step(self.run_id, pass_index, step_id, item_index)
                return step_detail(result, attempts, self.inspector.moment())
            case _:
                raise KeyError(token)

    @on(Loaded)
    def _loaded(self, event: Loaded) -> None:
        event.stop()
        if event.why:
            event.view.cannot_load(event.token, event.why)
        else:
            event.view.deliver(event.token, event.value)
        self.inspector.busy.end()

    # Searching

    def _start_search(self) -> None:
        self._searched = self._panel_view()
        self.prompt.note("esc clears")
        self.prompt.open()

    @on(Prompt.Changed)
    def _search_typed(self, event: Prompt.Changed) -> None:
        if self._searched is not None:
            self._searched.search(event.text)

    @on(Prompt.Kept)
    def _search_kept(self) -> None:
        if self._searched is not None:
            self._searched.focus()

    @on(Prompt.Cleared)
    def _search_cleared(self) -> None:
        self._end_search()

    @on(JsonView.Searched)
    def _searched_something(self, event: JsonView.Searched) -> None:
        event.stop()
        self.prompt.note(f"{event.view.search_note}   n N   esc clears")
        self.keys_changed()

    def _end_search(self) -> None:
        self.prompt.close()
        if self._searched is not None:
            self._searched.search("")
            self._searched.focus()
        self._searched = None

    def on_resize(self) -> None:
        """The strip has another form from a hundred columns on."""
        if self._picture is not None:
            self._show_lines(self._picture)
            self._show_panels(self._picture, fresh=False)
