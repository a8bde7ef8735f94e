"""The Answer tab: what the run has to say in the end, as its command prints it, or why it says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.model.states import Stage
from store.queries import stage_output
from tui.actions import Action, Need, Scope
from tui.answer_lines import answer_lines, answer_text
from tui.commands.blocks import blocks_of
from tui.screens.tabs.base import RunTab
from tui.viewmodel.final_answer import no_answer
from tui.viewmodel.palette import Role
from tui.viewmodel.tabs import Tab
from tui.viewmodel.text import Line, Span
from tui.viewmodel.words import plural
from tui.widgets.bindings import bindings_of
from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from engine.model.json import JsonObject
    from tui.viewmodel.run_picture import RunPicture


class AnswerTab(RunTab):
    """One text."""

    TAB = Tab.ANSWER
    SCOPE = Scope.ANSWER
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.ANSWER)

    DEFAULT_CSS = """
    AnswerTab > #answer-text { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__(id="answer")
        self._picture: RunPicture | None = None
        self._blocks: list[JsonObject] = []

    def compose(self) -> ComposeResult:
        """The text."""
        yield Reading(id="answer-text")

    async def read(self, picture: RunPicture) -> list[JsonObject]:
        """The blocks of the last pass, which is the one that answers."""
        run = picture.run
        output = await self.inspector.source.ask(stage_output(run.run_id, Stage.PRESENT, run.pass_index))
        return blocks_of(output)

    def shown(self, picture: RunPicture, answer: object) -> None:
        """The blocks, or why there are none."""
        assert isinstance(answer, list)
        self._picture, self._blocks = picture, answer
        self._draw()
        self.post_message(self.FactsChanged())

    def _draw(self) -> None:
        if self._picture is None:
            return
        cells = self.screen.size.width - 4
        lines: list[Line] = [(Span(" "), *line) for line in answer_lines(self._blocks, cells)]
        self.query_one(Reading).show(lines or no_answer(self._picture, cells))

    def on_resize(self) -> None:
        """Texts and tables are folded to the width."""
        self._draw()

    @property
    def facts(self) -> Line:
        """How many blocks it has."""
        return (Span(plural(len(self._blocks), "block"), Role.DIM),) if self._blocks else ()

    @property
    def given(self) -> set[Need]:
        """There is an answer."""
        return {Need.ANSWER_THERE} if self._blocks else set()

    def worded(self, action: Action) -> Action:
        """There is one panel only."""
        return action._replace(rank=None) if action.id == "next_panel" else action

    @property
    def panels(self) -> list[Widget]:
        """The text."""
        return [self.query_one(Reading)]

    def perform(self, action_id: str) -> None:
        """Copy it."""
        if action_id == "copy_answer":
            self.inspector.copy(answer_text(self._blocks), "answer")
        else:
            super().perform(action_id)
