"""The Impact screen by its keys: versions chosen, runs opened, the ways that lead on from it, and what it says where there is nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.tui.conftest import opened, press, rest
from tests.tui.corpus import EVIL
from tests.tui.impact_samples import ASSET, GATES, Lookup, register, write_uses
from tests.tui.samples import NOW_US
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_injection import assert_only_text
from tui.actions import Need
from tui.impact_reading import Versions, read_picture, read_versions
from tui.places import ComparePlace, ImpactPlace, RunPlace
from tui.screens.compare import CompareScreen
from tui.screens.impact import ImpactScreen
from tui.screens.override import OverrideScreen
from tui.screens.run import RunScreen
from tui.viewmodel.tabs import Tab
from tui.widgets.chooser import Chooser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tui.app import Inspector

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)


@pytest.fixture(scope="module")
def uses_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("impact") / "runs.db"
    asyncio.run(write_uses(path))
    return path


@asynccontextmanager
async def impact_of(
    path: Path, place: ImpactPlace | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Inspector, Pilot[int]]]:
    """The screen at rest."""
    app = inspector(path)
    async with opened(app, size) as pilot:
        app.go(place or ImpactPlace(ASSET))
        await rest(pilot)
        yield app, pilot


def screen_of(app: Inspector) -> ImpactScreen:
    assert isinstance(app.screen, ImpactScreen)
    return app.screen


async def test_it_opens_with_the_two_newest_and_says_the_risk(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, _):
        said = app.export_text()
        assert "opscope › impact › query/find" in said
        assert "@2 → @3   ✗ HIGH RISK" in said
        assert " after   @3" in said
        assert "WHAT TO DO" in said
        assert "tab, ctrl+d: read on" in said


async def test_the_rule_offers_to_read_on_only_where_not_all_is_in_sight(uses_file: Path) -> None:
    async with impact_of(uses_file, size=(160, 100)) as (app, pilot):
        assert "read on" not in app.export_text()
        await pilot.resize_terminal(160, 30)
        await rest(pilot)
        assert "tab, ctrl+d: read on" in app.export_text()
        await pilot.resize_terminal(160, 100)
        await rest(pilot)
        assert "read on" not in app.export_text()


async def test_b_and_a_choose_the_two_versions_and_s_swaps_them(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        await press(pilot, "j", "j", "b")
        assert "@1 → @3" in app.export_text()
        await press(pilot, "k", "a")
        assert "@1 → @2" in app.export_text()
        await press(pilot, "s")
        assert "@2 → @1" in app.export_text()
        await press(pilot, "a")  # the one that stands on the other side changes places with it
        assert "@1 → @2" in app.export_text()
        assert screen_of(app).place == ImpactPlace(ASSET, 1, 2)


async def test_a_version_that_nobody_used_cannot_be_compared(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        await press(pilot, "g", "a")
        assert "no run has used this version" in app.export_text()
        assert "@2 → @3" in app.export_text()


async def test_enter_lists_the_runs_of_the_version_and_opens_one(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        await press(pilot, "enter")
        said = app.export_text()
        assert "RUNS WITH @3" in said
        assert "✗ FAILED" in said
        await press(pilot, "j", "enter")
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "left_square_bracket")
        assert screen_of(app).place.asset == ASSET


async def test_escape_leaves_the_list_first_and_then_the_screen(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        await press(pilot, "enter", "escape")
        assert not screen_of(app).query_one(Chooser).is_open
        await press(pilot, "escape")
        assert not isinstance(app.screen, ImpactScreen)


async def test_c_compares_the_runs_that_the_verdict_is_of(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        impact = screen_of(app)._impact
        assert impact is not None
        assert impact.pair is not None
        assert impact.pair.sides is not None
        await press(pilot, "c")
        assert isinstance(app.screen, CompareScreen)
        place = app.history.place
        assert isinstance(place, ComparePlace)
        assert (place.baseline, place.candidates) == (impact.pair.sides.before, impact.pair.sides.after)
        assert (len(place.baseline), len(place.candidates)) == (30, 9)


async def test_o_overrides_from_the_newest_run_with_the_later_version(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        impact = screen_of(app)._impact
        assert impact is not None
        newest = next(use for use in impact.record.uses if use.version == 3)
        await press(pilot, "o")
        assert isinstance(app.screen, OverrideScreen)
        assert app.screen.run_id == newest.run_id


async def test_e_exports_to_a_new_file_each_time(
    uses_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with impact_of(uses_file) as (app, pilot):
        await press(pilot, "e", "enter")
        assert "written to" in app.export_text()
        await press(pilot, "e", "enter", "e", "j", "enter")
    assert (tmp_path / "impact-query-find-2-3.md").read_text().startswith("# Impact of query/find\n")
    assert (tmp_path / "impact-query-find-2-3-2.md").exists()
    assert json.loads((tmp_path / "impact-query-find-2-3.json").read_text())["asset"] == ASSET


async def test_y_copies_the_command(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        await press(pilot, "y")
        assert app.clipboard == f"opscope impact {ASSET} 2 3"


async def test_tab_goes_to_the_text_and_half_a_page_reads_on(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        assert "RELATED ASSETS" not in app.export_text()
        await press(pilot, "pagedown", "pagedown", "pagedown")
        assert "RELATED ASSETS" in app.export_text()
        await press(pilot, "tab", "G")
        assert "AT THE FIRST TRY" in app.export_text()
        await press(pilot, "shift+tab", "j")
        assert screen_of(app).versions.cursor == 2


async def test_from_the_assets_of_a_run(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        impact = screen_of(app)._impact
        assert impact is not None
        app.go(RunPlace(impact.record.uses[0].run_id, None, Tab.ASSETS))
        await rest(pilot)
        await press(pilot, "i")
        assert isinstance(app.screen, ImpactScreen)
        assert app.screen.place.asset in (ASSET, GATES)


async def test_from_the_palette_an_asset_is_chosen_first(uses_file: Path) -> None:
    async with impact_of(uses_file) as (app, pilot):
        app.perform_anywhere("impact")
        await rest(pilot)
        assert "Which asset?" in app.export_text()
        names = app.export_text()
        assert "query/find" in names
        assert "policy/gates" in names
        await press(pilot, "enter")
        assert screen_of(app).place.asset in (ASSET, GATES)
        assert "RISK" in app.export_text()
        await press(pilot, "i", "j", "enter")
        assert screen_of(app).place.asset in (ASSET, GATES)


async def test_an_asset_that_there_is_not_says_what_may_have_been_meant(uses_file: Path) -> None:
    async with impact_of(uses_file, ImpactPlace("query/fnd")) as (app, _):
        said = app.export_text()
        assert "there is no asset query/fnd" in said
        assert "did you mean query/find?" in said


async def test_too_few_runs_are_said_to_be_too_few(tmp_path: Path) -> None:
    path = tmp_path / "few.db"
    await asyncio.create_task(write_uses(path, after=1))
    async with impact_of(path) as (app, _):
        said = app.export_text()
        assert "? RISK NOT KNOWN" in said
        assert "too few runs, 2 more after" in said
        assert "2 times" in said


async def test_one_version_alone_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    register(path)
    async with impact_of(path) as (app, pilot):
        said = app.export_text()
        assert "No run has used it." in said
        await press(pilot, "enter", "b", "a", "c", "o", "s", "y")
        assert isinstance(app.screen, ImpactScreen)


@pytest.mark.parametrize("size", [(80, 24), (160, 45), (40, 12)])
async def test_nothing_in_it_is_more_than_text(tmp_path: Path, size: tuple[int, int]) -> None:
    """Names of plans come from whoever wrote them."""
    path = tmp_path / "evil.db"
    evil = " ".join(EVIL).replace("\x00", "")
    register(path)
    from store.writer import open_writer

    async def written() -> None:
        async with open_writer(path) as writer:
            for place in range(12):
                told = Lookup(900 + place, ago=600.0 - place, plan_id=evil)
                await told.whole(1 + place % 2, 1.0).write(writer)

    await asyncio.create_task(written())
    async with impact_of(path, size=size) as (app, pilot):
        assert_only_text(app)
        for key in ("enter", "escape", "tab", "G", "tab", "e", "escape", "i"):
            await press(pilot, key)
            assert_only_text(app)


async def test_it_follows_the_file(tmp_path: Path) -> None:
    """A run that ends meanwhile is counted; the same runs are not compared again."""
    from store.writer import open_writer

    path = tmp_path / "live.db"
    await asyncio.create_task(write_uses(path, after=4))
    async with impact_of(path) as (app, pilot):
        before = screen_of(app)._impact

        async def written() -> None:
            async with open_writer(path) as writer:
                await Lookup(990, ago=30.0).whole(1, 4.0).write(writer)

        await asyncio.create_task(written())
        screen_of(app).want()
        await rest(pilot)
        after = screen_of(app)._impact
        assert before is not None
        assert after is not None
        assert after.versions[-1].runs == before.versions[-1].runs + 1
        assert before.pair is not None
        assert after.pair is not None
        assert after.pair.analysis is before.pair.analysis


async def test_the_versions_are_shown_before_they_are_compared(uses_file: Path) -> None:
    """Nothing is said of a risk then, and nothing can be done that needs the comparison."""
    place = ImpactPlace(ASSET)
    versions = read_versions(uses_file, place, NOW_US)
    assert isinstance(versions, Versions)
    whole = read_picture(uses_file, place, NOW_US)
    assert versions.impact.versions == whole.versions
    assert read_picture(uses_file, place, NOW_US, record=versions.record) == whole
    async with impact_of(uses_file) as (app, pilot):
        screen = screen_of(app)
        fresh = ImpactScreen(place)
        await app.push_screen(fresh)
        await rest(pilot)
        fresh._impact = None
        fresh.shown(versions)
        said = app.export_text()
        assert "are compared…" in said
        assert "HIGH RISK" not in said
        assert fresh.versions.line_count == screen.versions.line_count >= 3
        assert Need.IMPACT_READ not in fresh.given
        await rest(pilot)
        assert Need.IMPACT_READ in fresh.given
        assert "are compared…" not in app.export_text()


def test_versions_alone_need_no_numbers_library(uses_file: Path) -> None:
    """In a process of its own: here all of it has been imported."""
    script = f"""
import sys
from pathlib import Path
from tui.impact_reading import read_versions
from tui.places import ImpactPlace
read_versions(Path({str(uses_file)!r}), ImpactPlace({ASSET!r}), 0)
assert "numpy" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_screen_is_imported_without_what_it_reads_with() -> None:
    """That takes longer than a key may wait, and is imported where the file is read."""
    script = """
import sys
import tui.screens.impact
loaded = [name for name in ("numpy", "pydantic", "engine.regression.impact_report", "store.impact") if name in sys.modules]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
