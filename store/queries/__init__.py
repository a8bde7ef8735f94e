"""Everything that can be asked of the file, as bounded queries: data that a reader runs. Nothing here touches a file."""

from store.queries.events import events_after, events_page, last_event_no, last_events, last_logs, logs_page
from store.queries.query import Query
from store.queries.runs import (
    RunCursor,
    RunFilter,
    applied_assets_of,
    last_run,
    live_engines,
    live_runs,
    plan_of,
    replan_events_of,
    run_by_id,
    run_counts,
    runs_by_prefix,
    runs_page,
)
from store.queries.stages import stage_input, stage_output, stages_of
from store.queries.steps import (
    StepCursor,
    attempts_of,
    attempts_page,
    result_of,
    step_by_id,
    step_counts,
    step_records_page,
    step_result,
    steps_page,
)

__all__ = [
    "Query",
    "RunCursor",
    "RunFilter",
    "StepCursor",
    "applied_assets_of",
    "attempts_of",
    "attempts_page",
    "events_after",
    "events_page",
    "last_event_no",
    "last_events",
    "last_logs",
    "last_run",
    "live_engines",
    "live_runs",
    "logs_page",
    "plan_of",
    "replan_events_of",
    "result_of",
    "run_by_id",
    "run_counts",
    "runs_by_prefix",
    "runs_page",
    "stage_input",
    "stage_output",
    "stages_of",
    "step_by_id",
    "step_counts",
    "step_records_page",
    "step_result",
    "steps_page",
]
