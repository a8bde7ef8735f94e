"""The Run screen: where a run stands, and the tabs that show its parts. What is in a tab is the tab's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on

from engine.model.states import PauseReason, RunStatus
from engine.ports import ControlVerb
from tui.actions import Action, Need, Scope, by_id
from tui.screens.steering import Steerable, SteeringScreen
from tui.screens.tabs.answer import AnswerTab
from tui.screens.tabs.assets import AssetsTab
from tui.screens.tabs.base import RunTab
from tui.screens.tabs.events import EventsTab
from tui.screens.tabs.groups import GroupsTab
from tui.screens.tabs.logs import LogsTab
from tui.screens.tabs.replans import ReplansTab
from tui.screens.tabs.stages import StagesTab
from tui.viewmodel.links import run_link
from tui.viewmodel.palette import Role
from tui.viewmodel.rerun_standing import rerun_lines
from tui.viewmodel.run_picture import STAGES, RunPicture
from tui.viewmodel.run_title import title_right
from tui.viewmodel.stage_strip import StagePlace, strip_lines
from tui.viewmodel.standing import standing_lines
from tui.viewmodel.tabs import Tab, TabPlace, tab_row
from tui.viewmodel.text import Span, span, width
from tui.viewmodel.words import short_id
from tui.widgets.bindings import bindings_of
from tui.widgets.dialogue import Question, Reply
from tui.widgets.json_view import JsonView
from tui.widgets.lines import KeyBar, Lines, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.reason import ReasonQuestion

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.errors import OpscopeError
    from engine.model.states import Stage

STEPS_AT_ONCE = 200
"""Step heads that are read at once; more when the operator unfolds them."""

_TAB_ACTIONS = {f"tab_{tab.name.lower()}": tab for tab in Tab}


@dataclass(frozen=True, slots=True)
class RunRead:
    """What was read: the run, and what the tab that was shown then wants beyond it."""

    picture: RunPicture
    tab: Tab
    answer: object


class RunScreen(SteeringScreen[RunRead]):
    """One run, one tab at a time. The other tabs keep their place."""

    SCOPES = (Scope.RUN, Scope.STEER)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.RUN, Scope.STEER)

    DEFAULT_CSS = """
    RunScreen > #strip { height: 1; }
    RunScreen > #standing { display: none; }
    RunScreen.-stands > #standing { display: block; }
    RunScreen > #tabs { height: 1; margin: 1 0 0 0; }
    RunScreen.-narrow > #tabs, RunScreen.-short > #tabs { margin: 0; }
    RunScreen.-blank > #strip, RunScreen.-blank > #tabs, RunScreen.-blank > RunTab, RunScreen.-blank > #standing { display: none; }
    """

    def __init__(
        self, run_id: str, stage: Stage | None = None, tab: Tab = Tab.STAGES, step_id: str | None = None
    ) -> None:
        super().__init__()
        self.run_id = run_id
        self._step_wanted = step_id
        self._stage = stage
        self._chosen_by_hand = stage is not None
        self._steps_wanted = STEPS_AT_ONCE
        self._pass: int | None = None
        self._picture: RunPicture | None = None
        self._stage_places: list[StagePlace] = []
        self._tab_places: list[TabPlace] = []
        self._tab = tab

    def compose(self) -> ComposeResult:
        """Title, strip, tabs, the tab that is shown, keys."""
        yield TitleLine(id="title")
        yield Lines(id="strip")
        yield Lines(id="standing")
        yield Lines(id="tabs")
        yield StagesTab()
        yield GroupsTab()
        yield ReplansTab()
        yield LogsTab()
        yield EventsTab()
        yield AssetsTab()
        yield AnswerTab()
        yield Notice(id="notice")
        yield Question()
        yield ReasonQuestion()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The tab that was asked for has the keys."""
        self.query_one("#title", TitleLine).tell(
            breadcrumb("runs", short_id(self.run_id)), (Span("reading", Role.DIM),)
        )
        if self._step_wanted is not None:
            self.stages.want_step(self._step_wanted)
        self._show_tab()

    @property
    def tab(self) -> RunTab:
        """The tab that is shown."""
        return self._tab_of(self._tab)

    @property
    def stages(self) -> StagesTab:
        """The Stages tab."""
        return self.query_one(StagesTab)

    @property
    def groups(self) -> GroupsTab:
        """The Groups tab."""
        return self.query_one(GroupsTab)

    @property
    def replans(self) -> ReplansTab:
        """The Replans tab."""
        return self.query_one(ReplansTab)

    @property
    def logs(self) -> LogsTab:
        """The Logs tab."""
        return self.query_one(LogsTab)

    @property
    def events(self) -> EventsTab:
        """The Events tab."""
        return self.query_one(EventsTab)

    @property
    def stage(self) -> Stage | None:
        """The stage that is shown, None before anything was read."""
        return self._picture.stage if self._picture else self._stage

    # Reading

    async def read(self) -> RunRead:
        """The run, and what the tab wants."""
        tab = self.tab
        stage = self._stage if self._chosen_by_hand else None
        picture = await self.inspector.source.picture(
            self.run_id, stage, steps=self._steps_wanted, with_documents=tab.HAS_DOCUMENTS, pass_index=self._pass
        )
        return RunRead(picture, tab.TAB, await tab.read(picture))

    def shown(self, answer: RunRead) -> None:
        """Everything that is in sight."""
        self._picture = answer.picture
        self.set_class(False, "-blank")
        self.query_one(Notice).close()
        # A tab that has been left meanwhile takes what was read for it all the same: it has asked once only.
        self._tab_of(answer.tab).shown(answer.picture, answer.answer)
        self._show_lines(answer.picture)
        self._compare_once_over(answer.picture)

    def _compare_once_over(self, picture: RunPicture) -> None:
        """Whoever made this run of another may have asked for the comparison, which then comes by itself, once."""
        followed = self.inspector.followed.get(self.run_id)
        if followed is None or not followed.opens or not picture.run.status.is_final or self.app.screen is not self:
            return
        if any(asked.is_open for asked in (*self.query(Question), *self.query(ReasonQuestion))):
            return
        self.inspector.followed[self.run_id] = replace(followed, opens=False)
        self.inspector.go(followed.place(self.run_id))

    def failed(self, error: OpscopeError) -> None:
        """The run cannot be read."""
        self.inspector.note_error(error)
        self.set_class(True, "-blank")
        crumbs = breadcrumb("runs", short_id(self.run_id))
        self.query_one("#title", TitleLine).tell(crumbs, (Span("✗ NOT READABLE", Role.FAILED, bold=True),))
        headline = (Span("✗ ", Role.FAILED), span(error.cause, bold=True))
        texts = [text for text in (error.place, error.hint) if text]
        self.query_one(Notice).say(headline, texts, ((self.key("back"), "back to the runs"),))

    def tick(self) -> bool:
        """Times go on while the run does."""
        picture = self._picture
        if picture is None or not picture.is_running:
            return False
        self._show_lines(picture)
        self.tab.tick(picture)
        return True

    def want_more_steps(self) -> None:
        """Read more heads of steps."""
        self._steps_wanted += max(STEPS_AT_ONCE, self._steps_wanted)
        self.want()

    def _show_lines(self, picture: RunPicture) -> None:
        moment = self.inspector.moment()
        run = picture.run
        places = (
            (f"{short_id(run.run_id)} {run.plan_id}",)
            if self.inspector.watching == self.run_id
            else ("runs", f"{short_id(run.run_id)} {run.plan_id}")
        )
        crumbs = breadcrumb(*places)
        # Where one is matters more than what leaving does, which the last line says too.
        quits = self.key("quit")
        hints = (
            (f"{quits} detaches, the run goes on", f"{quits} detaches", "")
            if self.watches and picture.goes_on
            else ("",)
        )
        rights = [title_right(picture, moment, hint=hint) for hint in hints]
        rights.append(title_right(picture, moment, brief=True))
        right = next((right for right in rights if width(crumbs) + width(right) + 4 <= self.size.width), rights[-1])
        self.query_one("#title", TitleLine).tell(crumbs, right)
        lines, self._stage_places = strip_lines(picture, moment, self.size.width)
        strip = self.query_one("#strip", Lines)
        strip.styles.height = len(lines)  # the strip itself knows from which width it takes one line
        strip.show(lines)
        asks = run.status is RunStatus.PAUSED and run.pause_reason is PauseReason.APPROVAL
        # The Replans tab says all of it, and more.
        standing = [] if asks and self._tab is Tab.REPLANS else standing_lines(picture, moment, self.size.width)
        if not standing and not asks:
            followed = self.inspector.followed.get(self.run_id)
            is_over = followed is not None and run.status.is_final
            other = followed.words if followed is not None and is_over else ""
            standing = rerun_lines(run, self.size.width, compared_with=other, key=self.key("compare"))
        self.query_one("#standing", Lines).show(standing)
        self.set_class(bool(standing), "-stands")
        self._show_tabs()

    def _show_tabs(self) -> None:
        row, self._tab_places = tab_row(self._tab, self.tab.facts, self.size.width)
        self.query_one("#tabs", Lines).show([row])

    # Tabs

    def choose_tab(self, tab: Tab) -> None:
        """Show another tab."""
        if tab is not self._tab:
            self._tab = tab
            self.inspector.went_to_tab(tab)
            self._show_tab()
            self.want()

    def _tab_of(self, tab: Tab) -> RunTab:
        match tab:
            case Tab.STAGES:
                return self.stages
            case Tab.GROUPS:
                return self.groups
            case Tab.REPLANS:
                return self.replans
            case Tab.ASSETS:
                return self.query_one(AssetsTab)
            case Tab.ANSWER:
                return self.query_one(AnswerTab)
            case Tab.LOGS:
                return self.logs
            case Tab.EVENTS:
                return self.events

    def _show_tab(self) -> None:
        for tab in self.query(RunTab):
            tab.set_class(tab is self.tab, "-shown")
        self.set_focus(self.tab.panels[0])
        self._show_tabs()
        self.keys_changed()

    @on(RunTab.FactsChanged)
    def _facts_changed(self, event: RunTab.FactsChanged) -> None:
        event.stop()
        self._show_tabs()
        self.keys_changed()

    def show_logs_of(self, step_id: str) -> None:
        """The Logs tab, with nothing but what a step wrote."""
        self.choose_tab(Tab.LOGS)
        self.logs.show_step(step_id)

    def show_step(self, step_id: str, place: int) -> None:
        """The step among those of the execute stage, unfolded; `place` is its own in the order of execution."""
        from engine.model.states import Stage

        self._steps_wanted = max(self._steps_wanted, place + 1)
        self.stages.want_step(step_id)
        self.choose_stage(Stage.EXECUTE)

    # Stages

    def choose_stage(self, stage: Stage) -> None:
        """Show another stage; from now on the choice is the operator's."""
        self._stage, self._chosen_by_hand = stage, True
        self.inspector.went_to_stage(stage)
        self.choose_tab(Tab.STAGES)
        self.want()

    def step_stage(self, step: int) -> None:
        """Show the stage after or before."""
        from engine.model.states import Stage

        now = STAGES.index(self._stage if self._chosen_by_hand and self._stage else (self.stage or Stage.EXECUTE))
        self.choose_stage(STAGES[max(0, min(len(STAGES) - 1, now + step))])

    def choose_pass(self, pass_index: int, stage: Stage | None = None) -> None:
        """Look at another pass, the last one as it goes on."""
        last = self._picture.run.pass_index if self._picture is not None else pass_index
        self._pass = pass_index if pass_index < last else None
        if stage is None:
            self.want()
        else:
            self.choose_stage(stage)

    # What a person does

    @property
    def watches(self) -> bool:
        """True where this run is watched by whom it was started by: the command, or a screen here."""
        return self.inspector.watching == self.run_id or self.run_id in self.inspector.followed

    @property
    def steerable(self) -> Steerable | None:
        """This run."""
        picture = self._picture
        return Steerable(picture.run, picture.engine_lost, picture.cancel is not None) if picture else None

    @property
    def override_at(self) -> tuple[str | None, str | None]:
        """What the tab's cursor is on."""
        return self.tab.override_at

    @property
    def link(self) -> str:
        """To the tab, and on the first one to the stage and the step."""
        # It is asked for as soon as the screen is there, which is before its tabs are.
        return run_link(self.run_id, self._tab, self.stage, self.stages.step_id if self.is_mounted else None)

    @property
    def given(self) -> set[Need]:
        """What holds for the run and for the tab."""
        given = super().given | self.tab.given
        run = self._picture.run if self._picture is not None else None
        if self.replans.waits or (run is not None and run.pause_reason is PauseReason.APPROVAL):
            given.add(Need.WAITS_FOR_APPROVAL)
        return given

    @property
    def scopes_now(self) -> tuple[Scope, ...]:
        """The tab's own keys come before those of the run."""
        if isinstance(self.focused, JsonView) and self._tab is not Tab.STAGES:
            return super().scopes_now
        *closest, run, steer, everywhere = super().scopes_now
        return (*closest, self.tab.SCOPE, run, steer, everywhere)

    @property
    def moves(self) -> Scope:
        """How one moves in the tab."""
        return super().moves if isinstance(self.focused, JsonView) else self.tab.MOVES

    def worded(self, action: Action) -> Action:
        """While it is watched, leaving ends nothing, which has to be said."""
        if action.id == "quit" and self.watches and self._picture is not None and self._picture.goes_on:
            return replace(action, label="detach")
        if action.id in ("approve", "deny") and Need.WAITS_FOR_APPROVAL in self.given:
            return replace(action, rank=11 if action.id == "approve" else 12)
        return super().worded(self.tab.worded(action))

    def perform(self, action_id: str) -> None:
        """Go to a tab or a panel, leave, or let the tab do it."""
        match action_id:
            case "approve" | "deny":
                self.choose_tab(Tab.REPLANS)
                self.replans.ask(ControlVerb(action_id))
            case _ if action_id in _TAB_ACTIONS:
                self.choose_tab(_TAB_ACTIONS[action_id])
            case "next_panel":
                self._next_panel(1)
            case "previous_panel":
                self._next_panel(-1)
            case "back":
                if not self.close_reply() and not self.tab.leave():
                    self.inspector.show_runs()
            case _ if by_id(action_id).scope is self.tab.SCOPE:
                self.tab.perform(action_id)
            case _:
                super().perform(action_id)

    def _next_panel(self, step: int) -> None:
        shown = [panel for panel in self.tab.panels if panel.size.height > 0 and panel.display and panel.is_on_screen]
        at = next((index for index, panel in enumerate(shown) if panel is self.focused), -1)
        if shown:
            shown[(at + step) % len(shown)].focus()

    @on(ReasonQuestion.Given)
    def _reason_given(self, event: ReasonQuestion.Given) -> None:
        event.stop()
        steerable = self.steerable
        if steerable is not None:
            verb, _, event_id = event.about.partition(" ")
            self.answer(steerable, ControlVerb(verb), event_id, event.reason)

    @on(Lines.Pressed)
    def _line_pressed(self, event: Lines.Pressed) -> None:
        event.stop()
        if event.lines.id == "strip":
            for stage in self._stage_places:
                if stage.start <= event.x < stage.stop:
                    self.choose_stage(stage.stage)
        elif event.lines.id == "tabs":
            for tab in self._tab_places:
                if tab.start <= event.x < tab.stop:
                    self.choose_tab(tab.tab)

    def on_resize(self) -> None:
        """The strip has another form from a hundred columns on."""
        if self._picture is not None:
            self._show_lines(self._picture)
