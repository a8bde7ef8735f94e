"""The rows of the list of runs, apart from the other rows because everything begins with that list. No SQL, no formatting here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model.states import PauseReason, RouteKind, RunStatus

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.model.states import RunMode, Stage


class RunRow(NamedTuple):
    """The head of a run. Times are microseconds since the epoch (UTC); `duration_us` is None while the run is live.

    `stage` is the stage it is in or ended in; `steps_done` counts every final state; `score` is None until it is compared.
    `imported_at_us` is set where the run came in as a document: it stands as it was exported, and no engine owns it here.
    A run that is a step of another names that run and that step as its parent's.
    `stood_still_at_us` is since when nobody works on it, where it has lost its engine and waits for an operator.
    `words` are those of the question that led to it, empty where the request named its plan.
    `awaited_locks` are those that it waits for before its steps, each with the run that holds it, if any does at the moment.
    `source_run_id` is the run that this one repeats with the `changes`, a sentence each, and `reason` is why.
    """

    run_id: str
    plan_id: str
    plan_version: str
    plan_hash: str
    status: RunStatus
    pause_reason: PauseReason | None
    route: RouteKind | None
    mode: RunMode
    stage: Stage | None
    pass_index: int
    steps_total: int
    steps_done: int
    steps_failed: int
    replans: int
    warnings: int
    score: int | None
    created_at_us: int
    started_at_us: int | None
    finished_at_us: int | None
    duration_us: int | None
    workdir: str
    params: JsonObject
    first_cause: JsonObject | None
    owner_engine: str
    owner_epoch: int
    last_seq: int
    imported_at_us: int | None = None
    parent_run_id: str | None = None
    parent_step_id: str | None = None
    stood_still_at_us: int | None = None
    awaited_locks: tuple[tuple[str, str | None], ...] = ()
    source_run_id: str | None = None
    changes: tuple[str, ...] = ()
    reason: str = ""
    words: str = ""

    @property
    def has_plan(self) -> bool:
        """False for a question that was answered or refused by routing it."""
        return self.route is None or self.route is RouteKind.PLAN

    @property
    def needs_engine(self) -> bool:
        """True while an engine has to be alive for it, so that it is lost where none is.

        A quarantined run, one that waits for an approval, and one that was paused when its engine was lost wait for an
        operator and for no engine.
        """
        if self.imported_at_us is not None:
            return False
        match self.status:
            case RunStatus.PENDING | RunStatus.RUNNING:
                return True
            case RunStatus.PAUSED:
                return self.pause_reason not in (PauseReason.ENGINE_LOST, PauseReason.APPROVAL)
            case RunStatus.QUARANTINED | RunStatus.SUCCEEDED | RunStatus.FAILED | RunStatus.CANCELED:
                return False


class RunCounts(NamedTuple):
    """How many runs the file holds, by status."""

    total: int
    by_status: dict[RunStatus, int]
