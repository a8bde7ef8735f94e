"""The Groups tab in use: the graph and the Gantt of a release, a step looked at, focus, search, folds, and a run that goes on."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from engine.model.states import Stage
from store.writer import open_writer
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.corpus import EVIL, evil_sample
from tests.tui.releases import RELEASE, end_deploy, write_release
from tests.tui.replan_samples import DECIDED, write_replans
from tests.tui.samples import NOW_US, Sample, Step
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_injection import assert_only_text
from tests.tui.screens.test_run_screen import screen_of
from tests.tui.stories import id_of
from tui.app import Inspector
from tui.payload import PayloadReading
from tui.places import RunPlace
from tui.screens.runs import RunsScreen
from tui.screenshot import screenshot
from tui.viewmodel.tabs import Tab
from tui.widgets.group_graph import GroupGraph

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tui.screenshot import Screen

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)


@pytest.fixture(scope="module")
def replans_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of several passes, the last of which reused results."""
    path = tmp_path_factory.mktemp("replans") / "runs.db"
    asyncio.run(write_replans(path))
    return path


SCREENS: tuple[Screen, ...] = ("groups", "gantt")


def chosen(app: Inspector) -> str | None:
    """The id of the step under the cursor."""
    step = screen_of(app).groups.views.step
    return step.step_id if step is not None else None


async def test_the_cursor_begins_at_what_failed_and_the_panel_tells_all_of_it(release_database: Path) -> None:
    """Why, command, last output, tries; what moves the cursor shows another step; the panel can be gone into and left."""
    app = inspector(release_database, RELEASE)
    async with opened(app, (160, 45)) as pilot:
        await press(pilot, "2")
        text = app.export_text()
        assert chosen(app) == "push"
        for told in ("the registry refused the layer", "./push.sh --tag v1.8", "denied:", "push_mirror", "FAILED"):
            assert told in text
        await press(pilot, "right")
        assert chosen(app) == "deploy"
        assert "host app1 updated" in app.export_text()
        await press(pilot, "up")
        assert chosen(app) == "image"
        assert "12 items, 1 failed" in app.export_text()
        await press(pilot, "home", "j", "k", "G")
        assert chosen(app) == "report"
        spot = screen_of(app).groups.views.graph.graph
        assert spot is not None
        place = spot.spot(1)
        assert place is not None
        await pilot.click(GroupGraph, offset=(place.left + 3, place.top + 1))
        await rest(pilot)
        assert chosen(app) == "lint"
        await press(pilot, "y")
        assert app.clipboard == "lint"


async def test_of_a_canceled_run_the_cursor_begins_at_what_was_stopped(tmp_path: Path) -> None:
    """Not at the first step, nor at one that had failed before and was passed over, nor at one that was never begun."""
    steps = [
        Step("probe", "failed", exit_code=3),
        Step("fetch"),
        Step("never", "skipped", depends_on=("push",)),
        Step("push", "canceled", exit_code=None),
    ]
    path = tmp_path / "canceled.db"
    await asyncio.to_thread(asyncio.run, samples.write(path, [Sample(73, "p", steps, "canceled", stage=Stage.EXECUTE)]))
    app = inspector(path, 73, tab=Tab.GROUPS)
    async with opened(app):
        assert chosen(app) == "push"


async def test_a_reused_step_says_whose_result_it_is_everywhere(replans_database: Path) -> None:
    """In the graph, in the Gantt, in the panel and among the stages; only what ran in this pass has part in the figures."""
    app = Inspector(
        replans_database, place=RunPlace(id_of(DECIDED), tab=Tab.GROUPS), clock=lambda: NOW_US, zone=UTC, follows=False
    )
    async with opened(app, (120, 40)) as pilot:
        await press(pilot, "home")
        text = app.export_text()
        assert "✓ ci" in text
        assert "SUCCEEDED reused" in text
        assert "reused from pass 1" in text
        assert "total 2.0s" in text
        await press(pilot, "v")
        lines = [line for line in app.export_text().split("\n") if "reused from pass 1" in line]
        assert [line.split()[1] for line in lines if "status" not in line] == ["ci", "services"]
        assert "█" not in "".join(lines)
        await press(pilot, "1")
        assert app.export_text().count("reused from pass 1") == 2


async def test_time_is_one_key_away_and_the_cursor_stays_on_its_step(release_database: Path) -> None:
    """Left and right follow the edges there; the last good run can be set beside it; a group folds."""
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    async with opened(app, (120, 40)) as pilot:
        await press(pilot, "v")
        assert chosen(app) == "push"
        assert "GROUP 3" in app.export_text()
        await press(pilot, "left")
        assert chosen(app) == "image"
        assert "░░" not in app.export_text()
        await press(pilot, "b")
        assert "░░" in app.export_text()
        assert "beside run" in app.export_text()
        await press(pilot, "down", "down")
        assert chosen(app) == "push"
        await press(pilot, "space")
        assert "▸ GROUP 3" in app.export_text()
        assert "● deploy" not in app.export_text()
        await press(pilot, "space", "b", "v")
        assert "░░" not in app.export_text()


async def test_focus_search_and_the_way_back(release_database: Path) -> None:
    """Focus hides what has nothing to do with the step; a search finds what is hidden; escape undoes the nearest thing."""
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    async with opened(app) as pilot:
        await press(pilot, "f")
        assert "notes" not in app.export_text()
        assert "5 steps hidden" in app.export_text()
        await press(pilot, "slash")
        await pilot.press(*"not")
        await press(pilot, "enter")
        assert chosen(app) == "notes"
        assert "1 of 1" in app.export_text()
        await press(pilot, "escape", "slash")
        await pilot.press(*"e")
        await press(pilot, "enter")
        first = chosen(app)
        await press(pilot, "n", "N")
        assert chosen(app) == first
        await press(pilot, "escape", "f", "escape")
        assert "notes" in app.export_text()
        assert "[2 Groups]" in app.export_text()
        await press(pilot, "escape")
        assert "[2 Groups]" not in app.export_text()


async def test_escape_leads_back_to_the_step_from_where_it_was_opened(release_database: Path) -> None:
    """From the stages and from its output, narrowed to it, and only once: after that the run is left."""
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    async with opened(app) as pilot:
        for key, tab in (("enter", "[1 Stages]"), ("s", "[4 Logs]")):
            step = chosen(app)
            await press(pilot, key)
            assert tab in app.export_text()
            await press(pilot, "escape")
            assert "[2 Groups]" in app.export_text()
            assert chosen(app) == step
        assert screen_of(app).logs.entries.choice.is_everything
        await press(pilot, "escape")
        assert isinstance(app.screen, RunsScreen)


async def test_a_step_is_opened_among_the_stages_and_in_the_logs(release_database: Path) -> None:
    """Enter goes to its row in what execute gave, unfolded; `s` to what it wrote, and nothing else."""
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    async with opened(app) as pilot:
        await press(pilot, "enter")
        view = screen_of(app).stages.output.view
        assert view.document.rows[view.cursor].path == ("result", "push")
        assert "▾ push" in app.export_text()
        await press(pilot, "2", "s")
        text = app.export_text()
        assert "[4 Logs]" in text
        assert "denied:" in text
        assert "app1" not in text


async def test_a_live_pass_grows_where_it_stands(release_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the clock its times go on; what has moved is read again, and the rest keeps its place."""
    now = [NOW_US]
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    monkeypatch.setattr(app, "_clock", lambda: now[0])
    async with opened(app) as pilot:
        assert "● deploy 9.0s" in app.export_text()
        before = _places(app)
        now[0] += 3 * samples.SECOND
        assert screen_of(app).tick()
        await rest(pilot)
        assert "● deploy 12.0s" in app.export_text()
    path = release_database.with_name("ended.db")
    async with open_writer(path, engine_id=samples.ENGINE) as writer:
        await write_release(writer)
        app = inspector(path, RELEASE, tab=Tab.GROUPS)
        async with opened(app) as pilot:
            await end_deploy(writer)
            screen_of(app).want()
            await rest(pilot)
            text = app.export_text()
            assert "✓ deploy 5.0s" in text
            assert "↷ smoke" in text
            assert _places(app) == before


def _places(app: Inspector) -> list[int]:
    graph = screen_of(app).groups.views.graph.graph
    assert graph is not None
    return [slot.x for row in graph.placing.rows for slot in row]


async def test_a_wide_group_is_folded_and_space_shows_it(tmp_path: Path) -> None:
    """The fold says how many; the panel lists them; space draws them all, and folds them again."""
    steps = [Step(f"host_{n:02d}", took_us=1000) for n in range(60)]
    path = tmp_path / "wide.db"
    await asyncio.to_thread(asyncio.run, samples.write(path, [Sample(71, "wide", steps)]))
    app = inspector(path, 71, tab=Tab.GROUPS)
    async with opened(app) as pilot:
        assert " more" in app.export_text()
        await press(pilot, "G")
        assert chosen(app) is None
        assert "space shows them" in app.export_text()
        await press(pilot, "space")
        assert chosen(app) is not None
        await press(pilot, "G")
        assert chosen(app) == "host_59"
        await press(pilot, "space")
        assert " more" in app.export_text()


async def test_what_has_no_steps_says_so(database: Path) -> None:
    """A run whose plan is not there yet, and every key that needs a step says that there is none."""
    empty = Sample(72, "asked", [], None, stage=Stage.ROUTE_PLAN)
    async with open_writer(database) as writer:
        await samples.write_run(writer, empty)
    app = inspector(database, 72, tab=Tab.GROUPS)
    async with opened(app) as pilot:
        assert "no steps" in app.export_text()
        await _press_all(pilot)
        assert app.is_running


async def _press_all(pilot: Pilot[int]) -> None:
    await press(
        pilot, "j", "k", "h", "l", "G", "home", "f", "enter", "s", "space", "v", "j", "k", "h", "l", "space", "b", "y"
    )


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_only_text_gets_to_the_terminal(tmp_path: Path, size: tuple[int, int]) -> None:
    """Whatever steps are called and say: as marks, in the Gantt, in the panel, in the line of figures."""
    path = tmp_path / "evil.db"
    await asyncio.to_thread(asyncio.run, samples.write(path, [evil_sample(0, " ".join(EVIL))]))
    app = inspector(path, 0, tab=Tab.GROUPS)
    async with opened(app, size) as pilot:
        assert_only_text(app)
        for key in ("h", "f", "v", "tab", "E", "G", "escape"):
            await press(pilot, key)
            assert_only_text(app)


async def test_both_views_can_be_drawn_without_a_terminal(release_database: Path) -> None:
    """For documents and CI: the graph by its own name, and the Gantt."""
    drawn = {
        name: await screenshot(
            release_database, name, RunPlace(samples.run_id(RELEASE)), (100, 30), "text", clock=lambda: NOW_US
        )
        for name in SCREENS
    }
    assert "✓ checkout" in drawn["groups"]
    assert "at the end, whatever happened" in drawn["groups"]
    assert "▾ GROUP 0" in drawn["gantt"]
    assert "█" in drawn["gantt"]


async def test_a_large_result_is_read_when_it_is_unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that was left in the file unfolds in the panel as it does among the stages, and escape stops its reading."""
    monkeypatch.setattr("tui.source.READ_ALONG_BYTES", 200_000)
    path = tmp_path / "large.db"
    steps = [Step("primary", data={"rows": [{"name": f"db{n:05}", "note": "x" * 40} for n in range(6000)]})]
    await samples.write(path, [Sample(1, steps=steps)])
    app = inspector(path, 1, tab=Tab.GROUPS)
    async with opened(app, (120, 40)) as pilot:
        view = screen_of(app).groups.panel.view
        view.go_to(("result",))
        await rest(pilot)
        assert "read when unfolded" in app.export_text()
        with monkeypatch.context() as patched:
            reached = asyncio.Event()

            async def never(*_: object) -> None:
                reached.set()
                await asyncio.Event().wait()

            patched.setattr(PayloadReading, "read", never)
            view.go_to(("result", "data"))
            await reached.wait()
            await pilot.press("escape")
            await rest(pilot)
        assert "read when unfolded" in app.export_text()
        view.go_to(("result", "data"))
        await rest(pilot)
        assert view.document.rows[view.cursor + 1].path == ("result", "data", "rows")
