"""The Replans tab by its keys: along the line, filter, copy, the pass of one, and what is decided."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from engine.model.states import RunStatus
from tests.tui.commands.hosts import Hosts
from tests.tui.conftest import opened, press, rest
from tests.tui.replan_samples import DECIDED, PLAIN, WAITING, write_replans
from tests.tui.samples import NOW_US
from tests.tui.screens.test_steering import until
from tests.tui.stories import id_of
from tui.app import Inspector
from tui.places import RunPlace
from tui.screens.run import RunScreen
from tui.screens.runs import RunsScreen
from tui.viewmodel.tabs import Tab
from tui.widgets.reason import ReasonQuestion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)


@pytest.fixture(scope="module")
def replans_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs with replans."""
    path = tmp_path_factory.mktemp("replans") / "runs.db"
    asyncio.run(write_replans(path))
    return path


def looking_at(path: Path, number: int, tab: Tab = Tab.REPLANS, *, ascii_only: bool = False) -> Inspector:
    """The inspector on one of them."""
    return Inspector(
        path,
        place=RunPlace(id_of(number), tab=tab),
        clock=lambda: NOW_US,
        zone=UTC,
        ascii_only=ascii_only,
        follows=False,
    )


def chosen(app: Inspector) -> str:
    """The id of the replan that is told."""
    assert isinstance(app.screen, RunScreen)
    replan = app.screen.replans.chosen
    return "" if replan is None else replan.event_id


async def typed(pilot: Pilot[int], text: str) -> None:
    """Type into the filter and keep it."""
    await press(pilot, "slash")
    pilot.app.screen.query_one("#replan-filter Input", Input).value = text
    await press(pilot, "enter")


async def test_without_replans_their_keys_are_not_offered(replans_database: Path) -> None:
    """There is nothing to move along, to filter or to copy, and there never will be: the last line names what there is."""
    app = looking_at(replans_database, PLAIN)
    async with opened(app) as pilot:
        last = app.export_text().rstrip().split("\n")[-1]
        assert "esc back" in last
        for label in ("filter", "stages", "copy patch", "replan"):
            assert label not in last
        await press(pilot, "slash")
        assert not app.screen.query_one("#replan-filter").display


async def test_the_way_back_from_the_pass_of_one_leads_to_it_once(replans_database: Path) -> None:
    """Enter showed its stage, so escape shows it again, and the runs after that. A tab that one chose is left for the runs."""
    app = looking_at(replans_database, DECIDED)
    async with opened(app, (120, 40)) as pilot:
        await press(pilot, "h", "enter")
        told = chosen(app)
        assert "[1 Stages]" in app.export_text()
        await press(pilot, "H", "escape")
        assert "[3 Replans]" in app.export_text()
        assert chosen(app) == told
        await press(pilot, "enter", "4", "1", "escape")
        assert isinstance(app.screen, RunsScreen)


async def test_one_goes_along_the_line_and_to_the_pass_of_one(replans_database: Path) -> None:
    """The last is told first; enter leads to the stages of its pass, and the passes beside it are two keys away."""
    app = looking_at(replans_database, DECIDED)
    async with opened(app, (120, 40)) as pilot:
        assert chosen(app) == "r1.2"
        await press(pilot, "right", "left")
        assert chosen(app) == "r1.1"
        assert "the link is slow today" in app.export_text()
        await press(pilot, "h", "h")
        assert chosen(app) == "r0.1"
        await press(pilot, "y")
        assert json.loads(app.clipboard)["after"]["ci"]["step_def"]["query"] == "{assets.wide}"
        await pilot.click("#replan-line", offset=(40, 2))
        await rest(pilot)
        assert chosen(app) == "r1.1"
        await press(pilot, "enter")
        assert "pass 1, last 2" in app.export_text()
        assert any("ping" in line and "✗ FAILED" in line for line in app.export_text().splitlines())
        await press(pilot, "less_than_sign")
        assert "pass 0, last 2" in app.export_text()
        await press(pilot, "less_than_sign")
        assert "this is the first pass" in app.export_text()
        await press(pilot, "greater_than_sign", "greater_than_sign")
        assert ", last 2" not in app.export_text()
        assert "owners" in app.export_text()
        await press(pilot, "3", "escape")
        assert not isinstance(app.screen, RunScreen)


async def test_the_filter_keeps_what_is_asked_for(replans_database: Path) -> None:
    """By trigger and by time; escape shows all again; what is not understood is said."""
    app = looking_at(replans_database, DECIDED)
    async with opened(app) as pilot:
        await typed(pilot, "trigger:timeout")
        assert chosen(app) == "r1.1"
        assert "1 of 3" in app.export_text()
        await typed(pilot, "to:11:58:20 no host")
        assert chosen(app) == "r0.1"
        await typed(pilot, "trigger:operator")
        assert "no replan passes this filter; esc shows all" in app.export_text()
        await typed(pilot, "trigger:banana")
        assert "no trigger banana" in app.export_text()
        await press(pilot, "escape")
        assert "3 replans" in app.export_text()


async def test_what_cannot_be_decided_says_why(replans_database: Path) -> None:
    """A run that is over; one without replans; on the Replans tab `a` and `d` are explained in the help."""
    app = looking_at(replans_database, DECIDED)
    async with opened(app) as pilot:
        await press(pilot, "a")
        assert "this run is over" in app.export_text()
        assert not app.screen.query_one(ReasonQuestion).is_open
    app = looking_at(replans_database, PLAIN)
    async with opened(app) as pilot:
        assert "No replans: its plan was never changed on the way." in app.export_text()
        await press(pilot, "y")
        assert "there is no replan" in app.export_text()


async def test_a_waiting_one_is_asked_about_from_any_tab_and_nothing_happens_by_escape(replans_database: Path) -> None:
    """The question names it; keys go into the reason; escape leaves all as it is."""
    app = looking_at(replans_database, WAITING, Tab.STAGES)
    async with opened(app) as pilot:
        text = app.export_text()
        assert "‖ PAUSED: APPROVAL" in text
        assert "a approve   d deny   3 what changes" in text
        assert "p resume" not in text
        await press(pilot, "d")
        assert "Deny r0.1, the replan of step ci (empty result)? The plan stays as it is." in app.export_text()
        await press(pilot, *"qx7")
        question = app.screen.query_one(ReasonQuestion)
        assert question.query_one(Input).value == "qx7"
        await press(pilot, "escape")
        assert not question.is_open
        assert chosen(app) == "r0.1"
        assert "‖ PENDING" in app.export_text()


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    """Engine hosts with a file of their own; whatever is left of them is ended after the test."""
    made = Hosts(tmp_path, tmp_path / "runs.db")
    try:
        yield made
    finally:
        made.end_everything()


@pytest.mark.parametrize(("key", "decision"), [("a", "✓ APPROVED"), ("d", "⊘ DENIED")])
async def test_a_live_run_goes_on_as_decided(hosts: Hosts, key: str, decision: str) -> None:
    """The engine that waits hears it, with the reason; the tab shows what became of it."""
    run_id = hosts.detached("ci_lookup", "-p", "host=db3", "--override", "policy/ci-lookup-replan@2")
    app = Inspector(hosts.database, place=RunPlace(run_id))
    async with opened(app, (120, 40)) as pilot:
        await until(pilot, "PAUSED: APPROVAL")
        await press(pilot, key, *"seen", "enter")
        await until(pilot, decision, without="PENDING")
        await until(pilot, "SUCCEEDED")
        assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED
        await until(pilot, "seen")
        assert ("pass 1      " in app.export_text()) is (key == "a")
