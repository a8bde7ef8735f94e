"""The Logs tab in use: where it starts, choosing, searching, breaking, looking closely, following."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from engine.model.states import Stage, Stream
from store.writer import open_writer
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.samples import BACKUP, NOW_US, Sample, Step, wrote
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_run_screen import screen_of
from tui.viewmodel.log_index import PAGE_BYTES
from tui.viewmodel.tabs import Tab
from tui.viewmodel.text import plain
from tui.widgets import log_list

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.model.json import JsonObject
    from tui.app import Inspector
    from tui.widgets.log_list import LogList


def lines_of(app: Inspector) -> LogList:
    """The lines."""
    return screen_of(app).logs.entries


def chosen(app: Inspector) -> str:
    """The row under the cursor; it is on the screen."""
    lines = lines_of(app)
    text = plain(lines.line_at(lines.cursor, lines.size.width)).strip()
    row = app.export_text().splitlines()[lines.region.y + lines.cursor - round(lines.scroll_y)]
    assert row.strip().startswith(text)
    return text


async def test_a_failed_run_starts_where_it_broke_and_steps_and_streams_are_chosen(backup_database: Path) -> None:
    """The last line of the step that failed, though another wrote after it; escape shows everything again."""
    app = inspector(backup_database, BACKUP)
    async with opened(app) as pilot:
        await press(pilot, "4")
        assert chosen(app) == "upload#2 err part-1 refused: 403 quota exceeded"
        assert "69 lines" in app.export_text()
        await press(pilot, "s", "enter")
        assert "upload  4 lines" in app.export_text()
        assert "connecting again" in app.export_text()
        assert "checksums" not in app.export_text()
        await press(pilot, "S")
        assert "upload has written nothing to stdout; esc shows everything" in app.export_text()
        await press(pilot, "escape")
        assert lines_of(app).view.line_count == 69
        await press(pilot, "s", "g", "j", "enter")
        assert "7 Answer   " in app.export_text()
        assert "  snapshot\n" in app.export_text()
        assert lines_of(app).view.line_count == 50
        await press(pilot, "s", "escape")
        assert lines_of(app).choice.step_id == "snapshot"
        await press(pilot, "escape", "escape")
        assert "1 run" in app.export_text()


async def test_a_line_is_shown_whole_searched_for_and_copied(backup_database: Path) -> None:
    """Lines are put together from their pieces; the cursor stays on its line when long ones are broken."""
    app = inspector(backup_database, BACKUP, tab=Tab.LOGS)
    async with opened(app) as pilot:
        await press(pilot, "slash")
        await pilot.press(*"TWO pieces")
        await press(pilot, "enter")
        assert chosen(app) == "compress out the end of a line in two pieces tabbed"
        assert "1 of 1" in app.export_text()
        await press(pilot, "y")
        assert app.clipboard == "the end of a line in two pieces\ttabbed"
        await press(pilot, "escape", "k")
        assert "3.4 KB" in chosen(app)
        await press(pilot, "W")
        assert lines_of(app).line_count > 69
        assert chosen(app).startswith("compress out checksums")
        await press(pilot, "W", "enter", "tab", "j")
        text = app.export_text()
        assert "LINE 63" in text
        assert "│ 0123456789abcdef" in text.replace("checksums ", "")
        await press(pilot, "escape", "g", "G")
        assert chosen(app) == "note     out told the people on call"
        await press(pilot, "slash")
        await pilot.press(*"block")
        await press(pilot, "enter")
        assert "48 of 48" in app.export_text()
        await press(pilot, "n")
        assert chosen(app) == "snapshot out block 1 of 48"
        await press(pilot, "N", "N")
        assert chosen(app) == "snapshot out block 47 of 48"
        await press(pilot, "f")
        assert "nothing is added any more" in app.export_text()


async def test_json_in_a_line_can_be_unfolded_beside_it(backup_database: Path) -> None:
    """From a hundred columns on the panel stands at the right; it shows whatever the cursor comes to."""
    app = inspector(backup_database, BACKUP, tab=Tab.LOGS)
    async with opened(app, (160, 45)) as pilot:
        lines = lines_of(app)
        lines.go_to(55)
        await rest(pilot)
        await press(pilot, "enter")
        panel = screen_of(app).logs.detail
        assert panel.region.x > lines.region.x
        assert 'file  "part-6"' in app.export_text()
        await press(pilot, "j", "j")
        assert 'file  "part-8"' in app.export_text()
        await press(pilot, "enter")
        assert app.focused is panel.view
        await press(pilot, "escape", "escape")
        assert "opscope › runs  " in app.export_text()


async def test_a_live_run_is_followed_until_somebody_looks_back(database: Path) -> None:
    """Then it counts what comes, G goes to the end and follows again, and the end of the run is the end."""
    live = Sample(50, "live_plan", [Step("one", "running")], None, 5_000_000, stage=Stage.EXECUTE)
    live.logs = [wrote("one", f"line {n}\n") for n in range(1, 41)]
    async with open_writer(database) as writer:
        await samples.write_run(writer, live)
        app = inspector(database, 50, tab=Tab.LOGS)
        async with opened(app) as pilot:

            async def more(first: int, last: int) -> str:
                await writer.append_logs(live.run_id, [wrote("one", f"line {n}\n") for n in range(first, last + 1)])
                # Output is kept when there is time for it; an event is there when this returns, and all before it.
                await writer.append(live.run_id, [Event(EventKind.LOCK_ACQUIRED, NOW_US, {"names": []})])
                screen_of(app).want()
                await rest(pilot)
                return app.export_text()

            assert "● following" in app.export_text()
            assert chosen(app) == "one  out line 40"
            assert "+" not in (await more(41, 42)).splitlines()[3]
            assert chosen(app) == "one  out line 42"
            await press(pilot, "k", "k")
            assert "+17 new, G to follow" in await more(43, 59)
            assert chosen(app) == "one  out line 40"
            await press(pilot, "G")
            assert "● following" in app.export_text()
            assert chosen(app) == "one  out line 59"
            await press(pilot, "f")
            assert "● following" not in await more(60, 60)
            over: JsonObject = {"duration_us": 1, "warnings": 0, "first_cause": None, "steps": {}}
            await writer.append(live.run_id, [Event(EventKind.RUN_SUCCEEDED, NOW_US, over)])
            assert "+2 new, G to see" in await more(61, 61)


async def test_much_output_is_held_in_pages_and_read_again(
    tmp_path: Path, scaled: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has been let go comes back when it is looked at or searched; nothing is lost at the seams."""
    monkeypatch.setattr(log_list, "KEPT_BYTES", PAGE_BYTES)
    many = scaled(100_000)
    path = tmp_path / "much.db"
    sample = Sample(1, "much", [Step("one"), Step("two")])
    sample.logs = [
        wrote(
            "one" if n % 2 else "two",
            b"".join(b"%07d and so on and so forth, one hundred and fifty bytes a line %s\n" % (m, b"." * 80) for m in range(n, n + 500)),
            stream=Stream.STDERR if n % 3 else Stream.STDOUT,
        )
        for n in range(0, many, 500)
    ]  # fmt: skip
    await samples.write(path, [sample])
    app = inspector(path, 1, tab=Tab.LOGS)
    async with opened(app, (120, 34)) as pilot:
        lines = lines_of(app)
        assert lines.line_count == many
        assert f"{many - 1:07d} and so on" in chosen(app)
        held = sum(len(content) for page in lines._pages.values() for content in page)
        assert held <= PAGE_BYTES + 500 * 200
        await press(pilot, "g")
        assert "0000000 and so on" in chosen(app)
        await press(pilot, "slash")
        await pilot.press(*f"{many - 700:07d}")
        await press(pilot, "enter")
        assert f"{many - 700:07d} and so on" in chosen(app)
        assert "1 of 1" in app.export_text()


@pytest.mark.parametrize("tab", [Tab.LOGS, Tab.EVENTS])
async def test_the_scrollbar_shows_where_the_list_stands_from_the_beginning(backup_database: Path, tab: Tab) -> None:
    """A list that opens at its end has the bar at the end."""
    app = inspector(backup_database, BACKUP, tab=tab)
    async with opened(app):
        entries = screen_of(app).tab.panels[0]
        assert entries.scroll_y > 0
        assert entries.vertical_scrollbar.position == entries.scroll_y
