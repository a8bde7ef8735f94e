"""What an action is, where it is on offer and what it needs. Which actions there are stands in the modules beside this one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

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
    KEPT = "kept"
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
    SEARCHED = "nothing is searched for yet"
    NOT_IMPORTED = "this run was imported: nothing of it goes on here"
    NOT_OVER = "this run is over"
    OVER = "it still goes on: a run is repeated once it is over"
    SET_HERE = "nothing is set on this line"
    SOMETHING_SET = "nothing is changed yet"
    REPEATABLE = "this run cannot be repeated"
    LINE_CHOSEN = "no line is chosen"
    GOING_ON = "nothing is added any more: the run does not go on"
    STEP_CHOSEN = "no step is chosen"
    OTHER_RUN = "no other run of this plan has succeeded before this one"
    COMMAND_KNOWN = "there is no command to copy"
    WAITS_FOR_APPROVAL = "nothing waits for an approval"
    REPLAN_CHOSEN = "there is no replan"
    REPLANS_THERE = "the plan of this run has not been changed"
    REPLANS_BESIDE = "there is no other replan"
    ANSWER_THERE = "there is no answer"
    PASS_BEFORE = "this is the first pass"  # noqa: S105
    PASS_AFTER = "this is the last pass"  # noqa: S105
    LINK_KNOWN = "there is nothing here that a link could lead to"
    COMPARED = "nothing has been compared yet"
    COMPARED_RUN = "the run is not in this file"
    COMPARED_ROW = "no run is chosen: 5 lists them"
    COMPARED_SIDE = "no run is chosen: 5 lists them, and there s moves one"
    BASELINE_RUN = "no run of the baseline is in this file"
    CANDIDATE_BESIDE = "there is no other candidate"
    ANALYSIS_KEPT = "this analysis is not kept in the file"
    CANDIDATES_HERE = "the candidates were imported: nothing of them runs here"
    UNSETTLED = "nothing is suspected: there is nothing to confirm"
    ONE_SUSPECT = "no possible cause is known that a rerun could put back"
    TWO_SUSPECTS = "there are no two possible causes to tell apart"
    NO_EXPERIMENT = "runs are under way already: esc cancels them"
    VERSION_USED = "no run has used this version"
    VERSIONS_COMPARABLE = "no plan has run with both versions"
    IMPACT_READ = "nothing is known of an asset yet"
    PLACE_BEFORE = "there is nothing before this"
    PLACE_AFTER = "there is nothing after this"


LASTING = frozenset({Need.NOT_IMPORTED, Need.NOT_OVER, Need.GOING_ON})
"""What does not come back once it holds no more. What else is missing is missing for the moment, until the cursor moves."""


class Action(NamedTuple):
    """One thing a person can do.

    `keys` are as the terminal library names them, the first is the one that is shown as `shown`. `rank` orders the
    footer, the lowest first; None keeps the action out of it. What can cease to be possible comes late in it, so that
    nothing before it moves; `others` are labels that it may get, for which there has to be room; `anchored` ones stand
    at the end of the line whatever comes before them. `navigation` actions are left out of the palette. An `urgent` one
    is done before the next key is looked at: what is typed fast behind it must go where it opens. One that `yields` has its
    keys only where no closer scope has them.
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
    yields: bool = False

    @property
    def label_cells(self) -> int:
        """The room for the label."""
        return max(map(len, (self.label, *self.others)))

    def why_not(self, given: Collection[Need]) -> str | None:
        """Why the action is not possible now, or None when it is."""
        return next((need.value for need in self.needs if need not in given), None)
