"""A question that only a person can answer: what is to become of a step that may or may not have done its work. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.message import Message

from engine.pipeline.decisions import Decision
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span, wrapped
from tui.widgets.dialogue import Question

if TYPE_CHECKING:
    from textual import events

    from tui.viewmodel.text import Line

_ANSWERS: Final = {
    "r": (Decision.RETRY, "run it again"),
    "d": (Decision.SUCCEEDED, "it has done its work"),
    "s": (Decision.SKIP, "leave it out"),
}
_INDENT: Final = "   "
_GAP: Final = 3


class DecisionQuestion(Question):
    """Asks about steps one after the other, and tells all answers together. Escape decides nothing."""

    @dataclass
    class Decided(Message):
        """What is to become of each step of a run."""

        run_id: str
        decisions: dict[str, Decision]

    def __init__(self) -> None:
        super().__init__()
        self._run_id = ""
        self._steps: tuple[str, ...] = ()
        self._why = ""
        self._decisions: dict[str, Decision] = {}

    def begin(self, run_id: str, steps: tuple[str, ...], why: str) -> None:
        """Ask about these steps. `why` says why somebody has to decide."""
        self._run_id, self._steps, self._why = run_id, steps, why
        self._decisions = {}
        self._ask_next()

    def _ask_next(self) -> None:
        number = len(self._decisions)
        of = f" ({number + 1} of {len(self._steps)})" if len(self._steps) > 1 else ""
        asked = wrapped(f"What is to become of {self._steps[number]}?{of}", max(20, self.screen.size.width - 4))
        lines = [(Span(_INDENT), Span(part, bold=True)) for part in asked]
        self.show([*self.heading(self._why), *lines, self._keys()])
        self.take_keys()

    def _keys(self) -> Line:
        keys: list[Span] = [Span(_INDENT)]
        for key, (_, does) in _ANSWERS.items():
            keys += [Span(key, bold=True), span(f" {does}", Role.DIM), Span(" " * _GAP)]
        return (*keys, Span("esc", bold=True), Span(" later", Role.DIM))

    def on_key(self, event: events.Key) -> None:
        """One of the answers, or later."""
        if event.key in ("ctrl+c", "ctrl+z"):
            return
        event.stop()
        event.prevent_default()
        if event.key in _ANSWERS:
            self._decide(_ANSWERS[event.key][0])
        elif event.key == "escape":
            self.close()

    def on_click(self, event: events.Click) -> None:
        """A click on one of the answers gives it."""
        event.stop()
        event.prevent_default()
        if event.y != self.size.height - 1:
            return
        at = len(_INDENT)
        for decision, does in _ANSWERS.values():
            stop = at + 2 + len(does)
            if at <= event.x < stop:
                self._decide(decision)
            at = stop + _GAP

    def _decide(self, decision: Decision) -> None:
        self._decisions[self._steps[len(self._decisions)]] = decision
        if len(self._decisions) < len(self._steps):
            self._ask_next()
            return
        self.close()
        self.post_message(self.Decided(self._run_id, self._decisions))
