"""What a process can do to the one who started it, for every kind of step that starts one: bounded, ended, and told as it was."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, TypeAlias

import pytest

from engine.model.bound import BoundCommand, BoundPowershell, BoundPython
from engine.model.states import OutputFormat, Reason, StepStatus, Stream
from engine.steps.capture import CaptureLimits
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from engine.steps.supervisor import StopTiming
from tests.engine.steps.support import RecordingObserver, RunningClock, assert_nothing_left, attempt, open_descriptors

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.result import AttemptOutcome
    from engine.ports import AttemptSpec, ProcessIdentity

    Make: TypeAlias = Callable[..., AttemptSpec]

pytestmark = pytest.mark.sampled(one_in=8, of_file=True)

QUICK = StopTiming(grace_sec=0.2, drain_sec=0.2, kill_sec=5.0)

# Runs the text that it is given, as pwsh runs a script.
STAND_IN = """\
#!{python}
import json, os
with open(os.environ["OPSCOPE_REQUEST"]) as file:
    exec(json.load(file)["=script"][1:])
"""
PRELUDE = "import os, signal, sys, time\n"


def _command(code: str, folder: Path, timeout_sec: float = 30.0) -> AttemptSpec:
    definition = BoundCommand(sys.executable, ("-c", PRELUDE + dedent(code)))
    return attempt(definition, folder, output=OutputFormat.NONE, timeout_sec=timeout_sec)


def _python(code: str, folder: Path, timeout_sec: float = 30.0) -> AttemptSpec:
    body = "".join(f"    {line}\n" for line in dedent(code).splitlines())
    (folder / "mod.py").write_text(f"{PRELUDE}def run():\n{body}")
    return attempt(BoundPython("mod.py:run", sys.executable), folder, output=OutputFormat.NONE, timeout_sec=timeout_sec)


def _powershell(code: str, folder: Path, timeout_sec: float = 30.0) -> AttemptSpec:
    path = folder / "stand-in-pwsh"
    path.write_text(STAND_IN.format(python=sys.executable))
    path.chmod(0o755)
    definition = BoundPowershell(str(path), PRELUDE + dedent(code))
    return attempt(definition, folder, output=OutputFormat.NONE, timeout_sec=timeout_sec)


@pytest.fixture(params=[_command, _python, _powershell], ids=["command", "python", "powershell"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes an attempt of one of the kinds that runs this code."""
    function: Make = request.param
    return function


class MeasuringObserver(RecordingObserver):
    """Counts what comes instead of keeping it, and how much memory this process took meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.received = 0
        self.growth = 0
        self.first = 0

    async def started(self, process: ProcessIdentity | None) -> None:
        """Note how much memory there was."""
        await super().started(process)
        self.first = _resident_bytes()

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        """Count."""
        self.received += len(content)
        self.growth = max(self.growth, _resident_bytes() - self.first)


async def run(
    spec: AttemptSpec, observer: RecordingObserver | None = None, limits: CaptureLimits | None = None
) -> AttemptOutcome:
    """Run the attempt. No process, no zombie and no descriptor is left of it."""
    before = open_descriptors()
    executor = LocalExecutor(SecretBox(), RunningClock(), limits or CaptureLimits(), timing=QUICK)
    outcome = await executor.run(spec, observer or RecordingObserver())
    assert_nothing_left(spec, before)
    return outcome


FORK = """
    if os.fork() == 0:
        {child}
        time.sleep(60)
        os._exit(0)
"""


@pytest.mark.parametrize(
    "child",
    [
        "pass",
        "os.setsid()",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "os.close(0); os.close(1); os.close(2)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "[os.fork() for _ in range(3)]; os.setsid()",
    ],
)
async def test_children_that_stay_are_ended(tmp_path: Path, make: Make, child: str) -> None:
    code = FORK.format(child=child) + "    time.sleep(0.1)\n    print('parent')\n"
    outcome = await run(make(code, tmp_path))
    assert (outcome.status, outcome.reason) == (StepStatus.SUCCEEDED, None), outcome
    assert outcome.stdout.text == "parent\n"
    assert outcome.counts["leftover_processes"] >= 1


@pytest.mark.parametrize(
    "code",
    [
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 15)]; os.fork(); os.fork()",
        "os.fork() or os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "os.close(1); os.close(2)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})",
    ],
)
async def test_the_time_limit_ends_all(tmp_path: Path, make: Make, code: str) -> None:
    spec = make(f"os.write(1, b'up')\n{code}\nwhile True: time.sleep(1)\n", tmp_path, timeout_sec=0.4)
    outcome = await run(spec)
    assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.TIMED_OUT)
    assert (outcome.message, outcome.exit_code, outcome.stdout.text) == ("timed out after 0.4 s", None, "up")


async def test_a_storm_of_forks_is_ended(tmp_path: Path, make: Make) -> None:
    """Each child makes the next one and goes, so that whoever looks for them is always a little late."""
    code = """
        for _ in range(300):
            if os.fork():
                time.sleep(60)
            os.setsid()
    """
    outcome = await run(make(code, tmp_path, timeout_sec=0.5))
    assert outcome.reason is Reason.TIMED_OUT


@pytest.mark.parametrize("descriptor", [1, 2])
async def test_a_flood_is_bounded(tmp_path: Path, make: Make, scaled: Callable[[int], int], descriptor: int) -> None:
    size = scaled(1000) << 20
    code = f"""
        piece = b"x" * (1 << 20)
        for _ in range({size >> 20}):
            view = memoryview(piece)
            while view:
                view = view[os.write({descriptor}, view):]
    """
    observer = MeasuringObserver()
    limits = CaptureLimits(log_bytes=4 << 20)
    outcome = await run(make(code, tmp_path, timeout_sec=600), observer, limits)
    stream = outcome.stdout if descriptor == 1 else outcome.stderr
    assert (outcome.status, stream.size_bytes) == (StepStatus.SUCCEEDED, size)
    assert len(stream.text) <= limits.stdout_bytes
    assert stream.dropped_bytes == size - len(stream.text)
    assert (4 << 20) < observer.received < (4 << 20) + 1000
    assert observer.growth < 32 << 20


async def test_a_flood_that_nobody_stops_is_ended_at_the_time_limit(tmp_path: Path, make: Make) -> None:
    code = """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.fork()
        while True:
            os.write(1, b"x" * 65536)
            os.write(2, b"y" * 65536)
    """
    observer = MeasuringObserver()
    outcome = await run(make(code, tmp_path, timeout_sec=0.5), observer, CaptureLimits(log_bytes=1 << 20))
    assert outcome.reason is Reason.TIMED_OUT
    assert outcome.stdout.size_bytes > 0
    assert observer.growth < 32 << 20


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"x" * 500_000, "x" * 500_000),
        (b"\xff\xfe\x80ok", "\ufffd\ufffd\ufffdok"),
        (b"\xe2\x82", "\ufffd"),
        (b"a\0b\x1b[2J", "a\0b\x1b[2J"),
        (b"\r\r\n\n", "\r\r\n\n"),
    ],
    ids=["no newline", "invalid UTF-8", "half a character", "controls", "line ends"],
)
async def test_odd_output_is_kept_as_it_is(tmp_path: Path, make: Make, written: bytes, text: str) -> None:
    (tmp_path / "written").write_bytes(written)
    code = """
        rest = open("written", "rb").read()
        while rest:
            rest = rest[os.write(1, rest):]
    """
    observer = RecordingObserver()
    outcome = await run(make(code, tmp_path), observer)
    assert (outcome.status, outcome.stdout.text) == (StepStatus.SUCCEEDED, text)
    assert observer.text(Stream.STDOUT) == written


async def test_pipes_that_are_closed_early_say_nothing_of_the_end(tmp_path: Path, make: Make) -> None:
    spec = make("os.close(1); os.close(2); time.sleep(0.2)", tmp_path)
    outcome = await run(spec)
    assert (outcome.status, outcome.exit_code) == (StepStatus.SUCCEEDED, 0)
    outcome = await run(make("os.close(1); os.close(2); time.sleep(0.1); os._exit(9)", tmp_path))
    assert (outcome.reason, outcome.exit_code, outcome.message) == (Reason.EXIT_CODE, 9, "exit 9")


@pytest.mark.parametrize("number", [6, 9, 11, 15])
async def test_signals_are_named(tmp_path: Path, make: Make, number: int) -> None:
    outcome = await run(make(f"os.kill(os.getpid(), {number})", tmp_path))
    assert (outcome.reason, outcome.exit_code) == (Reason.SIGNALED, 128 + number)


async def test_cancel_ends_all(tmp_path: Path, make: Make) -> None:
    code = """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            os.setsid()
            os.write(1, b"up")
        time.sleep(60)
    """
    has_output = asyncio.Event()

    class Observer(RecordingObserver):
        async def output(self, stream: Stream, offset: int, content: bytes) -> None:
            has_output.set()

    before = open_descriptors()
    spec = make(code, tmp_path)
    executor = LocalExecutor(SecretBox(), RunningClock(), timing=QUICK)
    task = asyncio.create_task(executor.run(spec, Observer()))
    await has_output.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert_nothing_left(spec, before)


async def test_cancel_at_any_moment_leaves_nothing(tmp_path: Path, make: Make, scaled: Callable[[int], int]) -> None:
    before = open_descriptors()
    executor = LocalExecutor(SecretBox(), RunningClock(), timing=QUICK)
    for number in range(scaled(100)):
        spec = make("os.fork(); os.write(1, b'up'); time.sleep(60)", tmp_path)
        task = asyncio.create_task(executor.run(spec, RecordingObserver()))
        for _ in range([0, 1, 2, 3, 5, 10, 30, 100, 300, 1000][number % 10]):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_nothing_left(spec, before)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
