"""Many runs at once: in one process and in four on one file. What is lost, who starves, who holds a lock, whose breaker counts."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.operator import read_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)

RUNS, PROCESSES = 20, 4

# `meet` ends when all runs of all processes are there; `work` leaves a line in the order in which things happened;
# `alone` cannot be done by two at a time.
PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from store.embedding import open_engine

process, runs, together = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


async def meet(run: str) -> None:
    Path("here", run).touch()
    while len(os.listdir("here")) < together:
        await asyncio.sleep(0.005)


async def work(run: str, step: str) -> None:
    ledger = os.open("ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(ledger, f"{process} {run} {step}\\n".encode())
    os.close(ledger)


async def alone(run: str) -> None:
    os.mkdir("held")
    for _ in range(5):
        await asyncio.sleep(0)
    os.rmdir("held")


async def main() -> None:
    tools = {"meet": meet, "work": work, "alone": alone}
    async with open_engine(os.environ["OPSCOPE_DB"], tools=tools) as engine:
        names = [f"{process}.{number}" for number in range(runs)]
        done = await asyncio.gather(*(engine.run("plan.json", params={"run": name}) for name in names))
    for outcome in done:
        print(outcome.status, outcome.run_id)


asyncio.run(main())
"""

# Runs the plan once for each line that it is given.
AT_A_WORD = """
import asyncio, os, sys
from store.embedding import open_engine

calls = 0


async def flaky() -> None:
    global calls
    calls += 1
    raise RuntimeError("the other side is down")


async def main() -> None:
    async with open_engine(os.environ["OPSCOPE_DB"], tools={"flaky": flaky}) as engine:
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            outcome = await engine.run("plan.json")
            print(outcome.run_id, calls, "done", flush=True)


asyncio.run(main())
"""


def tool(step_id: str, name: str, /, *after: str, **args: str) -> dict[str, Any]:
    definition = {"type": "tool", "tool": name, "args": {"run": "{params.run}", **args}}
    return {"id": step_id, "step_def": definition, "depends_on": [*after]}


def chain(operator: Operator, length: int) -> list[str]:
    """A plan that meets all others and then works step by step; says what its working steps are called."""
    names = [f"w{number}" for number in range(length)]
    before = ["meet", *names]
    steps = [tool("meet", "meet"), *(tool(name, "work", before[place], step=name) for place, name in enumerate(names))]
    operator.plan("plan.json", params={"run": {"type": "string", "required": True}}, steps=steps)
    (operator.folder / "here").mkdir()
    return names


def side_by_side(operator: Operator, processes: int, runs: int) -> dict[str, str]:
    """Run the program in so many processes at once; all runs succeed. Run ids and their processes."""
    (operator.folder / "program.py").write_text(PROGRAM)
    started = {
        f"p{number}": subprocess.Popen(
            [sys.executable, "program.py", f"p{number}", str(runs), str(processes * runs)],
            cwd=operator.folder,
            env=operator.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(processes)
    }
    found = {}
    try:
        for name, process in started.items():
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, err.decode()
            assert b"locked" not in err
            lines = [line.split() for line in out.decode().splitlines()]
            assert [status for status, _ in lines] == ["succeeded"] * runs
            found.update({run: name for _, run in lines})
    finally:
        for process in started.values():
            process.kill()
            process.wait()
    assert len(found) == processes * runs
    return found


def nothing_lost(operator: Operator, found: dict[str, str], steps: list[str]) -> None:
    """Every run is in the file, its events are numbered without a gap, each step began and ended once; the file is sound."""
    assert {run["run_id"]: run["status"] for run in operator.json("runs", "--limit", "500")} == dict.fromkeys(
        found, "succeeded"
    )
    events = in_file(operator)
    checked = operator.json("verify")
    assert (checked["ok"], checked["runs"], checked["events"]) == (True, len(found), len(events))
    of_run: defaultdict[str, list[tuple[int, str, str | None]]] = defaultdict(list)
    for run, seq, kind, step in events:
        of_run[run].append((seq, kind, step))
    assert of_run.keys() == found.keys()
    for run, its in of_run.items():
        assert [seq for seq, _, _ in its] == list(range(1, len(its) + 1)), run
        for wanted in ("attempt.starting", "attempt.finished", "step.finished"):
            assert Counter(step for _, kind, step in its if kind == wanted) == Counter(steps)
        assert its[-1][1] == "run.succeeded"
    run = next(iter(found))
    told = [json.loads(line) for line in operator.run("events", run, "--json").out.splitlines()]
    assert [(event["seq"], event["kind"], event.get("step_id")) for event in told] == of_run[run]


def in_file(operator: Operator) -> list[tuple[str, int, str, str | None]]:
    """Run, seq, kind and step of all events, in the order in which the processes committed them."""
    with closing(sqlite3.connect(f"file:{operator.database}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT run_id, seq, kind, step_id FROM run_events ORDER BY event_no").fetchall()


def ledger(operator: Operator) -> list[tuple[str, str, str]]:
    """Process, run and step of all work, in the order in which it was done."""
    lines = (operator.folder / "ledger").read_text().splitlines()
    return [(process, run, step) for process, run, step in map(str.split, lines)]


def least_when_the_first_is_done(order: list[str], each: int) -> float:
    """How much of its work, from 0 to 1, the slowest of these has done at the moment when the first has done all of its own.

    Fair turns give nearly 1, one after the other gives 0. It is told by the order of what was done, not by any clock.
    """
    done: Counter[str] = Counter(dict.fromkeys(order, 0))
    for name in order:
        done[name] += 1
        if done[name] == each:
            return min(done.values()) / each
    pytest.fail("none of them has done all of its work")


@pytest.mark.parametrize(("order", "least"), [("abababab", 0.75), ("aaaabbbb", 0.0), ("aabaabbb", 0.25)])
def test_the_measure_of_fairness(order: str, least: float) -> None:
    """It tells turns from one after the other."""
    assert least_when_the_first_is_done(list(order), 4) == least


def test_twenty_runs_in_one_process(operator: Operator, scaled: Callable[[int], int]) -> None:
    """All are under way at the same time; when the first is done, each other has done half of its work."""
    steps = chain(operator, max(8, scaled(80)))
    found = side_by_side(operator, 1, RUNS)
    work = ledger(operator)
    assert Counter((run, step) for _, run, step in work) == Counter((f"p0.{n}", s) for n in range(RUNS) for s in steps)
    in_order: defaultdict[str, list[str]] = defaultdict(list)
    for _, run, step in work:
        in_order[run].append(step)
    assert all(done == steps for done in in_order.values())
    assert least_when_the_first_is_done([run for _, run, _ in work], len(steps)) >= 0.5
    nothing_lost(operator, found, ["meet", *steps])


def test_four_processes_with_several_runs_each(operator: Operator, scaled: Callable[[int], int]) -> None:
    """All begin together; when the first process is done, each other has done a quarter of its work: none starves."""
    runs = max(3, scaled(20))
    steps = chain(operator, 25)
    found = side_by_side(operator, PROCESSES, runs)
    work = ledger(operator)
    assert len(work) == len(set(work)) == PROCESSES * runs * len(steps)
    assert least_when_the_first_is_done([process for process, _, _ in work], runs * len(steps)) >= 0.25
    nothing_lost(operator, found, ["meet", *steps])


def test_a_lock_is_never_held_twice(operator: Operator, scaled: Callable[[int], int]) -> None:
    """Four processes, each with runs that want the same lock: no two are inside at once, none is left out, none stays behind."""
    runs = max(3, scaled(20))
    params = {"run": {"type": "string", "required": True}}
    steps = [tool("one", "alone"), tool("two", "alone", "one")]
    operator.plan("plan.json", params=params, locks=["inventory"], steps=steps)
    found = side_by_side(operator, PROCESSES, runs)
    holder = None
    held = []
    for run, _, kind, _ in in_file(operator):
        if kind == "lock.acquired":
            assert holder is None, f"{run} holds the lock of {holder}"
            holder = run
            held.append(run)
        elif kind == "lock.released":
            assert run == holder
            holder = None
    assert (holder, sorted(held)) == (None, sorted(found))
    assert operator.json("locks") == []
    assert not (operator.folder / "held").exists()
    nothing_lost(operator, found, ["one", "two"])


@pytest.fixture
def two_engines(operator: Operator) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two programs with an engine each, both up before either runs anything."""
    (operator.folder / "program.py").write_text(AT_A_WORD)
    started = [
        subprocess.Popen(
            [sys.executable, "program.py"],
            cwd=operator.folder,
            env=operator.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    try:
        for process in started:
            read_until(process.stdout, "ready\n")
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def one_run(operator: Operator, process: subprocess.Popen[bytes]) -> tuple[str | None, int]:
    """Why the step of the next run failed, and how often this process has called the tool so far."""
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    run, calls, _ = read_until(process.stdout, "done\n").split()
    (step,) = operator.json("show", run)["steps"]
    assert step["status"] == "failed"
    return step["reason"], int(calls)


def test_a_breaker_that_one_process_opens_holds_in_another(
    operator: Operator, two_engines: list[subprocess.Popen[bytes]]
) -> None:
    """Both engines live all the while; the second one does not call the tool until somebody resets the breaker."""
    step = {"id": "calls", "step_def": {"type": "tool", "tool": "flaky"}, "on_failure": "continue"}
    operator.plan("plan.json", globals={"breaker": {"failures": 2, "cooldown_sec": 600}}, steps=[step])
    first, second = two_engines
    called = [one_run(operator, process) for process in (first, second)]
    assert [calls for _, calls in called] == [1, 1]
    assert "breaker_open" not in {reason for reason, _ in called}
    assert one_run(operator, second) == ("breaker_open", 1)
    assert one_run(operator, first) == ("breaker_open", 1)
    (breaker,) = operator.json("breakers")
    assert "flaky" in str(breaker)
    reset = operator.run("breakers", "--reset", "tool:flaky", "--reason", "it is up again")
    assert reset.code == 0, reset.err
    assert one_run(operator, second)[1] == 2
    assert operator.run("verify").code == 0
