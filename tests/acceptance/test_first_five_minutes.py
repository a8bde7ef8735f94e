"""docs/first-five-minutes.md: its keys lead where it says, its pictures are there and are the program's own, and tell of no machine."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import sys
from functools import partial
from operator import ne
from typing import TYPE_CHECKING, cast

import pytest

from tests.acceptance.first_walk import NEUTRAL, PAGE, PICTURES, ROOT, WALK, flat, inspector, write_runs
from tests.tui.commands.hosts import until
from tests.tui.conftest import _wait_for_state, opened, press  # noqa: F401  (it is for every test here, too)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.acceptance.operator import Operator
    from tests.tui.pseudo_terminal import Terminal
    from tui.app import Inspector

TEXT = PAGE.read_text(encoding="utf-8")
NAMED = re.findall(r"!\[[^]]+\]\(([^)]+)\)", TEXT)
DRAWN = [stop.picture for stop in WALK if stop.picture is not None]
KEYS = {"escape": "esc", "question_mark": "?", "down": "↓", "up": "↑"}
"""How the page writes a key, where that is not its name."""


@pytest.fixture
def neutral(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment in which the runs were recorded, so that a rerun of them says the same everywhere."""
    for name in os.environ:
        if name not in NEUTRAL and not name.startswith(("PYTEST", "TEXTUAL", "COVERAGE")):
            monkeypatch.delenv(name)
    for name, value in NEUTRAL.items():
        monkeypatch.setenv(name, value)


def seen_by(pilot: Pilot[int]) -> str:
    app = cast("Inspector", pilot.app)
    return app.export_text()


def unseen(sees: tuple[str, ...], text: str) -> list[str]:
    return [words for words in sees if flat(words) not in flat(text)]


@pytest.mark.parametrize(
    "size",
    [(80, 24), pytest.param((100, 28), marks=pytest.mark.long), pytest.param((120, 35), marks=pytest.mark.long)],
    ids=str,
)
async def test_the_keys_of_the_walk_lead_where_it_says(tmp_path: Path, neutral: None, size: tuple[int, int]) -> None:
    """Why it failed, what a stage was given, which replan changed what, and the way to another version of a query."""
    runs = tmp_path / "runs.db"
    await write_runs(runs)
    pressed: list[str] = []
    async with opened(inspector(runs), size) as pilot:
        for stop in WALK:
            if stop.is_after_rerun:
                break
            await press(pilot, *stop.keys)
            pressed += stop.keys
            assert unseen(stop.sees, seen_by(pilot)) == [], f"after {' '.join(pressed)}:\n{seen_by(pilot)}"
        await press(pilot, "escape")
        assert "again as a test" not in seen_by(pilot)


def test_the_page_names_every_key_of_the_walk_in_its_order() -> None:
    """What is written as a key, in the order in which it is read, has the keys of the walk among it, in theirs."""
    written = iter(re.findall(r"`([^`\s]{1,6})`", TEXT))
    for stop in WALK:
        for key in stop.keys:
            shown = KEYS.get(key, key)
            assert shown in written, f"{shown} of {stop.keys} is not on the page where it is pressed"


def test_every_picture_of_the_page_is_there_and_every_picture_is_on_the_page() -> None:
    assert sorted(NAMED) == sorted(f"pictures/{name}.svg" for name in DRAWN)
    for name in NAMED:
        assert (PAGE.parent / name).read_text(encoding="utf-8").startswith("<svg")
    assert sorted(path.stem for path in PICTURES.glob("*.svg")) == sorted(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_small_and_tells_of_no_machine(name: str) -> None:
    text = " ".join(re.findall(r">([^<]*)<", (PICTURES / f"{name}.svg").read_text(encoding="utf-8")))
    assert len((PICTURES / f"{name}.svg").read_bytes()) < 40_000
    paths = set(re.findall(r"(?<![\w.])/[A-Za-z][\w.-]*(?:/[\w.-]+)*", text))
    assert paths <= {"/tmp", "/srv/plans", "/srv/plans/inventory.db", "/opt/opscope/plans"}
    recorded = {NEUTRAL["USER"], "app-13"}  # who ran what the pictures show, and where
    for private in {str(ROOT), socket.gethostname(), getpass.getuser()} - recorded:
        assert not re.search(rf"(?<!\w){re.escape(private)}(?!\w)", text), private


@pytest.mark.long
def test_the_pictures_are_what_the_program_draws_today(tmp_path: Path) -> None:
    """`python -m docs.make_pictures`, as docs/README.md says, gives the same bytes."""
    command = [sys.executable, "-m", "docs.make_pictures", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    stale = [
        name for name in DRAWN if (tmp_path / f"{name}.svg").read_bytes() != (PICTURES / f"{name}.svg").read_bytes()
    ]
    assert stale == []


@pytest.mark.long
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 35)])
def test_somebody_who_types_what_the_page_says_gets_there(operator: Operator, columns: int, rows: int) -> None:
    """The page's own commands and keys in a terminal, up to the comparison of the rerun."""
    (typed,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    *before, last = [line for line in typed.splitlines() if line.startswith("opscope")]
    for line in before:
        assert operator.run(*line.split()[1:], within=60).code == 0
    assert last.split() == ["opscope"]
    with operator.terminal(columns=columns, rows=rows) as terminal:
        for stop in WALK:
            for key in stop.keys:
                shown = terminal.text
                terminal.press("?" if key == "question_mark" else key)
                wait_until(terminal, partial(ne, shown))
            wait_until(terminal, partial(says, stop.sees))
        terminal.press("q")
        assert terminal.wait_for_end() == 0


def says(sees: tuple[str, ...], text: str) -> bool:
    return not unseen(sees, text)


def wait_until(terminal: Terminal, is_there: Callable[[str], bool]) -> None:
    """Return when what is on the screen is as it should be."""

    def look() -> bool:
        terminal.read()
        return is_there(terminal.text)

    try:
        until(look, "the walk's next stop")
    except AssertionError as error:
        raise AssertionError(f"{error}:\n{terminal.text}") from None
