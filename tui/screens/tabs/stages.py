"""The Stages tab: what each stage was given, what it gave, and what it says of itself, live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Container
from textual.message import Message

from engine.errors import OpscopeError
from engine.model.states import Stage
from tui.actions import Need, Scope
from tui.payload import PayloadReading
from tui.screens.tabs.base import RunTab
from tui.viewmodel.diagnostics import diagnostics_lines
from tui.viewmodel.palette import STAGE_ROLES
from tui.viewmodel.stages import (
    empty_input,
    empty_output,
    input_node,
    input_reference,
    output_node,
    output_reference,
    panel_facts,
    pass_facts,
)
from tui.viewmodel.step_nodes import step_detail
from tui.viewmodel.tabs import Tab
from tui.viewmodel.text import Span
from tui.widgets.bindings import bindings_of
from tui.widgets.json_view import JsonView
from tui.widgets.lines import Lines
from tui.widgets.prompt import Prompt
from tui.widgets.stage_panel import StagePanel
from tui.widgets.text_list import TextList

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from tui.actions import Action
    from tui.viewmodel.json_nodes import Node, Path
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.text import Line

PROGRESS_SECONDS = 0.25
"""How often the row of something large says how far its reading has come."""

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
    .-narrow StagesTab > #diagnostics { max-height: 5; margin-top: 0; }
    .-narrow StagesTab > #diagnostics:focus { max-height: 12; }
    .-short StagesTab > #diagnostics { margin-top: 0; min-height: 0; max-height: 1; }
    .-short StagesTab > #diagnostics:focus { max-height: 4; }
    .-short.-narrow StagesTab #input { height: 1; min-height: 1; }
    .-short.-narrow StagesTab #output { min-height: 2; }
    .-short.-narrow StagesTab #input:focus-within { height: 3fr; min-height: 2; }
    StagesTab.-zoomed StagePanel { display: none; }
    StagesTab.-zoomed StagePanel.-zoomed { display: block; margin: 0; }
    StagesTab.-zoomed > #diagnostics { display: none; }
    """

    @dataclass
    class Loaded(Message):
        """Something that was unfolded has been read; `why` is empty, or says why it could not be."""

        view: JsonView
        token: Hashable
        value: Node
        why: str

    def __init__(self) -> None:
        super().__init__(id="stages")
        self._picture: RunPicture | None = None
        self._searched: JsonView | None = None
        self._wanted_step: str | None = None
        self._payloads: set[tuple[JsonView, Hashable]] = set()

    def compose(self) -> ComposeResult:
        """Input and output, diagnostics, search."""
        with Container(id="panels"):
            yield StagePanel("INPUT", id="input")
            yield StagePanel("OUTPUT", id="output")
        yield TextList(id="diagnostics")
        yield Prompt("search", "keys and values, folded ones too", id="search")
        yield Prompt("path", "result.ping.*   rows[*].name   ..error", id="path-filter")

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
            panel.view.fetcher = self._read_token
            panel.view.working = self.inspector.busy.working
            panel.view.reference = partial(self._referenced, reference)

    def _referenced(self, reference: Callable[[Stage, Path], Path], path: Path) -> Path:
        return path if self._picture is None else reference(self._picture.stage, path)

    @property
    def prompt(self) -> Prompt:
        """The search."""
        return self.query_one("#search", Prompt)

    @property
    def path_prompt(self) -> Prompt:
        """The filter by path."""
        return self.query_one("#path-filter", Prompt)

    async def read(self, picture: RunPicture) -> None:
        """Everything is in the picture."""

    def shown(self, picture: RunPicture, answer: object) -> None:  # noqa: ARG002
        """Input, output, diagnostics of the chosen stage."""
        before, self._picture = self._picture, picture
        fresh = before is None or before.stage is not picture.stage or before.pass_index != picture.pass_index
        self._show(picture, fresh=fresh)
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
        given, gave = input_node(picture), output_node(picture, self.moment)
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
        picture, path = self._picture, self.output.view.path
        if (
            picture is None
            or picture.stage is not Stage.EXECUTE
            or path is None
            or len(path) < 2
            or path[0] != "result"
        ):
            return None
        return str(path[1]) if any(step.step_id == path[1] for step in picture.steps) else None

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
        return replace(action, rank=22) if several and action.id == "pass_before" else action

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
                self._find_in(self._panel_view(), self.prompt)
            case "filter_paths":
                self._find_in(self._panel_view(), self.path_prompt)
            case "zoom":
                self._zoom()
            case _:
                super().perform(action_id)

    def leave(self) -> bool:
        """What is being read first, then the search or the filter, then the zoom."""
        if self._payloads:
            self.workers.cancel_group(self, "payloads")
        elif self._searched is not None and (
            self._searched.is_finding or self.prompt.is_open or self.path_prompt.is_open
        ):
            self._end_search()
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
        if isinstance(token, tuple) and token and token[0] == "steps":
            event.view.document.fold(("result", "…"))
            self.run_screen.want_more_steps()
        elif isinstance(token, tuple) and token and token[0] == "payload":
            if (event.view, token) not in self._payloads:
                self._payloads.add((event.view, token))
                self._load_payload(event.view, token)
        else:
            self._load(event.view, token)

    @work(group="payloads")
    async def _load_payload(self, view: JsonView, token: Hashable) -> None:
        reading = PayloadReading()
        ticker = self.set_interval(
            PROGRESS_SECONDS, lambda: view.tell_progress(token, f"reading {reading.percent}%, esc stops")
        )
        try:
            with self.inspector.busy.working():
                view.deliver(token, await self._read_token(token, reading))
        except OpscopeError as error:
            view.cannot_load(token, str(error))
        except asyncio.CancelledError:
            view.give_up(token)
            raise
        finally:
            ticker.stop()
            self._payloads.discard((view, token))
            self.run_screen.keys_changed()

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

    async def _read_token(self, token: Hashable, reading: PayloadReading | None = None) -> Node:
        match token:
            case ("payload", str(digest), int()):
                return await (reading or PayloadReading()).read(self.inspector.source, digest)
            case ("step", str(step_id), (int() | None) as item_index, *_):
                source = self.inspector.source
                pass_index = self._picture.pass_index if self._picture else 0
                result, attempts = await source.step(self.run_screen.run_id, pass_index, step_id, item_index)
                if item_index is not None or attempts:
                    return step_detail(result, attempts, self.moment)
                items, values = await source.items(self.run_screen.run_id, pass_index, step_id, _MOST_ITEMS)
                return step_detail(result, attempts, self.moment, items, values)
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

    def _find_in(self, view: JsonView, prompt: Prompt) -> None:
        """Search or filter a panel; what was searched for or filtered elsewhere ends."""
        other = self.path_prompt if prompt is self.prompt else self.prompt
        if self._searched is not None and (self._searched is not view or other.is_open):
            self._end_search()
        self._searched = view
        prompt.note("esc clears")
        prompt.open()

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        event.stop()
        if self._searched is None:
            return
        if self.path_prompt.is_open:
            self._searched.filter_paths(event.text)
        else:
            self._searched.search(event.text)

    @on(Prompt.Kept)
    def _search_kept(self, event: Prompt.Kept) -> None:
        event.stop()
        if self._searched is not None:
            self._searched.focus()

    @on(Prompt.Cleared)
    def _search_cleared(self, event: Prompt.Cleared) -> None:
        event.stop()
        self._end_search()

    @on(JsonView.Searched)
    def _searched_something(self, event: JsonView.Searched) -> None:
        event.stop()
        if event.view is not self._searched:
            return
        if self.path_prompt.is_open:
            note = event.view.filter_note
            self.path_prompt.note(note if note.startswith("no path") else f"{note}   esc clears")
        elif event.view.needle:
            self.prompt.note(f"{event.view.search_note}   n N   esc clears")
        else:
            self.prompt.note("esc clears")
        self.run_screen.keys_changed()

    def _end_search(self) -> None:
        self.prompt.close()
        self.path_prompt.close()
        if self._searched is not None:
            self._searched.search("")
            self._searched.focus()
        self._searched = None
