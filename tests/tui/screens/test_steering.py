"""Steering from the screens: a real engine host is paused, resumed and canceled; what cannot be steered says why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.errors import WaitingError
from engine.model.event import EventKind
from engine.model.states import RunStatus
from store.writer import open_writer
from tests.tui.commands.hosts import GATED, Hosts
from tests.tui.conftest import opened, press, rest
from tests.tui.samples import NOW_US
from tests.tui.screens.inspectors import inspector
from tests.tui.stories import Story
from tui.app import Inspector
from tui.places import RunPlace
from tui.screens.run import RunScreen
from tui.widgets.dialogue import Question, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    """Engine hosts with a file of their own; whatever is left of them is ended after the test."""
    made = Hosts(tmp_path, tmp_path / "runs.db")
    try:
        yield made
    finally:
        made.end_everything()


async def until(pilot: Pilot[int], text: str, *, without: str = "nothing like this") -> None:
    """Wait until something is on the screen that follows the file, and something else is not."""
    app: Inspector = pilot.app  # type: ignore[assignment]
    try:
        async with asyncio.timeout(30):
            while text not in app.export_text() or without in app.export_text():
                await rest(pilot)
    except TimeoutError:
        pytest.fail(f"{text!r} did not come:\n{app.export_text()}")


async def test_a_run_is_paused_resumed_and_canceled_from_its_screen(hosts: Hosts) -> None:
    """Each says what came of it; a cancel asks first, and no other key gets through while it does."""
    hosts.plan(GATED)
    run_id = hosts.detached(str(hosts.home / "plan.yaml"), "-p", f"gate={hosts.fifo('gate')}")
    app = Inspector(hosts.database, place=RunPlace(run_id), watching=True)
    async with opened(app, (120, 34)) as pilot:
        await until(pilot, "wait    ● RUNNING")
        assert "q detaches, the run goes on" in app.export_text()
        await press(pilot, "p")
        await until(pilot, "is paused: what runs goes on, nothing new starts")
        await until(pilot, "‖ PAUSED: OPERATOR")
        assert "p resume" in app.export_text()
        await press(pilot, "p")
        await until(pilot, "goes on", without="PAUSED")
        await press(pilot, "x")
        assert "What runs is stopped, then its finally steps run." in app.export_text()
        await press(pilot, "q", "L", "slash", "n")
        assert not app.screen.query_one(Question).is_open
        assert app.is_running
        assert "being canceled" not in app.export_text()
        await press(pilot, "x", "y")
        await until(pilot, "⊘ CANCELED", without="● RUNNING")
        assert hosts.wait_for_end(run_id).status is RunStatus.CANCELED
        await press(pilot, "escape")
        assert not app.screen.query_one(Reply).is_open
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "x")
        assert "this run is over" in app.export_text()


async def test_what_waits_says_for_whom_and_what_helps(tmp_path: Path) -> None:
    """A lost engine, an uncertain step and a cancel that is under way, above the tabs; a refusal says why and stays."""
    path = tmp_path / "runs.db"
    lost = Story(1, ago=30).begin().start("fetch")
    decision = Story(2).begin().start("copy").tell(EventKind.RUN_QUARANTINED, {"uncertain": ["copy"]})
    canceling = (
        Story(3).begin().start("copy").tell(EventKind.CONTROL_RECEIVED, {"verb": "cancel"}, actor="operator:ops")
    )
    full = Story(4).begin().tell(EventKind.RUN_PAUSED, {"reason": "storage"})
    async with open_writer(path) as writer:
        for story in (lost, decision):
            await story.write(writer)
    async with open_writer(path) as writer:
        for story in (canceling, full):
            await story.write(writer)
        for story, expected in (
            (lost, ("✗ ENGINE LOST", "p resume")),
            (decision, ("◆ QUARANTINED", "decision on copy", "p decide")),
            (canceling, ("● RUNNING", "⊘ being canceled: ops asked for it at 11:50:00", "x force")),
            (full, ("‖ PAUSED: STORAGE", "p resume")),
        ):
            app = Inspector(path, place=RunPlace(story.run_id), clock=lambda: NOW_US, follows=False)
            async with opened(app) as pilot:
                text = app.export_text()
                assert all(part in text for part in expected), text
                if story is decision:
                    assert isinstance(app.screen, RunScreen)
                    app.screen.reply(
                        WaitingError("copy needs a decision", steps=("copy",), hint="opscope resume --retry copy")
                    )
                    await rest(pilot)
                    assert " ✗ copy needs a decision\n   opscope resume --retry copy" in app.export_text()
                    await press(pilot, "escape")
                    assert not app.screen.query_one(Reply).is_open
                if story is canceling:
                    await press(pilot, "x")
                    assert "Stop its finally steps too?" in app.export_text()
                    await press(pilot, "escape")


async def test_the_runs_screen_steers_the_run_under_the_cursor(database: Path) -> None:
    """And says why where there is nothing to steer."""
    app = inspector(database)
    async with opened(app) as pilot:
        assert "p resume" in app.export_text()
        await press(pilot, "x")
        assert "A new engine runs its finally steps, nothing" in app.export_text()
        await press(pilot, "escape", "j", "p")
        assert "this run is over" in app.export_text()


async def test_what_may_have_been_done_is_decided_where_one_looks_at_it(hosts: Hosts) -> None:
    """Its engine was killed: `p` asks about the step, escape leaves it, an answer makes the run go on."""
    hosts.plan(GATED)
    gate = hosts.fifo("gate")
    run_id = hosts.detached(str(hosts.home / "plan.yaml"), "-p", f"gate={gate}")
    app = Inspector(hosts.database, place=RunPlace(run_id))
    async with opened(app, (100, 34)) as pilot:
        await until(pilot, "wait    ● RUNNING")
        hosts.kill(run_id)
        await until(pilot, "ENGINE LOST")
        await press(pilot, "p")
        await until(pilot, "What is to become of wait?")
        text = app.export_text()
        said = " ".join(text.split())
        assert "1 process it left behind ended" in said
        assert "step wait may or may not have done the work before the engine was lost" in said
        assert "p decide" in text
        assert "r run it again   d it has done its work   s leave it out   esc later" in text
        await press(pilot, "q", "x", "escape")
        assert "What is to become of" not in app.export_text()
        assert app.is_running
        await until(pilot, "◆ QUARANTINED")
        await press(pilot, "p")
        await until(pilot, "What is to become of wait?")
        await press(pilot, "r")
        await until(pilot, "goes on, with a new engine")
        await asyncio.to_thread(hosts.open_gate, gate)
        await until(pilot, "✓ SUCCEEDED", without="RUNNING")
        assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED
