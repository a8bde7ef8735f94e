"""The Events tab in use: the list, an event whole, the filter, following."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind
from engine.model.states import Stage
from store.writer import open_writer
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.samples import BACKUP, NOW_US, Sample, Step
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_run_screen import screen_of
from tui.viewmodel.tabs import Tab
from tui.widgets.event_list import PAGE

if TYPE_CHECKING:
    from pathlib import Path

    from tui.app import Inspector
    from tui.widgets.event_list import EventList


def events_of(app: Inspector) -> EventList:
    """The events."""
    return screen_of(app).events.entries


async def test_an_event_is_opened_copied_and_filtered_for(backup_database: Path) -> None:
    """Its data is unfolded; the filter knows kinds, steps and words, and keeps the event under the cursor."""
    app = inspector(backup_database, BACKUP)
    async with opened(app) as pilot:
        await press(pilot, "5")
        assert events_of(app).seq_chosen == events_of(app).last_seq
        assert "run.failed" in app.export_text()
        await press(pilot, "slash")
        await pilot.press(*"step:upload kind:attempt")
        await press(pilot, "enter")
        text = app.export_text()
        assert "3 of 30 events" in text
        assert "attempt.starting" in text
        assert "run.failed" not in text
        await press(pilot, "enter")
        text = app.export_text()
        assert "EVENT 19 attempt.finished" in text
        assert "exit_code" in text
        await press(pilot, "k", "k")
        assert "EVENT 17 attempt.starting" in app.export_text()
        await press(pilot, "y")
        copied = json.loads(app.clipboard)
        assert (copied["seq"], copied["data"]["tool_type"]) == (17, "command")
        await press(pilot, "escape", "escape")
        assert events_of(app).line_count == 30
        assert events_of(app).seq_chosen == 17
        await press(pilot, "slash")
        await pilot.press(*"nowhere")
        await press(pilot, "enter")
        assert "no event passes this filter; esc shows all" in app.export_text()
        await press(pilot, "escape", "escape")
        assert "opscope › runs  " in app.export_text()


async def test_many_events_are_read_in_pages_and_followed(database: Path) -> None:
    """The end at once, the beginning when it is gone to, what comes as it comes."""
    live = Sample(50, "live_plan", [Step("one", "running")], None, 5_000_000, stage=Stage.EXECUTE)
    async with open_writer(database) as writer:
        await samples.write_run(writer, live)
        asked = [Event(EventKind.CONTROL_RECEIVED, NOW_US, {"verb": f"word{n}"}) for n in range(3 * PAGE)]
        await writer.append(live.run_id, asked)
        app = inspector(database, 50, tab=Tab.EVENTS)
        async with opened(app) as pilot:
            events = events_of(app)
            assert f"word{3 * PAGE - 1}" in app.export_text()
            assert "● following" in app.export_text()
            await press(pilot, "g")
            assert "run.created" in app.export_text()
            await writer.append(live.run_id, [Event(EventKind.CONTROL_RECEIVED, NOW_US, {"verb": "last word"})])
            screen_of(app).want()
            await rest(pilot)
            assert "+1 new, G to follow" in app.export_text()
            assert events.seq_chosen == 1
            await press(pilot, "G")
            assert "last word" in app.export_text()
            await press(pilot, "1", "5")
            assert events.following
