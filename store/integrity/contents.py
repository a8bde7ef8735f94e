"""Whether plans, assets and large values are what their hashes say, and output what the events say; and rows that belong to nothing."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from engine.errors import StoreError
from store.blobs import json_of
from store.integrity.findings import Check, Finding
from store.integrity.output import output_faults

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from store.integrity.findings import Progress

_RESTORE: Final = "a backup or an export of the run has it as it was"
_RESTORE_ASSET: Final = (
    "a backup or opscope asset export of another host has it as it was; runs that used it say its hash"
)
_ASSET_VERSIONS: Final = "SELECT type, name, version, sha256, content FROM asset_versions ORDER BY type, name, version"
_RUNS_WITHOUT_PLAN: Final = "SELECT run_id FROM runs WHERE plan_hash NOT IN (SELECT plan_hash FROM plans)"
_LOGS_WITHOUT_RUN: Final = "SELECT DISTINCT run_id FROM logs WHERE run_id NOT IN (SELECT run_id FROM run_events)"


def plan_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Plans whose document is not what their hash is of, and runs whose plan is missing."""
    from engine.plan.load import plan_hash

    for key, document in connection.execute("SELECT plan_hash, document FROM plans"):
        try:
            is_same = plan_hash(json.loads(document)) == key
        except (AttributeError, RecursionError, TypeError, ValueError):
            is_same = False
        if not is_same:
            yield Finding(Check.PLANS, f"plan {key}", "it is not the plan that its hash is of", _RESTORE)
    for (run_id,) in connection.execute(_RUNS_WITHOUT_PLAN):
        yield Finding(Check.PLANS, f"run {run_id}", "its plan is missing", _RESTORE)


def asset_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Asset versions whose content is not what their hash is of."""
    for asset_type, name, version, digest, content in connection.execute(_ASSET_VERSIONS):
        if not isinstance(content, str) or hashlib.sha256(content.encode()).hexdigest() != digest:
            message = "its content is not what its hash is of"
            yield Finding(Check.ASSETS, f"asset {asset_type}/{name}@{version}", message, _RESTORE_ASSET)


def blob_findings(
    connection: sqlite3.Connection, scratch: sqlite3.Connection, broken: Collection[str], progress: Progress
) -> Iterator[Finding]:
    """Large values that are missing or not what was written, or that no event has the head of.

    `scratch` knows from the events which there must be; not all of them where the events of runs are `broken`.
    """
    needed = "SELECT run_id, min(event_no), sha256, size_bytes FROM blob_uses GROUP BY sha256 ORDER BY run_id"
    for run_id, event_no, digest, size in scratch.execute(needed):
        progress.counted(1, "large values checked")
        sql = "SELECT size_bytes, encoding, content FROM blobs WHERE sha256 = ?"
        stored = connection.execute(sql, (digest,)).fetchall()
        message = f"the large value {digest[:16]}… of event {event_no} is missing"
        if stored:
            said, encoding, content = stored[0]
            try:
                is_same = len(json_of(digest, encoding, content)) == size == said
            except (StoreError, TypeError):
                is_same = False
            message = "" if is_same else f"the large value {digest[:16]}… of event {event_no} is not what was written"
        if message:
            yield Finding(Check.BLOBS, f"run {run_id}", message, _RESTORE)
    for (digest,) in connection.execute("SELECT sha256 FROM blobs") if not broken else ():
        if not scratch.execute("SELECT 1 FROM blob_uses WHERE sha256 = ? LIMIT 1", (digest,)).fetchall():
            message = "it is a large value that no event refers to"
            yield Finding(Check.BLOBS, f"blob {digest}", message, "opscope prune removes it", is_warning=True)


def log_findings(connection: sqlite3.Connection, broken: Collection[str], progress: Progress) -> Iterator[Finding]:
    """Output that is not what was written, or is of no run. Runs whose events are `broken` are left out."""
    partial = {run_id for (run_id,) in connection.execute("SELECT run_id FROM imports WHERE log_chunks_left_out > 0")}
    for (run_id,) in connection.execute("SELECT run_id FROM runs ORDER BY run_id"):
        progress.counted(1, "runs' output checked")
        if run_id in broken or run_id in partial:
            continue
        for fault in output_faults(connection, run_id):
            yield Finding(Check.OUTPUT, f"run {run_id}", fault.message, _RESTORE, is_warning=not fault.contradicts)
    for (run_id,) in connection.execute(_LOGS_WITHOUT_RUN):
        yield Finding(Check.OUTPUT, f"run {run_id}", "there is output of it, but it has no events", _RESTORE)
