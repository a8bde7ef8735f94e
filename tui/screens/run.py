"""The Run screen: where a run stands, and the tabs that show its parts. What is in a tab is the tab's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on

from engine.model.states import PauseReason, RunStatus, Stage
from engine.ports import ControlVerb
from store.errors import NoDatabaseError
from tui.actions import Action, Need, Scope
from tui.screens.steering import Steerable
from tui.screens.tabs.answer import AnswerTab
from tui.screens.tabs.assets import AssetsTab
from tui.screens.tabs.events import EventsTab
from tui.screens.tabs.groups import GroupsTab
from tui.screens.tabs.logs import LogsTab
from tui.screens.tabs.replans import ReplansTab
from tui.screens.tabs.stages import StagesTab
from tui.screens.tabs.tabbed import TabbedScreen
from tui.viewmodel.links import run_link
from tui.viewmodel.palette import Role
from tui.viewmodel.rerun_standing import rerun_lines
from tui.viewmodel.run_picture import STAGES, RunPicture
from tui.viewmodel.run_title import fitted_title
from tui.viewmodel.standing import standing_lines
from tui.viewmodel.tabs import Tab
from tui.viewmodel.text import Span, span, width
from tui.viewmodel.words import short_id
from tui.widgets.bindings import bindings_of
from tui.widgets.dialogue import Question, Reply
from tui.widgets.lines import KeyBar, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.reason import ReasonQuestion
from tui.widgets.run_head import RunHead

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.errors import OpscopeError
    from tui.places import RunPlace
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.text import Line

STEPS_AT_ONCE = 200
"""Step heads that are read at once; more when the operator unfolds them."""


@dataclass(frozen=True, slots=True)
class RunRead:
    """What was read: the run, and what the tab that was shown then wants beyond it."""

    picture: RunPicture
    tab: Tab
    answer: object


class RunScreen(TabbedScreen[RunRead]):
    """One run, one tab at a time. The other tabs keep their place."""

    SCOPES = (Scope.RUN, Scope.STEER)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.RUN, Scope.STEER)

    DEFAULT_CSS = """
    RunScreen.-blank > RunTab { display: none; }
    """

    def __init__(self, place: RunPlace) -> None:
        super().__init__(place.tab)
        self.run_id = place.run_id
        self._step_wanted = place.step_id
        self._stage = place.stage
        self._chosen_by_hand = place.stage is not None
        self._steps_wanted = STEPS_AT_ONCE
        self._pass = place.pass_index
        self._picture: RunPicture | None = None
        self.stages = StagesTab()
        self.groups = GroupsTab()
        self.replans = ReplansTab()
        self.logs = LogsTab()
        self.events = EventsTab()
        self.tabs = (self.stages, self.groups, self.replans, self.logs, self.events, AssetsTab(), AnswerTab())

    def compose(self) -> ComposeResult:
        """Title, stages, the tab that is shown, keys."""
        yield RunHead()
        yield from self.tabs
        yield Notice(id="notice")
        yield Question()
        yield ReasonQuestion()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The tab that was asked for has the keys."""
        self.head.show_title(self._crumbs, (Span("reading", Role.DIM),))
        if self._step_wanted is not None:
            self.stages.want_step(self._step_wanted)
        self.show_tab()

    @property
    def head(self) -> RunHead:
        """What stands above the tabs."""
        return self.query_one(RunHead)

    @property
    def _crumbs(self) -> Line:
        return breadcrumb("runs", short_id(self.run_id))

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
        self.tab_of(answer.tab).shown(answer.picture, answer.answer)
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
        self.replans.ask_nothing()
        self.set_class(True, "-blank")
        self.head.show_fault(self._crumbs)
        is_gone = self._picture is not None and isinstance(error, NoDatabaseError)
        cause = "The file is gone" if is_gone else error.cause
        texts = (
            [error.place, "Once a file is there again, the run is shown here."]
            if is_gone
            else [error.place, error.hint]
        )
        headline = (Span("✗ ", Role.FAILED), span(cause, bold=True))
        self.query_one(Notice).say(headline, list(filter(None, texts)), ((self.key("back"), "back"),))

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
        self.want_steps(self._steps_wanted + max(STEPS_AT_ONCE, self._steps_wanted))

    def want_steps(self, count: int) -> None:
        """Read the heads of at least so many steps, unless that has been asked for."""
        if count > self._steps_wanted:
            self._steps_wanted = count
            self.want()

    def _show_lines(self, picture: RunPicture) -> None:
        moment, cells = self.inspector.moment(), self.head.cells
        name = f"{short_id(picture.run.run_id)} {picture.run.plan_id}"
        crumbs = breadcrumb(name) if self.inspector.watching == self.run_id else breadcrumb("runs", name)
        leaving = self.key("quit") if self.watches and picture.goes_on else ""
        self.head.show_title(crumbs, fitted_title(picture, moment, cells - width(crumbs), leaving=leaving))
        self.head.show_run(picture, moment, self._standing(picture, moment, cells))
        self.tell_tabs()

    def _standing(self, picture: RunPicture, moment: Moment, cells: int) -> list[Line]:
        """What waits or was lost, else of what the run was made."""
        run = picture.run
        asks = run.status is RunStatus.PAUSED and run.pause_reason is PauseReason.APPROVAL
        if asks and self.shown_tab is Tab.REPLANS:
            # That tab says all of it, and more.
            return []
        standing = standing_lines(picture, moment, cells)
        if standing or asks:
            return standing
        followed = self.inspector.followed.get(self.run_id)
        other = followed.words if followed is not None and run.status.is_final else ""
        return rerun_lines(run, cells, compared_with=other, key=self.key("compare"))

    def tell_tabs(self) -> None:
        """In the line above them."""
        self.head.show_tabs(self.shown_tab, self.tab.facts)

    # Tabs

    def show_logs_of(self, step_id: str) -> None:
        """The Logs tab, with nothing but what a step wrote."""
        self.choose_tab(Tab.LOGS, returns=True)
        self.logs.show_step(step_id)

    def show_step(self, step_id: str, place: int) -> None:
        """The step among those of the execute stage, unfolded; `place` is its own in the order of execution."""
        self._steps_wanted = max(self._steps_wanted, place + 1)
        self.stages.want_step(step_id)
        self.choose_stage(Stage.EXECUTE, returns=True)

    # Stages

    def choose_stage(self, stage: Stage, *, returns: bool = False) -> None:
        """Show another stage; from now on the choice is the operator's. `returns`: one comes back to the tab that is shown."""
        self._stage, self._chosen_by_hand = stage, True
        self.inspector.history.now_at_stage(stage)
        self.choose_tab(Tab.STAGES, returns=returns)
        self.want()

    def step_stage(self, step: int) -> None:
        """Show the stage after or before."""
        now = STAGES.index(self._stage if self._chosen_by_hand and self._stage else (self.stage or Stage.EXECUTE))
        self.choose_stage(STAGES[max(0, min(len(STAGES) - 1, now + step))])

    def choose_pass(self, pass_index: int, stage: Stage | None = None) -> None:
        """Look at another pass, the last one as it goes on."""
        last = self._picture.run.pass_index if self._picture is not None else pass_index
        self._pass = pass_index if pass_index < last else None
        self.inspector.history.now_at_pass(self._pass)
        if stage is None:
            self.want()
        else:
            self.choose_stage(stage, returns=True)

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
        step_id = self.stages.step_id if self.is_mounted else None
        return run_link(self.run_id, self.shown_tab, self.stage, step_id, pass_index=self._pass)

    @property
    def given(self) -> set[Need]:
        """What holds for the run and for the tab."""
        given = super().given
        run = self._picture.run if self._picture is not None else None
        if self.replans.waits or (run is not None and run.pause_reason is PauseReason.APPROVAL):
            given.add(Need.WAITS_FOR_APPROVAL)
        return given

    def worded(self, action: Action) -> Action:
        """While it is watched, leaving ends nothing, which has to be said."""
        if action.id == "quit" and self.watches and self._picture is not None and self._picture.goes_on:
            return action._replace(label="detach")
        if action.id in ("approve", "deny") and Need.WAITS_FOR_APPROVAL in self.given:
            return action._replace(rank=11 if action.id == "approve" else 12)
        return super().worded(self.tab.worded(action))

    def action_do(self, action_id: str) -> None:
        """Letters of a reason that is typed before there is a line for it are no keys."""
        if not (self.is_mounted and self.replans.asks_soon):
            super().action_do(action_id)

    def perform(self, action_id: str) -> None:
        """Decide about a replan, leave, or let the tab do it."""
        match action_id:
            case "approve" | "deny":
                self.choose_tab(Tab.REPLANS)
                self.replans.ask(ControlVerb(action_id))
            case "back":
                if not self.close_reply() and not self.tab.leave() and not self.return_to_tab():
                    self._go_back()
            case _:
                super().perform(action_id)

    def _go_back(self) -> None:
        """To the comparison, the asset, the run that one came from; from the runs one comes anyway, whatever was before."""
        if self.inspector.history.before is None:
            self.inspector.show_runs()
        else:
            self.inspector.action_do("history_back")

    @on(ReasonQuestion.Given)
    def _reason_given(self, event: ReasonQuestion.Given) -> None:
        event.stop()
        steerable = self.steerable
        if steerable is not None:
            verb, _, event_id = event.about.partition(" ")
            self.answer(steerable, ControlVerb(verb), event_id, event.reason)

    @on(RunHead.StageChosen)
    def _stage_pressed(self, event: RunHead.StageChosen) -> None:
        event.stop()
        self.choose_stage(event.stage)

    @on(RunHead.TabChosen)
    def _tab_pressed(self, event: RunHead.TabChosen) -> None:
        event.stop()
        self.choose_tab(event.tab)

    def on_resize(self) -> None:
        """The strip has another form from a hundred columns on."""
        if self._picture is not None:
            self._show_lines(self._picture)
