"""The Replans tab: why the plan was changed on the way, on a line in time, and what is to be decided. Deciding is the screen's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on

from engine.model.replan import Trigger
from engine.ports import ControlVerb
from store.queries.replans import replans_of
from tui.actions import Action, Need, Scope
from tui.screens.tabs.base import RunTab
from tui.viewmodel.palette import Role
from tui.viewmodel.replanning.detail import detail_lines, empty_lines, patch_text
from tui.viewmodel.replanning.filter import HINT, ReplanFilter, parse_replan_filter
from tui.viewmodel.replanning.replan import Replan, replan_of, trigger_mark
from tui.viewmodel.replanning.timeline import ReplanPlace, timeline
from tui.viewmodel.tabs import Tab
from tui.viewmodel.text import Span, joined
from tui.viewmodel.words import plural
from tui.widgets.bindings import bindings_of
from tui.widgets.lines import Lines
from tui.widgets.prompt import Prompt
from tui.widgets.reason import ReasonQuestion
from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from store.rows import StepRow
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.text import Line


@dataclass(frozen=True, slots=True)
class ReplansRead:
    """All replans of the run, and the steps of the passes that they stood between."""

    replans: Sequence[Replan]
    passes: Mapping[int, Sequence[StepRow]]


class ReplansTab(RunTab):
    """The line above, the chosen replan below it."""

    TAB = Tab.REPLANS
    SCOPE = Scope.REPLANS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.REPLANS)

    # How large the screen is stands at the screen, above what scoped styles may look at.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    ReplansTab > #replan-line { height: 6; }
    .-short ReplansTab > #replan-line { height: 2; }
    .-wide.-tall ReplansTab > #replan-line { margin-top: 1; }
    ReplansTab.-none > #replan-line { display: none; }
    ReplansTab > #replan { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__(id="replans")
        self._picture: RunPicture | None = None
        self._all = ReplansRead((), {})
        self._filter = ReplanFilter()
        self._shown: list[Replan] = []
        self._chosen_id = ""
        self._places: list[ReplanPlace] = []
        self._to_ask: ControlVerb | None = None

    def compose(self) -> ComposeResult:
        """The filter, the line, the chosen one."""
        yield Prompt("filter", HINT, id="replan-filter")
        yield Lines(id="replan-line")
        yield Reading(id="replan")

    @property
    def prompt(self) -> Prompt:
        """The filter."""
        return self.query_one(Prompt)

    @property
    def chosen(self) -> Replan | None:
        """The replan that is told below the line."""
        return next((one for one in self._shown if one.event_id == self._chosen_id), None)

    @property
    def waits(self) -> bool:
        """True while one of those that were read waits for a decision."""
        return any(one.is_pending for one in self._all.replans)

    async def read(self, picture: RunPicture) -> ReplansRead:
        """The replans, and the steps of their passes and of those after them."""
        source, run_id = self.inspector.source, picture.run.run_id
        replans = [replan_of(row) for row in await source.ask(replans_of(run_id))]
        wanted = {index for one in replans if one.is_approved for index in (one.pass_index, one.pass_index + 1)}
        last = picture.run.pass_index
        passes = {index: await source.steps_of_pass(run_id, index) for index in sorted(wanted) if index <= last}
        return ReplansRead(replans, passes)

    def shown(self, picture: RunPicture, answer: object) -> None:
        """The line and what is chosen on it, which stays chosen; at first what waits, else the last."""
        assert isinstance(answer, ReplansRead)
        self._picture, self._all = picture, answer
        self._sift()
        if self._to_ask is not None:
            verb, self._to_ask = self._to_ask, None
            self._ask(verb)

    def _sift(self) -> None:
        self._shown = [one for one in self._all.replans if self._filter.passes(one)]
        if self.chosen is None and self._shown:
            self._chosen_id = next((one for one in self._shown if one.is_pending), self._shown[-1]).event_id
        self._draw()

    def _draw(self) -> None:
        picture, chosen = self._picture, self.chosen
        if picture is None:
            return
        self.set_class(chosen is None, "-none")
        reading = self.query_one(Reading)
        if chosen is None:
            self._places = []
            lines = empty_lines(
                is_filtered=not self._filter.is_empty, has_any=bool(self._all.replans), goes_on=picture.goes_on
            )
        else:
            line, self._places = timeline(
                self._shown, self._shown.index(chosen), self.screen.size.width, self.moment, picture.run.pass_index
            )
            # Where there are few lines, what is said of the chosen one matters more than the others.
            self.query_one("#replan-line", Lines).show([line[1], line[5]] if self.screen.has_class("-short") else line)
            lines = detail_lines(
                chosen,
                self._all.passes,
                self.screen.size.width - 2,
                self.moment,
                can_decide=picture.run.imported_at_us is None and not picture.run.status.is_final,
            )
        reading.show(lines)
        self.post_message(self.FactsChanged())

    def on_resize(self) -> None:
        """As many as fit stand on the line."""
        self._draw()

    # What a person does

    @property
    def panels(self) -> list[Widget]:
        """The text; the line is moved along from everywhere."""
        return [self.query_one(Reading)]

    @property
    def facts(self) -> Line:
        """How many, and how many wait."""
        total, shown = len(self._all.replans), len(self._shown)
        waiting = sum(one.is_pending for one in self._all.replans)
        many = plural(total, "replan") if shown == total else f"{shown} of {plural(total, 'replan')}"
        waits: Line = (Span(f"‖ {waiting} waiting", Role.WARNING, bold=True),) if waiting else ()
        return joined(((Span(many, Role.DIM),), waits)) if total else ()

    @property
    def given(self) -> set[Need]:
        """A replan that is chosen, others beside it, any at all."""
        given = {Need.REPLANS_THERE} if self._all.replans else set[Need]()
        if self.chosen is not None:
            given.add(Need.REPLAN_CHOSEN)
            if len(self._shown) > 1:
                given.add(Need.REPLANS_BESIDE)
        return given

    def worded(self, action: Action) -> Action:
        """There is one panel only, and where there will be no replan any more, none of its keys has a place."""
        never = not self._all.replans and self._picture is not None and not self._picture.goes_on
        return (
            action._replace(rank=None)
            if action.id == "next_panel" or (never and action.scope is self.SCOPE)
            else action
        )

    def perform(self, action_id: str) -> None:
        """Move along the line, filter, copy, go to the pass."""
        chosen = self.chosen
        match action_id:
            case "next_replan":
                self._move(1)
            case "previous_replan":
                self._move(-1)
            case "filter_replans":
                self.prompt.note("esc clears")
                self.prompt.open()
            case "copy_patch" if chosen is not None:
                self.inspector.copy(patch_text(chosen), "patch")
            case "open_pass" if chosen is not None:
                self.run_screen.choose_pass(chosen.pass_index, chosen.stage)
            case _:
                super().perform(action_id)

    def leave(self) -> bool:
        """The filter."""
        if self._filter.is_empty and not self.prompt.is_open:
            return False
        self.prompt.close()
        self._filter_by("")
        return True

    def _move(self, step: int) -> None:
        chosen = self.chosen
        if chosen is not None:
            at = self._shown.index(chosen) + step
            self._choose(self._shown[max(0, min(at, len(self._shown) - 1))])

    def _choose(self, replan: Replan) -> None:
        if replan.event_id != self._chosen_id:
            self._chosen_id = replan.event_id
            self.query_one(Reading).scroll_to(y=0, animate=False)
            self._draw()

    @on(Lines.Pressed)
    def _line_pressed(self, event: Lines.Pressed) -> None:
        event.stop()
        for place in self._places:
            if place.start <= event.x < place.stop:
                self._choose(self._shown[place.index])

    # Deciding

    def ask(self, verb: ControlVerb) -> None:
        """Ask for the reason of a decision about what is chosen, or else about the first that waits; where none is known, it is
        read first."""
        if any(one.is_pending for one in self._all.replans):
            self._ask(verb)
            return
        self._to_ask = verb
        self.run_screen.want()

    def ask_nothing(self) -> None:
        """What was to be asked cannot be read."""
        self._to_ask = None

    @property
    def asks_soon(self) -> bool:
        """True from the key that asks for a reason until there is a line to type it into."""
        return self._to_ask is not None

    def _ask(self, verb: ControlVerb) -> None:
        chosen = self.chosen
        pending = [one for one in self._all.replans if one.is_pending]
        replan = chosen if chosen is not None and chosen.is_pending else next(iter(pending), None)
        if replan is None:
            self.inspector.say(Need.WAITS_FOR_APPROVAL.value)
            return
        if replan not in self._shown:
            self.prompt.close()
            self._filter = ReplanFilter()
            self._sift()
        self._choose(replan)
        subject = "of the plan" if replan.step_id is None else f"of step {replan.step_id}"
        trigger = trigger_mark(replan.trigger).word.lower()
        if verb is ControlVerb.APPROVE:
            question, yes = f"Approve {replan.event_id}, the replan {subject} ({trigger})?", "approve"
        else:
            question = f"Deny {replan.event_id}, the replan {subject} ({trigger})? {_if_denied(replan)}"
            yes = "deny"
        self.run_screen.close_reply()
        self.run_screen.query_one(ReasonQuestion).ask(f"{verb.value} {replan.event_id}", question, yes)

    # Filtering

    def _filter_by(self, text: str) -> None:
        self._filter = parse_replan_filter(text, self._all.replans, self.moment)
        self._sift()
        if self._filter.faults:
            self.prompt.note(self._filter.faults[0], Role.WARNING)
        elif self._filter.is_empty:
            self.prompt.note("esc clears")
        else:
            self.prompt.note(f"{len(self._shown)} of {len(self._all.replans)}   esc clears")

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        event.stop()
        self._filter_by(event.text)

    @on(Prompt.Kept)
    def _kept(self, event: Prompt.Kept) -> None:
        event.stop()
        if not event.text.strip():
            self.prompt.close()

    @on(Prompt.Cleared)
    def _cleared(self, event: Prompt.Cleared) -> None:
        event.stop()
        self._filter_by("")


def _if_denied(replan: Replan) -> str:
    """What follows, as far as the replan alone can tell."""
    if replan.step_id is not None and replan.trigger in (Trigger.STEP_FAILED, Trigger.STEP_TIMEOUT):
        return f"{replan.step_id} stays failed, and its on_failure says what follows."
    return "The plan stays as it is."
