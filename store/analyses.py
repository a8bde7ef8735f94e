"""Stored analyses: written once, found again by the beginning of their id, listed. What stands in them is the engine's."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.errors import InputError
from engine.regression.score import Severity
from engine.regression.verdict import Verdict
from store.exclusive import run_exclusively
from store.queries.query import Query, json_object, word
from store.rankings import ID_LENGTH

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.queries.query import Rows
    from store.reader import Reader

_INSERT: Final = "INSERT INTO analyses (analysis_id, created_at_us, verdict, score, document) VALUES (?, ?, ?, ?, ?)"
_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class AnalysisHead:
    """What a list shows of a stored analysis. `score` is None where there were too few runs for one."""

    analysis_id: str
    created_at_us: int
    verdict: Verdict
    severity: Severity
    score: int | None
    plan_id: str
    baseline_n: int
    candidates: tuple[str, ...]


def save_analysis(
    path: Path,
    document: JsonObject,
    *,
    on_wait: Callable[[str], None] | None = None,
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
) -> str:
    """Keep the document of an analysis in the file at `path`, and return its new id. Raises StoreError if the file refuses."""
    analysis_id = secrets.token_hex(_BYTES)
    score = document.get("score")
    row = (
        analysis_id,
        now_us(),
        str(document["verdict"]),
        score if isinstance(score, int) else None,
        json.dumps(document, ensure_ascii=False, separators=(",", ":")),
    )

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_INSERT, row)
        connection.execute("COMMIT")

    run_exclusively(path, work, on_wait=on_wait)
    return analysis_id


def stored_analysis(reader: Reader, prefix: str) -> tuple[AnalysisHead, JsonObject]:
    """The analysis whose id begins so. Raises InputError where there is none or several, StoreError."""
    found = reader.run(_by_prefix(prefix.lower()))
    if not found:
        raise InputError(f"no stored analysis begins with {prefix}", hint="opscope compare --list lists them")
    if len(found) > 1:
        meant = ", ".join(head.analysis_id for head, _ in found)
        raise InputError(f"more than one analysis begins with {prefix}", hint=f"among them {meant}")
    return found[0]


def analyses_page(*, limit: int = 50, offset: int = 0) -> Query[list[AnalysisHead]]:
    """Stored analyses, the newest first; the rankings of finished runs, which nobody asked for, are not among them."""
    sql = (
        "SELECT analysis_id, created_at_us, verdict, score, json_object('severity', json_extract(document, '$.severity'), "
        "'plan_id', json_extract(document, '$.plan_id'), 'baseline', json_extract(document, '$.baseline'), "
        "'candidates', json_extract(document, '$.candidates')) FROM analyses "
        # Answered from the index of ids: there is a ranking of every run.
        "WHERE analysis_id IN (SELECT analysis_id FROM analyses WHERE length(analysis_id) < ?) "
        "ORDER BY created_at_us DESC, analysis_id DESC LIMIT ? OFFSET ?"
    )
    return Query(sql, (ID_LENGTH, limit, offset), lambda rows: [_head(row, json_object(row[4])) for row in rows])


def _by_prefix(prefix: str) -> Query[list[tuple[AnalysisHead, JsonObject]]]:
    sql = (
        "SELECT analysis_id, created_at_us, verdict, score, document FROM analyses "
        "WHERE analysis_id >= ? AND analysis_id < ? ORDER BY created_at_us DESC LIMIT 5"
    )

    def read(rows: Rows) -> list[tuple[AnalysisHead, JsonObject]]:
        documents = [(row, json_object(row[4])) for row in rows]
        return [(_head(row, document), document) for row, document in documents]

    return Query(sql, (prefix, prefix + "g"), read)


def _head(row: Sequence[Any], document: JsonObject) -> AnalysisHead:
    analysis_id, created_at_us, verdict, score, *_ = row
    baseline, candidates = document.get("baseline"), document.get("candidates")
    return AnalysisHead(
        analysis_id,
        created_at_us,
        word(Verdict, verdict),
        word(Severity, str(document.get("severity"))),
        score,
        str(document.get("plan_id") or ""),
        len(baseline) if isinstance(baseline, list) else 0,
        tuple(str(one) for one in candidates) if isinstance(candidates, list) else (),
    )
