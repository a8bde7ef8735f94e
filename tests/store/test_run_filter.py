"""Lists of runs: what each term of a filter lets through, and pages that hold for every sort."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from store import queries
from store.queries import Among, Between, RunField, RunFilter, RunNumber, RunOrder, RunSort, run_places, runs
from store.reader import Reader
from store.writer import open_writer
from tests.store.building import NOW_US, creation, run_finished

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from store.rows import RunRow

SECOND = 1_000_000


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    """Forty runs of four plans: every fifth failed, every seventh still runs, the numbers from a fixed seed, many of them equal."""
    path = tmp_path / "runs.db"
    chance = random.Random(3)
    async with open_writer(path) as writer:
        for number in range(40):
            made = creation(
                writer.engine_id, f"{number:032x}", plan_id=f"plan_{number % 4}", at_us=NOW_US + number // 3
            )
            await writer.create_run(made)
            used = {"alias": "lookup", "ref": f"query/ci-lookup@{number % 3 + 1}", "sha256": "0" * 64, "source": "plan"}
            await writer.append(made.run_id, [Event(EventKind.RUN_STARTED, NOW_US + number), asset(used)])
            if number % 7:
                await writer.append(made.run_id, [run_finished("failed" if number % 5 == 0 else "succeeded")])
    # What only longer stories would make differ.
    with sqlite3.connect(path) as connection:
        for number in range(40):
            numbers = (chance.randrange(4), chance.randrange(3), chance.choice([None, 10, 50, 98]), f"{number:032x}")
            connection.execute("UPDATE runs SET steps_total = ?, replans = ?, score = ? WHERE run_id = ?", numbers)
            if number % 7:
                taken = (chance.randrange(1, 5) * SECOND, f"{number:032x}")
                connection.execute("UPDATE runs SET duration_us = ? WHERE run_id = ?", taken)
    connection.close()
    with Reader.open(path) as opened:
        yield opened


def asset(used: dict[str, str]) -> Event:
    """A run has found which version of an asset it uses."""
    return Event(EventKind.ASSET_RESOLVED, NOW_US, {**used, "version": 1})


def everything(reader: Reader) -> list[RunRow]:
    """All runs."""
    return reader.run(queries.runs_page(limit=1000))


def taken(row: RunRow) -> int | None:
    """How long it took, or has taken ten seconds after the first began."""
    began = row.started_at_us if row.started_at_us is not None else 0
    return row.duration_us if row.status.is_final else NOW_US + 10 * SECOND - began


LATER = NOW_US + 10 * SECOND
PASSES: list[tuple[Among | Between, Callable[[RunRow], bool]]] = [
    (Among(RunField.STATUS, ("failed", "running")), lambda row: row.status.value in ("failed", "running")),
    (Among(RunField.STATUS, ("failed",), negated=True), lambda row: row.status.value != "failed"),
    (Among(RunField.PLAN, ("PLAN_1", "*3"), negated=True), lambda row: row.plan_id not in ("plan_1", "plan_3")),
    (Among(RunField.ROUTE, ("plan",), negated=True), lambda row: row.route is None),
    (Among(RunField.MODE, ("normal",)), lambda row: True),
    (Among(RunField.ID, ("0" * 30 + "1", "0" * 30 + "2")), lambda row: int(row.run_id, 16) >= 16),
    (Among(RunField.ID, ("0000%",)), lambda row: False),
    (Among(RunField.ASSET, ("query/ci-lookup@2",)), lambda row: int(row.run_id, 16) % 3 == 1),
    (Among(RunField.ASSET, ("CI-lookup@3", "query/ci-lookup@1")), lambda row: int(row.run_id, 16) % 3 != 1),
    (Among(RunField.ASSET, ("query/ci-lookup",)), lambda row: True),
    (Among(RunField.ASSET, ("query/ci",)), lambda row: False),
    (Among(RunField.ASSET, ("query/*",), negated=True), lambda row: False),
    (
        Among(RunField.WORD, ("plan_2", "failed"), negated=True),
        lambda r: r.plan_id != "plan_2" and r.status != "failed",
    ),
    (Between(RunNumber.STEPS, 2, 3), lambda row: 2 <= row.steps_total <= 3),
    (Between(RunNumber.REPLANS, 1), lambda row: row.replans >= 1),
    (Between(RunNumber.SCORE, None, 59), lambda row: row.score is not None and row.score <= 59),
    (Between(RunNumber.SCORE, None, 59, negated=True), lambda row: row.score is None or row.score > 59),
    (Between(RunNumber.SCORE), lambda row: row.score is not None),
    (Between(RunNumber.STARTED, NOW_US + 5), lambda row: row.created_at_us >= NOW_US + 5),
    (
        Between(RunNumber.DURATION, 3 * SECOND, now_us=LATER),
        lambda row: (taken(row) or 0) >= 3 * SECOND,
    ),
]


@pytest.mark.parametrize(("term", "passes"), PASSES)
def test_a_term_lets_through_what_it_says(
    reader: Reader, term: Among | Between, passes: Callable[[RunRow], bool]
) -> None:
    """In the list and in the counts, and with another term beside it."""
    chosen = RunFilter(terms=(term,))
    wanted = [row.run_id for row in everything(reader) if passes(row)]
    assert [row.run_id for row in reader.run(queries.runs_page(chosen, limit=1000))] == wanted
    assert reader.run(queries.run_total(chosen)) == len(wanted)
    both = RunFilter(plans=("plan_0",), terms=(term, Between(RunNumber.STEPS, 1)))
    narrowed = [r.run_id for r in everything(reader) if passes(r) and r.plan_id == "plan_0" and r.steps_total >= 1]
    assert [row.run_id for row in reader.run(queries.runs_page(both, limit=1000))] == narrowed


URGENCY = ("failed", "quarantined", "paused", "running", "pending", "canceled", "succeeded")
KEYS: dict[RunSort, Callable[[RunRow], int | str | None]] = {
    RunSort.STARTED: lambda row: 0,
    RunSort.DURATION: taken,
    RunSort.PLAN: lambda row: row.plan_id,
    RunSort.STATUS: lambda row: URGENCY.index(row.status.value),
    RunSort.STEPS: lambda row: row.steps_total,
    RunSort.REPLANS: lambda row: row.replans,
    RunSort.SCORE: lambda row: row.score,
}


def expected(reader: Reader, order: RunOrder) -> list[str]:
    """The ids of all runs as plain code sorts them."""
    rows = sorted(everything(reader), key=lambda row: (row.created_at_us, row.run_id), reverse=True)
    if order.by is RunSort.STARTED:
        return [row.run_id for row in (rows[::-1] if order.reversed else rows)]
    key = KEYS[order.by]
    known = [row for row in rows if key(row) is not None]
    known.sort(key=key, reverse=order.descends)  # type: ignore[arg-type]
    return [row.run_id for row in [*known, *(row for row in rows if key(row) is None)]]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("by", RunSort)
def test_pages_of_every_sort_follow_each_other(reader: Reader, by: RunSort, turned: bool) -> None:
    """Without gap or double, from the front and from the end; equal ones with the newest first."""
    order = RunOrder(by, turned, LATER)
    wanted = expected(reader, order)
    for total in (None, 40):
        pages = [queries.runs_page(order=order, offset=start, limit=7, total=total) for start in range(0, 42, 7)]
        assert [row.run_id for page in pages for row in reader.run(page)] == wanted


FILTERS = [
    RunFilter(),
    RunFilter(plans=("plan_1", "plan_3")),
    RunFilter(terms=(Between(RunNumber.SCORE, None, 59, negated=True),)),
    RunFilter(terms=(Among(RunField.ASSET, ("ci-lookup@1", "ci-lookup@2")),)),
]


@pytest.mark.parametrize("chosen", FILTERS)
@pytest.mark.parametrize("sampled", [1, 8, 1024])
def test_a_page_from_the_middle_is_the_same_however_few_runs_are_looked_at_first(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, chosen: RunFilter, sampled: int
) -> None:
    """Also where the number of runs that is given holds no more, because some have come or gone."""
    monkeypatch.setattr(runs, "_DEEP", 0)
    monkeypatch.setattr(runs, "_MANY", 0)
    monkeypatch.setattr(run_places, "_SAMPLED", sampled)
    monkeypatch.setattr(run_places, "_LEAST_MARGIN", 1)
    passing = {row.run_id for row in reader.run(queries.runs_page(chosen, limit=1000))}
    for order in (RunOrder(by, turned, LATER) for by in RunSort for turned in (False, True)):
        wanted = [run_id for run_id in expected(reader, order) if run_id in passing]
        count = len(wanted)
        for start in range(0, count, 3):
            query = queries.runs_page(chosen, order=order, offset=start, limit=5, total=count)
            assert [row.run_id for row in reader.run(query)] == wanted[start : start + 5]
            for told in (count // 2, count + 3):
                page = [
                    row.run_id
                    for row in reader.run(queries.runs_page(chosen, order=order, offset=start, limit=5, total=told))
                ]
                assert page == [run_id for run_id in wanted if run_id in page]


def test_runs_are_found_by_their_ids_and_plans_and_assets_by_having_been_used(reader: Reader) -> None:
    """Those that are gone are left out."""
    ids = [f"{number:032x}" for number in (3, 17)]
    assert [row.run_id for row in reader.run(queries.runs_by_ids([*ids, "f" * 32]))] == ids[::-1]
    assert reader.run(queries.plan_ids()) == [f"plan_{number}" for number in range(4)]
    assert reader.run(queries.asset_refs()) == [f"query/ci-lookup@{number}" for number in (1, 2, 3)]
    assert reader.run(queries.asset_refs(limit=2)) == ["query/ci-lookup@1", "query/ci-lookup@2"]
