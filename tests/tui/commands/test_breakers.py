"""`breakers`: which tools are left alone and until when; and a reset, which is recorded and outlives a rebuild."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.breaker import BreakerPhase
from engine.model.states import RunStatus
from store.embedding import open_engine
from store.rows import BreakerRow
from tui.viewmodel.breakers import phase_mark, phase_now, probe_words, since_us

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Answer, Cli
    from tests.tui.commands.hosts import Hosts

HEAD = "globals: {breaker: {failures: 2, cooldown_sec: 300}}\n"
FAILING = '  - {id: first, command: "false", retries: 1, backoff: {initial_sec: 0}, on_failure: continue}\n'
CRITICAL = '  - {id: deploy, critical: true, command: "false", depends_on: [first]}\n'
TOOL = "command:false"


def run(cli: Cli, home: Path, steps: str, name: str = "fragile") -> Answer:
    (home / f"{name}.yaml").write_text(f"plan_id: {name}\n{HEAD}steps:\n{steps}")
    return cli("run", "-q", f"./{name}.yaml")


def listed(cli: Cli) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cli("breakers", "--json").out)
    return found


def reset(cli: Cli, *words: str, tool: str = TOOL) -> Answer:
    return cli("breakers", "--reset", tool, "--reason", "the mount is back", *words)


def test_before_anything_has_failed(cli: Cli, database: Path) -> None:
    answer = cli("breakers")
    assert (answer.code, answer.out, answer.err) == (0, "no breaker has moved\n", "")
    assert cli("breakers", "--json").out == "[]\n"
    refused = reset(cli)
    assert (refused.code, refused.err) == (2, f"opscope: there is no breaker of '{TOOL}'\n  no breaker has moved\n")
    assert not database.exists()


def test_the_list_says_which_tools_are_left_alone_and_until_when(cli: Cli, home: Path) -> None:
    """The open ones first."""
    assert run(cli, home, '  - {id: a, command: "cat", args: [nowhere]}\n', "other").code == 1
    assert run(cli, home, FAILING).code == 0
    head, first, second = cli("breakers").out.splitlines()
    assert head.split() == ["TOOL", "PHASE", "FAILURES", "SINCE", "NEXT", "PROBE", "RUN", "PLAN"]
    assert first.split()[:4] == [TOOL, "✗", "OPEN", "2"]
    assert " from " in first
    assert first.split()[-1] == "fragile"
    assert (second.split()[:4], second.split()[-3], second.split()[-1]) == (
        ["command:cat", "✓", "CLOSED", "1"],
        "–",
        "other",
    )
    cat, false = listed(cli)
    assert (cat["tool"], cat["phase"], cat["failures"], cat["opened_at"], cat["next_probe_at"]) == (
        "command:cat",
        "closed",
        1,
        None,
        None,
    )
    assert (false["tool"], false["phase"], false["failures"]) == (TOOL, "open", 2)
    assert false["since"] == false["opened_at"]
    assert false["next_probe_at"] > false["opened_at"]
    assert false["run_id"] == json.loads(cli("runs", "--json", "--plan", "fragile").out)[0]["run_id"]


def test_a_reset_is_recorded_and_the_tool_is_used_again(cli: Cli, home: Path) -> None:
    """With the run that moved it last, after its end; the file is sound, and a rebuild changes nothing."""
    run(cli, home, FAILING)
    (before,) = listed(cli)
    assert run(cli, home, '  - {id: second, command: "false"}\n', "next").code == 1
    assert "the breaker of command:false is open" in cli("why", "last").out
    answer = reset(cli)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"the breaker of {TOOL} is closed; it is recorded with run {before['run_id'][:6]}\n"
    (after,) = listed(cli)
    assert (after["phase"], after["failures"], after["next_probe_at"]) == ("closed", 0, None)
    assert (after["run_id"], after["opened_at"]) == (before["run_id"], before["opened_at"])
    event = json.loads(cli("events", before["run_id"], "--json").out.splitlines()[-1])
    assert (event["kind"], event["actor"].partition(":")[0]) == ("control.received", "operator")
    assert (event["data"]["verb"], event["data"]["arguments"]) == (
        "reset_breaker",
        {"tool": TOOL, "reason": "the mount is back"},
    )
    assert json.loads(cli("show", before["run_id"], "--json").out)["status"] == "succeeded"
    for words in (("verify",), ("verify", "--rebuild"), ("verify",)):
        verified = cli(*words)
        assert verified.code == 0, verified.out
        assert listed(cli) == [after]
    assert run(cli, home, '  - {id: second, command: "false"}\n', "next").code == 1
    assert json.loads(cli("show", "last", "--json").out)["steps"][0]["exit_code"] == 1, "it was tried"
    assert listed(cli)[0]["failures"] == 1


def test_a_quarantined_run_goes_on_after_a_reset(cli: Cli, home: Path) -> None:
    """It is the one that moved the breaker last, and is not over: its step is tried at once, and not after the cooldown."""
    assert run(cli, home, FAILING + CRITICAL).code == 3
    run_id = listed(cli)[0]["run_id"]
    answer = reset(cli, "--json")
    assert (answer.code, answer.err) == (0, "")
    told = json.loads(answer.out)
    assert (told["phase"], told["run_id"], told["reason"]) == ("closed", run_id, "the mount is back")
    assert json.loads(cli("runs", "--json").out)[0]["status"] == "quarantined"
    assert cli("resume", run_id, "--retry", "deploy", "--no-ui").code == 1
    steps = json.loads(cli("show", run_id, "--json").out)["steps"]
    assert {step["id"]: step["reason"] for step in steps}["deploy"] == "exit_code"
    assert cli("verify").code == 0


def test_what_is_closed_is_left_as_it_is(cli: Cli, home: Path) -> None:
    """A script that asks twice is not wrong."""
    run(cli, home, FAILING)
    assert reset(cli).code == 0
    run_id = listed(cli)[0]["run_id"]
    events = cli("events", run_id, "--json").out
    answer = reset(cli)
    assert (answer.code, answer.out) == (0, f"the breaker of {TOOL} is closed already; nothing was changed\n")
    assert json.loads(reset(cli, "--json").out)["reason"] is None
    assert cli("events", run_id, "--json").out == events


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--reset", "command:flase", "--reason", "x"), f"did you mean {TOOL}?\n  breakers: {TOOL}\n"),
        (("--reset", TOOL), "--reset needs --reason with some words"),
        (("--reset", TOOL, "--reason", "  "), "--reset needs --reason with some words"),
        (("--reason", "x"), "--reason goes with --reset"),
    ],
)
def test_bad_input_changes_nothing(cli: Cli, home: Path, words: tuple[str, ...], error: str) -> None:
    run(cli, home, FAILING)
    answer = cli("breakers", *words)
    assert (answer.code, answer.out) == (2, "")
    assert error in answer.err
    assert listed(cli)[0]["phase"] == "open"


async def test_a_run_that_is_under_way_keeps_its_own_count(cli: Cli, home: Path, database: Path) -> None:
    """It moved the breaker last; a reset in the file would not reach it, so it is refused with what to do."""
    opened, go = asyncio.Event(), asyncio.Event()

    async def burst() -> None:
        raise ConnectionError("nobody answers")

    async def hang() -> None:
        opened.set()
        await go.wait()

    (home / "p.yaml").write_text(
        f"plan_id: p\n{HEAD}steps:\n"
        "  - {id: b, step_def: {type: tool, tool: burst}, retries: 1, backoff: {initial_sec: 0}, on_failure: continue}\n"
        "  - {id: h, step_def: {type: tool, tool: hang}, depends_on: [b]}\n"
    )
    database.parent.mkdir(parents=True, exist_ok=True)
    async with open_engine(database, tools={"burst": burst, "hang": hang}) as engine:
        running = asyncio.create_task(engine.run(home / "p.yaml"))
        await opened.wait()
        answer = await asyncio.to_thread(reset, cli, tool="tool:burst")
        go.set()
        outcome = await running
        over = await asyncio.to_thread(reset, cli, tool="tool:burst")
    assert outcome.status is RunStatus.SUCCEEDED
    assert (answer.code, answer.out) == (2, "")
    assert f"belongs to run {outcome.run_id}, which is under way" in answer.err
    assert f"opscope cancel {outcome.run_id[:6]}" in answer.err
    assert over.code == 0, "its engine lives on and has nothing more to say of it"
    assert cli("verify").code == 0


SECOND = 1_000_000
ROW = BreakerRow(
    tool=TOOL,
    phase=BreakerPhase.OPEN,
    failures=3,
    opened_at_us=1_000 * SECOND,
    at_us=1_000 * SECOND,
    run_id="7f3a91" + "0" * 26,
    plan_id="p",
    status=RunStatus.FAILED,
    pass_index=0,
    owner_engine="e",
    owner_epoch=1,
    cooldown_sec=30.0,
)


@pytest.mark.parametrize(
    ("row", "at", "phase", "since", "probe"),
    [
        (ROW, 1_029, "OPEN", 1_000, "from "),
        (ROW, 1_030, "HALF-OPEN", 1_030, "the next attempt"),
        (ROW._replace(cooldown_sec=None), 1_059, "OPEN", 1_000, "from "),
        (ROW._replace(cooldown_sec=None), 1_060, "HALF-OPEN", 1_060, "the next attempt"),
        (ROW._replace(phase=BreakerPhase.HALF_OPEN, at_us=1_031 * SECOND), 1_040, "HALF-OPEN", 1_031, "the next"),
        (
            ROW._replace(phase=BreakerPhase.HALF_OPEN, at_us=1_031 * SECOND, status=RunStatus.RUNNING),
            1_040,
            "HALF-OPEN",
            1_031,
            "under way",
        ),
        (ROW._replace(phase=BreakerPhase.CLOSED, failures=0, at_us=1_035 * SECOND), 1_040, "CLOSED", 1_035, "–"),
    ],
)
def test_the_phase_is_what_the_next_attempt_finds(row: BreakerRow, at: int, phase: str, since: int, probe: str) -> None:
    now_us = at * SECOND
    assert phase_mark(phase_now(row, now_us)).word == phase
    assert since_us(row, now_us) == since * SECOND
    assert probe_words(row, now_us).startswith(probe)


def test_a_run_that_lost_its_engine_is_taken_over_first(cli: Cli, hosts: Hosts) -> None:
    """It moved the breaker last and is not over; who resets it ends what its engine left, too."""
    gate = hosts.fifo("gate")
    text = (
        f"plan_id: p\n{HEAD}steps:\n{FAILING}"
        f"  - {{id: hang, command: sh, args: [-c, 'echo up > {gate}; sleep 600'], depends_on: [first]}}\n"
    )
    run_id = hosts.detached(hosts.plan(text))
    assert gate.read_text() == "up\n"
    hosts.kill(run_id)
    answer = reset(cli)
    assert answer.code == 0, answer
    assert f"run {run_id[:6]} has lost its engine: quarantined" in answer.err
    assert listed(cli)[0]["phase"] == "closed"
    assert not hosts.left_running()
    assert cli("verify").code == 0
