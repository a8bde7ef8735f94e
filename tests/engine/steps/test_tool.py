"""Tools: which functions may be one, where they are found, and what a call of them comes to."""

from __future__ import annotations

import asyncio
import functools
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import InputError, StoreError
from engine.model.bound import BoundTool
from engine.model.states import OutputFormat, Reason, StepStatus, Stream
from engine.steps.capture import CaptureLimits
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from engine.steps.supervisor import StopTiming
from engine.steps.tool import CALLS_AT_ONCE
from engine.steps.toolbox import MissingToolError, Toolbox, ToolContext, ToolFunction
from tests.engine.steps.support import RecordingObserver, RunningClock, attempt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.model.json import Json, JsonObject

OK = StepStatus.SUCCEEDED
FAILED = StepStatus.FAILED


@pytest.fixture
def call(tmp_path: Path) -> Any:
    """Call a function as a tool; no task is left of it."""

    async def caller(
        function: Any,
        *calls: JsonObject,
        is_batch: bool = False,
        name: str = "greet",
        timeout_sec: float = 30.0,
        output: OutputFormat = OutputFormat.JSON,
        observer: Any = None,
        limits: CaptureLimits | None = None,
        may_leave: bool = False,
        max_output_bytes: int | None = None,
    ) -> Any:
        before = asyncio.all_tasks()
        executor = LocalExecutor(
            SecretBox({"token": "s3cr3t-token-value"}),
            RunningClock(),
            limits or CaptureLimits(),
            timing=StopTiming(grace_sec=0.1),
            toolbox=Toolbox({"greet": function}),
        )
        definition = BoundTool(name, calls or ({},), is_batch)
        spec = attempt(definition, tmp_path, output=output, timeout_sec=timeout_sec, max_output_bytes=max_output_bytes)
        try:
            return await executor.run(spec, observer or RecordingObserver())
        finally:
            assert may_leave or asyncio.all_tasks() == before

    return caller


async def greet(name: str = "you") -> Json:
    """A tool."""
    await asyncio.sleep(0)
    return {"hello": name}


# What may be a tool


async def test_asynchronous_functions_may() -> None:
    class Callable:
        async def __call__(self) -> Json:
            return 1

        async def method(self) -> Json:
            return 2

    tools: dict[str, ToolFunction] = {
        "a": greet,
        "b": functools.partial(greet, name="x"),
        "c": Callable(),
        "d": Callable().method,
    }
    toolbox = Toolbox(tools)
    assert set(tools) <= set(toolbox.names())
    assert await toolbox.find("b").function() == {"hello": "x"}
    assert await toolbox.find("c").function() == 1


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: 1, "it is not asynchronous, so it would hold up every other step"),
        (len, "it is not asynchronous"),
        (functools.partial(len, ()), "it is not asynchronous"),
        (5, "it is int, which cannot be called"),
    ],
)
def test_other_things_may_not(function: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        Toolbox({"greet": function})
    assert str(caught.value).startswith(f"tool greet: {words}")
    assert caught.value.hint == "write it as: async def f(...), and hand blocking work to asyncio.to_thread"


async def test_an_unknown_tool_is_named_with_what_was_meant(call: Any) -> None:
    observer = RecordingObserver()
    outcome = await call(greet, name="gret", observer=observer)
    assert (outcome.status, outcome.reason) == (FAILED, Reason.TOOL_MISSING)
    assert outcome.message == "there is no tool 'gret'; did you mean 'greet'?"
    assert observer.processes == [None]
    outcome = await call(greet, name="something else")
    assert outcome.message == "there is no tool 'something else'; there are greet"


async def test_without_any_tool_the_way_to_one_is_told(tmp_path: Path) -> None:
    executor = LocalExecutor(SecretBox(), RunningClock())
    outcome = await executor.run(attempt(BoundTool("x", ({},)), tmp_path), RecordingObserver())
    assert outcome.message == (
        "there is no tool 'x'; none is registered with this engine or installed under the entry point opscope.tools"
    )


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution with tools, good and bad ones, as pip would have put it there."""
    site = tmp_path / "site"
    (site / "cmdb_tools-1.0.dist-info").mkdir(parents=True)
    (site / "cmdb_tools-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: cmdb-tools\nVersion: 1.0\n"
    )
    (site / "cmdb_tools-1.0.dist-info" / "entry_points.txt").write_text(
        dedent("""
            [opscope.tools]
            lookup = cmdb_tools:lookup
            slow = cmdb_tools:slow
            gone = cmdb_tools:gone
            broken = cmdb_broken:tool
            leaving = cmdb_leaving:tool
            greet = cmdb_tools:lookup
        """)
    )
    (site / "cmdb_tools.py").write_text("async def lookup(host):\n    return [host]\ndef slow():\n    return 1\n")
    (site / "cmdb_leaving.py").write_text("raise SystemExit(3)\n")
    (site / "cmdb_broken.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(str(site))
    yield
    for name in ("cmdb_tools", "cmdb_broken"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("installed")
async def test_installed_tools_are_found_and_not_loaded_before(call: Any) -> None:
    toolbox = Toolbox({"greet": greet})
    assert toolbox.names() == ["broken", "gone", "greet", "leaving", "lookup", "slow"]
    assert "cmdb_tools" not in sys.modules
    assert toolbox.find("greet").function is greet
    outcome = await call(greet, {"host": "db1"}, name="lookup")
    assert (outcome.status, outcome.data) == (OK, ["db1"])


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("slow", "tool slow: it is not asynchronous"),
        ("gone", "the tool 'gone' of cmdb-tools cannot be loaded: AttributeError: "),
        (
            "broken",
            "the tool 'broken' of cmdb-tools cannot be loaded: RuntimeError: no licence; repair or reinstall it",
        ),
    ],
)
def test_installed_tools_that_cannot_be_used(name: str, words: str) -> None:
    with pytest.raises(MissingToolError) as caught:
        Toolbox().find(name)
    assert str(caught.value).startswith(words)


# Calls


async def test_a_call(call: Any) -> None:
    observer = RecordingObserver()
    outcome = await call(greet, {"name": "Ada"}, observer=observer)
    assert (outcome.status, outcome.reason, outcome.message, outcome.data) == (OK, None, "", {"hello": "Ada"})
    assert (outcome.counts, outcome.exit_code, observer.processes) == ({}, None, [None])
    assert (await call(greet, output=OutputFormat.NONE)).data is None


async def test_the_context(call: Any) -> None:
    async def tool(context: ToolContext, word: str) -> Json:
        await context.log(f"one {word}")
        await context.log("s3cr3t-tok")
        await context.log("two\n")
        return [context.run_id, context.step_id, context.attempt, context.idempotency_key]

    observer = RecordingObserver()
    outcome = await call(tool, {"word": "s3cr3t-token-value"}, observer=observer)
    assert outcome.data == ["0" * 32, "step", 1, "key-of-the-step"]
    assert observer.text(Stream.STDOUT) == b"one ***\ns3cr3t-tok\ntwo\n"
    assert outcome.stdout.text == "one ***\ns3cr3t-tok\ntwo\n"


async def test_a_keyword_named_context_is_no_context(call: Any) -> None:
    async def tool(*, other: str = "", **context: Json) -> Json:
        return [other, *sorted(context)]

    assert (await call(tool, {"other": "x", "y": 1})).data == ["x", "y"]


async def test_a_failing_call(call: Any) -> None:
    def ask() -> None:
        raise ConnectionError("refused by s3cr3t-token-value")

    async def tool(host: str) -> Json:
        try:
            ask()
        except ConnectionError as error:
            raise ValueError(f"cannot ask {host}") from error
        return None

    outcome = await call(tool, {"host": "db1"})
    assert (outcome.status, outcome.reason, outcome.data) == (FAILED, Reason.TOOL_FAILED, None)
    assert outcome.message.startswith(f"ValueError: cannot ask db1 (at {__file__}, line ")
    assert outcome.error["type"] == "ValueError"
    assert [frame["function"] for frame in outcome.error["traceback"]] == ["tool"]
    assert outcome.error["cause"]["message"] == "refused by ***"


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, asyncio.CancelledError, TimeoutError, StopAsyncIteration])
async def test_exceptions_that_would_end_an_engine_end_the_call(call: Any, kind: type[BaseException]) -> None:
    async def tool() -> Json:
        raise kind("of its own")

    outcome = await call(tool)
    assert (outcome.status, outcome.reason) == (FAILED, Reason.TOOL_FAILED)
    assert kind.__name__ in outcome.message


async def test_wrong_arguments(call: Any) -> None:
    outcome = await call(greet, {"nmae": 1})
    assert outcome.reason is Reason.TOOL_FAILED
    assert outcome.message.startswith("TypeError: greet() got an unexpected keyword argument 'nmae'")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({1, 2}, "the result is a set, which JSON has no word for; return a list"),
        ({"a": [float("nan")]}, "result['a'][0] is nan, which JSON does not know"),
        (object(), "the result is an object"),
    ],
)
async def test_results_that_are_no_json(call: Any, result: Any, words: str) -> None:
    async def tool() -> Any:
        return result

    outcome = await call(tool)
    assert (outcome.reason, outcome.data) == (Reason.BAD_OUTPUT, None)
    assert outcome.message.startswith(words)


async def test_a_result_that_breaks_when_it_is_looked_at(call: Any) -> None:
    class Trap(dict[str, int]):
        def items(self) -> Any:
            raise RuntimeError("not now")

    async def tool() -> Any:
        return Trap(a=1)

    outcome = await call(tool)
    assert (outcome.status, outcome.reason) == (FAILED, Reason.TOOL_FAILED)
    assert outcome.message.startswith("RuntimeError: not now")


async def test_a_result_beyond_the_cap(call: Any) -> None:
    async def tool() -> Json:
        return "x" * 2000

    outcome = await call(tool, limits=CaptureLimits(stdout_bytes=1000))
    assert (outcome.reason, outcome.data) == (Reason.OUTPUT_TOO_LARGE, None)
    assert "raise max_output_bytes" in outcome.message
    outcome = await call(tool, limits=CaptureLimits(stdout_bytes=1000), max_output_bytes=2002)
    assert outcome.data == "x" * 2000
    outcome = await call(tool, max_output_bytes=2001)
    assert (outcome.reason, outcome.data) == (Reason.OUTPUT_TOO_LARGE, None)


async def test_a_result_is_a_copy_and_masked(call: Any) -> None:
    kept: list[Json] = ["s3cr3t-token-value"]

    async def tool() -> Json:
        return kept

    outcome = await call(tool)
    kept.append("later")
    assert outcome.data == ["***"]


# Batches


async def test_a_batch_keeps_its_order(call: Any) -> None:
    async def tool(n: int) -> Json:
        for _ in range(10 - n):
            await asyncio.sleep(0)
        return n * n

    calls: list[JsonObject] = [{"n": n} for n in range(10)]
    outcome = await call(tool, *calls, is_batch=True)
    assert (outcome.data, outcome.counts) == ([n * n for n in range(10)], {"calls": 10})
    assert (await call(tool, {"n": 3}, is_batch=True)).data == [9]


async def test_an_empty_batch(tmp_path: Path) -> None:
    executor = LocalExecutor(SecretBox(), RunningClock(), toolbox=Toolbox({"greet": greet}))
    spec = attempt(BoundTool("greet", (), is_batch=True), tmp_path, output=OutputFormat.JSON)
    outcome = await executor.run(spec, RecordingObserver())
    assert (outcome.status, outcome.data, outcome.counts) == (OK, [], {"calls": 0})


async def test_a_batch_runs_so_many_at_once_and_no_more(call: Any) -> None:
    running, most = 0, 0
    full = asyncio.Event()

    async def tool() -> Json:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == CALLS_AT_ONCE:
            full.set()
        await full.wait()
        await asyncio.sleep(0)
        running -= 1
        return None

    outcome = await call(tool, *([{}] * 20), is_batch=True)
    assert (outcome.status, most, running) == (OK, CALLS_AT_ONCE, 0)


async def test_one_failing_call_fails_the_batch_and_the_others_are_told(call: Any) -> None:
    async def tool(n: int) -> Json:
        if n == 1:
            raise ValueError("odd s3cr3t-token-value")
        return n

    outcome = await call(tool, {"n": 0}, {"n": 1}, {"n": 2}, is_batch=True)
    assert (outcome.reason, outcome.data) == (Reason.TOOL_FAILED, None)
    assert outcome.message.startswith("1 of 3 calls failed: #1: ValueError: odd *** (at ")
    calls = outcome.error["calls"]
    assert calls[0] == {"index": 0, "status": "succeeded", "data": 0}
    assert (calls[1]["status"], calls[1]["error"]["type"]) == ("failed", "ValueError")
    assert calls[2]["data"] == 2


# Time limits and cancellation


async def test_the_time_limit_cancels_a_call(call: Any) -> None:
    was_cancelled = False

    async def tool() -> Json:
        nonlocal was_cancelled
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            was_cancelled = True
            raise
        return None

    outcome = await call(tool, timeout_sec=0.05)
    assert (outcome.reason, outcome.message, was_cancelled) == (Reason.TIMED_OUT, "timed out after 0.05 s", True)


async def test_a_call_that_ignores_its_cancellation_is_left_behind(call: Any) -> None:
    release = asyncio.Event()
    ended = asyncio.Event()

    async def tool(context: ToolContext) -> Json:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        await context.log("too late")
        ended.set()
        return None

    observer = RecordingObserver()
    outcome = await call(tool, timeout_sec=0.05, observer=observer, may_leave=True)
    assert outcome.reason is Reason.TIMED_OUT
    assert outcome.message.endswith("; the tool ignores its cancellation and goes on in the background")
    assert outcome.counts == {"left_behind": 1}
    release.set()
    await ended.wait()
    assert observer.pieces == []


@pytest.mark.parametrize("count", [1, 20])
async def test_a_cancelled_attempt_cancels_its_calls(call: Any, count: int) -> None:
    begun = asyncio.Event()
    ended = 0

    async def tool() -> Json:
        nonlocal ended
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended += 1
        return None

    task = asyncio.create_task(call(tool, *([{}] * count), is_batch=True))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == min(count, CALLS_AT_ONCE)


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_failing_observer_stops_the_calls_and_is_heard(call: Any, swallows: bool) -> None:
    class Observer(RecordingObserver):
        async def output(self, stream: Stream, offset: int, content: bytes) -> None:
            raise StoreError("the disk is full")

    async def tool(context: ToolContext, talks: bool) -> Json:
        if talks:
            try:
                await context.log("x")
            except StoreError:
                if not swallows:
                    raise
        await asyncio.sleep(60)
        return None

    with pytest.raises(StoreError, match="the disk is full"):
        await call(tool, {"talks": False}, {"talks": True}, is_batch=True, observer=Observer())


async def test_a_log_that_is_full_holds_the_tool_back(call: Any) -> None:
    release, is_blocked = asyncio.Event(), asyncio.Event()
    logged = 0

    class Observer(RecordingObserver):
        async def output(self, stream: Stream, offset: int, content: bytes) -> None:
            is_blocked.set()
            await release.wait()

    async def tool(context: ToolContext) -> Json:
        nonlocal logged
        for _ in range(100):
            await context.log("x")
            logged += 1
        return None

    task = asyncio.create_task(call(tool, observer=Observer(), may_leave=True))
    await is_blocked.wait()
    for _ in range(50):
        await asyncio.sleep(0)
    assert logged == 0
    release.set()
    assert (await task).status is OK


async def test_the_log_of_a_flood_is_capped(call: Any) -> None:
    async def tool(context: ToolContext) -> Json:
        for _ in range(100):
            await context.log("x" * 999)
        return None

    observer = RecordingObserver()
    outcome = await call(tool, observer=observer, limits=CaptureLimits(log_bytes=5000, stdout_bytes=2000))
    assert outcome.stdout.size_bytes == 100_000
    assert len(outcome.stdout.text) == 2000
    assert sum(len(content) for _, _, content in observer.pieces) < 5200
