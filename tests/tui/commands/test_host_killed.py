"""SIGKILL of a host at named points and at random moments, of the one that takes the run up as well, and what comes after."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import WaitingError
from engine.pipeline.decisions import Decision
from engine.ports import FailurePoint
from store.queries import run_by_id, step_result, steps_page
from store.reader import Reader
from tests.store.proving import prove
from tests.tui.commands.hosts import ROOT, Hosts
from tui.commands.orders import to_json
from tui.commands.performing import Performed, perform, prepare
from tui.commands.planning import read_plan
from tui.commands.recovery import recover_lost_runs
from tui.commands.taking_up import prepare_resumption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.rows import RunRow

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)

GROUPS, ROUNDS = 20, 10
"""Two hundred kills in the long lane, one of each group by default."""
ONCE = ("b", "d", "h")
"""The steps that must never be run twice by themselves; `h` is one of `finally`."""
STEPS = ("a", *ONCE[:2], "c", "e", "g", "h")
MOST_AT = {
    FailurePoint.BEFORE_COMMIT: 24,
    FailurePoint.AFTER_COMMIT: 24,
    FailurePoint.BEFORE_SPAWN: 7,
    FailurePoint.AFTER_SPAWN: 7,
    FailurePoint.IN_FINALLY: 2,
}


def plan_text(ledger: Path) -> str:
    """A fan and a join with a `finally`; every step writes itself into the ledger, most leave a process behind for a while."""
    script = f"echo {{}} >> '{ledger}'; (setsid sleep 600 > /dev/null 2>&1 &); echo out-{{}}"

    def step(name: str, **more: object) -> JsonObject:
        repeatable = name not in ONCE
        done = script.format(name, name)
        return {"id": name, "command": "sh", "args": ["-c", done], "idempotent": repeatable, **more}  # type: ignore[dict-item]

    return json.dumps(
        {
            "plan_id": "killed",
            "steps": [
                step("a"),
                step("b", depends_on=["a"]),
                step("c", depends_on=["a"]),
                step("d", depends_on=["a"]),
                step("e", depends_on=["b", "c", "d"]),
            ],
            "finally": [step("g"), step("h")],
            "compose": {"said": "{e.stdout}"},
        }
    )


class KillServer:
    """Hosts that are killed as they are told to be."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.tui.commands.kill_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert self._heard() == {"ready": True}

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        heard: dict[str, Any] = json.loads(self._process.stdout.readline())
        return heard

    def run(self, order: JsonObject, *, kill_at: str | None = None, kill_after: int | None = None) -> tuple[int, int]:
        """How many events were acknowledged, and the status. `kill_after` kills when so many acknowledgements were heard."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"order": order, "kill_at": kill_at}) + "\n")
        self._process.stdin.flush()
        pid = acknowledged = answers = 0
        while True:
            heard = self._heard()
            pid = heard.get("pid", pid)
            acknowledged += heard.get("acknowledged", 0)
            answers += "acknowledged" in heard
            if "status" in heard:
                return acknowledged, heard["status"]
            if pid and kill_after is not None and answers >= kill_after:
                os.kill(pid, signal.SIGKILL)
                kill_after = None

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    made = KillServer()
    yield made
    made.close()


def how(rng: random.Random, number: int) -> dict[str, Any]:
    """A named point in its turn, and a random moment after all of them."""
    points = [*FailurePoint, None]
    point = points[number % len(points)]
    if point is None:
        return {"kill_after": rng.randint(1, 24)}
    return {"kill_at": f"{point.value}:{rng.randint(1, MOST_AT[point])}"}


def the_run(hosts: Hosts, run_id: str) -> RunRow | None:
    if not hosts.database.exists():
        return None
    with Reader.open(hosts.database) as reader:
        return reader.run(run_by_id(run_id))


def decided(hosts: Hosts, run: RunRow, ledger: Path) -> dict[str, Decision]:
    """What an operator says who looks whether the work was done."""
    try:
        prepare_resumption(hosts.database, run, os.environ)
    except WaitingError as error:
        undecided = error.steps
    else:
        return {}
    assert set(undecided) <= set(ONCE)
    done = ledger.read_text().split() if ledger.exists() else []
    return {step: Decision.SUCCEEDED if step in done else Decision.RETRY for step in undecided}


def outcome(hosts: Hosts, run_id: str) -> dict[str, object]:
    """What counts of the result."""
    with Reader.open(hosts.database) as reader:
        row = reader.run(run_by_id(run_id))
        assert row is not None
        steps = {step.step_id: step.status.value for step in reader.run(steps_page(run_id, 0))}
        results = {name: reader.run(step_result(run_id, name, 0)) for name in steps}
    return {
        "status": row.status.value,
        "steps": steps,
        "data": {name: result["data"] for name, result in results.items() if result is not None},
    }


@pytest.mark.parametrize("group", range(GROUPS))
def test_a_killed_host(home: Path, server: KillServer, group: int, scaled: Callable[[int], int]) -> None:
    """Acknowledged is a subset of the file, nothing is orphaned, nothing is run twice that must not be, the result is the same."""
    for number in range(group * ROUNDS, group * ROUNDS + scaled(ROUNDS)):
        hosts = Hosts(home, home / f"{number}.db")
        try:
            one_kill(hosts, server, number // ROUNDS + number)
        finally:
            hosts.end_everything()


def one_kill(hosts: Hosts, server: KillServer, number: int) -> None:
    """A run to its end, with one engine or two killed on the way."""
    rng = random.Random(number)
    ledger = hosts.database.with_suffix(".ledger")
    hosts.plan(plan_text(ledger), "killed.json")
    order = prepare(read_plan("./killed.json", os.environ), {}, os.environ)

    acknowledged, status = server.run(to_json(order, hosts.database), **how(rng, number))
    assert status in (-signal.SIGKILL, 0)
    check(hosts, order.run_id, acknowledged)
    run = the_run(hosts, order.run_id)
    if run is None:
        return  # killed before the run was in the file: nothing has happened, and nothing was acknowledged
    if not run.status.is_final and number % 3 == 0:
        # The one that takes it up is killed as well.
        chosen = decided(hosts, run, ledger)
        task = prepare_resumption(hosts.database, run, os.environ, decisions=chosen)
        more, status = server.run(to_json(task, hosts.database), **how(rng, number + 1))
        assert status in (-signal.SIGKILL, 0)
        check(hosts, order.run_id, run.last_seq + more)
        run = the_run(hosts, order.run_id)
        assert run is not None
    if not run.status.is_final:
        chosen = decided(hosts, run, ledger)
        performed: Performed = perform(
            prepare_resumption(hosts.database, run, os.environ, decisions=chosen), hosts.database
        )
        assert performed.exit_code == 0
    end = outcome(hosts, order.run_id)
    assert end["status"] == "succeeded"
    assert end["steps"] == dict.fromkeys(sorted(STEPS), "succeeded")
    ran = Counter(ledger.read_text().split())
    assert set(ran) == set(STEPS)
    assert {step: ran[step] for step in ONCE} == dict.fromkeys(ONCE, 1)
    data = end["data"]
    assert isinstance(data, dict)
    # A step that an operator said to have succeeded has no data; every other has what it always has.
    assert all(value in (f"out-{name}\n", f"out-{name}", None) for name, value in data.items()), data
    assert all(data[name] is not None for name in STEPS if name not in ONCE)
    prove(hosts.database)


def check(hosts: Hosts, run_id: str, acknowledged: int) -> None:
    """After a kill: what was acknowledged is there, recovery leaves nothing running, and the file is sound."""
    run = the_run(hosts, run_id)
    assert acknowledged <= (run.last_seq if run is not None else 0)
    recovered = recover_lost_runs(hosts.database, lambda told: None)
    assert len(recovered) <= 1
    assert all(not found.survivors for found in recovered)
    if run is not None:
        assert not hosts.left_running()
        prove(hosts.database)
