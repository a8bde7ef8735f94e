"""What can only be said of a whole trace: that its parts are of one run and say the same. Reading the parts is not here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.model.json import canonical_json
from store.integrity.output import output_faults

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from store.exchange.document import ExportedPlan, TraceHead
    from store.exchange.reading.opened import OpenDocument

_INSERT_PLAN: Final = (
    "INSERT INTO plans (plan_hash, plan_id, version, source, document, first_used_us) VALUES (?, ?, ?, ?, ?, ?)"
)


def check_whole(document: OpenDocument, head: TraceHead, run_id: str, created: JsonObject) -> None:
    """Hold what has been read against each other, and store the plan. Raises InputError at the first contradiction.

    `run_id` is the run of the events, `created` what the first of them says.
    """
    _check_blobs(document)
    _check_plan(document, head, created)
    ((status, plan_id),) = document.connection.execute("SELECT status, plan_id FROM runs").fetchall()
    for what, said, recorded_as in (
        ("run_id", head.run_id, run_id),
        ("status", head.status.value, status),
        ("plan_id", head.plan_id, plan_id),
    ):
        if said != recorded_as:
            document.refuse(f"the trace says {what} {said!r}, its events say {recorded_as!r}")
    if head.logs_left_out.chunks == 0:
        faults = [fault for fault in output_faults(document.connection, run_id) if fault.contradicts]
        if faults:
            document.refuse(faults[0].message)


def _check_blobs(document: OpenDocument) -> None:
    """Every value that an event has the head of must be there, of the size that the head says, and no other."""
    sql = "SELECT {} FROM blob_uses AS u {} JOIN blobs AS b ON b.sha256 = u.sha256 WHERE {} LIMIT 1"
    for join, condition, message in (
        ("LEFT", "b.sha256 IS NULL", "a large value is missing, of which event {} has the head"),
        ("", "b.size_bytes != u.size_bytes", "event {} says another size of a large value than it has"),
    ):
        for (event_no,) in document.connection.execute(sql.format("u.event_no", join, condition)).fetchall():
            document.refuse(message.format(event_no))
    ((extra,),) = document.connection.execute(
        "SELECT count(*) FROM blobs WHERE sha256 NOT IN (SELECT sha256 FROM blob_uses)"
    ).fetchall()
    if extra:
        document.refuse("it holds a large value that no event of it has the head of")


def _check_plan(document: OpenDocument, head: TraceHead, created: JsonObject) -> None:
    from engine.plan.load import plan_hash

    plan: ExportedPlan = head.plan
    if not plan.plan_hash == head.plan_hash == created.get("plan_hash"):
        document.refuse("the plan is not the one that the run was of")
    try:
        text = canonical_json(plan.document)
        found = plan_hash(json.loads(text))
    except (ValueError, RecursionError):
        document.refuse("the plan cannot be stored")
    if found != plan.plan_hash:
        document.refuse("the plan has been changed since it was recorded: its hash is another")
    _check_source(document, plan)
    first_used_us = document.connection.execute("SELECT min(at_us) FROM run_events").fetchall()[0][0]
    row = (plan.plan_hash, plan.plan_id, plan.version, plan.source, text, first_used_us)
    document.guard(lambda: document.connection.execute(_INSERT_PLAN, row))


def _check_source(document: OpenDocument, plan: ExportedPlan) -> None:
    """The text must be of the same plan. One that this version cannot read any more is kept: it is what was run."""
    from engine.errors import PlanError
    from engine.plan.load import load_plan

    name = "plan.json" if plan.source.lstrip().startswith("{") else "plan.yaml"
    try:
        found = load_plan(plan.source.encode(), name=name).plan_hash
    except (PlanError, UnicodeEncodeError):
        return
    if found != plan.plan_hash:
        document.refuse("the text of the plan is not of the plan that the run was of")
