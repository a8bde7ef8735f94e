"""The program as a person runs it: in a pseudo-terminal, driven by keys, watched through an emulator."""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest

from tests.tui import samples
from tests.tui.corpus import EVIL, evil_sample, text_written
from tests.tui.pseudo_terminal import Terminal
from tui.terminal import is_clean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

PROGRAM = "import sys; from tui.commands.entry import run; sys.exit(run(['--db', sys.argv[1]]))"


def environment() -> dict[str, str]:
    """What every program in these tests is told."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", "LANG": "C.UTF-8"}


def terminal(path: Path, columns: int = 80, rows: int = 24, *, deaf_to: Collection[signal.Signals] = ()) -> Terminal:
    """The inspector on a file."""
    return Terminal([sys.executable, "-c", PROGRAM, str(path)], columns, rows, environment(), deaf_to=deaf_to)


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


def test_what_is_typed_in_one_go_is_all_typed(database: Path) -> None:
    """As from a slow line or a script: the filter has every letter when enter comes."""
    with terminal(database) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        screen.press("jjg/status:failed\r")
        screen.wait_for(r"1 of 28")
        screen.press("/\x1b")
        screen.wait_for(r"SUCCEEDED")
        screen.press("q")
        assert screen.wait_for_end() == 0


@pytest.mark.parametrize("after", ["?", "w", "\r"])
def test_keys_that_follow_the_one_that_leaves_do_nothing(database: Path, after: str) -> None:
    """Typed ahead for the shell, or a slip of the finger."""
    with terminal(database) as screen:
        screen.wait_for(r"28 runs")
        screen.press("q" + after)
        assert screen.wait_for_end() == 0
        assert "unexpected error" not in bytes(screen.raw).decode()


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


def test_the_real_size_counts_though_nobody_tells_of_it(database: Path) -> None:
    """A signal about a new size that got lost, or came in the wrong order, is made up for."""
    with terminal(database, deaf_to=[signal.SIGWINCH]) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        screen.resize(120, 30)
        screen.wait_for(r"(?s)STATUS +RUN +PLAN +ROUTE.*\n[^\n]*\? help\Z")
        assert screen.text.count("\n") == 29
        screen.press("?")
        screen.wait_for("opscope › help")
        screen.resize(90, 20)
        screen.wait_for(r"(?s)\A opscope › help {60,70}esc closes")
        screen.resize(30, 8)
        screen.wait_for("30x8, needs")
        screen.resize(80, 24)
        screen.wait_for("opscope › help")


def test_after_a_storm_of_sizes_the_last_one_counts(database: Path, scaled: Callable[[int], int]) -> None:
    """As when somebody drags the corner of a window about."""
    sizes = random.Random(2026)
    with terminal(database) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        for number in range(scaled(1000)):
            screen.tell_size(sizes.randint(30, 150), sizes.randint(6, 50))
            if number % 7 == 0:
                screen.read()
        screen.resize(101, 33)
        # A key that comes while the last size seen is too small for anything is for nobody.
        screen.wait_for(r"(?s)\A opscope › runs.*STATUS +RUN +PLAN +ROUTE.*\? help\Z")
        screen.press("?")
        screen.wait_for(r"\A opscope › help")
        screen.press("escape")
        screen.wait_for(r"(?s)STATUS +RUN +PLAN +ROUTE.*\? help\Z")
        assert screen.text.count("\n") == 32


def test_a_defect_is_one_line_with_the_way_to_its_details(database: Path, tmp_path: Path) -> None:
    """The terminal is given back, no traceback is printed, the status is 4."""
    broken = (
        "import sys; from tui.commands import main; from tui.widgets.runs_table import RunsTable\n"
        "class Broken(RunsTable):\n"
        "    def line_at(self, index, cells):\n"
        "        raise ValueError('the \\x1b[31mdrawing\\nboard')\n"
        "import tui.screens.runs\n"
        "tui.screens.runs.RunsTable = Broken\n"
        "sys.exit(main())"
    )
    told = {**environment(), "OPSCOPE_DB": str(database), "XDG_STATE_HOME": str(tmp_path / "state")}
    with Terminal([sys.executable, "-c", broken], 100, 24, told) as screen:
        assert screen.wait_for_end() == 4
        shown = bytes(screen.raw).rpartition(b"\x1b[?1004l")[2].decode()
        assert "opscope: " in shown
        assert r"an unexpected error: ValueError: the \x1b[31mdrawing\nboard" in text_written(shown.encode())
        assert "Traceback" not in bytes(screen.raw).decode()
        assert "│" not in shown
    (report,) = (tmp_path / "state").rglob("crashes/*.txt")
    assert "line_at" in report.read_text()
    assert str(report) in shown.replace("\r\n", "")


def test_a_defect_in_the_background_is_no_traceback_either(database: Path, tmp_path: Path) -> None:
    """What a worker meets, and what the thread that reads keys meets."""
    for place in ("tui.source.RunSource.runs", "tui.key_parser.KeyParser.feed"):
        owner, _, name = place.rpartition(".")
        module, _, kind = owner.rpartition(".")
        broken = (
            f"import sys, {module} as module; from tui.commands import main\n"
            f"def fails(*_): raise RuntimeError('{name} is broken')\n"
            f"module.{kind}.{name} = fails\n"
            "sys.exit(main())"
        )
        told = {**environment(), "OPSCOPE_DB": str(database), "XDG_STATE_HOME": str(tmp_path / "state")}
        with Terminal([sys.executable, "-c", broken], 100, 24, told) as screen:
            screen.press("j")
            assert screen.wait_for_end() == 4
            assert f"RuntimeError: {name} is broken" in bytes(screen.raw).decode()
            assert "Traceback" not in bytes(screen.raw).decode()


@pytest.mark.parametrize("damage", ["garbage", "a state nobody knows"])
def test_a_file_that_is_damaged_while_it_is_looked_at(database: Path, damage: str) -> None:
    """The screen says so and stays; leaving it gives 4."""
    with terminal(database) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        if damage == "garbage":
            connection = sqlite3.connect(database)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            with database.open("r+b") as file:
                file.seek(0)
                file.write(b"\xa5" * database.stat().st_size)
        else:
            connection = sqlite3.connect(database)
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("UPDATE runs SET status = 'upside_down'")
            connection.commit()
            connection.close()
        screen.press("enter")
        screen.wait_for("NOT READABLE")
        screen.press("q")
        assert screen.wait_for_end() == 4
        assert "Traceback" not in bytes(screen.raw).decode(errors="replace")


def test_answers_that_nobody_asked_for_are_no_keys(database: Path) -> None:
    """Neither what the terminal is, nor a colour, nor that it lost the focus: the next key is the first one."""
    with terminal(database) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        screen.press(
            "\x1b[?1;2c", "\x1b]11;rgb:7171/7777/6f6f\x1b\\", "\x1b[?997;1n", "\x1b[O", "\x1b[I", "\x1bP>|quit q\x1b\\"
        )
        screen.press("\x1b[O", "j", "enter")
        screen.wait_for(r"runs › \w{6} ci_lookup")
        screen.press("q")
        assert screen.wait_for_end() == 0


@pytest.mark.parametrize(("name", "colours"), [("xterm-256color", ""), ("xterm", ""), ("linux", ""), ("vt100", "")])
def test_terminals_with_few_colours_show_the_same(database: Path, name: str, colours: str) -> None:
    """No true colour reaches a terminal that has not said it takes it."""
    told = {**environment(), "TERM": name, "COLORTERM": colours}
    with Terminal([sys.executable, "-c", PROGRAM, str(database)], 80, 24, told) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        screen.press("j", "enter")
        screen.wait_for(r"ping +✗ FAILED +timed out after 10 s")
        screen.press("q")
        assert screen.wait_for_end() == 0
        assert b"38;2" not in screen.raw


def test_ctrl_l_draws_over_whatever_has_spoilt_the_screen(database: Path) -> None:
    """A message of the system, noise on the line: what is written otherwise is only what has changed."""
    with terminal(database) as screen:
        screen.wait_for(r"(?s)28 runs.* 10\.4s .*\n host_triage 1\.2 .*\? help\Z")
        shown = screen.text
        screen.spoil(5, "the system is going down for maintenance")
        assert screen.text != shown
        screen.press("\x0c")
        screen.wait_for(re.escape(shown.splitlines()[4]))
        assert screen.text == shown


def test_ctrl_z_goes_to_the_shell_and_fg_comes_back(database: Path) -> None:
    """The shell has its own screen in between; the inspector is where it was, in the size that the terminal has now."""
    line = shlex.join([sys.executable, "-c", PROGRAM, str(database)])
    with Terminal(["bash", "--norc", "--noprofile", "-i"], 80, 24, {**environment(), "PS1": "shell> "}) as screen:
        screen.wait_for(r"shell>")
        screen.press(line, "enter")
        screen.wait_for(r"opscope › runs .*28 runs")
        screen.press("j", "enter")
        screen.wait_for(r"runs › \w{6} ci_lookup")
        screen.press("\x1a")
        screen.wait_for(r"(?s)Stopped.*shell>\s*\Z")
        screen.resize(110, 30)
        screen.press("fg", "enter")
        screen.wait_for(r"(?s)\A opscope › runs › \w{6} ci_lookup.*\? help\Z")
        assert screen.text.count("\n") == 29
        screen.press("q")
        screen.wait_for(r"shell>\s*\Z")
        screen.press("exit", "enter")
        screen.wait_for_end()


def test_ctrl_z_without_a_shell_stays(database: Path) -> None:
    """A terminal that runs the inspector and nothing else would never come back."""
    with terminal(database) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        screen.press("\x1a")
        screen.wait_for("no shell here")
        screen.press("q")
        assert screen.wait_for_end() == 0


def test_a_key_that_scrolls_is_cheap_for_a_slow_line(database: Path) -> None:
    """Down to the last of 28 runs in 24 rows, and up again: not a kilobyte a key."""
    with terminal(database) as screen:
        screen.wait_for(r"opscope › runs .*28 runs")
        before = len(screen.raw)
        for _ in range(27):
            screen.press("j")
            screen.read()
        screen.wait_for(samples.run_id(28)[:6])
        screen.press("g")
        screen.wait_for(samples.run_id(1)[:6])
        assert len(screen.raw) - before < 28 * 1000
