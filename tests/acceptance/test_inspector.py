"""The inspector in a terminal, next to other processes: live, dead engines, the mouse, rough hands."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operator import click, harmful, read_until
from tests.tui.corpus import text_written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.operator import Operator
    from tests.tui.pseudo_terminal import Terminal

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

LIST = r"opscope › runs  .*[12] runs?"
STAGES = r"OUTPUT execute"
ROW = r"✓ SUCCEEDED +\w{6} +ci-lookup"
CTRL_C = "\x03"


@pytest.fixture
def waiting_plan(operator: Operator) -> tuple[str, Path]:
    """A plan whose only step waits until somebody writes into a pipe."""
    gate = operator.folder / "gate"
    os.mkfifo(gate)
    step = {"id": "gate", "command": "cat", "args": [str(gate)], "output": "text"}
    return operator.plan("waits.json", steps=[step]), gate


def begin(operator: Operator, plan: str) -> subprocess.Popen[bytes]:
    """Run a plan in another process; back when its step is under way."""
    process = operator.start(
        "run", "--no-ui", plan, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    read_until(process.stderr, "RUNNING")
    return process


def let_go(gate: Path, process: subprocess.Popen[bytes]) -> int:
    """Let the step of the waiting plan end, and its run with it."""
    gate.write_text("open\n", encoding="utf-8")
    code = process.wait(20)
    if process.stderr is not None:
        process.stderr.close()
    return code


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill an engine as the kernel does when memory runs out."""
    process.kill()
    process.wait(20)
    if process.stderr is not None:
        process.stderr.close()


def lines_of(screen: Terminal, pattern: str) -> list[int]:
    """The rows, counted from 1, on which a pattern stands."""
    return [number for number, line in enumerate(screen.text.splitlines(), 1) if re.search(pattern, line)]


@pytest.mark.long
def test_two_inspectors_see_a_run_of_a_third_process_as_it_goes(
    operator: Operator, waiting_plan: tuple[str, Path]
) -> None:
    """I7: the list and the stages follow without a key; killing one inspector touches neither the other nor the run."""
    plan, gate = waiting_plan
    operator.run("run", "ci_lookup")
    with operator.terminal() as one, operator.terminal(columns=160, rows=45) as other:
        one.wait_for(LIST)
        other.wait_for(LIST)
        process = begin(operator, plan)
        one.wait_for(r"● RUNNING +\w{6} +waits")
        other.wait_for(r"● RUNNING +\w{6} +waits")
        row = lines_of(other, "RUNNING")[0]
        other.press(click(20, row))
        other.press("enter")
        other.wait_for(r"waits +● RUNNING")
        other.wait_for(r"gate +● RUNNING")
        os.kill(one._pid, signal.SIGKILL)
        assert let_go(gate, process) == 0
        other.wait_for(r"waits +✓ SUCCEEDED")
        other.wait_for(r"gate +✓ SUCCEEDED")
        other.press("escape")
        other.wait_for(r"✓ SUCCEEDED +\w{6} +waits")
        other.press("q")
        assert other.wait_for_end() == 0


@pytest.mark.parametrize("opened", [False, True])
def test_a_killed_engine_is_seen_in_an_open_inspector(
    operator: Operator, waiting_plan: tuple[str, Path], opened: bool
) -> None:
    """I7: nothing is written any more, so only the inspector itself can notice: the list and the run turn to ENGINE LOST."""
    plan, gate = waiting_plan
    with operator.terminal() as screen:
        process = begin(operator, plan)
        screen.wait_for(r"● RUNNING +\w{6} +waits")
        if opened:
            screen.press("enter")
            screen.wait_for(r"waits +● RUNNING")
        end(process)
        with contextlib.suppress(OSError):  # lets the step of the dead engine end, if nobody ended it yet
            os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
        assert "engine_lost" in operator.run("runs", "--json").out
        screen.wait_for(r"waits +✗ ENGINE LOST" if opened else r"✗ ENGINE LOST +\w{6} +waits", 6)
        screen.press("q")
        assert screen.wait_for_end() == 0


@pytest.mark.long
def test_a_double_click_on_a_run_opens_it_once(operator: Operator) -> None:
    """I1: two clicks that arrive together, as they do over SSH, open one screen; one Escape leads back."""
    operator.run("run", "ci_lookup")
    with operator.terminal(columns=100, rows=30) as screen:
        for _ in range(8):
            screen.wait_for(ROW, 6)
            row = lines_of(screen, ROW)[0]
            screen.press(click(30, row, times=2))
            screen.wait_for(STAGES, 6)
            screen.press("escape")
        screen.wait_for(ROW, 6)
        screen.press("q")
        assert screen.wait_for_end() == 0


@pytest.mark.long
def test_a_double_click_on_a_key_of_the_last_line_does_no_harm(operator: Operator) -> None:
    """Clicking `esc back` twice leads back to the list; what the second click meets there is no error."""
    operator.run("run", "ci_lookup")
    for _ in range(2):
        with operator.terminal(columns=100, rows=30) as screen:
            screen.wait_for(LIST)
            screen.press("enter")
            screen.wait_for(STAGES)
            screen.press("4")
            screen.wait_for("enter open  esc back")
            row = lines_of(screen, "esc back")[-1]
            column = screen.text.splitlines()[row - 1].index("esc back") + 2
            screen.press(click(column, row, times=2))
            screen.wait_for(LIST, 6)
            screen.press(CTRL_C)
            assert screen.wait_for_end() == 0


def test_sizes_and_a_paste_do_not_end_it(operator: Operator) -> None:
    """Every size is painted, a useless one says so, and a paste of 20 KB with controls in it is text of one line."""
    operator.run("run", "ci_lookup")
    with operator.terminal() as screen:
        screen.wait_for(LIST)
        screen.press("enter")
        for columns, rows, sign in (
            (160, 45, r"INPUT execute .*OUTPUT execute"),
            (20, 5, "Too small"),
            (80, 24, STAGES),
        ):
            screen.resize(columns, rows)
            screen.wait_for(sign)
        screen.press("/")
        screen.wait_for(r" search ")
        screen.press(f"\x1b[200~{'A' * 20_000}\x03\x1b[31m[/nope]\u202e\r\nq\x1b[201~")
        screen.wait_for(r"search .*A")
        screen.press(CTRL_C)
        assert screen.wait_for_end() == 0
        assert harmful(text_written(bytes(screen.raw)).replace("\r", "")) == set()


def test_a_byte_that_is_no_utf8_does_not_end_it(operator: Operator) -> None:
    """A Latin-1 terminal, a noisy serial line, a pasted byte: what cannot be read is no key, and no crash."""
    operator.run("run", "ci_lookup")
    with operator.terminal() as screen:
        screen.wait_for(LIST)
        os.write(screen._fd, b"\xff\xfe\x80")
        screen.press("enter")
        screen.wait_for(STAGES, 6)
        screen.press("q")
        assert screen.wait_for_end() == 0


def test_sigterm_gives_the_terminal_back(operator: Operator) -> None:
    """Ended from outside, it leaves the other screen, shows the cursor and stops the reports of the mouse."""
    operator.run("run", "ci_lookup")
    with operator.terminal() as screen:
        screen.wait_for(LIST)
        os.kill(screen._pid, signal.SIGTERM)
        screen.wait_for_end()
        for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"):
            assert sequence in screen.raw, sequence


def test_the_help_is_whole_at_80_columns(operator: Operator) -> None:
    """Help that is cut at the margin does not help."""
    operator.run("run", "ci_lookup")
    with operator.terminal() as screen:
        screen.wait_for(LIST)
        screen.press("enter")
        screen.wait_for(STAGES)
        screen.press("?")
        screen.wait_for(r"opscope › help")
        cut = [line for line in screen.text.splitlines() if line.rstrip().endswith("…")]
        screen.press("escape")
        screen.wait_for(STAGES)
        assert cut == []
