"""Steering from another process: it acts at once, whatever holds the file up, and says what came of it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import PauseReason, RunStatus
from engine.ports import ControlVerb
from store.control import send
from tests.store.proving import prove
from tests.tui.commands.conftest import GOOD_PLAN
from tests.tui.commands.hosts import GATED, STUBBORN, Hosts, holding_the_file, until
from tui.steering import steer_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import JsonObject

pytestmark = pytest.mark.sampled(one_in=4, of_file=True)

GRACE_SEC = 5.0


@pytest.fixture
def stubborn(hosts: Hosts) -> str:
    """A run whose step ignores SIGTERM, forks, leaves its session and keeps its pipes open; it is under way."""
    door = hosts.fifo("door")
    run_id = hosts.detached(hosts.plan(STUBBORN), "-p", f"door={door}")
    assert door.read_text() == "up\n"
    hosts.wait_for(lambda row: row.last_seq >= 12, run_id)
    until(lambda: len(hosts.left_running()) >= 4, "all of its processes are there")
    return run_id


def cancel(hosts: Hosts, run_id: str, *words: str) -> float:
    """Seconds from the cancel to the end of the last process of the run."""
    began = time.monotonic()
    done = hosts.call("cancel", run_id, *words)
    assert done.returncode == 0, done.stderr
    until(lambda: not hosts.left_running(), "nothing is left running")
    return time.monotonic() - began


@pytest.mark.long
def test_a_cancel_ends_a_stubborn_step_in_grace_and_two_seconds(hosts: Hosts, stubborn: str) -> None:
    assert GRACE_SEC <= cancel(hosts, stubborn) <= GRACE_SEC + 2.0
    row = hosts.wait_for_end(stubborn)
    assert row.status is RunStatus.CANCELED
    kinds = [event.kind for event in hosts.events(stubborn)]
    assert kinds.index(EventKind.CONTROL_RECEIVED) < kinds.index(EventKind.ATTEMPT_FINISHED)
    ends = [
        json.loads(event.data)["status"] for event in hosts.events(stubborn) if event.kind is EventKind.STEP_FINISHED
    ]
    assert ends == ["canceled", "succeeded"]  # the second is `finally`


@pytest.mark.long
def test_a_cancel_acts_while_another_process_holds_the_file(
    hosts: Hosts, stubborn: str, request: pytest.FixtureRequest
) -> None:
    """It acts first and is recorded when the file is free; the command does not wait for that."""
    before = hosts.events(stubborn)[-1].seq
    held_for = 30.0 if request.config.getoption("--long") else 0.0
    with holding_the_file(hosts.database) as holder:
        began = time.monotonic()
        assert cancel(hosts, stubborn) <= GRACE_SEC + 2.0
        assert hosts.events(stubborn)[-1].seq == before
        assert holder.poll() is None
        until(lambda: time.monotonic() - began >= held_for, "the file has been held for long enough", held_for + 5)
    assert hosts.wait_for_end(stubborn).status is RunStatus.CANCELED


def test_a_cancel_acts_while_a_batch_waits_for_the_file(hosts: Hosts) -> None:
    """What is waited for is not only the request's own record: a step has just ended, and that cannot be written either."""
    gate, door = hosts.fifo("gate"), hosts.fifo("door")
    plan = hosts.plan(
        "plan_id: two\nparams: {gate: {required: true}, door: {required: true}}\nsteps:\n"
        "  - {id: ends, command: sh, args: [-c, 'read line < \"$GATE\"'], env: {GATE: '{params.gate}'}}\n"
        "  - {id: goes, command: sh, args: [-c, 'echo up > \"$DOOR\"; exec sleep 600'], env: {DOOR: '{params.door}'}}\n"
    )
    run_id = hosts.detached(plan, "-p", f"gate={gate}", "-p", f"door={door}")
    assert door.read_text() == "up\n"
    until(lambda: [e.kind for e in hosts.events(run_id)].count(EventKind.ATTEMPT_STARTED) == 2, "both are recorded")
    with holding_the_file(hosts.database):
        hosts.open_gate(gate)
        until(lambda: len(hosts.left_running()) == 1, "the first step has ended")
        assert cancel(hosts, run_id) <= 2.0
    assert hosts.wait_for_end(run_id).status is RunStatus.CANCELED


@pytest.fixture
def small_disk(hosts: Hosts) -> Iterator[Path]:
    """A file system of 16 megabytes, with the database on it."""
    place = hosts.home / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=16m", "opscope-test", str(place)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.strip()}")
    hosts.database = place / "runs.db"
    yield place
    hosts.end_everything()
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path) -> None:
    """A file that takes all the room there is."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017


def test_a_cancel_acts_while_the_disk_is_full(hosts: Hosts, small_disk: Path) -> None:
    door = hosts.fifo("door")
    run_id = hosts.detached(hosts.plan(STUBBORN), "-p", f"door={door}")
    assert door.read_text() == "up\n"
    until(lambda: EventKind.ATTEMPT_STARTED in [event.kind for event in hosts.events(run_id)], "it is recorded")
    filler = small_disk / "filler"
    fill(filler)
    assert cancel(hosts, run_id) <= GRACE_SEC + 2.0
    row = hosts.run(run_id)
    assert row is not None
    assert not row.status.is_final
    answer = send(hosts.database, row.owner_engine, {"verb": "status", "run_id": run_id})
    assert (answer["ok"], answer["storage"]) == (True, "paused: storage")
    assert "! paused: storage: its engine keeps what happens" in hosts.call("show", run_id).stdout
    filler.unlink()
    assert hosts.wait_for_end(run_id).status is RunStatus.CANCELED
    kinds = [event.kind for event in hosts.events(run_id)]
    assert kinds.count(EventKind.CONTROL_RECEIVED) == 1
    prove(hosts.database)


@pytest.mark.parametrize("words", [("-q",), ("--no-ui",), ("--json",)])
@pytest.mark.sampled(one_in=3)
def test_a_run_in_this_process_says_that_it_waits_for_room(
    hosts: Hosts, small_disk: Path, words: tuple[str, ...]
) -> None:
    gate = hosts.fifo("gate")
    with hosts.start("run", *words, hosts.plan(GATED), "-p", f"gate={gate}") as process:
        hosts.wait_for(lambda row: row.steps_done == 1)
        assert process.stderr is not None
        filler = small_disk / "filler"
        fill(filler)
        hosts.open_gate(gate)
        said: list[str] = []
        while "the disk is full" not in "".join(said):
            said.append(process.stderr.readline())
            assert said[-1], "it ended without a word of it"
        assert (
            said[-1]
            == f"! waiting: the disk is full, there is no room on the file system of {hosts.database}; a megabyte is needed\n"
        )
        filler.unlink()
        out, rest = process.communicate(timeout=30)
    assert process.returncode == 0
    said += rest.splitlines(keepends=True)
    assert "! there is room on the disk again, and what waited is written\n" in said
    if words != ("--no-ui",):
        assert len([line for line in said if "disk" not in line]) == 0, said
    assert "said go" in out


def test_a_second_signal_does_not_wait_for_room(hosts: Hosts, small_disk: Path) -> None:
    """The first says what it did and what is missing; the second leaves at once, and says how the end is recorded later."""
    gate = hosts.fifo("gate")
    with hosts.start("run", "--no-ui", hosts.plan(GATED), "-p", f"gate={gate}") as process:
        row = hosts.wait_for(lambda row: row.steps_done == 1)
        assert process.stderr is not None
        filler = small_disk / "filler"
        fill(filler)
        hosts.open_gate(gate)
        _read_until(process.stderr, "the disk is full")
        process.send_signal(signal.SIGTERM)
        _read_until(process.stderr, "a second signal leaves at once")
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    short = row.run_id[:6]
    assert f"run {short} is stopped; its end is not recorded, because the disk is full\n" in rest
    assert hosts.left_running() == []
    filler.unlink()
    hosts.call("cancel", short)
    assert hosts.wait_for_end(row.run_id).status is RunStatus.CANCELED
    prove(hosts.database)


def _read_until(lines: IO[str], words: str) -> None:
    for line in lines:
        if words in line:
            return
    raise AssertionError(f"it ended without: {words}")


def test_leaving_out_an_uncertain_item_leaves_the_others_in(hosts: Hosts) -> None:
    """A decision is about what may have been done, not about items that have their end or have not begun."""
    door = hosts.fifo("door")
    plan = hosts.plan(
        "plan_id: items\nparams: {door: {required: true}}\nglobals: {max_concurrency: 1}\nsteps:\n"
        "  - id: each\n    for_each: [0, 1, 2, 3]\n    command: sh\n"
        "    args: [-c, 'if [ $1 = 1 ]; then echo up > \"$DOOR\"; exec sleep 600; fi; echo did $1', sh, '{item}']\n"
        "    env: {DOOR: '{params.door}'}\n    timeout_sec: 900\n"
        "  - {id: after, command: echo, args: ['{each.data}']}\n"
    )
    run_id = hosts.detached(plan, "-p", f"door={door}")
    assert door.read_text() == "up\n"
    pid = hosts.pid(run_id)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: hosts.pid(run_id) is None, "the host is dead")
    asked = hosts.call("resume", run_id)
    assert asked.returncode == 3
    assert "step each (item #1) may or may not have done the work" in asked.stderr
    assert hosts.call("resume", run_id, "--skip", "each", "--no-ui").returncode == 0
    shown = json.loads(hosts.call("show", run_id, "--json").stdout)
    [each] = [step for step in shown["steps"] if step["id"] == "each" and step["item_index"] is None]
    assert each["result"]["data"] == ["did 0", None, "did 2", "did 3"]
    assert each["result"]["message"] == "1 of 4 items left out: #1"
    assert [item["status"] for item in each["result"]["items"]] == ["succeeded", "skipped", "succeeded", "succeeded"]


@pytest.mark.parametrize("second", [("--force",), ()])
def test_a_second_cancel_or_force_stops_finally(hosts: Hosts, second: tuple[str, ...]) -> None:
    door = hosts.fifo("door")
    plan = hosts.plan(
        "plan_id: f\nparams: {door: {required: true}}\nsteps: [{id: a, command: sleep, args: ['600']}]\nfinally:\n"
        "  - {id: f, command: sh, args: [-c, 'echo up > \"$DOOR\"; exec sleep 600'], env: {DOOR: '{params.door}'}}\n"
    )
    run_id = hosts.detached(plan, "-p", f"door={door}")
    first = hosts.call("cancel", run_id)
    assert "then its `finally` runs" in first.stdout
    assert door.read_text() == "up\n"
    again = hosts.call("cancel", run_id, *second)
    assert "`finally` is stopped too" in again.stdout
    assert hosts.wait_for_end(run_id).status is RunStatus.CANCELED
    until(lambda: not hosts.left_running(), "nothing is left running")


def test_cancels_that_race_are_one_cancel(hosts: Hosts) -> None:
    """Only who knew of the first one means more by asking again."""
    door = hosts.fifo("door")
    plan = hosts.plan(
        "plan_id: f\nparams: {door: {required: true}}\nsteps: [{id: a, command: sleep, args: ['600']}]\nfinally:\n"
        "  - {id: f, command: sh, args: [-c, 'echo up > \"$DOOR\"; exec sleep 600'], env: {DOOR: '{params.door}'}}\n"
    )
    run_id = hosts.detached(plan, "-p", f"door={door}")
    row = hosts.run(run_id)
    assert row is not None
    asked_at = time.monotonic()
    request: JsonObject = {"verb": "cancel", "run_id": run_id, "asked_at": asked_at}
    for _ in range(2):
        answer = send(hosts.database, row.owner_engine, request)
        assert (answer["ok"], answer["forced"]) == (True, False)
    assert door.read_text() == "up\n"
    assert hosts.left_running()
    answer = send(hosts.database, row.owner_engine, {**request, "asked_at": time.monotonic()})
    assert (answer["ok"], answer["forced"]) == (True, True)
    assert hosts.wait_for_end(run_id).status is RunStatus.CANCELED
    asked = [json.loads(event.data) for event in hosts.events(run_id) if event.kind is EventKind.CONTROL_RECEIVED]
    assert [(data["force"], data["arguments"]) for data in asked] == [
        (False, {}),
        (False, {"raced": True}),
        (False, {}),
    ]


def test_a_cancel_after_a_signal_is_the_second(hosts: Hosts) -> None:
    door = hosts.fifo("door")
    plan = hosts.plan(
        "plan_id: f\nparams: {door: {required: true}}\nsteps: [{id: a, command: sleep, args: ['600']}]\nfinally:\n"
        "  - {id: f, command: sh, args: [-c, 'echo up > \"$DOOR\"; exec sleep 600'], env: {DOOR: '{params.door}'}}\n"
    )
    with hosts.start("run", "-q", plan, "-p", f"door={door}") as process:
        hosts.wait_for(lambda row: EventKind.ATTEMPT_STARTED in [event.kind for event in hosts.events(row.run_id)])
        process.send_signal(signal.SIGINT)
        assert door.read_text() == "up\n"
        assert "`finally` is stopped too" in hosts.call("cancel", "last").stdout
        process.communicate(timeout=30)
    assert process.returncode == 130


async def test_cancels_asked_for_at_once_let_finally_run(hosts: Hosts) -> None:
    gate = hosts.fifo("gate")
    run_id = await asyncio.to_thread(hosts.detached, hosts.plan(GATED), "-p", f"gate={gate}")
    steered = await asyncio.gather(*(steer_run(hosts.database, run_id, ControlVerb.CANCEL) for _ in range(3)))
    assert {one.sentence for one in steered} == {
        f"run {run_id[:6]} is being canceled: its steps are stopped, then its `finally` runs"
    }
    row = await asyncio.to_thread(hosts.wait_for_end, run_id)
    assert row.status is RunStatus.CANCELED
    ends = {
        event.step_id: json.loads(event.data)["status"]
        for event in hosts.events(run_id)
        if event.kind is EventKind.STEP_FINISHED
    }
    assert ends["clean"] == "succeeded"


def test_pause_holds_back_and_resume_lets_go(hosts: Hosts) -> None:
    gate = hosts.fifo("gate")
    run_id = hosts.detached(hosts.plan(GATED), "-p", f"gate={gate}")
    hosts.wait_for(lambda row: row.steps_done == 1, run_id)
    assert hosts.call("pause", run_id).stdout == f"run {run_id[:6]} is paused: what runs goes on, nothing new starts\n"
    row = hosts.wait_for(lambda row: row.status is RunStatus.PAUSED, run_id)
    assert row.pause_reason is PauseReason.OPERATOR
    hosts.open_gate(gate)
    hosts.wait_for(lambda row: row.steps_done == 2, run_id)
    answer = json.loads(hosts.call("pause", "last", "--json").stdout)
    assert (answer["verb"], answer["status"], answer["storage"], answer["run_id"]) == ("pause", "paused", "ok", run_id)
    assert hosts.pid(run_id)
    resumed = hosts.call("resume", run_id)
    assert (resumed.returncode, resumed.stdout) == (0, f"run {run_id[:6]} goes on\n")
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED


def test_a_run_without_a_host_is_steered_as_well(hosts: Hosts) -> None:
    """--no-ui and pipes run in the command's own process, which listens like any engine."""
    gate = hosts.fifo("gate")
    with hosts.start("run", hosts.plan(GATED), "-p", f"gate={gate}") as process:
        row = hosts.wait_for(lambda row: row.steps_done == 1)
        assert hosts.pid() == process.pid
        assert hosts.call("cancel", row.run_id[:6]).returncode == 0
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "! cancel asked by operator:" in err
    assert "cleaned" in out or "clean" in err


@pytest.mark.parametrize("verb", list(ControlVerb)[:3])
def test_what_is_over_cannot_be_steered(hosts: Hosts, verb: ControlVerb) -> None:
    assert hosts.call("run", "-q", hosts.plan(GOOD_PLAN)).returncode == 0
    done = hosts.call(verb.value, "last")
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"is over, it has succeeded: there is nothing to {verb.value}" in done.stderr


def test_wrong_runs(hosts: Hosts) -> None:
    assert "nothing has been run yet" in hosts.call("cancel", "last").stderr
    assert not hosts.database.exists()
    hosts.call("run", "-q", hosts.plan(GOOD_PLAN))
    for words, cause in (
        (["cancel", "ffffffff"], "no run begins with ffffffff"),
        (["pause", "last/stage/execute"], "'last/stage/execute' is a part of a run"),
        (["resume", "xyz!"], "'xyz!' is not a run"),
    ):
        done = hosts.call(*words)
        assert done.returncode == 2
        assert done.stderr.startswith(f"opscope: {cause}")


@pytest.fixture
def writing(hosts: Hosts) -> Iterator[subprocess.Popen[str]]:
    """A `run` that waits for the file, because another process holds it."""
    assert hosts.call("run", "-q", hosts.plan(GOOD_PLAN)).returncode == 0
    with holding_the_file(hosts.database), hosts.start("run", "--no-ui", "plan.yaml") as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("! waiting for the file, held by pid ")
        yield process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_work_while_the_file_is_waited_for(
    writing: subprocess.Popen[str], number: signal.Signals, code: int, hosts: Hosts
) -> None:
    writing.send_signal(number)
    _, err = writing.communicate(timeout=10)
    assert writing.returncode == code
    assert err == "stopped before the run began; nothing is recorded\n"
    assert json.loads(hosts.call("runs", "--json").stdout)[1:] == []


@pytest.mark.long
def test_detached_gives_up_when_the_launching_command_does(hosts: Hosts) -> None:
    """Ctrl-C while the host waits for the file: no run comes of it later."""
    assert hosts.call("run", "-q", hosts.plan(GOOD_PLAN)).returncode == 0
    with holding_the_file(hosts.database):
        with hosts.start("run", "--detach", "plan.yaml") as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("! waiting for the file, held by pid ")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)
        assert process.returncode == 130
        folder = hosts.database.with_name("opscope.db.d")
        until(lambda: not host_processes(folder), "its host has gone")
    assert json.loads(hosts.call("runs", "--json").stdout)[1:] == []


def host_processes(folder: Path) -> list[str]:
    """The processes that write to a host's log in this folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/fd/2"):
        try:
            target = str(place.readlink())
        except OSError:
            continue
        if target.startswith(f"{folder}/host-"):
            found.append(str(place))
    return found


@pytest.mark.long
def test_a_sub_plan_is_steered_by_itself_and_killed_with_its_parent(hosts: Hosts) -> None:
    """A cancel of the child leaves its parent going. After a crash each waits for what only somebody can decide of it."""
    hosts.plan(GATED, "child.yaml")
    parent = hosts.plan(
        "plan_id: parent\nparams: {gate: {required: true}}\nsteps:\n"
        "  - {id: sub, step_def: {type: plan, plan: ./child.yaml, params: {gate: '{params.gate}'}}, on_failure: continue}\n"
        "  - {id: after, depends_on: [sub], command: echo, args: ['{sub.status}']}\n",
        "parent.yaml",
    )
    gate = hosts.fifo("gate")

    def child_of(parent_id: str) -> str:
        def look() -> str | None:
            heads = json.loads(hosts.call("runs", "--json").stdout)
            found = [h["run_id"] for h in heads if h["parent_run_id"] == parent_id and h["steps"]["total"]]
            return found[0] if found else None

        return str(until(look, "the child runs"))

    first = hosts.detached(parent, "-p", f"gate={gate}")
    child = child_of(first)
    done = hosts.call("cancel", child)
    assert done.returncode == 0, done.stderr
    assert hosts.wait_for_end(child).status is RunStatus.CANCELED
    assert hosts.wait_for_end(first).status is RunStatus.SUCCEEDED

    second = hosts.detached(parent, "-p", f"gate={gate}")
    child = child_of(second)
    hosts.wait_for(lambda row: row.stage is not None and row.steps_done == 1, child)
    hosts.kill(second)
    done = hosts.call("resume", second)
    assert (done.returncode, f"waits for a decision, in run {child[:6]}" in done.stderr) == (3, True)
    assert hosts.call("resume", child, "--succeeded", "wait").returncode == 0
    done = hosts.call("resume", second)
    assert done.returncode == 0, done.stderr
    assert hosts.run(second).status is RunStatus.SUCCEEDED  # type: ignore[union-attr]
    assert json.loads(hosts.call("show", second, "--json").stdout)["steps"][1]["result"]["data"] == "succeeded"
    assert len(json.loads(hosts.call("runs", "--json").stdout)) == 4
    prove(hosts.database)
