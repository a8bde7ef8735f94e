"""The SQL of the projections: one text for each kind of change. What fills it lives next door."""

from __future__ import annotations

from typing import Final

RUN_CREATED: Final = (
    "INSERT INTO runs (run_id, plan_id, plan_version, plan_hash, status, mode, pass_index, created_at_us, workdir, environment_hash, "
    "parent_run_id, parent_step_id, created_event, owner_engine, owner_epoch, last_seq, last_hash) "
    "VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)"
)
RUN_STARTED: Final = "UPDATE runs SET status = 'running', pause_reason = NULL, started_at_us = coalesce(started_at_us, ?) WHERE run_id = ?"
RUN_STATUS: Final = "UPDATE runs SET status = ?, pause_reason = ? WHERE run_id = ?"
RUN_TAKEN: Final = "UPDATE runs SET owner_engine = ?, owner_epoch = ? WHERE run_id = ?"
RUN_FINISHED: Final = (
    "UPDATE runs SET status = ?, pause_reason = NULL, finished_at_us = ?, duration_us = ?, warnings = ?, finished_event = ? "
    "WHERE run_id = ?"
)
RUN_STAGE: Final = "UPDATE runs SET stage = ?, pass_index = ? WHERE run_id = ?"
RUN_ROUTE: Final = "UPDATE runs SET route = ? WHERE run_id = ?"
RUN_CHAIN: Final = "UPDATE runs SET steps_total = ?, steps_done = 0, steps_failed = 0 WHERE run_id = ?"
RUN_REPLANS: Final = "UPDATE runs SET replans = replans + 1 WHERE run_id = ?"

PASSES_STARTED: Final = "INSERT INTO passes (run_id, pass_index, started_at_us) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
PASSES_CHAIN: Final = "UPDATE passes SET chain_event = ?, strategy = ? WHERE run_id = ? AND pass_index = ?"
PASSES_FINISHED: Final = "UPDATE passes SET finished_at_us = ? WHERE run_id = ? AND pass_index = ?"

STAGE_STARTED: Final = (
    "INSERT INTO stages (run_id, pass_index, stage, status, started_at_us, started_event) VALUES (?, ?, ?, 'running', ?, ?) "
    "ON CONFLICT (run_id, pass_index, stage) DO UPDATE SET status = 'running', "
    "started_at_us = excluded.started_at_us, started_event = excluded.started_event"
)
STAGE_FINISHED: Final = (
    "INSERT INTO stages (run_id, pass_index, stage, status, diagnostics_status, finished_at_us, duration_us, finished_event) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, pass_index, stage) DO UPDATE SET status = excluded.status, "
    "diagnostics_status = excluded.diagnostics_status, finished_at_us = excluded.finished_at_us, "
    "duration_us = excluded.duration_us, finished_event = excluded.finished_event"
)

STEP_PENDING: Final = (
    "INSERT INTO steps (run_id, pass_index, step_id, status, tool_type, group_index, execution_order, depends_on) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# A step of the plan has its row since the tool chain was built; an item of a `for_each` gets its row here.
STEP_RUNNING: Final = (
    "INSERT INTO steps (run_id, pass_index, step_id, item_index, status, tool_type, group_index, execution_order, attempts, "
    "started_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run_id, pass_index, step_id, item_index) DO UPDATE SET status = excluded.status, reason = NULL, "
    "attempts = excluded.attempts, started_at_us = coalesce(started_at_us, excluded.started_at_us)"
)
# The first item to begin says that its step does.
STEP_OPENED: Final = (
    "UPDATE steps SET status = 'running', reason = NULL, started_at_us = coalesce(started_at_us, ?) "
    "WHERE run_id = ? AND pass_index = ? AND step_id = ? AND item_index = -1"
)
STEP_WAITING: Final = (
    "UPDATE steps SET status = ?, reason = ? WHERE run_id = ? AND pass_index = ? AND step_id = ? AND item_index = ?"
)
STEP_UNCERTAIN: Final = (
    "UPDATE steps SET status = ?, reason = 'engine_lost' "
    "WHERE run_id = ? AND pass_index = ? AND step_id = ? AND item_index = ? AND status = 'running'"
)
STEP_FINISHED: Final = (
    "INSERT INTO steps (run_id, pass_index, step_id, item_index, status, reason, message, tool_type, group_index, execution_order, "
    "attempts, exit_code, started_at_us, finished_at_us, duration_us, result_event, result_bytes) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run_id, pass_index, step_id, item_index) DO UPDATE SET status = excluded.status, "
    "reason = excluded.reason, message = excluded.message, attempts = excluded.attempts, exit_code = excluded.exit_code, "
    "started_at_us = coalesce(excluded.started_at_us, started_at_us), finished_at_us = excluded.finished_at_us, "
    "duration_us = excluded.duration_us, result_event = excluded.result_event, result_bytes = excluded.result_bytes"
)

ATTEMPT_STARTING: Final = (
    "INSERT INTO step_attempts (run_id, pass_index, step_id, item_index, attempt, status, started_at_us, starting_event) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
ATTEMPT_STARTED: Final = (
    "UPDATE step_attempts SET started_event = ? "
    "WHERE run_id = ? AND pass_index = ? AND step_id = ? AND item_index = ? AND attempt = ?"
)
# An INSERT only in form, so that many rows go into one statement: the row is there since the attempt began.
ATTEMPT_FINISHED: Final = (
    "INSERT INTO step_attempts (run_id, pass_index, step_id, item_index, attempt, status, reason, exit_code, started_at_us, "
    "finished_at_us, duration_us, starting_event, finished_event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run_id, pass_index, step_id, item_index, attempt) DO UPDATE SET "
    "status = excluded.status, reason = excluded.reason, exit_code = excluded.exit_code, "
    "finished_at_us = excluded.finished_at_us, duration_us = excluded.duration_us, finished_event = excluded.finished_event"
)

REPLAN_REQUESTED: Final = (
    "INSERT INTO replan_events (run_id, event_id, pass_index, trigger_kind, stage, step_id, severity, decision, requested_at_us, "
    "requested_event) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?) ON CONFLICT DO NOTHING"
)
REPLAN_DECIDED: Final = (
    "UPDATE replan_events SET decision = ?, decided_at_us = ?, decided_event = ? WHERE run_id = ? AND event_id = ?"
)
ASSET_RESOLVED: Final = (
    "INSERT INTO applied_assets (run_id, pass_index, alias, ref, sha256, source, event) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run_id, pass_index, alias) DO UPDATE SET "
    "ref = excluded.ref, sha256 = excluded.sha256, source = excluded.source, event = excluded.event"
)

BLOB_USED: Final = "INSERT INTO blob_uses (run_id, event_no, sha256, size_bytes) VALUES (?, ?, ?, ?)"

BREAKER_MOVED: Final = (
    "INSERT INTO breakers (run_id, tool, phase, failures, opened_at_us, at_us, event) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run_id, tool) DO UPDATE SET phase = excluded.phase, failures = excluded.failures, "
    "opened_at_us = excluded.opened_at_us, at_us = excluded.at_us, event = excluded.event"
)
RESULT_KEPT: Final = (
    "INSERT INTO result_cache (run_id, pass_index, step_id, item_index, cache_key, plan_id, at_us, event) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, pass_index, step_id, item_index) DO UPDATE SET "
    "cache_key = excluded.cache_key, plan_id = excluded.plan_id, at_us = excluded.at_us, event = excluded.event"
)
