"""Steps that fork away, ignore TERM and flood, run by the command itself: its memory, its file and the machine stay as they should."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.long

# The executor alone meets all of this for every kind in the short lane too.
KINDS = ["command", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("python", "powershell"))]
# No line end, no UTF-8; a child in a session of its own that holds the pipes, ignores TERM and would go on for ever.
HOSTILE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def run(size=0, stays=False):
    if os.fork() == 0:
        os.setsid()
        open("left", "w").write(str(os.getpid()))
        time.sleep(600)
        os._exit(0)
    while not os.path.exists("left") or not open("left").read():
        time.sleep(0.01)
    piece = b"\\xff\\xfe\\x1b]" * (1 << 18)
    for _ in range(size):
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view):]
    os.close(1)
    os.close(2)
    while stays:
        time.sleep(1)
"""
MEASURED = """
import pathlib, resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
pathlib.Path("most").write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""What a process had at most counts on from the one that started it, so a small one has to."""

STAND_IN = """#!{python}
import json, os
with open(os.environ["OPSCOPE_REQUEST"]) as file:
    exec(json.load(file)["=script"][1:])
"""


def definition(kind: str, folder: Path, size: int, *, stays: bool) -> dict[str, Any]:
    (folder / "hostile.py").write_text(HOSTILE)
    call = f"import hostile; hostile.run({size}, {stays})"
    match kind:
        case "command":
            return {"type": "command", "command": sys.executable, "args": ["-c", call]}
        case "python":
            args = {"size": size, "stays": stays}
            return {"type": "python", "callable": "hostile.py:run", "args": args, "interpreter": sys.executable}
        case _:
            pwsh = folder / "stand-in-pwsh"
            pwsh.write_text(STAND_IN.format(python=sys.executable))
            pwsh.chmod(0o755)
            script = f"import sys; sys.path.insert(0, '{folder}'); {call}"
            return {"type": "powershell", "interpreter": str(pwsh), "script": script}


def carried_out(operator: Operator, step: dict[str, Any], **fields: Any) -> tuple[int, int]:
    """The exit code of the run and the most memory that the command or a process of the step had, in bytes."""
    plan = operator.plan("p.json", steps=[{"id": "a", "step_def": step, "output": "none", **fields}])
    answer = operator.run("run", plan, "--no-ui", within=600, prefix=(sys.executable, "-c", MEASURED))
    (operator.folder / "told").write_bytes(answer.stdout + answer.stderr)
    return answer.code, int((operator.folder / "most").read_text()) * 1024


def assert_nothing_is_left(folder: Path) -> None:
    pid = int((folder / "left").read_text())
    status = Path(f"/proc/{pid}/status")
    assert not status.exists() or "zombie" in status.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_flood_takes_no_memory_and_no_disk(operator: Operator, scaled: Callable[[int], int], kind: str) -> None:
    """1 GB in the long lane; how much it was is told, what was left behind is ended."""
    size = scaled(1000)
    code, memory = carried_out(operator, definition(kind, operator.folder, size, stays=False))
    assert code == 0, (operator.folder / "told").read_text()
    assert memory < 250 << 20
    written = sum(path.stat().st_size for path in operator.folder.glob("runs.db*") if path.is_file())
    assert written < 120 << 20
    assert_nothing_is_left(operator.folder)
    [step] = operator.json("show", "last")["steps"]
    assert (step["status"], step["result"]["counts"]["leftover_processes"]) == ("succeeded", 1)
    assert operator.run("verify").code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_will_not_end_is_ended(operator: Operator, kind: str) -> None:
    """At its time limit, with its pipes closed and a child in another session."""
    step = definition(kind, operator.folder, 0, stays=True)
    code, _ = carried_out(operator, step, timeout_sec=0.5)
    assert code == 1, (operator.folder / "told").read_text()
    assert_nothing_is_left(operator.folder)
    [found] = operator.json("show", "last")["steps"]
    assert (found["status"], found["reason"]) == ("failed", "timed_out")
