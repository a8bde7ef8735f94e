"""What every implementation of the Executor port must do, as tests. A test module subclasses the class and says how to make one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from engine.model.bound import (
    BoundCommand,
    BoundDecision,
    BoundFile,
    BoundHttp,
    BoundPython,
    BoundTool,
    SecretName,
    SecretText,
)
from engine.model.states import OutputFormat, Reason, StepStatus, Stream
from engine.steps.capture import CaptureLimits
from engine.steps.census import find_by_cookie
from engine.steps.processes import process_identity
from engine.steps.secrets import SecretBox
from tests.engine.steps.support import (
    PATH,
    RecordingObserver,
    assert_nothing_left,
    attempt,
    open_descriptors,
    query,
    shell,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ports import Executor, ProcessIdentity

_OWN_GROUP = 'import os; os.setpgid(0, 0); open("fifo", "w").write("\\n"); os.execvpe("sleep", ["sleep", "60"], {})'
SECRET = "s3cr3t/va+lue'\"x"


class ExecutorConformance:
    """The suite. `grace_sec` between TERM and KILL must be short in the executor under test."""

    def make(self, secrets: SecretBox | None = None, limits: CaptureLimits | None = None) -> Executor:
        """An executor with these secrets and limits."""
        raise NotImplementedError

    # How an attempt ends

    async def test_success_carries_output_digest_and_identity(self, tmp_path: Path) -> None:
        observer = RecordingObserver()
        outcome = await self.make().run(shell("echo out; echo err >&2", tmp_path), observer)
        assert (outcome.status, outcome.reason, outcome.message) == (StepStatus.SUCCEEDED, None, "")
        assert (outcome.exit_code, outcome.data, outcome.stdout.text) == (0, "out", "out\n")
        assert outcome.stdout.sha256 == hashlib.sha256(b"out\n").hexdigest()
        assert (outcome.stderr.text, outcome.stderr_tail) == ("err\n", "err\n")
        assert observer.text(Stream.STDOUT) == b"out\n"
        assert observer.text(Stream.STDERR) == b"err\n"
        assert len(observer.processes) == 1

    async def test_exit_code_comes_with_the_last_line_of_stderr(self, tmp_path: Path) -> None:
        outcome = await self.make().run(shell("echo a >&2; echo 'no space' >&2; exit 3", tmp_path), RecordingObserver())
        assert (outcome.status, outcome.reason, outcome.exit_code) == (StepStatus.FAILED, Reason.EXIT_CODE, 3)
        assert (outcome.message, outcome.data) == ("exit 3: no space", None)

    async def test_a_signal_is_named(self, tmp_path: Path) -> None:
        outcome = await self.make().run(shell("kill -SEGV $$", tmp_path), RecordingObserver())
        assert (outcome.reason, outcome.exit_code) == (Reason.SIGNALED, 128 + signal.SIGSEGV)
        assert outcome.message.startswith("ended by SIGSEGV (11)")

    async def test_a_time_limit_ends_a_child_that_ignores_term(self, tmp_path: Path) -> None:
        before = open_descriptors()
        spec = shell("trap '' TERM; echo on; while :; do sleep 1; done", tmp_path, timeout_sec=0.1)
        outcome = await self.make().run(spec, RecordingObserver())
        assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.TIMED_OUT)
        assert (outcome.message, outcome.exit_code, outcome.stdout.text) == ("timed out after 0.1 s", None, "on\n")
        assert_nothing_left(spec, before)

    async def test_what_is_written_on_term_is_kept(self, tmp_path: Path) -> None:
        spec = shell("trap 'echo bye; exit 0' TERM; echo on; while :; do sleep 0.01; done", tmp_path, timeout_sec=0.2)
        observer = RecordingObserver()
        outcome = await self.make().run(spec, observer)
        assert (outcome.reason, outcome.stdout.text) == (Reason.TIMED_OUT, "on\nbye\n")
        assert observer.text(Stream.STDOUT) == b"on\nbye\n"

    # What a process finds

    async def test_environment_is_exactly_what_was_given(self, tmp_path: Path) -> None:
        spec = attempt(BoundCommand("env"), tmp_path, output=OutputFormat.LINES, environment={**PATH, "A": "1 \n2"})
        outcome = await self.make().run(spec, RecordingObserver())
        assert outcome.stdout.text == (
            f"PATH={PATH['PATH']}\nA=1 \n2\nOPSCOPE_IDEMPOTENCY_KEY=key-of-the-step\nOPSCOPE_COOKIE={spec.cookie}\n"
        )

    async def test_own_session_and_no_input(self, tmp_path: Path) -> None:
        outcome = await self.make().run(
            shell("cat; cut -d' ' -f6 /proc/$$/stat; echo $$", tmp_path), RecordingObserver()
        )
        session, pid = outcome.stdout.text.split()
        assert session == pid

    async def test_folders(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        script = tmp_path / "where.sh"
        script.write_text("#!/bin/sh\npwd\n")
        script.chmod(0o755)
        spec = attempt(BoundCommand("./where.sh", cwd="sub"), tmp_path)
        outcome = await self.make().run(spec, RecordingObserver())
        assert outcome.data == str(tmp_path / "sub")

    # Output

    @pytest.mark.parametrize(
        ("script", "text"),
        [
            ("printf 'no newline'", "no newline"),
            (r"printf '\377\376ok\n'", "\ufffd\ufffdok\n"),
            ("printf 'a\\r\\nb'", "a\r\nb"),
            ("exec >&- 2>&-; sleep 0.1", ""),
        ],
        ids=["no newline", "invalid UTF-8", "CRLF", "closes its pipes early"],
    )
    async def test_odd_output(self, tmp_path: Path, script: str, text: str) -> None:
        outcome = await self.make().run(shell(script, tmp_path), RecordingObserver())
        assert (outcome.status, outcome.stdout.text) == (StepStatus.SUCCEEDED, text)

    async def test_exit_code_after_pipes_were_closed_early(self, tmp_path: Path) -> None:
        outcome = await self.make().run(shell("exec >&- 2>&-; sleep 0.1; exit 4", tmp_path), RecordingObserver())
        assert (outcome.reason, outcome.exit_code, outcome.message) == (Reason.EXIT_CODE, 4, "exit 4")

    async def test_flood_is_counted_hashed_and_bounded(self, tmp_path: Path, scaled: Callable[[int], int]) -> None:
        size = scaled(1000) << 20
        observer = _MeasuringObserver()
        limits = CaptureLimits(log_bytes=4 << 20)
        spec = shell(f"head -c {size} /dev/zero; echo done >&2", tmp_path, timeout_sec=600)
        outcome = await self.make(limits=limits).run(spec, observer)
        assert (outcome.status, outcome.stdout.size_bytes) == (StepStatus.SUCCEEDED, size)
        assert len(outcome.stdout.text) == limits.stdout_bytes
        assert outcome.stdout.dropped_bytes == size - limits.stdout_bytes
        assert outcome.stdout.sha256 == _digest_of_zeros(size)
        assert (4 << 20) < observer.received < (4 << 20) + 1000
        assert observer.growth < 32 << 20
        assert "are kept" in outcome.message

    async def test_log_cap_has_one_marker(self, tmp_path: Path) -> None:
        observer = RecordingObserver()
        limits = CaptureLimits(log_bytes=1000)
        outcome = await self.make(limits=limits).run(shell("head -c 500000 /dev/zero", tmp_path), observer)
        content = b"".join(piece for _, _, piece in observer.pieces)
        assert content[:1000] == b"\0" * 1000
        assert content[1000:] == b"\n[opscope: the log ends here after 1000 bytes; the rest is counted, not kept]\n"
        assert outcome.stdout.size_bytes == 500000

    async def test_slow_observer_holds_the_process_back(self, tmp_path: Path) -> None:
        observer = _BlockingObserver()
        task = asyncio.create_task(self.make().run(shell("head -c 3000000 /dev/zero", tmp_path), observer))
        await observer.is_blocked.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert observer.received <= 65536
        assert not task.done()
        observer.release.set()
        outcome = await task
        assert (outcome.status, observer.received) == (StepStatus.SUCCEEDED, 3000000)

    @pytest.mark.parametrize(
        ("output", "printed", "data"),
        [
            (OutputFormat.TEXT, "a\nb\n\n", "a\nb"),
            (OutputFormat.LINES, "a\r\n\nb", ["a", "", "b"]),
            (OutputFormat.LINES, "", []),
            (OutputFormat.JSON, '{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
            (OutputFormat.NONE, "a", None),
        ],
    )
    async def test_output_becomes_data(self, tmp_path: Path, output: OutputFormat, printed: str, data: object) -> None:
        (tmp_path / "out").write_text(printed, newline="")
        outcome = await self.make().run(
            attempt(BoundCommand("cat", ("out",)), tmp_path, output=output), RecordingObserver()
        )
        assert outcome.status is StepStatus.SUCCEEDED
        assert outcome.data == data

    async def test_json_that_is_none_fails_the_step(self, tmp_path: Path) -> None:
        spec = shell("printf '{\"a\": 1,\\n  oops}'", tmp_path, output=OutputFormat.JSON)
        outcome = await self.make().run(spec, RecordingObserver())
        assert (outcome.status, outcome.reason, outcome.exit_code) == (StepStatus.FAILED, Reason.BAD_OUTPUT, 0)
        assert outcome.message.startswith("stdout is not JSON: line 2, column 3:")

    async def test_json_beyond_the_cap_fails_the_step(self, tmp_path: Path) -> None:
        spec = shell(
            "printf '[\"'; head -c 5000 /dev/zero | tr '\\0' x; printf '\"]'", tmp_path, output=OutputFormat.JSON
        )
        outcome = await self.make(limits=CaptureLimits(stdout_bytes=4096)).run(spec, RecordingObserver())
        assert (outcome.reason, outcome.data) == (Reason.OUTPUT_TOO_LARGE, None)
        assert outcome.message.startswith("stdout had 5004 bytes")

    async def test_a_cap_of_its_own_counts_more_than_the_executors(self, tmp_path: Path) -> None:
        executor = self.make(limits=CaptureLimits(stdout_bytes=4096))
        (tmp_path / "out").write_text('"' + "x" * 5000 + '"')
        outcomes = [
            await executor.run(
                attempt(BoundCommand("cat", ("out",)), tmp_path, output=output, max_output_bytes=cap),
                RecordingObserver(),
            )
            for output, cap in ((OutputFormat.JSON, 5002), (OutputFormat.JSON, 5001), (OutputFormat.TEXT, 10))
        ]
        assert outcomes[0].data == "x" * 5000
        assert (outcomes[1].reason, outcomes[1].data) == (Reason.OUTPUT_TOO_LARGE, None)
        assert outcomes[1].message == (
            "stdout had 5002 bytes, and JSON of more than 5001 bytes is not kept; "
            "print less, raise max_output_bytes, or write a file"
        )
        assert outcomes[2].data == '"' + "x" * 9
        assert outcomes[2].message == "stdout had 5002 bytes; the first 10 are kept (max_output_bytes)"

    async def test_a_secret_is_masked_wherever_it_stands_in_much_output(self, tmp_path: Path) -> None:
        """At the borders of what is read, kept and cut, in megabytes of other text."""
        box = SecretBox({"token": SECRET})
        size = (3 << 20) + 17
        places = (0, 65530, 65536 - 3, (1 << 20) - 5, (2 << 20) + 1, size - len(SECRET))
        text = bytearray((b"some words of other text\n" * (size // 25 + 1))[:size])
        for place in places:
            text[place : place + len(SECRET)] = SECRET.encode()
        (tmp_path / "out").write_bytes(text)
        (tmp_path / "json").write_text(json.dumps(text.decode()))
        for name, output in (("out", OutputFormat.TEXT), ("out", OutputFormat.LINES), ("json", OutputFormat.JSON)):
            observer = RecordingObserver()
            spec = attempt(BoundCommand("cat", (name,)), tmp_path, output=output)
            outcome = await self.make(box).run(spec, observer)
            assert outcome.status is StepStatus.SUCCEEDED
            said = repr(outcome.data)
            assert SECRET not in said
            # Two of the places overlap.
            assert said.count("***") == len(places) - 1
            assert SECRET not in outcome.stdout.text
            assert SECRET.encode() not in observer.text(Stream.STDOUT)

    # Secrets

    async def test_a_secret_reaches_the_process_and_nothing_else(self, tmp_path: Path) -> None:
        box = SecretBox({"token": SECRET})
        text = SecretText(("Bearer ", SecretName("token")))
        observer = RecordingObserver()
        # Printed a byte at a time, so that it crosses every border there can be.
        script = (
            'printf %s "$AUTH" | wc -c; i=0; while [ $i -lt ${#AUTH} ]; do printf %s "$AUTH" | dd bs=1 skip=$i count=1 '
            '2>/dev/null; i=$((i+1)); done; echo; printf %s "$AUTH" | base64; echo "$AUTH" >&2; exit 1'
        )
        outcome = await self.make(box).run(shell(script, tmp_path, environment={**PATH, "AUTH": text}), observer)
        everything = repr(outcome) + repr(observer.pieces)
        assert outcome.stdout.text.startswith(f"{len('Bearer ' + SECRET)}\nBearer ***\n")
        assert outcome.message == "exit 1: Bearer ***"
        assert SECRET not in everything
        assert "czNjcjN0" not in everything
        assert outcome.stdout.sha256 == hashlib.sha256(observer.text(Stream.STDOUT)).hexdigest()

    async def test_data_is_parsed_and_then_masked(self, tmp_path: Path) -> None:
        box = SecretBox({"token": SECRET})
        (tmp_path / "out").write_text('{"s3cr3t\\/va+lue\'\\u0022x": "x s3cr3t/va+lue\'\\"x y", "n": 1}')
        spec = attempt(BoundCommand("cat", ("out",)), tmp_path, output=OutputFormat.JSON)
        outcome = await self.make(box).run(spec, RecordingObserver())
        assert outcome.data == {"***": "x *** y", "n": 1}

    async def test_an_unknown_secret_is_an_outcome(self, tmp_path: Path) -> None:
        spec = shell("true", tmp_path, environment={"A": SecretText((SecretName("nope"),))})
        outcome = await self.make().run(spec, RecordingObserver())
        assert outcome.reason is Reason.SPAWN_FAILED
        assert "secret nope" in outcome.message

    # What a step leaves behind

    @pytest.mark.parametrize(
        ("script", "count"),
        [
            ("sleep 60 & echo x", 1),
            ("sleep 60 >/dev/null 2>&1 & echo x", 1),
            ("(trap '' TERM; echo >fifo; sleep 60) & read -r _ <fifo; echo x", 2),
            ("setsid sleep 60 >/dev/null 2>&1 & echo x", 1),
            ("setsid sh -c 'sleep 60 & sleep 61' & echo x", 3),
            (f"{sys.executable} -c '{_OWN_GROUP}' >/dev/null 2>&1 & read -r _ <fifo; echo x", 1),
        ],
        ids=[
            "keeps the pipes open",
            "has pipes of its own",
            "ignores TERM",
            "a session of its own",
            "a family in a session of its own",
            "a group of its own and no cookie",
        ],
    )
    async def test_leftovers_are_ended(self, tmp_path: Path, script: str, count: int) -> None:
        before = open_descriptors()
        os.mkfifo(tmp_path / "fifo")
        spec = shell(script, tmp_path)
        outcome = await self.make().run(spec, RecordingObserver())
        assert (outcome.status, outcome.stdout.text) == (StepStatus.SUCCEEDED, "x\n")
        assert 1 <= outcome.counts["leftover_processes"] <= count
        assert_nothing_left(spec, before)

    @pytest.mark.parametrize(
        "script",
        [
            "setsid sh -c 'trap \"\" TERM; echo up; while :; do sleep 1; done'",
            "(trap '' TERM; sleep 60) & (sleep 60 &) & echo up; kill -STOP $$",
            "exec 3>&1; setsid sh -c 'setsid sleep 60 & echo up >&3; sleep 60' >/dev/null & exec >&-; sleep 60",
        ],
        ids=["a session that ignores TERM", "stopped, with children", "sessions within sessions"],
    )
    async def test_everything_ends_at_the_time_limit(self, tmp_path: Path, script: str) -> None:
        before = open_descriptors()
        spec = shell(script, tmp_path, timeout_sec=0.3)
        outcome = await self.make().run(spec, RecordingObserver())
        assert (outcome.reason, outcome.stdout.text) == (Reason.TIMED_OUT, "up\n")
        assert_nothing_left(spec, before)

    # Cancellation and a failing observer

    async def test_cancel_ends_everything(self, tmp_path: Path) -> None:
        before = open_descriptors()
        spec = shell("trap '' TERM; setsid sleep 60 & (sleep 60) & echo up; while :; do sleep 1; done", tmp_path)
        observer = _SignallingObserver()
        task = asyncio.create_task(self.make().run(spec, observer))
        await observer.has_output.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_nothing_left(spec, before)

    async def test_cancelling_again_and_again_does_not_cut_the_ladder_short(self, tmp_path: Path) -> None:
        before = open_descriptors()
        spec = shell("trap '' TERM; echo up; while :; do sleep 1; done", tmp_path)
        observer = _SignallingObserver()
        task = asyncio.create_task(self.make().run(spec, observer))
        await observer.has_output.wait()
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        assert task.cancelled()
        assert_nothing_left(spec, before)

    async def test_cancel_at_random_moments_leaves_nothing(self, tmp_path: Path, scaled: Callable[[int], int]) -> None:
        before = open_descriptors()
        chance = random.Random(4)
        executor = self.make()
        for _ in range(scaled(300)):
            spec = shell("echo up; setsid sleep 60 & sleep 60", tmp_path)
            task = asyncio.create_task(executor.run(spec, RecordingObserver()))
            for _ in range(chance.choice([0, 1, 2, 3, 5, 10, 30, 100, 1000])):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert_nothing_left(spec, before)

    async def test_cancel_while_the_observer_is_stuck(self, tmp_path: Path) -> None:
        before = open_descriptors()
        observer = _BlockingObserver()
        spec = shell("yes", tmp_path)
        task = asyncio.create_task(self.make().run(spec, observer))
        await observer.is_blocked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_nothing_left(spec, before)

    @pytest.mark.parametrize("in_output", [False, True], ids=["started", "output"])
    async def test_a_failing_observer_stops_everything_and_is_heard(self, tmp_path: Path, in_output: bool) -> None:
        before = open_descriptors()
        spec = shell("echo up; setsid sleep 60 & sleep 60", tmp_path)
        with pytest.raises(StoreError, match="the disk is full"):
            await self.make().run(spec, _FailingObserver(in_output))
        assert_nothing_left(spec, before)

    async def test_nothing_of_an_attempt_is_told_before_its_start_is_durable(self, tmp_path: Path) -> None:
        observer = _SlowStartObserver()
        task = asyncio.create_task(self.make().run(shell("echo up", tmp_path), observer))
        await observer.is_blocked.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert observer.pieces == []
        assert not task.done()
        observer.release.set()
        assert (await task).data == "up"

    async def test_the_identity_is_that_of_the_process(self, tmp_path: Path) -> None:
        observer = _SlowStartObserver()
        task = asyncio.create_task(self.make().run(shell("sleep 60", tmp_path), observer))
        await observer.is_blocked.wait()
        identity = observer.processes[0]
        assert identity is not None
        assert identity == process_identity(identity.pid)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert process_identity(identity.pid) != identity

    async def test_many_at_once(self, tmp_path: Path, scaled: Callable[[int], int]) -> None:
        before = open_descriptors()
        executor = self.make()
        specs = [shell(f"echo {n}; (sleep 60 &); exit {n % 2}", tmp_path) for n in range(scaled(200))]
        outcomes = await asyncio.gather(*(executor.run(spec, RecordingObserver()) for spec in specs))
        assert [outcome.stdout.text for outcome in outcomes] == [f"{n}\n" for n in range(len(specs))]
        assert [outcome.exit_code for outcome in outcomes] == [n % 2 for n in range(len(specs))]
        for spec in specs:
            assert find_by_cookie(spec.cookie) == []
        assert open_descriptors() == before

    # Queries, as far as any executor must know them

    async def test_a_query(self, inventory: Path) -> None:
        observer = RecordingObserver()
        spec = query("select name, size from host where size > :least order by size", inventory, least=1)
        outcome = await self.make().run(spec, observer)
        assert outcome.status is StepStatus.SUCCEEDED
        assert outcome.data == {"columns": ["name", "size"], "rows": [{"name": "b", "size": 2}], "row_count": 1}
        assert (outcome.counts, observer.processes) == ({"rows": 1}, [None])

    # Other kinds of steps, as far as any executor must know them

    async def test_a_function(self, tmp_path: Path) -> None:
        (tmp_path / "mod.py").write_text("def run(n):\n    print('said')\n    return {'n': n + 1}\n")
        definition = BoundPython("mod:run", sys.executable, {"n": 1})
        observer = RecordingObserver()
        outcome = await self.make().run(attempt(definition, tmp_path, output=OutputFormat.JSON), observer)
        assert (outcome.status, outcome.data, observer.text(Stream.STDOUT)) == (
            StepStatus.SUCCEEDED,
            {"n": 2},
            b"said\n",
        )

    async def test_a_file(self, tmp_path: Path) -> None:
        definition = BoundFile("write", "x", content="x")
        observer = RecordingObserver()
        outcome = await self.make().run(attempt(definition, tmp_path), observer)
        assert (outcome.status, (tmp_path / "x").read_text()) == (StepStatus.SUCCEEDED, "x")
        assert observer.processes == [None]

    async def test_a_decision(self, tmp_path: Path) -> None:
        spec = attempt(BoundDecision("a", 0, "true"), tmp_path, output=OutputFormat.JSON)
        outcome = await self.make().run(spec, RecordingObserver())
        assert outcome.data == {"choice": "a", "rule": 0, "why": "true"}

    async def test_a_request(self, tmp_path: Path) -> None:
        spec = attempt(BoundHttp("http://169.254.169.254/"), tmp_path, output=OutputFormat.JSON)
        outcome = await self.make().run(spec, RecordingObserver())
        assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.REFUSED)

    async def test_a_tool_that_nobody_has(self, tmp_path: Path) -> None:
        outcome = await self.make().run(attempt(BoundTool("no such tool", ({},)), tmp_path), RecordingObserver())
        assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.TOOL_MISSING)


def _digest_of_zeros(size: int) -> str:
    digest = hashlib.sha256()
    block = bytes(1 << 20)
    for _ in range(size >> 20):
        digest.update(block)
    return digest.hexdigest()


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class _MeasuringObserver:
    def __init__(self) -> None:
        self.received = 0
        self._first = 0
        self.growth = 0

    async def started(self, process: ProcessIdentity | None) -> None:
        self._first = _resident_bytes()

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        self.received += len(content)
        self.growth = max(self.growth, _resident_bytes() - self._first)


class _BlockingObserver:
    def __init__(self) -> None:
        self.received = 0
        self.is_blocked = asyncio.Event()
        self.release = asyncio.Event()

    async def started(self, process: ProcessIdentity | None) -> None:
        pass

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        self.received += len(content)
        self.is_blocked.set()
        await self.release.wait()


class _SignallingObserver(RecordingObserver):
    def __init__(self) -> None:
        super().__init__()
        self.has_output = asyncio.Event()

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        await super().output(stream, offset, content)
        self.has_output.set()


class _SlowStartObserver(RecordingObserver):
    def __init__(self) -> None:
        super().__init__()
        self.is_blocked = asyncio.Event()
        self.release = asyncio.Event()

    async def started(self, process: ProcessIdentity | None) -> None:
        await super().started(process)
        self.is_blocked.set()
        await self.release.wait()


class _FailingObserver:
    def __init__(self, in_output: bool) -> None:
        self._in_output = in_output

    async def started(self, process: ProcessIdentity | None) -> None:
        if not self._in_output:
            raise StoreError("the disk is full")

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        raise StoreError("the disk is full")
