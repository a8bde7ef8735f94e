"""A run has a process of its own: whatever becomes of the terminal that started it, it ends with the same result."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.states import RunStatus
from store.location import Neighbours
from tests.tui.commands.conftest import FAILING_PLAN, GOOD_PLAN
from tests.tui.commands.hosts import GATED, PROGRAM, ROOT, Hosts, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tui.commands.conftest import Cli
    from tests.tui.pseudo_terminal import Terminal

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)


def result_of(hosts: Hosts, run_id: str) -> tuple[Any, ...]:
    """What counts of how a run ended: everything but ids, times and durations."""
    document = json.loads(hosts.call("show", run_id, "--json").stdout)
    return (
        document["status"],
        [(stage["stage"], stage["status"]) for stage in document["stages"]],
        [(step["id"], step["status"], step["result"]["data"], len(step["attempts"])) for step in document["steps"]],
        document["stages"][-1]["output"]["result"],
    )


def began(hosts: Hosts, terminal: Terminal) -> str:
    """The id of the run on the screen, when its gate has been reached."""
    terminal.wait_for(r"gated")
    row = hosts.wait_for(lambda row: row.steps_done == 1)
    return row.run_id


def test_a_detached_run_prints_its_id_and_goes_on_alone(hosts: Hosts) -> None:
    gate = hosts.fifo("gate")
    done = hosts.call("run", "--detach", hosts.plan(GATED), "-p", f"gate={gate}")
    run_id = done.stdout.strip()
    assert done.returncode == 0
    assert len(run_id) == 32
    assert f"cancel: opscope cancel {run_id[:6]}" in done.stderr
    row = hosts.run(run_id)
    assert row is not None
    assert not row.status.is_final
    pid = hosts.pid(run_id)
    assert pid is not None
    assert os.getsid(pid) != os.getsid(0)
    assert Path(f"/proc/{pid}/fd/0").resolve() == Path(os.devnull)
    assert Path(f"/proc/{pid}/fd/1").resolve().name == f"host-{run_id}.log"
    hosts.open_gate(gate)
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED
    until(lambda: hosts.pid(run_id) is None, "the host has ended")
    kept = {path.suffix for path in hosts.database.with_name("opscope.db.d").iterdir()}
    assert ".log" not in kept  # it had nothing to say
    assert ".sock" not in kept
    # The same as in one process, without a host.
    with hosts.start("run", "-q", "--no-ui", "plan.yaml", "-p", f"gate={gate}") as process:
        hosts.open_gate(gate)
        process.communicate(timeout=30)
    last = hosts.run()
    assert last is not None
    assert last.run_id != run_id
    assert result_of(hosts, run_id) == result_of(hosts, last.run_id)


def test_a_host_is_alive_until_it_has_tidied_up(hosts: Hosts) -> None:
    """Its lock says that it is dead; by then an empty log has gone."""
    from tui.commands.launching import launch
    from tui.commands.performing import prepare
    from tui.commands.planning import read_plan

    gate, door = hosts.fifo("gate"), hosts.fifo("door")
    slow = (
        "import sys; from tui.commands import host; remove = host._remove_if_empty\n"
        "def slowly(*place):\n"
        f"    open({str(door)!r}, 'w').close(); open({str(gate)!r}).read(); remove(*place)\n"
        "host._remove_if_empty = slowly; sys.exit(host.main())"
    )
    order = prepare(read_plan(hosts.plan(GOOD_PLAN), os.environ), {}, os.environ)
    launch(order, hosts.database, command=(sys.executable, "-c", slow))
    door.read_text()
    log = Neighbours.of(hosts.database).host_log(order.run_id)
    assert hosts.wait_for_end(order.run_id).status is RunStatus.SUCCEEDED
    assert log.exists()
    assert hosts.pid(order.run_id) is not None
    hosts.open_gate(gate)
    until(lambda: hosts.pid(order.run_id) is None, "the host has ended")
    assert not log.exists()


def test_detached_for_a_program(hosts: Hosts) -> None:
    done = hosts.call("run", "--detach", "--json", hosts.plan(GOOD_PLAN))
    assert json.loads(done.stdout)["run_id"] == hosts.wait_for_end().run_id


@pytest.mark.parametrize("way", ["q", "ctrl+c", "hang-up", "kill", "terminate", "stand still", "resize"])
@pytest.mark.sampled(one_in=2)
def test_whatever_becomes_of_the_terminal_the_run_ends_the_same(
    hosts: Hosts, way: str, scaled: Callable[[int], int], request: pytest.FixtureRequest
) -> None:
    gate = hosts.fifo("gate")
    with hosts.terminal("run", hosts.plan(GATED), "-p", f"gate={gate}") as terminal:
        run_id = began(hosts, terminal)
        host = hosts.pid(run_id)
        assert host != terminal._pid
        match way:
            case "q" | "ctrl+c":
                terminal.press("q" if way == "q" else "\x03")
                assert terminal.wait_for_end() == 3
                assert f"opscope show {run_id[:6]}" in terminal.text
                assert f"opscope cancel {run_id[:6]}" in terminal.text
                assert b"\x1b[?1049l" in terminal.raw
            case "hang-up":
                os.close(terminal._fd)
                _, status = os.waitpid(terminal._pid, 0)
                terminal.status = os.waitstatus_to_exitcode(status)
                terminal._fd = os.open(os.devnull, os.O_RDONLY)
                assert terminal.status == 3
            case "kill":
                os.kill(terminal._pid, signal.SIGKILL)
                assert terminal.wait_for_end() == -signal.SIGKILL
            case "terminate":
                os.kill(terminal._pid, signal.SIGTERM)
                assert terminal.wait_for_end() == 3
                assert f"opscope cancel {run_id[:6]}" in terminal.text
            case "stand still":
                pass  # nobody reads any more from here on
            case _:
                for number in range(scaled(1000)):
                    terminal.resize(40 + number % 100, 10 + number % 40)
        assert hosts.pid(run_id) == host
        if way == "stand still":
            fill(terminal, 60.0 if request.config.getoption("--long") else 1.0)
        hosts.open_gate(gate)
        row = hosts.wait_for_end(run_id)
    assert row.status is RunStatus.SUCCEEDED
    status, _, steps, answer = result_of(hosts, run_id)
    assert status == "succeeded"
    assert [step[:2] for step in steps] == [(name, "succeeded") for name in ("before", "wait", "after", "clean")]
    assert answer == {"blocks": [{"type": "markdown", "text": "said go\n\n"}]}


def fill(terminal: Terminal, seconds: float) -> None:
    """Make the program paint into a terminal that nobody reads, until nothing fits any more and for as long as it is to last."""
    pause = select.poll()
    until_then = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until_then:
        number += 1
        size = struct.pack("HHHH", 30 + number % 2, 200 + number % 2, 0, 0)
        fcntl.ioctl(terminal._fd, termios.TIOCSWINSZ, size)
        pause.poll(20)


@pytest.mark.parametrize(("plan", "code"), [(GOOD_PLAN, 0), (FAILING_PLAN, 1)])
def test_leaving_a_run_that_is_over_prints_what_no_ui_prints(hosts: Hosts, plan: str, code: int) -> None:
    with hosts.terminal("run", hosts.plan(plan)) as terminal:
        row = hosts.wait_for_end()
        terminal.wait_for(r"SUCCEEDED|FAILED")
        terminal.press("q")
        assert terminal.wait_for_end() == code
    printed = bytes(terminal.raw).rpartition(b"\x1b[?1049l")[2].decode()
    assert f"{row.run_id[:6]}" in printed
    assert ("# Said: hello" in printed or "Said: hello" in printed) is (code == 0)
    assert ("✗ FAILED" in printed) is (code == 1)
    assert "opscope show" in printed


def test_a_canceled_run_that_is_left_is_130(hosts: Hosts) -> None:
    gate = hosts.fifo("gate")
    with hosts.terminal("run", hosts.plan(GATED), "-p", f"gate={gate}") as terminal:
        run_id = began(hosts, terminal)
        assert hosts.call("cancel", run_id).returncode == 0
        hosts.wait_for_end(run_id)
        terminal.wait_for("CANCELED")
        terminal.press("q")
        assert terminal.wait_for_end() == 130


def test_leaving_a_run_whose_engine_died_is_4(hosts: Hosts) -> None:
    gate = hosts.fifo("gate")
    with hosts.terminal("run", hosts.plan(GATED), "-p", f"gate={gate}") as terminal:
        run_id = began(hosts, terminal)
        hosts.kill(run_id)
        terminal.press("q")
        assert terminal.wait_for_end() == 4
        assert f"opscope resume {run_id[:6]}" in terminal.text


def test_a_host_that_cannot_begin_says_why(hosts: Hosts) -> None:
    hosts.database.parent.mkdir(parents=True)
    hosts.database.write_bytes(b"this is no database at all, but long enough to look at" * 100)
    done = hosts.call("run", "--detach", hosts.plan(GOOD_PLAN))
    assert done.returncode == 4
    assert done.stdout == ""
    assert str(hosts.database) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_that_dies_before_the_run_begins_is_an_error(hosts: Hosts, cli: Cli) -> None:
    from engine.errors import InfrastructureError
    from tui.commands.launching import launch
    from tui.commands.performing import prepare
    from tui.commands.planning import read_plan

    order = prepare(read_plan(hosts.plan(GOOD_PLAN), os.environ), {}, os.environ)
    dying = (sys.executable, "-c", "import sys; sys.exit('no such thing as a host')")
    with pytest.raises(InfrastructureError, match="ended before the run began") as raised:
        launch(order, hosts.database, command=dying)
    assert raised.value.hint == "no such thing as a host"
    assert not hosts.database.exists()


def test_a_host_with_a_defect_leaves_its_traceback_in_the_log(hosts: Hosts) -> None:
    from engine.errors import InfrastructureError
    from tui.commands.launching import launch
    from tui.commands.performing import prepare
    from tui.commands.planning import read_plan

    order = prepare(read_plan(hosts.plan(GOOD_PLAN), os.environ), {}, os.environ)
    broken = "import sys; from tui.commands import host; host.NEEDED = ('no_such_module',); sys.exit(host.main())"
    with pytest.raises(InfrastructureError, match="ended before the run began") as raised:
        launch(order, hosts.database, command=(sys.executable, "-c", broken))
    assert raised.value.hint == "ModuleNotFoundError: No module named 'no_such_module'"
    assert "Traceback" in Path(raised.value.place).read_text()


def test_folders_of_the_same_name_where_the_person_stands_are_not_meant(hosts: Hosts) -> None:
    for name in ("tui", "engine", "store"):
        (hosts.home / name).mkdir()
        (hosts.home / name / "__init__.py").write_text("raise SystemExit('the wrong one')\n")
    command = [sys.executable, "-P", *PROGRAM[1:], "run", "--detach", hosts.plan(GOOD_PLAN)]
    done = subprocess.run(command, env=hosts.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "wrong" in done.stderr) == (0, False)
    assert hosts.wait_for_end().status is RunStatus.SUCCEEDED


def test_a_hang_up_does_nothing_to_a_host_and_its_steps_keep_the_default(hosts: Hosts) -> None:
    gate, door = hosts.fifo("gate"), hosts.fifo("door")
    plan = hosts.plan(
        "plan_id: signals\nparams: {gate: {required: true}, door: {required: true}}\nsteps:\n"
        "  - id: look\n    command: sh\n"
        '    args: [-c, \'grep SigIgn /proc/self/status > "$DOOR"; read line < "$GATE"\']\n'
        "    env: {GATE: '{params.gate}', DOOR: '{params.door}'}\n"
    )
    run_id = hosts.detached(plan, "-p", f"gate={gate}", "-p", f"door={door}")
    ignored = int(door.read_text().split()[1], 16)
    assert not ignored & 1 << (signal.SIGHUP - 1)
    pid = hosts.pid(run_id)
    assert pid is not None
    os.kill(pid, signal.SIGHUP)
    hosts.open_gate(gate)
    assert hosts.wait_for_end(run_id).status is RunStatus.SUCCEEDED


def test_sigterm_cancels_the_run_of_a_host(hosts: Hosts) -> None:
    gate = hosts.fifo("gate")
    run_id = hosts.detached(hosts.plan(GATED), "-p", f"gate={gate}")
    hosts.wait_for(lambda row: row.steps_done == 1)
    pid = hosts.pid(run_id)
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    assert hosts.wait_for_end(run_id).status is RunStatus.CANCELED


IMPORTED_LATER = """\
import json, os, sys
from importlib import import_module
from pathlib import Path
from tui.commands.host import NEEDED, prepare_for
for name in NEEDED:
    import_module(name)
from tui.commands.orders import from_json
from tui.commands.performing import Onlooker, perform
task, database = from_json(json.loads(sys.argv[1]), os.environ)
prepare_for(task.plan.compiled)
before = set(sys.modules)
performed = perform(task, database, Onlooker(note=lambda text: print(text, file=sys.stderr)))
print(json.dumps([performed.exit_code, sorted(set(sys.modules) - before)]))
"""


def test_a_host_imports_everything_at_its_start(hosts: Hosts, tmp_path: Path) -> None:
    """The program may be upgraded or removed while a run goes on: a failing run with every kind of step and a hook."""
    from tui.commands.orders import to_json
    from tui.commands.performing import prepare
    from tui.commands.planning import read_plan

    text = (
        "plan_id: all\nlocks: [one]\nsteps:\n"
        "  - {id: q, step_def: {type: sql, database: inventory.db, read_only: false, query: 'select 1 as n'}, output: json}\n"
        "  - {id: c, command: sh, args: [-c, 'echo \"[1,2]\"; exit 1'], output: json, retries: 1,"
        " backoff: {initial_sec: 0.01}, on_failure: continue}\n"
        "  - {id: d, depends_on: [c, q], command: echo, args: ['{q.data.rows[0].n}'], condition: 'len(q.data.rows) > 0'}\n"
        "  - {id: e, depends_on: [d, x], command: 'false'}\n"
        "  - {id: w, step_def: {type: file, action: write, path: made.txt, content: x, overwrite: true}, on_failure: continue}\n"
        "  - {id: p, step_def: {type: python, callable: 'json:dumps', args: {obj: 1}}, on_failure: continue}\n"
        "  - {id: s, step_def: {type: powershell, script: 'exit 0'}, on_failure: continue}\n"
        "  - {id: t, step_def: {type: tool, tool: none}, on_failure: continue, for_each: [1, 2], cache: {ttl_sec: 9}}\n"
        "  - {id: h, step_def: {type: http, url: 'http://127.0.0.1:9/'}, on_failure: continue}\n"
        "  - {id: r, command: 'true', repeat: {until: 'item.exit_code == 1', max: 2, delay_sec: 0}, on_failure: continue}\n"
        "  - {id: n, step_def: {type: decision, ask: 'which?', default: one, branches: {one: [k], two: []}}}\n"
        "  - {id: k, command: 'true'}\n"
        "  - {id: x, depends_on: [w, p, s, t, h, r, k], step_def: {type: plan, plan: ci_lookup, params: {host: db-01}},"
        " on_failure: continue}\n"
        "finally: [{id: f, command: echo, args: ['{run.status}']}]\n"
        "compose: {x: '{d.stdout}'}\npresent: [{type: markdown, text: '{compose.x}'}]\n"
    )
    config = tmp_path / "config.toml"
    model = '[llm]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "small"\n'
    config.write_text(f'[on]\nfailed = ["sh", "-c", "cat > {tmp_path}/told"]\n{model}')
    plan = hosts.plan(text)
    Path(plan).with_name("inventory.db").touch()
    order = prepare(read_plan(plan, os.environ), {}, os.environ)
    done = subprocess.run(
        [sys.executable, "-P", "-c", IMPORTED_LATER, json.dumps(to_json(order, hosts.database))],
        env={**hosts.environment, "OPSCOPE_CONFIG": str(config)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, later = json.loads(done.stdout)
    assert (code, done.stderr) == (1, "")
    assert not later, " ".join(later)
    assert json.loads((tmp_path / "told").read_text())["run_id"] == order.run_id
