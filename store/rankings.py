"""Rankings of finished runs: one a run, kept as an analysis under the run's own id. The score of a run is made from them.

They are primary: no event says them. `runs.score` is a copy for lists, which a rebuild takes from here again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from engine.regression.standing import Standing
from store.queries.query import Query, json_object, marks

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.regression.ranking import Ranking
    from engine.regression.verdict import Analysis

KIND: Final = "ranking"
"""Of the document, where an analysis that somebody asked for has none."""

ID_LENGTH: Final = 32
"""Of a ranking's id, which is the run's; other analyses have shorter ones."""

_FEWEST: Final = 5
_MOST_STEPS: Final = 10_000
"""Of the whole baseline together, so that ranking a run takes a fraction of a second at most."""

_KEEP: Final = (
    "INSERT OR REPLACE INTO analyses (analysis_id, created_at_us, verdict, score, document) VALUES (?, ?, ?, ?, ?)"
)
_SCORE: Final = "UPDATE runs SET score = ? WHERE run_id = ?"
_RANKINGS: Final = "SELECT analysis_id, json_extract(document, '$.ranking') FROM analyses"
_SCORES: Final = "SELECT score, analysis_id FROM analyses WHERE length(analysis_id) = ?"


@dataclass(frozen=True, slots=True)
class Ranked:
    """What is kept of a run's ranking: its score, and what stands out."""

    score: int
    suspects: tuple[Standing, ...]
    issues: tuple[str, ...]


def is_worth_ranking(database: Path, plan_id: str) -> bool:
    """Whether a run of the plan could have a baseline. Cheap: nothing of the comparison is imported for it."""
    from store.errors import NoDatabaseError
    from store.reader import Reader

    sql = "SELECT count(*) FROM (SELECT 1 FROM runs WHERE plan_id = ? AND status = ? AND parent_run_id IS NULL LIMIT ?)"
    query: Query[bool] = Query(sql, (plan_id, RunStatus.SUCCEEDED.value, _FEWEST), lambda rows: rows[0][0] >= _FEWEST)
    try:
        with Reader.open(database) as reader:
            return reader.run(query)
    except NoDatabaseError:
        return False


def rank_run(database: Path, run_id: str) -> tuple[Analysis, Ranking, str] | None:
    """Compare a run that has ended with its baseline: the analysis, the ranking, its plan. Nothing is written.

    None for one that was canceled, that is a step of another run, that had no plan, that has thousands of steps, or that has
    no baseline. Raises StoreError.
    """
    from engine.plan.no_plan import NO_PLAN
    from engine.regression.analysis import analyse
    from engine.regression.baseline import LAST
    from engine.regression.ranking import ENOUGH, rank
    from store.comparing import chosen_baseline, notes_on
    from store.queries import run_by_id
    from store.queries.comparison import heads_by_id
    from store.reader import Reader
    from store.run_facts import read_runs

    with Reader.open(database) as reader:
        run = reader.run(run_by_id(run_id))
        if run is None or run.parent_run_id is not None or run.plan_hash == NO_PLAN.plan_hash:
            return None
        if run.status not in (RunStatus.SUCCEEDED, RunStatus.FAILED):
            return None
        heads = reader.run(heads_by_id([run_id]))
        last = min(LAST, _MOST_STEPS // max(1, reader.run(_steps_of(run_id))))
        if last < ENOUGH:
            return None  # it would take seconds, and nobody asked for it: opscope compare does it
        chosen = chosen_baseline(reader, heads, last=last)
        if len(chosen.runs) < ENOUGH:
            return None
        sides = [read_runs(reader, side) for side in (chosen.runs, [run_id], chosen.failed)]
    analysis = analyse(sides[0], sides[1], failed=sides[2], notes=notes_on(chosen))
    ranking = rank(analysis)
    return None if ranking is None else (analysis, ranking, run.plan_id)


def _steps_of(run_id: str) -> Query[int]:
    return Query("SELECT count(*) FROM steps WHERE run_id = ?", (run_id,), lambda rows: int(rows[0][0]))


def keeping(
    run_id: str, analysis: Analysis, ranking: Ranking, plan_id: str, *, at_us: int
) -> Callable[[sqlite3.Connection], None]:
    """What writes it, for a write transaction of whoever owns the run."""
    from engine.regression.document import to_document
    from engine.regression.evidence import Finding

    # What does not stand out is told by its number alone: this is kept of every run.
    told = tuple(row for row in analysis.times if row.finding is Finding.SUSPECT)
    document: JsonObject = {
        **to_document(analysis, plan_id=plan_id, kept=told),
        "kind": KIND,
        "ranking": {
            "score": ranking.score,
            "losses": [{"name": one.name, "points": round(one.points, 1), "why": one.why} for one in ranking.losses],
            "suspects": [one.to_json() for one in ranking.suspects],
            "issues": [*ranking.issues],
        },
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    row = (run_id, at_us, analysis.verdict.value, ranking.score, text)

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(_KEEP, row)
        connection.execute(_SCORE, (ranking.score, run_id))

    return work


def scores_of(connection: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """(score, run id) of all rankings."""
    yield from connection.execute(_SCORES, (ID_LENGTH,))


def restore_scores(connection: sqlite3.Connection, scratch: sqlite3.Connection) -> None:
    """Give projected runs the scores that the rankings in `connection` say: no event does."""
    scratch.executemany(_SCORE, scores_of(connection))


def rankings_of(run_ids: Sequence[str]) -> Query[dict[str, Ranked]]:
    """The rankings of these runs, by run; those without one are left out."""
    sql = f"{_RANKINGS} WHERE analysis_id IN ({marks(run_ids)})"
    return Query(
        sql,
        tuple(run_ids),
        lambda rows: {run_id: _ranked(json_object(said)) for run_id, said in rows if said is not None},
    )


def _ranked(document: JsonObject) -> Ranked:
    score, suspects, issues = (document.get(name) for name in ("score", "suspects", "issues"))
    found = [Standing.from_json(one) for one in suspects] if isinstance(suspects, list) else []
    return Ranked(
        score if isinstance(score, int) else 100,
        tuple(one for one in found if one is not None),
        tuple(str(one) for one in issues) if isinstance(issues, list) else (),
    )
