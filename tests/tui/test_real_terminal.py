"""The program as a person runs it: in a pseudo-terminal, driven by keys, watched through an emulator."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.tui import samples
from tests.tui.corpus import EVIL, evil_sample, text_written
from tests.tui.pseudo_terminal import Terminal
from tui.terminal import is_clean

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = "import sys; from pathlib import Path; from tui.app import run_inspector; sys.exit(run_inspector(Path(sys.argv[1])))"


def terminal(path: Path, columns: int = 80, rows: int = 24) -> Terminal:
    """The inspector on a file."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    environment = {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", "LANG": "C.UTF-8"}
    return Terminal([sys.executable, "-c", PROGRAM, str(path)], columns, rows, environment)


def test_a_person_looks_at_a_run_and_leaves(database: Path) -> None:
    """Runs, open, next stage, help, a larger window, back, filter, quit: exit status 0 and the terminal as it was."""
    with terminal(database) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        screen.wait_for(r"✗ ENGINE LOST +\w{6} +host_triage")
        screen.press("j", "enter")
        screen.wait_for(r"runs › \w{6} ci_lookup")
        screen.wait_for(r"ping +✗ FAILED +timed out after 10 s")
        screen.press("L")
        screen.wait_for(r"OUTPUT compose")
        screen.press("?")
        screen.wait_for(r"opscope › help")
        screen.press("escape")
        screen.wait_for(r"OUTPUT compose")
        screen.resize(160, 45)
        screen.wait_for(r"INPUT compose .*OUTPUT compose")
        screen.press("escape")
        screen.wait_for(r"STATUS +RUN +PLAN +ROUTE")
        screen.press("/", *"status:failed")
        screen.wait_for(r"1 of 28")
        screen.press("enter")
        screen.press("q")
        assert screen.wait_for_end() == 0
        assert b"\x1b[?1049l" in screen.raw


def test_a_file_that_is_no_database_ends_with_4(tmp_path: Path) -> None:
    """The screen says what is wrong; leaving it gives the status of a broken infrastructure."""
    path = tmp_path / "photo.db"
    path.write_bytes(b"\x89PNG\r\n" * 1000)
    with terminal(path) as screen:
        screen.wait_for("NOT READABLE")
        screen.press("q")
        assert screen.wait_for_end() == 4


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_no_control_byte_of_the_data_is_written(tmp_path: Path, part: int) -> None:
    """Everything that the driver wrote is its own sequences and clean text, on every screen and tab, with copying."""
    path = tmp_path / "evil.db"
    evil = " ".join(EVIL[part::3])
    await samples.write(path, [evil_sample(1, evil)])
    with terminal(path, 120, 40) as screen:
        screen.wait_for("1 failed")
        screen.press("y", "enter")
        screen.wait_for("OUTPUT")
        screen.press("E", "j", "enter", "E", "Y", "y")
        screen.wait_for("sent to the terminal")
        screen.press("tab", "tab", "y", "H", "H", "H")
        screen.wait_for("OUTPUT route_plan")
        screen.press("4")
        screen.wait_for("lines")
        screen.press("g", "enter", "W", "y", "s", "enter", "5")
        screen.wait_for("events")
        screen.press("g", "enter", "w")
        screen.wait_for("No earlier run")
        screen.press("y")
        screen.press("q")
        assert screen.wait_for_end() == 0
        left = text_written(bytes(screen.raw))
        assert is_clean(left.replace("\r", "").replace("\n", "")), ascii(left)
