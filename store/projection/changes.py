"""Which change each kind of event makes, and the tables that are made of such changes alone. The changes themselves live next door.

Several files change the tables `passes` and `steps`: a phase number stands for one SQL text in all of them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from engine.model.event import EventKind
from store.blobs import PLACES, uses
from store.projection import assets, chain, replans, runs, sql, stages, steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from store.projection.recorded import Recorded
    from store.statements import Statements

PROJECTED_TABLES: Final = (
    "runs",
    "passes",
    "stages",
    "steps",
    "step_attempts",
    "replan_events",
    "applied_assets",
    "breakers",
    "result_cache",
    "blob_uses",
)
"""The tables that are made of events alone."""


def _changes_nothing(into: Statements, r: Recorded) -> None:
    """The event is its own record."""


_Change: TypeAlias = "Callable[[Statements, Recorded], None]"

_CHANGES: Final[dict[EventKind, _Change]] = {
    EventKind.RUN_CREATED: runs.created,
    EventKind.RUN_STARTED: runs.started,
    EventKind.RUN_PAUSED: runs.paused,
    EventKind.RUN_RESUMED: runs.resumed,
    EventKind.RUN_SUCCEEDED: runs.finished,
    EventKind.RUN_FAILED: runs.finished,
    EventKind.RUN_CANCELED: runs.finished,
    EventKind.RUN_QUARANTINED: runs.quarantined,
    EventKind.RUN_TAKEN_OVER: runs.taken_over,
    EventKind.STAGE_STARTED: stages.started,
    EventKind.STAGE_FINISHED: stages.finished,
    EventKind.ATTEMPT_STARTING: steps.attempt_starting,
    EventKind.ATTEMPT_STARTED: steps.attempt_started,
    EventKind.ATTEMPT_FINISHED: steps.attempt_finished,
    EventKind.STEP_WAITING: steps.waiting,
    EventKind.STEP_FINISHED: steps.finished,
    EventKind.REPLAN_REQUESTED: replans.requested,
    EventKind.REPLAN_DECIDED: replans.decided,
    EventKind.ASSET_RESOLVED: assets.resolved,
    EventKind.LOCK_ACQUIRED: _changes_nothing,
    EventKind.LOCK_RELEASED: _changes_nothing,
    EventKind.CONTROL_RECEIVED: steps.breaker_moved,
    EventKind.ORCHESTRATION_DEPENDENCIES_EXTRACTED: _changes_nothing,
    EventKind.ORCHESTRATION_STRATEGY_DETERMINED: _changes_nothing,
    EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT: chain.built,
    EventKind.ORCHESTRATION_EXECUTION_COMPLETED: _changes_nothing,
    EventKind.ORCHESTRATION_EXECUTION_FAILED: _changes_nothing,
}


def project(into: Statements, recorded: Recorded) -> None:
    """Add what the event changes to `into`, and that the run's chain stands at it now."""
    change(into, recorded)
    into.head(recorded.run_id, recorded.seq, recorded.hash)


def change(into: Statements, recorded: Recorded) -> None:
    """The same without the chain's end, for who adds many events of a run and says that once."""
    _CHANGES[recorded.event.kind](into, recorded)
    if PLACES in recorded.data:
        for digest, size in uses(recorded.data).items():
            use = (recorded.run_id, recorded.event_no, digest)
            into.add("blob_uses", use, 0, sql.BLOB_USED, (*use, size))
