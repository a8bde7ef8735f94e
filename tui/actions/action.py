"""What an action is, where it is on offer and what it needs. Which actions there are stands in the modules beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Scope(StrEnum):
    """Where an action is on offer."""

    EVERYWHERE = "everywhere"
    RUNS = "runs"
    RUN = "run"
    STEER = "steer"
    STAGES = "stages"
    LOGS = "logs"
    REPLANS = "replans"
    EVENTS = "events"
    ASSETS = "assets"
    ANSWER = "answer"
    GROUPS = "groups"
    STEPS = "steps"
    WHY = "why"
    MONITOR = "monitor"
    COMPARE = "compare"
    IMPACT = "impact"
    OVERRIDE = "override"
    JSON = "json"
    LIST = "list"


class Need(StrEnum):
    """What must hold for an action to be possible; the text says why it is not."""

    RUN_CHOSEN = "no run is chosen"
    FILTER_SET = "no filter is set"
    WRITABLE = "opened with --readonly: nothing is changed from here"
    FOLDABLE = "nothing to fold here"
    VALUE_CHOSEN = "nothing is chosen that could be copied"
    VALUE_LOADED = "not read yet: unfold it first"
    SEARCHED = "nothing is searched for: press / first"
    NOT_IMPORTED = "this run was imported: nothing of it goes on here"
    NOT_OVER = "this run is over"
    LINE_CHOSEN = "no line is chosen"
    GOING_ON = "nothing is added any more: the run does not go on"
    STEP_CHOSEN = "no step is chosen"
    OTHER_RUN = "no other run of this plan has succeeded before this one"
    COMMAND_KNOWN = "there is no command to copy"
    WAITS_FOR_APPROVAL = "nothing waits for an approval"
    REPLAN_CHOSEN = "there is no replan"
    REPLANS_BESIDE = "there is no other replan"
    ANSWER_THERE = "there is no answer"
    PASS_BEFORE = "this is the first pass"  # noqa: S105
    PASS_AFTER = "this is the last pass"  # noqa: S105
    PLACE_BEFORE = "there is nothing before this"
    PLACE_AFTER = "there is nothing after this"


LASTING = frozenset({Need.NOT_IMPORTED, Need.NOT_OVER, Need.GOING_ON})
"""What does not come back once it holds no more. What else is missing is missing for the moment, until the cursor moves."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    `keys` are as the terminal library names them, the first is the one that is shown as `shown`. `rank` orders the
    footer, the lowest first; None keeps the action out of it. What can cease to be possible comes late in it, so that
    nothing before it moves; `others` are labels that it may get, for which there has to be room; `anchored` ones stand
    at the end of the line whatever comes before them. `navigation` actions are left out of the palette. An `urgent` one
    is done before the next key is looked at: what is typed fast behind it must go where it opens.
    """

    id: str
    scope: Scope
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    needs: tuple[Need, ...] = ()
    rank: int | None = None
    navigation: bool = False
    urgent: bool = False
    others: tuple[str, ...] = ()
    anchored: bool = False

    @property
    def label_cells(self) -> int:
        """The room for the label."""
        return max(map(len, (self.label, *self.others)))

    def why_not(self, given: Collection[Need]) -> str | None:
        """Why the action is not possible now, or None when it is."""
        return next((need.value for need in self.needs if need not in given), None)
