"""A run watched while it goes, by terminals that stall, hang up and lose the engine: the run is never the worse for it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from engine.model.states import RunStatus
from tests.tui.commands.hosts import GATED

if TYPE_CHECKING:
    from tests.tui.commands.hosts import Hosts

TALKER = """\
plan_id: talker
params: {lines: {type: integer, default: 2000}}
steps:
  - {id: talk, command: sh, args: [-c, 'n=0; while [ $n -lt "$1" ]; do n=$((n+1)); echo "line $n of many"; done', sh, "{params.lines}"]}
  - {id: done, depends_on: [talk], command: "true"}
"""


@pytest.mark.long
def test_a_run_is_watched_to_its_end_and_looked_through(hosts: Hosts) -> None:
    """Started on the terminal, every tab looked at while a step waits, then the gate opens: it turns green by itself."""
    gate = hosts.fifo("gate")
    with hosts.terminal("run", hosts.plan(GATED), "-p", f"gate={gate}") as screen:
        screen.wait_for(r"wait +● RUNNING")
        for key, what in (("2", r"\[2 Groups"), ("4", r"\[4 Logs"), ("5", r"\[5 Events"), ("1", r"\[1 Stages")):
            screen.press(key)
            screen.wait_for(what)
        hosts.open_gate(gate)
        screen.wait_for(r"gated +✓ SUCCEEDED")
        screen.press("q")
        assert screen.wait_for_end() == 0
        assert "said go" in screen.text


@pytest.mark.long
def test_a_killed_engine_and_a_closed_terminal(hosts: Hosts) -> None:
    """kill -9 is seen within seconds in the one; the other run goes on when its terminal hangs up."""
    gate, other = hosts.fifo("gate"), hosts.fifo("other")
    with hosts.terminal("run", hosts.plan(GATED), "-p", f"gate={gate}") as screen:
        screen.wait_for(r"wait +● RUNNING")
        hosts.kill()
        screen.wait_for("ENGINE LOST")
        screen.press("q")
        assert screen.wait_for_end() == 4
    with hosts.terminal("run", hosts.plan(GATED), "-p", f"gate={other}") as screen:
        screen.wait_for(r"wait +● RUNNING")
        newest = hosts.run()
        assert newest is not None
        run_id = newest.run_id
        os.kill(screen._pid, signal.SIGHUP)
        screen.wait_for_end()
        hosts.open_gate(other)
        assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED


def test_a_terminal_that_stops_reading_holds_up_nobody(hosts: Hosts) -> None:
    """Nothing is read while the run writes thousands of lines and ends; then the terminal goes on and shows the end."""
    gate = hosts.fifo("gate")
    plan = hosts.plan(
        TALKER.replace("id: talk, ", "id: talk, depends_on: [gate], ")
        + '  - {id: gate, command: cat, args: ["'
        + str(gate)
        + '"]}\n'
    )
    with hosts.terminal("run", plan) as screen:
        screen.wait_for(r"gate +● RUNNING")
        screen.press("4")
        screen.wait_for(r"\[4 Logs")
        hosts.open_gate(gate)
        assert hosts.wait_for_end().status is RunStatus.SUCCEEDED
        screen.wait_for(r"talker +✓ SUCCEEDED")
        screen.wait_for("line 2000 of many")
        screen.press("q")
        assert screen.wait_for_end() == 0
