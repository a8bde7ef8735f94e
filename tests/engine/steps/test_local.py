"""The local executor: the conformance suite, and what only it can be asked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.bound import BoundCommand
from engine.model.states import Reason, StepStatus
from engine.steps.capture import CaptureLimits
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from engine.steps.supervisor import StopTiming
from tests.engine.steps.executor_conformance import ExecutorConformance
from tests.engine.steps.http_server import Site, reply_json, serving
from tests.engine.steps.support import (
    PATH,
    RecordingObserver,
    RunningClock,
    assert_nothing_left,
    attempt,
    open_descriptors,
    shell,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from engine.ports import AttemptSpec, Executor, ProcessIdentity

pytestmark = pytest.mark.sampled(one_in=3)

QUICK = StopTiming(grace_sec=0.2, drain_sec=0.2, kill_sec=2.0)


def local(secrets: SecretBox | None = None, limits: CaptureLimits | None = None) -> LocalExecutor:
    """An executor with a short grace."""
    return LocalExecutor(secrets or SecretBox(), RunningClock(), limits or CaptureLimits(), timing=QUICK)


class TestLocalExecutor(ExecutorConformance):
    """The whole suite on this machine."""

    def make(self, secrets: SecretBox | None = None, limits: CaptureLimits | None = None) -> Executor:
        """A local executor."""
        return local(secrets, limits)


def _script(folder: Path, content: str, mode: int) -> str:
    path = folder / "script"
    path.write_text(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (BoundCommand("no-such-program"), "there is no such program on the step's PATH (/usr/local/bin:/usr/bin:/bin)"),
        (BoundCommand("./nope"), "a relative path is looked up in the folder of the plan"),
        (BoundCommand("/etc"), "/etc is a folder; name the program in it"),
        (BoundCommand("true", cwd="nope"), "nope is not there; create it or correct cwd"),
        (BoundCommand("true", cwd="/etc/passwd"), "/etc/passwd is not a folder"),
        (BoundCommand("true", ("a\0b",)), "argument 1 has a NUL character in it"),
        (BoundCommand("true", ("\ud800",)), "cannot be encoded"),
        (BoundCommand("true", ("x" * 200_000,)), "too long for this system (195 KiB)"),
        (BoundCommand("/etc/passwd/x"), "there is no file /etc/passwd/x"),
        (BoundCommand("./" + "x" * 5000), "there is no file"),
        (BoundCommand("x" * 5000), "there is no such program"),
    ],
)
async def test_what_cannot_be_started_is_said_in_plain_words(tmp_path: Path, command: BoundCommand, words: str) -> None:
    before = open_descriptors()
    observer = RecordingObserver()
    spec = attempt(command, tmp_path)
    outcome = await local().run(spec, observer)
    assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.SPAWN_FAILED)
    assert words in outcome.message
    assert observer.processes == []
    assert_nothing_left(spec, before)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        ("#!/bin/sh\n", 0o644, "is not executable; make it so with chmod +x"),
        ("#!/no/such/sh\n", 0o755, "the interpreter in the first line of"),
        ("echo hello\n", 0o755, "a script needs a first line such as #!/bin/sh"),
    ],
)
async def test_a_script_that_cannot_be_started(tmp_path: Path, content: str, mode: int, words: str) -> None:
    command = BoundCommand(_script(tmp_path, content, mode))
    outcome = await local().run(attempt(command, tmp_path), RecordingObserver())
    assert outcome.reason is Reason.SPAWN_FAILED
    assert words in outcome.message


async def test_a_program_of_the_working_folder_is_pointed_to(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    _script(tmp_path, "#!/bin/sh\n", 0o755)
    spec = attempt(BoundCommand("./script"), tmp_path)
    moved = _with_plan_folder(spec, tmp_path / "plans")
    outcome = await local().run(moved, RecordingObserver())
    assert f"there is one in {tmp_path}, so name its full path" in outcome.message


@pytest.mark.parametrize("environment", [{"A=B": "x"}, {"": "x"}, {"A": "x\0"}, {"A": "\ud800"}])
async def test_an_environment_that_no_process_can_have(tmp_path: Path, environment: Mapping[str, str]) -> None:
    spec = shell("true", tmp_path, environment={**PATH, **environment})
    outcome = await local().run(spec, RecordingObserver())
    assert outcome.reason is Reason.SPAWN_FAILED


async def test_a_loop_that_is_torn_down_takes_the_process_along(tmp_path: Path) -> None:
    """`asyncio.run` cancels what is left, tasks within the executor too, and must still leave nothing behind."""
    before = open_descriptors()
    spec = shell("trap '' TERM; setsid sleep 60 & while :; do sleep 1; done", tmp_path)
    ended = threading.Thread(target=lambda: asyncio.run(_leave_running(spec)))
    ended.start()
    await asyncio.to_thread(ended.join)
    assert_nothing_left(spec, before)


def test_a_loop_that_is_dropped_takes_the_process_along(tmp_path: Path) -> None:
    """Nobody can be waited for any more; what is in the process's group is killed when the coroutine is collected."""
    before = open_descriptors()
    spec = shell("trap '' TERM; while :; do sleep 1; done", tmp_path)
    loop = asyncio.new_event_loop()
    observer = RecordingObserver()
    attempt_at_it = local().run(spec, observer)
    loop.run_until_complete(_drive(attempt_at_it, observer))
    loop.close()
    attempt_at_it.close()
    assert_nothing_left(spec, before)


@pytest.mark.parametrize("limit", [0.3, 30.0])
async def test_a_system_without_process_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    before = open_descriptors()
    spec = shell(f"setsid sleep 60 & echo up; [ {limit:g} = 30 ] || sleep 60; exit 3", tmp_path, timeout_sec=limit)
    outcome = await local().run(spec, RecordingObserver())
    assert outcome.stdout.text == "up\n"
    assert outcome.reason is (Reason.EXIT_CODE if limit == 30 else Reason.TIMED_OUT)
    assert_nothing_left(spec, before)


def test_what_steps_need_is_loaded_late_or_when_asked() -> None:
    code = """if True:
        import sys
        from engine.model.states import StepType
        from engine.steps.local import load_runners
        def loaded(): return [name for name in ("httpx", "sqlite3") if name in sys.modules]
        print(loaded())
        load_runners([StepType.COMMAND, StepType.PLAN, StepType.SQL])
        print(loaded())
        load_runners(StepType)
        print(loaded())
    """
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split("\n")[:3] == ["[]", "['sqlite3']", "['httpx', 'sqlite3']"]


LOADED_LATER = """if True:
    import asyncio, socket, sys
    from pathlib import Path
    from engine.model.bound import *
    from engine.model.states import OutputFormat, StepType
    from engine.steps.local import LocalExecutor, load_runners
    from engine.steps.secrets import SecretBox
    from tests.engine.steps.support import RecordingObserver, RunningClock, attempt

    folder = Path(sys.argv[1])
    url = "http://localhost:%s/" % sys.argv[2]
    load_runners(StepType)
    executor = LocalExecutor(SecretBox(), RunningClock())

    async def main():
        before = set(sys.modules)
        for definition in (
            BoundCommand("true"), BoundPython("mod.py:run", sys.executable), BoundTool("gone", ({},)),
            BoundDecision("a", 0, ""), BoundFile("write", "x", content="a"), BoundFile("copy", "x", "y"),
            BoundPowershell("gone", "x"), BoundSql(":memory:", "select 1"),
            BoundHttp(url), BoundHttp(url.replace("http:", "https:")), BoundHttp("http://b\\u00fccher.invalid/"),
        ):
            await executor.run(attempt(definition, folder, output=OutputFormat.JSON), RecordingObserver())
        return sorted(set(sys.modules) - before)

    print(asyncio.run(main()))
"""


def test_nothing_is_loaded_in_the_middle_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text("def run(): raise ValueError")
    with serving(Site({"/": reply_json(1)})) as site:
        arguments = [sys.executable, "-c", LOADED_LATER, str(tmp_path), str(site.port)]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


async def _drive(coroutine: Coroutine[Any, Any, Any], observer: RecordingObserver) -> None:
    """Step a coroutine by hand, as far as that its process has started, and leave it there."""
    while not observer.processes:
        coroutine.send(None)
        await asyncio.sleep(0)


async def _leave_running(spec: AttemptSpec) -> None:
    has_started = asyncio.Event()

    class Observer(RecordingObserver):
        async def started(self, process: ProcessIdentity | None) -> None:
            has_started.set()

    task = asyncio.create_task(local().run(spec, Observer()))
    await has_started.wait()
    assert not task.done()


def _with_plan_folder(spec: AttemptSpec, folder: Path) -> AttemptSpec:
    from dataclasses import replace

    return replace(spec, plan_folder=folder)
