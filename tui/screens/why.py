"""The Why screen: the explanation of a run, as the command `why` gives it, with its command to copy. The wording is the view model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from engine.model.states import Stage
from tui.actions import Action, Need, Scope
from tui.screens.steering import Steerable, SteeringScreen
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.why import explain
from tui.viewmodel.why_lines import why_lines
from tui.viewmodel.words import run_mark
from tui.widgets.bindings import bindings_of
from tui.widgets.dialogue import Question, Reply
from tui.widgets.lines import KeyBar, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.errors import OpscopeError
    from tui.viewmodel.explanation import Evidence, Explanation


@dataclass(frozen=True, slots=True)
class WhyPicture:
    """What is known of the run, and what follows from it."""

    evidence: Evidence
    explanation: Explanation


class WhyScreen(SteeringScreen[WhyPicture]):
    """First the answer, then what belongs to it."""

    SCOPES = (Scope.WHY, Scope.STEER)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.WHY, Scope.STEER)

    DEFAULT_CSS = """
    WhyScreen > #why { margin: 1 0 0 1; }
    WhyScreen.-blank > #why { display: none; }
    """

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self._picture: WhyPicture | None = None

    def compose(self) -> ComposeResult:
        """Title, the explanation, keys."""
        yield TitleLine(id="title")
        yield Reading(id="why")
        yield Notice(id="notice")
        yield Question()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The text has the keys."""
        self.query_one("#title", TitleLine).tell(
            breadcrumb("runs", self.run_id[:6], "why"), (Span("reading", Role.DIM),)
        )
        self.query_one(Reading).focus()

    async def read(self) -> WhyPicture:
        """Everything that explains the run."""
        evidence = await self.inspector.source.evidence(self.run_id)
        explanation = explain(evidence, self.inspector.moment(), ascii_only=self.inspector.ascii_only)
        return WhyPicture(evidence, explanation)

    def shown(self, answer: WhyPicture) -> None:
        """The lines, folded to the width."""
        self._picture = answer
        self.set_class(False, "-blank")
        self.query_one(Notice).close()
        self._show(answer)

    def failed(self, error: OpscopeError) -> None:
        """The run cannot be read."""
        self.inspector.note_error(error)
        self.set_class(True, "-blank")
        self.query_one(Notice).fail(error, ((self.key("leave_why"), "back"),))

    def _show(self, picture: WhyPicture) -> None:
        run, evidence = picture.evidence.run, picture.evidence
        mark = run_mark(run.status, engine_lost=evidence.engine_lost)
        crumbs = breadcrumb("runs", f"{evidence.short} {run.plan_id}", "why")
        self.query_one("#title", TitleLine).tell(crumbs, (Span(str(mark), mark.role, bold=True),))
        cells = max(40, self.size.width - 4)
        self.query_one(Reading).show(
            why_lines(picture.explanation, self.inspector.moment(), cells, short=evidence.short)
        )

    @property
    def steerable(self) -> Steerable | None:
        """The run that is explained."""
        if self._picture is None:
            return None
        evidence = self._picture.evidence
        return Steerable(evidence.run, evidence.engine_lost, is_canceling=False)

    @property
    def given(self) -> set[Need]:
        """A command that can be copied."""
        given = super().given
        if self._picture is not None and self._picture.explanation.command is not None:
            given.add(Need.COMMAND_KNOWN)
        return given

    def worded(self, action: Action) -> Action:
        """This is why already."""
        return action._replace(rank=None) if action.id == "why" else super().worded(action)

    def perform(self, action_id: str) -> None:
        """Open, copy, leave, steer."""
        match action_id:
            case "open_cause":
                cause = None if self._picture is None else self._picture.evidence.cause
                step_id = None if cause is None else cause.step.step_id
                self.inspector.open_run(self.run_id, stage=None if step_id is None else Stage.EXECUTE, step_id=step_id)
            case "copy_command":
                if self._picture is not None and self._picture.explanation.command is not None:
                    self.inspector.copy(self._picture.explanation.command.text, "command")
            case "leave_why":
                if not self.close_reply():
                    self.app.pop_screen()
            case "why":
                pass
            case _:
                super().perform(action_id)

    def on_resize(self) -> None:
        """Sentences are folded to the width."""
        if self._picture is not None:
            self._show(self._picture)
