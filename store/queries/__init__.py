"""Everything that can be asked of the file, as bounded queries: data that a reader runs. Nothing here touches a file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from store.queries.event_filter import EventFilter, EventHead, event_heads, event_seqs
    from store.queries.events import (
        blobs_of,
        events_after,
        events_page,
        last_event_no,
        last_events,
        last_logs,
        logs_page,
        step_events,
    )
    from store.queries.groups import Shape, Source, Try, item_counts, plan_shape, retried, reused_from
    from store.queries.locks import lock_blocks, lock_holders
    from store.queries.monitoring import LastEvent, Pulse, StagePulse, ended_last, pulses
    from store.queries.query import Query
    from store.queries.reuse import breaker_rows, breakers, children_of, kept_result, nearest_result
    from store.queries.run_filter import NEWEST, Among, Between, RunField, RunFilter, RunNumber, RunOrder, RunSort
    from store.queries.runs import (
        RunCursor,
        applied_assets_of,
        asset_refs,
        last_run,
        live_engines,
        live_runs,
        place_of,
        plan_ids,
        plan_of,
        replan_events_of,
        reruns_of,
        run_by_id,
        run_counts,
        run_total,
        runs_by_ids,
        runs_by_prefix,
        runs_page,
    )
    from store.queries.stages import stage_input, stage_output, stages_of
    from store.queries.steps import (
        StepCursor,
        attempts_of,
        attempts_page,
        items_page,
        result_of,
        step_by_id,
        step_counts,
        step_record,
        step_records_page,
        step_result,
        steps_changed,
        steps_page,
    )
    from store.queries.why import (
        breaker_moves,
        changed_steps,
        failed_items,
        failed_step_ids,
        happenings,
        item_numbers,
        item_values,
        last_good_run_id,
        processes_under_way,
        stage_remarks,
        step_groups,
        steps_gone,
    )

__all__ = [
    "NEWEST",
    "Among",
    "Between",
    "EventFilter",
    "EventHead",
    "LastEvent",
    "Pulse",
    "Query",
    "RunCursor",
    "RunField",
    "RunFilter",
    "RunNumber",
    "RunOrder",
    "RunSort",
    "Shape",
    "Source",
    "StagePulse",
    "StepCursor",
    "Try",
    "applied_assets_of",
    "asset_refs",
    "attempts_of",
    "attempts_page",
    "blobs_of",
    "breaker_moves",
    "breaker_rows",
    "breakers",
    "changed_steps",
    "children_of",
    "ended_last",
    "event_heads",
    "event_seqs",
    "events_after",
    "events_page",
    "failed_items",
    "failed_step_ids",
    "happenings",
    "item_counts",
    "item_numbers",
    "item_values",
    "items_page",
    "kept_result",
    "last_event_no",
    "last_events",
    "last_good_run_id",
    "last_logs",
    "last_run",
    "live_engines",
    "live_runs",
    "lock_blocks",
    "lock_holders",
    "logs_page",
    "nearest_result",
    "place_of",
    "plan_ids",
    "plan_of",
    "plan_shape",
    "processes_under_way",
    "pulses",
    "replan_events_of",
    "reruns_of",
    "result_of",
    "retried",
    "reused_from",
    "run_by_id",
    "run_counts",
    "run_total",
    "runs_by_ids",
    "runs_by_prefix",
    "runs_page",
    "stage_input",
    "stage_output",
    "stage_remarks",
    "stages_of",
    "step_by_id",
    "step_counts",
    "step_events",
    "step_groups",
    "step_record",
    "step_records_page",
    "step_result",
    "steps_changed",
    "steps_gone",
    "steps_page",
]

# A list of runs needs few of them, and the first paint and each command wait for whatever is imported.
_OF: Final = {
    "event_filter": "EventFilter EventHead event_heads event_seqs",
    "events": "blobs_of events_after events_page last_event_no last_events last_logs logs_page step_events",
    "groups": "Shape Source Try item_counts plan_shape retried reused_from",
    "locks": "lock_blocks lock_holders",
    "monitoring": "LastEvent Pulse StagePulse ended_last pulses",
    "query": "Query",
    "reuse": "breaker_rows breakers children_of kept_result nearest_result",
    "run_filter": "Among Between NEWEST RunField RunFilter RunNumber RunOrder RunSort",
    "runs": (
        "RunCursor applied_assets_of asset_refs last_run live_engines live_runs place_of plan_ids plan_of "
        "replan_events_of reruns_of run_by_id run_counts run_total runs_by_ids runs_by_prefix runs_page"
    ),
    "stages": "stage_input stage_output stages_of",
    "steps": (
        "StepCursor attempts_of attempts_page items_page result_of step_by_id step_counts step_record "
        "step_records_page step_result steps_changed steps_page"
    ),
    "why": (
        "breaker_moves changed_steps failed_items failed_step_ids happenings item_numbers item_values "
        "last_good_run_id processes_under_way stage_remarks step_groups steps_gone"
    ),
}
_PLACES: Final = {name: module for module, names in _OF.items() for name in names.split()}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """A query when it is first asked for."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
        return found
