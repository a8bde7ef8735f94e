"""Pictures of the JSON viewer on the Stages tab: deep values, long strings, search, path filter, and a value too large to be read along."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.model.states import Stage
from tests.tui import samples
from tests.tui.conftest import rest
from tests.tui.samples import Sample, Step
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_snapshots import keys
from tui.screens.run import RunScreen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from engine.model.json import Json
    from tui.screens.tabs.stages import StagesTab
    from tui.viewmodel.json_nodes import Path as JsonPath

SIZES = [(80, 24), (160, 45)]
SUMMARY = (
    "The host answered after 4.2 s, which is more than twice what it took on each of the last thirty days; its disks were "
    "busy with a rebuild of the array that began at 03:12, and nothing else was found that would explain it."
)
QUERY = "SELECT ci, owner\n  FROM hosts\n WHERE site = :site\n ORDER BY load DESC"
ROWS: list[Json] = [
    {
        "id": number,
        "ci": f"db{number:02}.fra.example.net",
        "owner": {"team": "storage", "mail": "storage@example.net"},
        "tags": ["prod", "fra"],
        "note": None,
        "up": number % 3 > 0,
    }
    for number in range(40)
]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A run whose steps gave rows, prose, a query and an error."""
    path = tmp_path / "runs.db"
    steps = [
        Step("primary", data={"rows": ROWS, "total": 40, "summary": SUMMARY, "query": QUERY}),
        Step("ping", data={"error": None, "rtt": [1.2, 3.4]}, stdout="64 bytes from db01: icmp_seq=1 time=0.4 ms\n"),
        Step("aggregate", data={"rows": ROWS[:3], "error": "two rows were left out: their owner is not known"}),
    ]
    sample = Sample(1, steps=steps, params={"host": "db01", "limit": 20, "dry": False}, warnings=("ping: slow",))
    asyncio.run(samples.write(path, [sample]))
    return path


def _stages(pilot: Pilot[int]) -> StagesTab:
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)
    return screen.stages


def unfolded(*path: str | int, then: tuple[str, ...] = ()) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Go down a path of the output, unfolding what is on the way, and press keys there."""

    async def go(pilot: Pilot[int]) -> None:
        await rest(pilot)
        for end in range(2, len(path) + 1):
            place: JsonPath = path[:end]
            _stages(pilot).output.view.go_to(place)
            await rest(pilot)
        await pilot.press(*then)
        await rest(pilot)

    return go


def found(key: str, text: str, *then: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Type into the search or the filter, and press keys then."""

    async def go(pilot: Pilot[int]) -> None:
        await rest(pilot)
        await pilot.press(key)
        tab = _stages(pilot)
        (tab.finder.prompt if key == "slash" else tab.finder.path_prompt).typed.value = text
        await pilot.press("enter")
        await rest(pilot)
        await pilot.press(*then)
        await rest(pilot)

    return go


@pytest.mark.parametrize("size", SIZES)
def test_a_row_of_many(inventory: Path, snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    """The first of forty rows is open: keys calmer than values, null and previews dim, the others a line each."""
    before = unfolded("result", "primary", "data", "rows", 0)
    assert snap_compare(inspector(inventory, 1, stage=Stage.EXECUTE), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_long_strings_wrapped(inventory: Path, snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    """The prose stands whole, broken between words behind a thin bar, and the query line by line."""
    before = unfolded("result", "primary", "data", then=("W", *"jjjj"))
    assert snap_compare(inspector(inventory, 1, stage=Stage.EXECUTE), terminal_size=size, run_before=before)


def test_long_strings_wrapped_in_ascii(inventory: Path, snap_compare: Callable[..., bool]) -> None:
    """The same with nothing but ASCII."""
    before = unfolded("result", "primary", "data", then=("W", *"jjjj"))
    app = inspector(inventory, 1, stage=Stage.EXECUTE, ascii_only=True)
    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_a_search_into_what_was_folded(
    inventory: Path, snap_compare: Callable[..., bool], size: tuple[int, int]
) -> None:
    """The third match is under the cursor, its step and rows open, the word marked; the line below says 3 of how many."""
    before = found("slash", "storage@", "n", "n")
    assert snap_compare(inspector(inventory, 1, stage=Stage.EXECUTE), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_a_path_filter(inventory: Path, snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    """Of each row its team and what leads there, nothing else; the line below says how many places there are."""
    before = found("ampersand", "rows[*].owner.team")
    assert snap_compare(inspector(inventory, 1, stage=Stage.EXECUTE), terminal_size=size, run_before=before)


def test_a_path_filter_in_light(inventory: Path, snap_compare: Callable[..., bool]) -> None:
    """Both errors, of two steps, dark on light; the third step is not there."""
    app = inspector(inventory, 1, stage=Stage.EXECUTE, light=True)
    assert snap_compare(app, terminal_size=(80, 24), run_before=found("ampersand", "..error"))


def test_a_path_that_is_none(inventory: Path, snap_compare: Callable[..., bool]) -> None:
    """The line below says from which character on."""
    app = inspector(inventory, 1, stage=Stage.EXECUTE)
    assert snap_compare(app, terminal_size=(80, 24), run_before=found("ampersand", "rows[x]"))


@pytest.mark.parametrize("size", SIZES)
def test_a_value_that_is_not_read_along(
    inventory: Path, snap_compare: Callable[..., bool], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how large it is, how it begins, and that it is read when it is unfolded."""
    monkeypatch.setattr("tui.source.READ_ALONG_BYTES", 10)
    large = Sample(2, steps=[Step("primary", data={"rows": ROWS * 20})])
    asyncio.run(samples.write(inventory, [large]))
    before = unfolded("result", "primary")
    assert snap_compare(inspector(inventory, 2, stage=Stage.EXECUTE), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_export_asks_where(
    size: tuple[int, int], inventory: Path, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block above the run: the name that is offered, the folder, what enter and escape do. The run stays in sight."""
    monkeypatch.chdir("/")
    app = inspector(inventory, 1, stage=Stage.EXECUTE)
    assert snap_compare(app, terminal_size=size, run_before=keys("e"))
