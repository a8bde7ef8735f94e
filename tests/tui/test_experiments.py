"""Experiments on recorded runs: a suspicion confirmed by fresh runs, a suspect put back, several told apart, giving up in the middle."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from engine.model.states import RunStatus
from engine.regression.confirmation import fresh_runs_needed
from engine.regression.document import from_document
from engine.regression.evidence import Finding
from engine.regression.narrowing import suspects_in
from engine.regression.verdict import Outcome, Tried, Verdict
from store.analyses import stored_analysis
from store.queries import runs_page
from store.reader import Reader
from tests.tui.commands.hosts import Hosts, until
from tui.commands import main
from tui.experiments import Progress, analyse_runs, bisect, confirm, rerun_suspect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.regression.verdict import Analysis
    from store.rows import RunRow

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

PLAN = """\
plan_id: timed
description: takes as long as it is asked to
params: {sec: {type: number, default: 0.02}, word: {type: string, default: calm}, more: {type: integer, default: 1}}
steps:
  - {id: work, command: sh, args: [-c, 'sleep "$1"', sh, "{params.sec}", "{params.word}", "{params.more}"]}
  - {id: done, depends_on: [work], command: "true"}
"""
SLOW = ("-p", "sec=0.5", "-p", "word=wild", "-p", "more=2")


@pytest.fixture(scope="module")
def timed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten quick runs, then a slow one for which three parameters are others."""
    folder = tmp_path_factory.mktemp("timed")
    (folder / "timed.yaml").write_text(PLAN)
    path = folder / "runs.db"
    for words in (*([()] * 10), SLOW):
        assert main(["--db", str(path), "run", "-q", str(folder / "timed.yaml"), *words]) == 0
    return path


@pytest.fixture
def database(timed_file: Path, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "runs.db"
    shutil.copy(timed_file, path)
    try:
        yield path
    finally:
        Hosts(tmp_path, path).end_everything()


def runs(database: Path) -> list[RunRow]:
    """The newest first."""
    with Reader.open(database) as reader:
        rows = reader.run(runs_page(limit=50))
    return list(rows)


def kept(database: Path, analysis_id: str) -> Analysis:
    with Reader.open(database) as reader:
        return from_document(stored_analysis(reader, analysis_id)[1])


def suspicion(database: Path) -> tuple[Analysis, str]:
    newest, *rest = (run.run_id for run in runs(database))
    # Named, since a host that is busy with something else for a while would cut the baseline short.
    return asyncio.run(analyse_runs(database, [newest], rest))


def test_one_slow_run_is_suspect_and_no_more(database: Path) -> None:
    seen: list[str] = []
    newest, *rest = (run.run_id for run in runs(database))
    analysis, analysis_id = asyncio.run(analyse_runs(database, [newest], rest, on_run=seen.append))
    assert (analysis.verdict, len(analysis.baseline), len(seen)) == (Verdict.SUSPECT, 10, 11)
    assert {one.name for one in suspects_in(analysis)} == {"sec", "word", "more"}
    assert kept(database, analysis_id) == analysis
    work = next(row for row in analysis.times if row.part.step_id == "work")
    assert (work.finding, work.rank) == (Finding.SUSPECT, 11)
    chosen, nothing = asyncio.run(analyse_runs(database, [newest], save=False))
    assert nothing == ""
    assert {*chosen.baseline} <= {*rest}


def test_fresh_runs_confirm_it(database: Path) -> None:
    _, analysis_id = suspicion(database)
    told: list[Progress] = []
    found = kept(database, asyncio.run(confirm(database, analysis_id, os.environ, tell=told.append)))
    assert found.verdict is Verdict.REGRESSED
    assert {str(row.part) for row in found.times if row.counts} == {"execute", "execute/work"}
    assert all(row.q is not None and row.q <= 0.01 for row in found.times if row.counts)
    assert any(note.startswith("confirmed: execute") for note in found.notes)
    number = fresh_runs_needed(kept(database, analysis_id))
    fresh = runs(database)[:number]
    assert {run.run_id for run in fresh} == {*found.candidates}
    assert all(run.params["sec"] == 0.5 and run.source_run_id == runs(database)[number].run_id for run in fresh)
    assert told[0].text.startswith(f"{number} fresh runs")
    assert [(one.done, one.of) for one in told[1:]] == [(done, number) for done in range(number + 1)]


def test_a_suspect_put_back_shows_whether_it_was_that(database: Path) -> None:
    analysis, analysis_id = suspicion(database)
    names = [one.name for one in suspects_in(analysis)]
    found = kept(
        database,
        asyncio.run(rerun_suspect(database, analysis_id, names.index("sec"), os.environ, tell=lambda _: None)),
    )
    assert found.verdict is Verdict.TOO_FEW
    assert found.notes[-1] == "with sec as it was (0.02), what was found is gone"
    assert found.tried == Tried(Outcome.GONE, found.notes[-1])
    assert runs(database)[0].reason == f"puts back for analysis {analysis_id[:6]}: 1 of 1, with sec put back"
    assert runs(database)[0].params == {"sec": 0.02, "word": "wild", "more": 2}
    with pytest.raises(InputError, match="there is no possible cause 8"):
        asyncio.run(rerun_suspect(database, analysis_id, 7, os.environ, tell=lambda _: None))


def test_bisecting_finds_the_one_of_several(database: Path) -> None:
    _, analysis_id = suspicion(database)
    told: list[Progress] = []
    found = kept(database, asyncio.run(bisect(database, analysis_id, os.environ, tell=told.append)))
    assert [one.name for one in suspects_in(found)] == ["sec"]
    assert "sec explains it" in found.causes[0].advice
    assert all(one.done <= one.of <= 3 for one in told)
    assert len([note for note in found.notes if note.startswith("with ")]) == len(runs(database)) - 11


def test_giving_up_cancels_the_run_under_way_and_starts_no_more(database: Path) -> None:
    _, analysis_id = suspicion(database)

    async def give_up() -> None:
        under_way = asyncio.Event()

        def tell(progress: Progress) -> None:
            assert progress.done == 0
            if progress.text.startswith("rerun 1 of "):
                under_way.set()

        experiment = asyncio.ensure_future(confirm(database, analysis_id, os.environ, tell=tell))
        await under_way.wait()
        experiment.cancel()
        with pytest.raises(asyncio.CancelledError):
            await experiment

    asyncio.run(give_up())
    until(lambda: runs(database)[0].status.is_final, "the end of the run that was given up")
    assert len(runs(database)) == 12
    assert runs(database)[0].status is RunStatus.CANCELED


def test_what_is_not_suspect_cannot_be_confirmed(database: Path) -> None:
    calm, other, *_ = (run.run_id for run in runs(database)[1:])
    _, analysis_id = asyncio.run(analyse_runs(database, [calm], [other]))
    with pytest.raises(InputError, match="nothing in it is suspect"):
        asyncio.run(confirm(database, analysis_id, os.environ, tell=lambda _: None))
    assert len(runs(database)) == 11
