"""Screens on which several runs can be marked and steered together. Which of them can, and how that is said, is the view model's."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, TypeVar

from textual import on

from engine.errors import OpscopeError
from tui.actions import Action, Need
from tui.places import ComparePlace
from tui.screens.steering import SAID_SECONDS, SteeringScreen
from tui.viewmodel.palette import Role
from tui.viewmodel.runs_marks import Marks, asked_to_cancel, asked_to_hold, compared_ids, outcome
from tui.viewmodel.words import plural
from tui.widgets.dialogue import Question, Reply

if TYPE_CHECKING:
    from collections.abc import Collection

    from tui.viewmodel.runs_marks import Asking

Answer = TypeVar("Answer")

_ASKED = "marks"
_OF_ONE = frozenset({"why", "rerun", "rerun_failed", "override"})
"""What is done with the run under the cursor, whatever is marked."""


class MarkingScreen(SteeringScreen[Answer]):
    """`x`, `p` and `c` are for the marked runs as long as there are any."""

    def __init__(self) -> None:
        super().__init__()
        self._marks = Marks()
        self._asked_of_marks: Asking | None = None

    @property
    @abstractmethod
    def lost_runs(self) -> Collection[str]:
        """The runs among those that are known whose engine is dead."""

    @abstractmethod
    def marks_changed(self) -> None:
        """Show the marks."""

    @property
    def marks(self) -> Marks:
        """The marked runs."""
        return self._marks

    @marks.setter
    def marks(self, marks: Marks) -> None:
        if marks != self._marks:
            self._marks = marks
            self.marks_changed()

    @property
    def given(self) -> set[Need]:
        """What holds for the marked runs: enough if it holds for one of them."""
        given = super().given
        if not self._marks:
            return given
        given -= {Need.NOT_IMPORTED, Need.NOT_OVER}
        given |= {Need.RUN_CHOSEN, Need.FILTER_SET}
        if any(row.imported_at_us is None for row in self._marks.runs):
            given.add(Need.NOT_IMPORTED)
        if any(not row.status.is_final for row in self._marks.runs):
            given.add(Need.NOT_OVER)
        return given

    def worded(self, action: Action) -> Action:
        """While runs are marked, what can be done with them comes first."""
        if not self._marks:
            return super().worded(action)
        match action.id:
            case "mark":
                return action._replace(rank=12)
            case "compare":
                return action._replace(rank=14)
            case "cancel" | "pause":
                return action._replace(rank=18)
            case "clear_filter":
                return action._replace(label="unmark all", rank=16)
            case _ if action.id in _OF_ONE:
                return action._replace(rank=None)
            case _:
                return action

    @property
    def compared(self) -> ComparePlace | None:
        """The marked runs: the newest is what is looked at, the others are what it is held against."""
        if not self._marks:
            return super().compared
        found = compared_ids(self._marks)
        return None if isinstance(found, str) else ComparePlace((found[0],), found[1])

    def perform(self, action_id: str) -> None:
        """Ask about all marked runs at once."""
        if not self._marks:
            super().perform(action_id)
            return
        match action_id:
            case "compare" if isinstance(found := compared_ids(self._marks), str):
                self.inspector.say(found)
            case "compare":
                if self.compared is not None:
                    self.inspector.go(self.compared)
            case "cancel":
                self._ask_of_marks(asked_to_cancel(self._marks))
            case "pause":
                self._ask_of_marks(asked_to_hold(self._marks, self.lost_runs))
            case _:
                super().perform(action_id)

    def _ask_of_marks(self, asking: Asking | str) -> None:
        if isinstance(asking, str):
            self.inspector.say(asking)
            return
        self._asked_of_marks = asking
        self.close_reply()
        self.query_one(Question).ask(_ASKED, asking.question, asking.yes, "leave them")

    @on(Question.Answered)
    def _answered_of_marks(self, event: Question.Answered) -> None:
        if event.about != _ASKED:
            return
        event.stop()
        asking, self._asked_of_marks = self._asked_of_marks, None
        if event.yes and asking is not None:
            self.query_one(Reply).say(f"{asking.verb.value}: {plural(len(asking.runs), 'run')}…")
            self.inspector.busily(self._steer_marked(asking))

    async def _steer_marked(self, asking: Asking) -> None:
        # Late: it is asked for rarely, and what starts an engine takes a while to import.
        from tui.steering import steer_run

        refused: list[tuple[str, str]] = []
        for row in asking.runs:
            try:
                await steer_run(self.inspector.db_path, row.run_id, asking.verb)
            except OpscopeError as error:
                refused.append((row.run_id, error.cause))
        if not self.is_attached:
            return
        said = outcome(asking.verb, len(asking.runs) - len(refused), refused)
        if refused:
            self.query_one(Reply).say(said, glyph="✗", role=Role.FAILED)
        else:
            self.query_one(Reply).say(said, glyph="✓", role=Role.SUCCEEDED, seconds=SAID_SECONDS)
        self.want()
