"""The JSON viewer on the Stages tab: searching, filtering, wrapping and copying over what is folded, not read yet, or large."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from engine.model.states import Stage
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.corpus import EVIL, evil_sample
from tests.tui.samples import Sample, Step
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_injection import assert_only_text
from tui.payload import PayloadReading
from tui.screens.run import RunScreen
from tui.viewmodel.json_packed import PackedObject
from tui.viewmodel.text import plain

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from engine.model.json import Json
    from tui.app import Inspector
    from tui.screens.tabs.stages import StagesTab
    from tui.widgets.json_view import JsonView

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

ROWS: list[Json] = [{"id": n, "name": f"db{n:05}", "note": 'say "hello"\nand go'} for n in range(12_000)]


@pytest.fixture(scope="module")
def large_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a step that gave most of a megabyte, one that wrote much, and a small one."""
    path = tmp_path_factory.mktemp("large") / "runs.db"
    steps = [
        Step("ping", data={"rtt": 1, "error": "late"}),
        Step("primary", data={"rows": ROWS, "total": len(ROWS)}),
        Step("say", data="line of output\n" * 30_000 + "the very last db11999"),
    ]
    asyncio.run(samples.write(path, [Sample(1, steps=steps, params={"host": "db01"})]))
    return path


@pytest.fixture(autouse=True)
def _little_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.source.READ_ALONG_BYTES", 200_000)


async def typed(pilot: Pilot[int], key: str, text: str) -> None:
    """Type into the line that a key opens, until it has taken effect."""
    await press(pilot, key)
    finder = _tab(pilot).finder
    prompt = finder.path_prompt if key == "ampersand" else finder.prompt
    prompt.typed.value = text
    await press(pilot, "enter")


def _tab(pilot: Pilot[int]) -> StagesTab:
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)
    return screen.stages


def _view(pilot: Pilot[int]) -> JsonView:
    return _tab(pilot).output.view


def _row(pilot: Pilot[int]) -> str:
    view = _view(pilot)
    return plain(view.line_at(view.cursor, 160))


def _app(path: Path) -> Inspector:
    return inspector(path, 1, stage=Stage.EXECUTE)


async def test_a_large_value_is_read_when_it_is_unfolded(large_database: Path) -> None:
    """It says how large it is before; then it unfolds like any other, and its path and value can be copied."""
    app = _app(large_database)
    async with opened(app, (120, 40)) as pilot:
        _view(pilot).go_to(("result", "primary"))
        await rest(pilot)
        assert "read when unfolded" in app.export_text()
        _view(pilot).go_to(("result", "primary", "data"))
        await rest(pilot)
        loaded = [value for value in _view(pilot).document.loaded.values() if isinstance(value, PackedObject)]
        assert len(loaded) == 1
        await typed(pilot, "ampersand", "primary.data.rows[11999].name")
        assert '"db11999"' in app.export_text()
        assert "1 place" in app.export_text()
        await press(pilot, "Y")
        assert app.clipboard == "primary.data.rows[11999].name"
        await press(pilot, "y")
        assert app.clipboard == "db11999"


async def test_the_whole_of_a_large_value_can_be_copied(
    large_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was stored, into a file, because no terminal takes so much."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = _app(large_database)
    async with opened(app, (120, 40)) as pilot:
        for path in (("result", "primary"), ("result", "primary", "data")):
            _view(pilot).go_to(path)
            await rest(pilot)
        await press(pilot, "y")
        (file,) = tmp_path.glob("opscope-*.txt")
        assert json.loads(file.read_text())["rows"] == ROWS
        assert "written to" in app.export_text()


async def test_searching_looks_into_what_was_not_read(large_database: Path) -> None:
    """Folded, unread and large; n goes on, reads what it must, and says when it begins again at the top."""
    app = _app(large_database)
    async with opened(app, (120, 40)) as pilot:
        await typed(pilot, "slash", "db11999")
        assert "1 of 2" in app.export_text()
        assert 'name  "db11999"' in _row(pilot)
        await press(pilot, "n")
        assert "the very last db11999" in _row(pilot)
        await press(pilot, "n")
        assert "1 of 2, from the top" in app.export_text()
        assert 'name  "db11999"' in _row(pilot)
        await press(pilot, "N")
        assert "2 of 2, from the end" in app.export_text()
        await press(pilot, "escape")
        assert not _view(pilot).is_finding


async def test_a_path_filter_says_how_many_and_ends_with_escape(large_database: Path) -> None:
    """A path that is none says where; one that fits nothing says so; everything is back at the end."""
    app = _app(large_database)
    async with opened(app, (120, 40)) as pilot:
        before = app.export_text()
        await typed(pilot, "ampersand", "ping.*")
        assert "places" in app.export_text()
        assert "primary" not in app.export_text()
        await typed(pilot, "ampersand", "a[")
        assert "no path from character 2 on" in app.export_text()
        await typed(pilot, "ampersand", "nowhere.at.all")
        assert "nothing there" in app.export_text()
        await press(pilot, "escape")
        assert app.export_text() == before


async def test_a_filter_that_nothing_passes_says_so_where_the_value_was(large_database: Path) -> None:
    """It is not that the stage gave nothing; and escape shows all of it again."""
    app = _app(large_database)
    async with opened(app, (80, 24)) as pilot:
        await typed(pilot, "ampersand", "..nowhere_at_all")
        assert "nothing matches ..nowhere_at_all   esc shows everything" in app.export_text()
        assert "gave no output" not in app.export_text()
        await press(pilot, "escape")
        assert "nothing matches" not in app.export_text()
        assert "ping" in app.export_text()


@pytest.mark.parametrize("size", [(80, 24), (80, 40), (120, 40), (80, 16)])
@pytest.mark.parametrize("key", ["slash", "ampersand"])
@pytest.mark.parametrize("panel", ["output", "input"])
async def test_what_is_searched_keeps_its_size_while_one_types(
    large_database: Path, size: tuple[int, int], key: str, panel: str
) -> None:
    """From the first key to the end of the search nothing moves: what was found stays in sight."""
    app = _app(large_database)
    async with opened(app, size) as pilot:
        tab = _tab(pilot)
        if panel == "input":
            await press(pilot, "shift+tab")
        before = [one.region for one in (tab.input, tab.output)]
        for keys in ((key,), ("p",), ("enter",), ("escape",)):
            await press(pilot, *keys)
            assert [one.region for one in (tab.input, tab.output)] == before
        has = tab.diagnostics.region
        await press(pilot, key, "enter", "escape")
        assert tab.diagnostics.region == has


async def test_escape_stops_reading(large_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is folded again and can be unfolded once more."""
    reached = asyncio.Event()

    async def never(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    app = _app(large_database)
    async with opened(app, (120, 40)) as pilot:
        _view(pilot).go_to(("result", "primary"))
        await rest(pilot)
        with monkeypatch.context() as patched:
            patched.setattr(PayloadReading, "read", never)
            _view(pilot).go_to(("result", "primary", "data"))
            await reached.wait()
            await pilot.press("escape")
            await rest(pilot)
        assert isinstance(app.screen, RunScreen)
        assert "read when unfolded" in app.export_text()
        _view(pilot).go_to(("result", "primary", "data"))
        await rest(pilot)
        assert "rows" in app.export_text()


async def test_wrapping_shows_long_strings_whole(tmp_path: Path) -> None:
    """Every word of them, over as many rows as it takes; once more cuts them again."""
    path = tmp_path / "wrap.db"
    said = " ".join(f"word{n}" for n in range(60))
    await samples.write(path, [Sample(1, steps=[Step("say", data={"text": said, "more": "one\ntwo"})])])
    app = _app(path)
    async with opened(app, (120, 40)) as pilot:
        _view(pilot).go_to(("result", "say"))
        await rest(pilot)
        _view(pilot).go_to(("result", "say", "data"))
        await rest(pilot)
        assert "word59" not in app.export_text()
        await press(pilot, "W")
        assert "word59" in app.export_text()
        assert "│ two" in app.export_text()
        await press(pilot, "W")
        assert "word59" not in app.export_text()


@pytest.mark.parametrize("number", range(2))
async def test_search_filter_and_copies_are_text_only(tmp_path: Path, number: int) -> None:
    """Keys, values and paths that try to be more, typed into both lines, and what is said when they are copied."""
    evil = " ".join(EVIL[number::2])
    path = tmp_path / "evil.db"
    await samples.write(path, [evil_sample(1, evil)])
    app = inspector(path, 1)
    async with opened(app, (120, 40)) as pilot:
        for key in ("slash", "ampersand"):
            for text in (evil, "..*", f"['{EVIL[number]}']"):
                await typed(pilot, key, text)
                assert_only_text(app)
                for pressed in ("E", "W", "G", "n", "N", "y", "Y"):
                    await press(pilot, pressed)
                    assert_only_text(app)
            await press(pilot, "escape")
        assert app.is_running
        assert all(part.isprintable() for part in app.clipboard.split("\n"))
