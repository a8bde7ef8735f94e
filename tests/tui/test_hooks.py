"""W2: hooks on failed, paused and quarantined, as real processes; whatever they do, the caller goes on."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from engine.model.states import RunStatus
from engine.steps.processes import process_stat
from tui.configuration import Configuration, Hooks, Settings
from tui.hooks import run_hooks

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import JsonObject

RUN: JsonObject = {"run_id": "f" * 32, "plan_id": "nightly", "params": {"odd": "ü\n\u2028\udcff", "big": "x" * 300_000}}
ENV = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LEAK": "not for hooks"}


async def call(
    folder: Path, *command: str, kind: RunStatus = RunStatus.FAILED, limit_sec: float = 10.0
) -> tuple[str, ...]:
    """Run one hook that stands in `folder`'s configuration."""
    hooks = Hooks(failed=command) if kind is RunStatus.FAILED else Hooks()
    configuration = Configuration(Settings(on=hooks), folder)
    return await run_hooks(configuration, kind, RUN, database=folder / "runs.db", host_env=ENV, limit_sec=limit_sec)


def sh(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


async def test_a_hook_reads_the_run_and_knows_where_it_is(tmp_path: Path) -> None:
    assert await call(tmp_path, *sh("cat > run.json; env > env; pwd > folder")) == ()
    assert json.loads((tmp_path / "run.json").read_text()) == RUN
    assert (tmp_path / "run.json").read_text().endswith("}\n")
    assert (tmp_path / "folder").read_text().strip() == str(tmp_path)
    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert {name: found[name] for name in ("OPSCOPE_RUN_ID", "OPSCOPE_RUN_STATUS", "OPSCOPE_DB")} == {
        "OPSCOPE_RUN_ID": "f" * 32,
        "OPSCOPE_RUN_STATUS": "failed",
        "OPSCOPE_DB": str(tmp_path / "runs.db"),
    }
    assert "LEAK" not in found


async def test_it_has_a_session_of_its_own(tmp_path: Path) -> None:
    script = "import os; open('session', 'w').write(f'{os.getpid()} {os.getsid(0)}')"
    assert await call(tmp_path, "python3", "-c", script) == ()
    pid, session = (tmp_path / "session").read_text().split()
    assert pid == session


@pytest.mark.parametrize("kind", [RunStatus.SUCCEEDED, RunStatus.PAUSED, RunStatus.CANCELED])
async def test_without_a_hook_nothing_is_run(tmp_path: Path, kind: RunStatus) -> None:
    assert await call(tmp_path, "unused", kind=kind) == ()


@pytest.mark.parametrize(
    ("command", "warning"),
    [
        (sh("echo first >&2; echo no route to pager >&2; exit 3"), "the hook on failed, sh: exit 3: no route to pager"),
        (sh("kill -SEGV $$"), "the hook on failed, sh: ended by SIGSEGV (11)"),
        (("no-such-hook",), "the hook on failed, no-such-hook: cannot start 'no-such-hook': there is no such program"),
        (("./no-such-hook",), "the hook on failed, ./no-such-hook: cannot start './no-such-hook': there is no file "),
        (sh("yes | head -c 5000000; exit 1"), "the hook on failed, sh: exit 1"),
    ],
)
async def test_a_failing_hook_is_one_line(tmp_path: Path, command: tuple[str, ...], warning: str) -> None:
    (said,) = await call(tmp_path, *command)
    assert said.startswith(warning)
    assert "\n" not in said


async def test_a_program_beside_the_configuration_and_one_in_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("beside", "bin/homely"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\ntouch ran-$1\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setitem(ENV, "HOME", str(tmp_path))
    assert await call(tmp_path, "./beside", "one") == ()
    assert await call(tmp_path, "~/bin/homely", "two") == ()
    assert (tmp_path / "ran-one").exists()
    assert (tmp_path / "ran-two").exists()


async def test_a_hook_that_hangs_is_ended_with_all_its_processes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")
    script = "trap '' TERM; (trap '' TERM; cat never) & echo $! > pid; cat never"
    (said,) = await call(tmp_path, *sh(script), limit_sec=0.5)
    assert said == "the hook on failed, sh: timed out after 0.5 s"
    pid = int((tmp_path / "pid").read_text())
    found = process_stat(pid)
    assert found is None or found.has_ended


async def test_what_a_hook_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")
    assert await call(tmp_path, *sh("setsid cat never >/dev/null 2>&1 & echo $! > pid")) == ()
    found = process_stat(int((tmp_path / "pid").read_text()))
    assert found is None or found.has_ended


async def test_a_hook_that_reads_nothing_does_not_hold_anybody_up(tmp_path: Path) -> None:
    """The run is larger than a pipe: nobody waits for a reader."""
    assert await call(tmp_path, "true") == ()


async def test_a_canceled_caller_leaves_no_process(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "started")
    os.mkfifo(tmp_path / "never")
    task = asyncio.create_task(call(tmp_path, *sh("echo $$ > started; exec cat never")))
    pid = int(await asyncio.to_thread((tmp_path / "started").read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    found = process_stat(pid)
    assert found is None or found.has_ended


async def test_a_defect_is_a_warning_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "memfd_create", broken)
    assert await call(tmp_path, "true") == ("the hook on failed, true: OSError: [Errno 24] Too many open files",)
