"""Confirm, put back and run more from the Compare screen, with real engines: asked, carried out, shown, cancelled."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.model.states import RunStatus
from engine.regression.confirmation import fresh_runs_needed
from engine.regression.verdict import Verdict
from store import queries
from store.analyses import analyses_page
from store.reader import Reader
from tests.tui.conftest import opened, press, rest
from tui.app import Inspector
from tui.commands import main
from tui.places import ComparePlace
from tui.screens.compare import CompareScreen

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from store.rows import RunRow

pytestmark = pytest.mark.sampled(one_in=6, of_file=True)

PLAN = """\
plan_id: naps
description: takes as long as it is told
params: {nap: {type: string, default: "0.01"}}
steps:
  - {id: nap, command: sleep, args: ["{params.nap}"]}
"""


HOMES = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")


@pytest.fixture(scope="module")
def naps_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with five short naps and a long one."""
    folder = tmp_path_factory.mktemp("naps")
    plan, path = folder / "naps.yaml", folder / "runs.db"
    plan.write_text(PLAN)
    with pytest.MonkeyPatch.context() as patch:
        for name in HOMES:
            patch.setenv(name, str(folder))
        for nap in ("0.01",) * 5 + ("0.5",):
            assert main(["--db", str(path), "run", "-q", str(plan), "-p", f"nap={nap}"]) == 0
    return path


@pytest.fixture
def naps(naps_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in a home of its own."""
    for name in HOMES:
        monkeypatch.setenv(name, str(tmp_path))
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(naps_file)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
    return path


def runs(path: Path) -> list[RunRow]:
    """The newest first."""
    with Reader.open(path) as reader:
        return reader.run(queries.runs_page(limit=50))


async def compared(pilot: Pilot[int], run_id: str) -> CompareScreen:
    """The Compare screen of one run."""
    app = pilot.app
    assert isinstance(app, Inspector)
    app.go(ComparePlace((run_id,)))
    await pilot.pause()
    await rest(pilot)
    assert isinstance(app.screen, CompareScreen)
    return app.screen


async def ended(pilot: Pilot[int], screen: CompareScreen) -> None:
    """What is under way has come to an end, and what came of it is shown."""
    assert screen.experiment is not None
    await screen.experiment.wait()
    await rest(pilot)


async def test_putting_the_one_suspect_back_shows_that_it_is_gone(naps: Path) -> None:
    last = runs(naps)[0].run_id
    async with opened(Inspector(naps, follows=False), (120, 40)) as pilot:
        screen = await compared(pilot, last)
        assert screen.compared is not None
        assert screen.compared.analysis.verdict is Verdict.SUSPECT
        await press(pilot, "o", "y")
        await ended(pilot, screen)
        shown = pilot.app.screen
        assert isinstance(shown, CompareScreen)
        assert shown is not screen
        text = " ".join(pilot.app.export_text().split())  # type: ignore[attr-defined]
        assert "✓ GONE" in text
        assert text.index("With nap as it was (0.01), what was found is gone.") < text.index("1 Verdict")
        assert runs(naps)[0].params == {"nap": "0.01"}
        await press(pilot, "left_square_bracket")
        assert isinstance(pilot.app.screen, CompareScreen)
        assert pilot.app.screen.compared is not None
        assert pilot.app.screen.compared.analysis.candidates == (last,)


async def test_confirming_runs_as_many_more_as_can_and_shows_what_came_of_them(naps: Path) -> None:
    last = runs(naps)[0].run_id
    async with opened(Inspector(naps, follows=False), (120, 40)) as pilot:
        screen = await compared(pilot, last)
        assert screen.compared is not None
        needed = fresh_runs_needed(screen.compared.analysis)
        await press(pilot, "c")
        assert f"{needed} times more" in pilot.app.export_text()  # type: ignore[attr-defined]
        await press(pilot, "y")
        assert "esc cancels" in pilot.app.export_text()  # type: ignore[attr-defined]
        await pilot.resize_terminal(150, 40)
        while "─" * 150 not in pilot.app.export_text():  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)
        await ended(pilot, screen)
        shown = pilot.app.screen
        assert isinstance(shown, CompareScreen)
        assert shown.compared is not None
        assert len(shown.compared.analysis.candidates) == needed
        assert not any("cannot confirm" in note for note in shown.compared.analysis.notes)
        assert last not in shown.compared.analysis.candidates
        assert "execute/nap alone, on fresh runs" in pilot.app.export_text()  # type: ignore[attr-defined]


async def test_what_was_only_tried_is_kept_before_runs_are_made_for_it(naps: Path) -> None:
    """The reruns name the analysis, and what comes of them is about one that is there."""
    one, other = (run.run_id for run in runs(naps)[:2])
    async with opened(Inspector(naps, follows=False), (120, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, Inspector)
        app.go(ComparePlace((other,), (one,), keeps=False))
        await pilot.pause()
        await rest(pilot)
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert screen.compared is not None
        assert screen.compared.analysis_id == ""
        await press(pilot, "c", "y")
        while not screen.compared.analysis_id:
            await asyncio.sleep(0.05)
        await press(pilot, "escape")
        while screen.is_experimenting:
            await asyncio.sleep(0.05)
    with Reader.open(naps) as reader:
        [head] = reader.run(analyses_page())
    assert head.analysis_id == screen.compared.analysis_id


async def test_escape_cancels_the_run_under_way_and_starts_no_more(naps: Path) -> None:
    before = len(runs(naps))
    async with opened(Inspector(naps, follows=False), (120, 40)) as pilot:
        screen = await compared(pilot, runs(naps)[0].run_id)
        await press(pilot, "c", "y")
        while len(runs(naps)) == before:
            await asyncio.sleep(0.05)
        worker = screen.experiment
        assert worker is not None
        await press(pilot, "escape")
        while not worker.is_finished:
            await asyncio.sleep(0.05)
        await rest(pilot)
        assert pilot.app.screen is screen
        assert not screen.is_experimenting
        assert "cancelled: no more runs are started" in pilot.app.export_text()  # type: ignore[attr-defined]
    while not runs(naps)[0].status.is_final:
        await asyncio.sleep(0.05)
    after = runs(naps)
    assert len(after) == before + 1
    assert after[0].status in (RunStatus.CANCELED, RunStatus.SUCCEEDED)
    assert screen.compared is not None
    analysis, needed = screen.compared.analysis_id, fresh_runs_needed(screen.compared.analysis)
    # It is all that says later what the run was for, and that is said where the analysis is opened again.
    assert after[0].reason == f"confirms analysis {analysis[:6]}: 1 of {needed}"
    async with opened(Inspector(naps, follows=False), (120, 50)) as pilot:
        again: Inspector = pilot.app  # type: ignore[assignment]
        again.go(ComparePlace(analysis_id=analysis))
        await pilot.pause()
        await rest(pilot)
        shown = " ".join(again.export_text().split())
        assert f"of {needed} reruns that were to confirm it 1 is there: {after[0].run_id[:6]}" in shown


async def test_where_nothing_is_suspect_yet_the_missing_runs_are_made(naps: Path) -> None:
    newest = runs(naps)[1].run_id  # a short nap, after four others
    async with opened(Inspector(naps, follows=False), (120, 40)) as pilot:
        screen = await compared(pilot, newest)
        assert screen.compared is not None
        assert screen.compared.analysis.verdict is Verdict.TOO_FEW
        assert "c run more" in pilot.app.export_text()  # type: ignore[attr-defined]
        missing = screen.compared.analysis.runs_needed[1]
        await press(pilot, "c", "y")
        await ended(pilot, screen)
        shown = pilot.app.screen
        assert isinstance(shown, CompareScreen)
        assert shown.compared is not None
        assert len(shown.compared.analysis.candidates) == 1 + missing
        assert shown.compared.analysis.candidates[0] == newest
