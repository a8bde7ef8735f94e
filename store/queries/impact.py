"""Queries for what the versions of an asset did: runs counted by version and plan, when they were, the newest looked at closely.

Everything is counted by SQLite. An asset is named without its version, `query/ci-lookup`; a run that used a version in
several passes or under several aliases counts once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from store.queries.query import Query, word

if TYPE_CHECKING:
    from engine.regression.impact import Tally, Use
    from engine.regression.impact_related import Together
    from engine.regression.impact_report import Timeline
    from store.queries.query import Parameter, Rows

LOOKED_AT: Final = 200
"""Of so many runs of each version, the newest, the durations, retries and empty results are read."""
RELATED_RUNS: Final = 2000
"""In so many uses, the newest, it is looked which other assets were used."""
PLACES: Final = 240
"""The stretches of the timeline. A screen draws several of them as one."""

_MOST_ROWS: Final = 10_000

# A character after 9, so that all version numbers of this asset are in between, and nothing else. The index has it all.
_USED: Final = (
    "SELECT DISTINCT CAST(substr(ref, ?) AS INTEGER) AS version, run_id FROM applied_assets WHERE ref >= ? AND ref < ?"
)


def _named(name: str) -> tuple[Parameter, ...]:
    return len(name) + 2, f"{name}@", f"{name}@:"


def tallies_of(name: str, *, recent_since_us: int) -> Query[list[Tally]]:
    """All runs that used an asset, counted by version and plan. Test runs count: that is how most versions are tried."""
    sql = (
        f"WITH used AS ({_USED}) "  # noqa: S608
        "SELECT u.version, r.plan_id, count(*), sum(r.status = 'succeeded'), sum(r.status = 'failed'), sum(r.replans > 0), "
        "sum(r.warnings > 0), sum(r.created_at_us >= ?), min(r.created_at_us), max(r.created_at_us) "
        "FROM used AS u JOIN runs AS r ON r.run_id = u.run_id GROUP BY u.version, r.plan_id ORDER BY 1, 2 LIMIT ?"
    )
    return Query(sql, (*_named(name), recent_since_us, _MOST_ROWS), _tallies)


def newest_uses(name: str, *, each: int = LOOKED_AT) -> Query[list[Use]]:
    """The newest runs of each version, the newest first."""
    sql = (
        f"WITH used AS ({_USED}), placed AS ("  # noqa: S608
        "SELECT u.version, r.run_id, r.plan_id, r.status, r.created_at_us, r.duration_us, r.replans, r.pass_index, "
        "row_number() OVER (PARTITION BY u.version ORDER BY r.created_at_us DESC, r.run_id DESC) AS place "
        "FROM used AS u JOIN runs AS r ON r.run_id = u.run_id) "
        "SELECT p.version, p.run_id, p.plan_id, p.status, p.created_at_us, p.duration_us, p.replans, "
        "(SELECT sum(s.attempts - 1) FROM steps AS s WHERE s.run_id = p.run_id AND s.attempts > 1), "
        "(SELECT EXISTS (SELECT 1 FROM json_each(e.data, '$.output.diagnostics.empty_flags') WHERE value) "
        "FROM stages AS g JOIN run_events AS e ON e.event_no = g.finished_event "
        "WHERE g.run_id = p.run_id AND g.pass_index = p.pass_index AND g.stage = 'execute') "
        "FROM placed AS p WHERE p.place <= ? ORDER BY p.created_at_us DESC, p.run_id DESC, p.version LIMIT ?"
    )
    return Query(sql, (*_named(name), each, _MOST_ROWS), _uses)


def runs_of_version(ref: str, *, limit: int = 200) -> Query[list[Use]]:
    """The newest runs that used one version, `query/ci-lookup@3`."""
    version = int(ref.rpartition("@")[2])
    sql = (
        "SELECT ?, r.run_id, r.plan_id, r.status, r.created_at_us, r.duration_us, r.replans, 0, NULL FROM runs AS r "
        "WHERE r.run_id IN (SELECT run_id FROM applied_assets WHERE ref = ?) "
        "ORDER BY r.created_at_us DESC, r.run_id DESC LIMIT ?"
    )
    return Query(sql, (version, ref, limit), _uses)


def timeline_of(name: str, *, places: int = PLACES) -> Query[Timeline | None]:
    """When each version was used, in so many stretches from its first run to its last; None where no run used it."""
    sql = (
        f"WITH used AS ({_USED}), at AS (SELECT u.version, r.status, r.created_at_us AS us "  # noqa: S608
        "FROM used AS u JOIN runs AS r ON r.run_id = u.run_id), ends AS (SELECT min(us) AS low, max(us) AS high FROM at) "
        "SELECT low, high, version, (us - low) * ? / (high - low + 1) AS place, sum(status = 'succeeded'), "
        "sum(status = 'failed'), sum(status NOT IN ('succeeded', 'failed')) FROM at, ends GROUP BY version, place "
        "ORDER BY version, place LIMIT ?"
    )

    def read(rows: Rows) -> Timeline | None:
        if not rows:
            return None
        from engine.regression.impact_report import Slot, Timeline

        return Timeline(rows[0][0], rows[0][1], places, tuple(Slot(*row[2:]) for row in rows))

    return Query(sql, (*_named(name), places, _MOST_ROWS), read)


def used_together(name: str, *, runs: int = RELATED_RUNS) -> Query[list[Together]]:
    """The versions of other assets that the newest runs used beside each version of this one."""
    sql = (
        f"WITH used AS ({_USED}), newest AS (SELECT u.version, u.run_id FROM used AS u "  # noqa: S608
        "JOIN runs AS r ON r.run_id = u.run_id ORDER BY r.created_at_us DESC, r.run_id DESC LIMIT ?) "
        "SELECT n.version, a.ref, count(DISTINCT n.run_id) FROM newest AS n "
        "JOIN applied_assets AS a ON a.run_id = n.run_id WHERE a.ref LIKE '%@%' AND NOT (a.ref >= ? AND a.ref < ?) "
        "GROUP BY n.version, a.ref ORDER BY 1, 2 LIMIT ?"
    )
    named = _named(name)
    return Query(sql, (*named, runs, *named[1:], _MOST_ROWS), _together)


def ambiguous_versions(name: str) -> Query[list[int]]:
    """The versions under whose number runs used several contents: some of them were imported."""
    sql = (
        "SELECT CAST(substr(ref, ?) AS INTEGER) FROM applied_assets WHERE ref >= ? AND ref < ? "
        "GROUP BY ref HAVING count(DISTINCT sha256) > 1 ORDER BY 1 LIMIT ?"
    )
    return Query(sql, (*_named(name), _MOST_ROWS), lambda rows: [int(version) for (version,) in rows])


# What the answers are made of is imported with them: a screen asks from a thread, and is painted before.


def _tallies(rows: Rows) -> list[Tally]:
    from engine.regression.impact import Tally

    return [Tally(*row) for row in rows]


def _uses(rows: Rows) -> list[Use]:
    from engine.regression.impact import Use

    return [
        Use(
            version,
            run_id,
            plan_id,
            word(RunStatus, status),
            created_at_us,
            duration_us,
            replans,
            retries or 0,
            None if is_empty is None else bool(is_empty),
        )
        for version, run_id, plan_id, status, created_at_us, duration_us, replans, retries, is_empty in rows
    ]


def _together(rows: Rows) -> list[Together]:
    from engine.regression.impact_related import Together

    found: list[Together] = []
    for version, ref, runs in rows:
        other, _, number = str(ref).rpartition("@")
        if number.isascii() and number.isdigit():
            found.append(Together(version, other, int(number), runs))
    return found
