"""Runs whose engine is dead: found by whoever writes next, rid of what they left running, and taken up as an operator decides."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from engine.model.states import PauseReason, RunStatus
from engine.ports import ProcessIdentity
from engine.steps.processes import boot_id, process_identity
from tests.store.proving import prove
from tests.tui.commands.conftest import GOOD_PLAN, Cli
from tests.tui.commands.hosts import GATED, STUBBORN, Hosts, until
from tui.commands.recovery import LostAttempt, attempts_under_way, end_processes, recover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import JsonObject
    from store.rows import RunRow

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

REPEATABLE = GATED.replace("depends_on: [before]", "depends_on: [before]\n    idempotent: true")


def lost(hosts: Hosts, text: str = GATED) -> str:
    """A run whose engine was killed while its second step waited at a gate."""
    gate = hosts.home / "gate"
    if not gate.exists():
        hosts.fifo("gate")
    run_id = hosts.detached(hosts.plan(text), "-p", f"gate={gate}")
    until(lambda: kinds_of(hosts, run_id).count(EventKind.ATTEMPT_STARTED) == 2, "the second step is recorded")
    hosts.kill(run_id)
    return run_id


def kinds_of(hosts: Hosts, run_id: str) -> list[EventKind]:
    return [event.kind for event in hosts.events(run_id)]


def test_reading_never_recovers(cli: Cli, hosts: Hosts) -> None:
    run_id = lost(hosts)
    before = hosts.run(run_id)
    for words in (
        ["runs"],
        ["show", "last"],
        ["events", "last"],
        ["logs", "last"],
        ["why", "last"],
        ["waiting"],
        ["doctor"],
    ):
        cli(*words)
    assert hosts.run(run_id) == before
    assert hosts.left_running()
    assert "✗ ENGINE LOST" in cli("runs").out


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [(GATED, RunStatus.QUARANTINED, None), (REPEATABLE, RunStatus.PAUSED, PauseReason.ENGINE_LOST)],
)
def test_the_next_command_that_writes_recovers(
    cli: Cli, hosts: Hosts, text: str, status: RunStatus, reason: PauseReason | None
) -> None:
    run_id = lost(hosts, text)
    (hosts.home / "works.yaml").write_text(GOOD_PLAN)
    answer = cli("run", "-q", "./works.yaml")
    assert (answer.code, answer.out) == (0, "# Said: hello\n")
    assert answer.err.startswith(f"! run {run_id[:6]} has lost its engine: {status.value}, ")
    assert "1 process it left behind ended" in answer.err
    row = hosts.run(run_id)
    assert row is not None
    assert (row.status, row.pause_reason, row.owner_epoch) == (status, reason, 2)
    assert not hosts.left_running()
    # It belongs to nobody now, and needs nobody: it is not lost once more.
    assert cli("run", "-q", "./works.yaml").err == ""
    assert "ENGINE LOST" not in cli("runs").out
    prove(hosts.database)


def test_resume_of_what_can_be_repeated_goes_on_by_itself(cli: Cli, hosts: Hosts) -> None:
    run_id = lost(hosts, REPEATABLE)
    with hosts.start("resume", run_id, "--no-ui") as process:
        # The gate has one reader again only when the process that the dead engine left has been ended.
        until(lambda: kinds_of(hosts, run_id).count(EventKind.ATTEMPT_STARTED) == 3, "it is run again")
        hosts.open_gate(hosts.home / "gate", "again")
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "said again" in out
    assert "before" not in err.split("engine", 1)[1]  # what is recorded is neither run nor told again
    trace = json.loads(cli("show", run_id, "--json").out)
    assert {step["id"]: (step["status"], len(step["attempts"])) for step in trace["steps"]} == {
        "before": ("succeeded", 1),
        "wait": ("succeeded", 2),
        "after": ("succeeded", 1),
        "clean": ("succeeded", 1),
    }
    prove(hosts.database)


def test_resume_lists_what_is_uncertain_and_waits_for_decisions(cli: Cli, hosts: Hosts) -> None:
    run_id = lost(hosts)
    answer = cli("resume", run_id)
    assert answer.code == 3
    assert answer.out == ""
    assert "opscope: step wait may or may not have done the work before the engine was lost" in answer.err
    for flag in ("--retry wait", "--skip wait", "--succeeded wait"):
        assert f"opscope resume {run_id[:6]} {flag}" in answer.err
    before = hosts.run(run_id)
    assert cli("resume", run_id).code == 3
    assert hosts.run(run_id) == before
    for words, cause in (
        (("--skip", "before"), "there is nothing to decide about step before"),
        (("--skip", "nope"), "there is nothing to decide about step nope"),
        (("--skip", "wait", "--skip", "nope"), "there is nothing to decide about step nope"),
        (("--skip", "wait", "--retry", "wait"), "there are two decisions about step wait"),
    ):
        refused = cli("resume", run_id, *words)
        assert (refused.code, refused.err.splitlines()[0]) == (2, f"opscope: {cause}")
    assert hosts.run(run_id) == before


@pytest.mark.parametrize(("decision", "status"), [("skip", "skipped"), ("succeeded", "succeeded")])
def test_resume_by_a_decision(cli: Cli, hosts: Hosts, decision: str, status: str) -> None:
    run_id = lost(hosts)
    answer = cli("resume", run_id, f"--{decision}", "wait", "--json")
    assert answer.code == 0, answer.err
    trace = json.loads(answer.out)
    assert {step["id"]: step["status"] for step in trace["steps"]}["wait"] == status
    assert trace["status"] == "succeeded"


def test_resume_detached_and_with_retry(cli: Cli, hosts: Hosts) -> None:
    run_id = lost(hosts)
    answer = cli("resume", run_id, "--retry", "wait", "--detach")
    assert (answer.code, answer.out) == (0, f"{run_id}\n")
    hosts.open_gate(hosts.home / "gate")
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED
    until(lambda: hosts.pid(run_id) is None, "its host has ended")


@pytest.mark.parametrize(("force", "cleaned"), [((), True), (("--force",), False)])
def test_cancel_of_a_lost_run_starts_an_engine_for_finally(
    cli: Cli, hosts: Hosts, force: tuple[str, ...], cleaned: bool
) -> None:
    run_id = lost(hosts)
    answer = cli("cancel", run_id, *force)
    assert answer.code == 0, answer.err
    told = " ".join(answer.out.split())
    assert f"run {run_id[:6]} was quarantined, since it had lost its engine; a new one cancels it" in told
    assert hosts.wait_for_end(run_id).status is RunStatus.CANCELED
    trace = json.loads(cli("show", run_id, "--json").out)
    steps = {step["id"]: step["status"] for step in trace["steps"]}
    assert (steps["before"], steps["clean"]) == ("succeeded", "succeeded" if cleaned else "canceled")
    assert not hosts.left_running()


def test_pause_of_a_lost_run_says_that_it_is_so(cli: Cli, hosts: Hosts) -> None:
    run_id = lost(hosts)
    assert cli("pause", run_id).out == f"run {run_id[:6]} is quarantined already, its engine is gone\n"


@pytest.mark.long
def test_what_ignores_sigterm_and_what_left_its_session_is_ended_too(cli: Cli, hosts: Hosts) -> None:
    door = hosts.fifo("door")
    run_id = hosts.detached(hosts.plan(STUBBORN), "-p", f"door={door}")
    assert door.read_text() == "up\n"
    until(lambda: EventKind.ATTEMPT_STARTED in [event.kind for event in hosts.events(run_id)], "it is recorded")
    until(lambda: len(hosts.left_running()) >= 4, "all of its processes are there")
    hosts.kill(run_id)
    assert "processes it left behind ended" in cli("pause", "last").err
    assert not hosts.left_running()


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that nobody may touch."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        assert process.poll() is None
        process.kill()


async def test_only_what_matches_cookie_start_time_and_boot_is_ended(bystander: subprocess.Popen[bytes]) -> None:
    """A pid that was recorded and has gone to somebody else since, and one that would match but for the cookie."""
    identity = process_identity(bystander.pid)
    assert identity is not None
    attempts = [
        LostAttempt("no.such.cookie", identity),
        LostAttempt("no.such.cookie", ProcessIdentity(bystander.pid, identity.start_ticks + 1, boot_id())),
        LostAttempt("no.such.cookie", ProcessIdentity(bystander.pid, identity.start_ticks, "another boot")),
        LostAttempt("no.such.cookie"),
    ]
    assert await end_processes(attempts) == (0, ())


async def test_a_process_without_the_cookie_in_the_session_of_a_proven_leader_is_ended() -> None:
    cookie = f"test.{os.getpid()}.session"
    leader = subprocess.Popen(
        ["sh", "-c", "env -i sleep 600 & wait"], env={**os.environ, "OPSCOPE_COOKIE": cookie}, start_new_session=True
    )
    identity = process_identity(leader.pid)
    assert identity is not None
    until(lambda: len(children(leader.pid)) == 1, "it has forked")
    (child,) = children(leader.pid)
    until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes(), "it runs")
    ended, left = await end_processes([LostAttempt(cookie, identity)])
    assert (ended, left) == (2, ())
    leader.wait(timeout=10)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_attempts_under_way_are_those_that_began_and_did_not_end() -> None:
    def event(kind: EventKind, step: str, attempt: int, data: JsonObject | None = None) -> Event:
        return Event(kind, 0, data or {}, step_id=step, attempt=attempt)

    process: JsonObject = {"pid": 7, "start_ticks": 8, "boot_id": "b"}
    events = [
        event(EventKind.ATTEMPT_STARTING, "a", 1, {"cookie": "a1"}),
        event(EventKind.ATTEMPT_STARTED, "a", 1, {"process": process}),
        event(EventKind.ATTEMPT_STARTING, "b", 1, {"cookie": "b1"}),
        event(EventKind.ATTEMPT_FINISHED, "a", 1),
        event(EventKind.ATTEMPT_STARTING, "a", 2, {"cookie": "a2"}),
        event(EventKind.ATTEMPT_STARTED, "a", 2, {"process": process}),
        event(EventKind.ATTEMPT_STARTED, "c", 1, {"process": process}),
    ]
    assert attempts_under_way(events) == [LostAttempt("b1"), LostAttempt("a2", ProcessIdentity(7, 8, "b"))]


async def test_of_two_that_recover_one_wins_and_the_other_says_who(hosts: Hosts) -> None:
    run_id = await asyncio.to_thread(lost, hosts)
    row = hosts.run(run_id)
    assert row is not None
    told: tuple[list[str], list[str]] = ([], [])
    first, second = await asyncio.gather(
        recover(hosts.database, [row], told[0].append), recover(hosts.database, [row], told[1].append)
    )
    assert len(first) + len(second) == 1
    (loser,) = told[1] if first else told[0]
    assert loser.startswith(f"run {run_id} has been taken over by engine ")
    assert f"(pid {os.getpid()})" in loser
    kinds = [event.kind for event in hosts.events(run_id)]
    assert kinds.count(EventKind.RUN_TAKEN_OVER) == kinds.count(EventKind.RUN_QUARANTINED) == 1


POLITE_TOGETHER = """\
plan_id: together
steps:
  - id: hold
    command: sh
    args:
      - -c
      - |
        trap 'touch "$ROOM/heard-$ME"; until [ -e "$ROOM/heard-1" ] && [ -e "$ROOM/heard-2" ]; do :; done; exit' TERM
        echo up > "$DOOR"
        while :; do sleep 600 & wait; done
    env: {DOOR: "{params.door}", ROOM: "{params.room}", ME: "{params.me}"}
    timeout_sec: 600
params: {door: {required: true}, room: {required: true}, me: {required: true}}
"""
"""Ends when it has been asked to, and the other one as well."""


async def test_what_several_lost_runs_left_is_ended_at_the_same_time(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.commands.recovery.GRACE_SEC", 40.0)
    door = hosts.fifo("door")

    def begin(number: int) -> str:
        words = ["-p", f"door={door}", "-p", f"room={hosts.home}", "-p", f"me={number}"]
        run_id = hosts.detached(hosts.plan(POLITE_TOGETHER), *words)
        assert door.read_text() == "up\n"
        until(lambda: EventKind.ATTEMPT_STARTED in kinds_of(hosts, run_id), "the process is recorded")
        return run_id

    def lose() -> Iterator[RunRow]:
        for run_id in [begin(number) for number in (1, 2)]:
            hosts.kill(run_id)
            row = hosts.run(run_id)
            assert row is not None
            yield row

    rows = list(lose())
    told: list[str] = []
    async with asyncio.timeout(30.0):  # one after the other it would take the grace of the first
        recovered = await recover(hosts.database, rows, told.append)
    assert [found.run.run_id for found in recovered] == [row.run_id for row in rows]
    assert len(told) == 2
    assert not hosts.left_running()
    prove(hosts.database)


@pytest.mark.long
def test_two_commands_that_race_cancel_it_once(hosts: Hosts) -> None:
    run_id = lost(hosts)
    racing = [hosts.start("cancel", run_id) for _ in range(3)]
    for process in racing:
        _, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        # Who comes too late hears who has it, or that it is over.
        assert process.returncode == 0 or "has been taken over by engine" in err or "is over" in err, err
    assert hosts.wait_for_end(run_id).status is RunStatus.CANCELED
    kinds = [event.kind for event in hosts.events(run_id)]
    assert kinds.count(EventKind.RUN_CANCELED) == 1
    prove(hosts.database)


def test_hooks_hear_of_what_recovery_finds(cli: Cli, hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = lost(hosts)
    config = hosts.home / "config.toml"
    config.write_text(f'[on]\nquarantined = ["sh", "-c", "cat > {hosts.home}/told"]\n')
    monkeypatch.setenv("OPSCOPE_CONFIG", str(config))
    cli("pause", "last")
    told = json.loads((hosts.home / "told").read_text())
    assert (told["run_id"], told["status"]) == (run_id, "quarantined")
