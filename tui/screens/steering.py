"""Screens from which a run is steered: cancel with a question, pause, resume, why. What steering does is tui.steering's."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from textual import on

from engine.errors import OpscopeError, WaitingError
from engine.model.states import ControlVerb, PauseReason, RunStatus
from tui.actions import Action, Need
from tui.places import ComparePlace
from tui.screens.rerunning import ASKED_RERUN, RerunningScreen
from tui.viewmodel.palette import Role
from tui.viewmodel.words import run_mark, short_id
from tui.widgets.dialogue import Question, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from store.rows import RunRow
    from tui.widgets.decision import DecisionQuestion

Answer = TypeVar("Answer")

_DOING = {
    ControlVerb.CANCEL: "canceling",
    ControlVerb.PAUSE: "pausing",
    ControlVerb.RESUME: "resuming",
    ControlVerb.APPROVE: "approving the replan of",
    ControlVerb.DENY: "denying the replan of",
}

_CANCEL_RANK, _PAUSE_RANK = 26, 27
"""Where keys stand that only a run has which goes on: in the places of those that it has once it is over."""

SAID_SECONDS = 8
"""How long a sentence about something that went well stays; about something that did not, until it is sent away."""


class Steerable(NamedTuple):
    """The run that keys would steer now. `is_canceling`: a cancel has been asked for already."""

    run: RunRow
    engine_lost: bool
    is_canceling: bool

    @property
    def goes_on(self) -> bool:
        """True while it may still be steered; nothing of a run that was imported ever goes on here."""
        return not self.run.status.is_final and self.run.imported_at_us is None

    @property
    def waits(self) -> bool:
        """True when it goes on only if somebody says so."""
        return self.engine_lost or self.run.status in (RunStatus.PAUSED, RunStatus.QUARANTINED)


class SteeringScreen(RerunningScreen[Answer]):
    """`x`, `p`, `w`, `r`, `o` and `c` for the run that is shown or chosen. A `Question` and a `Reply` have to be on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self._asked_to_cancel: set[str] = set()
        self._to_cancel: Steerable | None = None

    @property
    @abstractmethod
    def steerable(self) -> Steerable | None:
        """The run that keys steer now."""

    @property
    def given(self) -> set[Need]:
        """A run, whether it is of this file, whether it is over."""
        given = super().given
        steerable = self.steerable
        if steerable is not None:
            given.add(Need.RUN_CHOSEN)
            if steerable.run.imported_at_us is None:
                given.add(Need.NOT_IMPORTED)
            if not steerable.run.status.is_final:
                given.add(Need.NOT_OVER)
            if not steerable.goes_on:
                given.add(Need.OVER)
        return given

    @property
    def compared(self) -> ComparePlace | None:
        """What `c` compares: the run with those before it, or with what was asked for when it was made of another."""
        steerable = self.steerable
        if steerable is None:
            return None
        followed = self.inspector.followed.get(steerable.run.run_id)
        return ComparePlace((steerable.run.run_id,)) if followed is None else followed.place(steerable.run.run_id)

    @property
    def override_at(self) -> tuple[str | None, str | None]:
        """The step and the alias of an asset that are looked at, where `o` begins."""
        return None, None

    @property
    def link(self) -> str | None:
        """To the run."""
        steerable = self.steerable
        return None if steerable is None else steerable.run.run_id

    def worded(self, action: Action) -> Action:
        """Of a run that goes on, what ends or holds it; `p` is what it needs where it waits for somebody."""
        steerable = self.steerable
        if steerable is None:
            return action
        match action.id:
            case "rerun" | "override" | "compare" if steerable.goes_on:
                return action._replace(rank=None)
            case "pause" if steerable.waits:
                # An approval is not given by going on.
                rank = None if steerable.run.pause_reason is PauseReason.APPROVAL else _PAUSE_RANK
                label = "decide" if steerable.run.status is RunStatus.QUARANTINED else "resume"
                return action._replace(label=label, rank=rank)
            case "pause":
                return action._replace(rank=_PAUSE_RANK)
            case "cancel":
                label = "force" if self._is_canceling(steerable) else action.label
                return action._replace(label=label, rank=_CANCEL_RANK)
            case _:
                return action

    def perform(self, action_id: str) -> None:
        """Ask, steer, explain."""
        steerable = self.steerable
        if steerable is None:
            return
        match action_id:
            case "cancel":
                self._ask_to_cancel(steerable)
            case "pause":
                self._steer(steerable, ControlVerb.RESUME if steerable.waits else ControlVerb.PAUSE)
            case "rerun" | "rerun_failed":
                # Late: reruns are asked for rarely, and what forks a run takes a while to import.
                from engine.pipeline.forking import Change

                self.prepare_rerun(steerable.run.run_id, Change(from_failed=action_id == "rerun_failed"))
            case "override":
                step_id, alias = self.override_at
                self.inspector.open_override(steerable.run.run_id, step_id=step_id, alias=alias)
            case "compare":
                if self.compared is not None:
                    self.inspector.go(self.compared)
            case "export":
                # Late: it is asked for rarely.
                from tui.screens.export import ExportScreen

                self.app.push_screen(ExportScreen(steerable.run.run_id))
            case "why":
                self.inspector.show_why(steerable.run.run_id)
            case _:
                super().perform(action_id)

    def close_reply(self) -> bool:
        """Take the last sentence away; False if there is none."""
        reply = self.query_one(Reply)
        was_open = reply.is_open
        reply.close()
        return was_open

    def _is_canceling(self, steerable: Steerable) -> bool:
        return steerable.is_canceling or steerable.run.run_id in self._asked_to_cancel

    def _ask_to_cancel(self, steerable: Steerable) -> None:
        self._to_cancel = steerable
        run = steerable.run
        named = f"{short_id(run.run_id)} {run.plan_id}"
        if self._is_canceling(steerable):
            question, yes = f"{named} is being canceled. Stop its finally steps too?", "force it"
        elif steerable.engine_lost or not run.needs_engine:
            question = f"Cancel {named}? A new engine runs its finally steps, nothing else."
            yes = "cancel it"
        else:
            question = f"Cancel {named}? What runs is stopped, then its finally steps run."
            yes = "cancel it"
        self.close_reply()
        self.query_one(Question).ask("cancel", question, yes, "leave it")

    @on(Question.Answered)
    def _answered(self, event: Question.Answered) -> None:
        event.stop()
        if event.about == ASKED_RERUN:
            self.run_asked(yes=event.yes)
            return
        steerable, self._to_cancel = self._to_cancel, None
        if event.yes and steerable is not None:
            force = self._is_canceling(steerable)
            self._asked_to_cancel.add(steerable.run.run_id)
            self._steer(steerable, ControlVerb.CANCEL, force=force)

    def answer(self, steerable: Steerable, verb: ControlVerb, event_id: str, reason: str) -> None:
        """Approve or deny a replan of the run."""
        self._steer(steerable, verb, arguments={"event_id": event_id, "reason": reason})

    def _steer(
        self, steerable: Steerable, verb: ControlVerb, *, force: bool = False, arguments: JsonObject | None = None
    ) -> None:
        run = steerable.run
        doing = _DOING[verb]
        mark = run_mark(run.status, engine_lost=steerable.engine_lost)
        self.query_one(Reply).say(f"{doing} run {short_id(run.run_id)}…", glyph=mark.glyph, role=mark.role)
        self.inspector.busily(self._have_steered(run.run_id, verb, force, arguments))

    async def _have_steered(self, run_id: str, verb: ControlVerb, force: bool, arguments: JsonObject | None) -> None:
        # Late: it is asked for rarely, and what starts an engine takes a while to import.
        from tui.steering import steer_run

        told: list[str] = []
        try:
            steered = await steer_run(
                self.inspector.db_path, run_id, verb, force=force, arguments=arguments, tell=told.append
            )
        except WaitingError as error:
            if not self.is_attached:
                return
            if error.steps:
                self._ask_to_decide(run_id, error, told)
            else:
                self.reply(error)
        except OpscopeError as error:
            self._asked_to_cancel.discard(run_id)
            if self.is_attached:
                self.reply(error)
        else:
            self._say_done(steered.sentence)
        if self.is_attached:
            self.want()

    def _say_done(self, sentence: str) -> None:
        if self.is_attached:
            self.query_one(Reply).say(sentence, glyph="✓", role=Role.SUCCEEDED, seconds=SAID_SECONDS)

    def _ask_to_decide(self, run_id: str, error: WaitingError, told: Sequence[str]) -> None:
        # Late, and not there before it is needed: hardly any run ever has to be decided about.
        from tui.widgets.decision import DecisionQuestion

        asked = next(iter(self.query(DecisionQuestion)), None)
        if asked is None:
            asked = DecisionQuestion()
            self.mount(asked, before=self.query_one(Reply))
        self.close_reply()
        asked.begin(run_id, error.steps, "; ".join([*told, error.cause]))

    # By its name: to decorate it, what it is sent by would have to be imported before the first paint.

    def on_decision_question_decided(self, event: DecisionQuestion.Decided) -> None:
        """Go on with what was decided."""
        event.stop()
        self.query_one(Reply).say(f"resuming run {short_id(event.run_id)}…", glyph="◆", role=Role.QUARANTINED)
        self.inspector.busily(self._have_decided(event))

    async def _have_decided(self, event: DecisionQuestion.Decided) -> None:
        from tui.steering import decide

        try:
            self._say_done(await decide(self.inspector.db_path, event.run_id, event.decisions))
        except OpscopeError as error:
            if self.is_attached:
                self.reply(error)
        if self.is_attached:
            self.want()
