"""One attempt of a tool step: calls of an asynchronous function in this process, one or a batch, each result or exception as data."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus, Stream
from engine.steps.aside import aside
from engine.steps.capture import AttemptCapture
from engine.steps.exceptions import exception_words
from engine.steps.outputs import JsonSource, OutputError, parse_json
from engine.steps.python_child import UnfitResultError, describe_exception, encode_result
from engine.steps.toolbox import MissingToolError, ToolContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model.bound import BoundTool
    from engine.model.json import Json, JsonObject
    from engine.ports import AttemptObserver, AttemptSpec
    from engine.steps.capture import CaptureLimits, LogPiece
    from engine.steps.secrets import SecretBox
    from engine.steps.toolbox import Tool, Toolbox

CALLS_AT_ONCE = 8
_RESULT = JsonSource("the result", "of the result", "but there is none", "")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one call came to: a value, or why there is none."""

    value: Json = None
    reason: Reason | None = None
    message: str = ""
    error: JsonObject | None = None

    def to_json(self, index: int) -> JsonObject:
        if self.reason is None:
            return {"index": index, "status": "succeeded", "data": self.value}
        return {"index": index, "status": "failed", "message": self.message, "error": self.error}


class ToolRunner:
    """Runs tool attempts. A tool that ignores its cancellation is left behind after `grace_sec`: nothing else can be done to it."""

    def __init__(self, toolbox: Toolbox, secrets: SecretBox, limits: CaptureLimits, *, grace_sec: float) -> None:
        self._toolbox = toolbox
        self._secrets = secrets
        self._limits = limits
        self._grace_sec = grace_sec
        self._left_behind: set[asyncio.Task[_Answer]] = set()

    async def run(self, bound: BoundTool, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run one attempt to its end. Raises only what the observer raises, and CancelledError."""
        # Before anything is called: what a tool changes must not happen unknown to the file.
        await observer.started(None)
        try:
            tool = self._toolbox.find(bound.tool)
        except MissingToolError as error:
            return AttemptOutcome(StepStatus.FAILED, Reason.TOOL_MISSING, self._secrets.mask(str(error)))
        limits = self._limits.with_cap(spec.max_output_bytes)
        log = _AttemptLog(AttemptCapture(self._secrets, limits, keep_raw=False), observer)
        context = ToolContext(spec.run_id, spec.step_id, spec.attempt, spec.idempotency_key, log.add)
        batch = _Batch(tool, context, limits.stdout_bytes)
        log.on_error = batch.abort
        try:
            answers = await batch.run(bound.calls, spec.timeout_sec, self._grace_sec)
        finally:
            log.close()
            self._keep(batch.left_behind)
        if log.error is None:
            await log.flush()
        if log.error is not None:
            raise log.error
        return self._outcome(bound, spec, answers, len(batch.left_behind), log)

    def _keep(self, tasks: set[asyncio.Task[_Answer]]) -> None:
        """Hold on to calls that go on although they were stopped: the event loop alone would let them vanish."""
        self._left_behind |= tasks
        for task in tasks:
            task.add_done_callback(self._left_behind.discard)

    def _outcome(
        self, bound: BoundTool, spec: AttemptSpec, answers: list[_Answer] | None, left_behind: int, log: _AttemptLog
    ) -> AttemptOutcome:
        counts = {"calls": len(bound.calls)} if bound.is_batch else {}
        if left_behind:
            counts["left_behind"] = left_behind
        stdout = log.capture.stdout.summary()
        if answers is None:
            message = f"timed out after {spec.timeout_sec:g} s"
            if left_behind:
                message += "; the tool ignores its cancellation and goes on in the background"
            return AttemptOutcome(StepStatus.FAILED, Reason.TIMED_OUT, message, stdout=stdout, counts=counts)
        failed = [(index, answer) for index, answer in enumerate(answers) if answer.reason is not None]
        if failed:
            reason, message, error = _failure(failed, answers, is_batch=bound.is_batch)
            masked = self._secrets.mask_json(error)
            return AttemptOutcome(
                StepStatus.FAILED,
                reason,
                self._secrets.mask(message),
                stdout=stdout,
                counts=counts,
                error=masked if isinstance(masked, dict) else None,
            )
        data: Json = [answer.value for answer in answers] if bound.is_batch else answers[0].value
        kept = None if spec.output is OutputFormat.NONE else self._secrets.mask_json(data)
        return AttemptOutcome(StepStatus.SUCCEEDED, data=kept, stdout=stdout, counts=counts)


class _Batch:
    """Calls of one tool, a few at a time."""

    def __init__(self, tool: Tool, context: ToolContext, max_bytes: int) -> None:
        self._tool = tool
        self._context = context
        self._max_bytes = max_bytes
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        self._tasks: list[asyncio.Task[_Answer]] = []
        self._is_aborted = False
        self.left_behind: set[asyncio.Task[_Answer]] = set()

    def abort(self) -> None:
        """Stop all: nobody can hear of them any more."""
        self._is_aborted = True
        for task in self._tasks:
            task.cancel()

    async def run(
        self, calls: tuple[Mapping[str, Json], ...], timeout_sec: float, grace_sec: float
    ) -> list[_Answer] | None:
        """What they came to, in the order of the calls; None if they were stopped first. Raises CancelledError."""
        if not calls:
            return []
        self._tasks = [asyncio.create_task(self._in_turn(call)) for call in calls]
        try:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_sec)
        except asyncio.CancelledError:
            await self._stop(grace_sec)
            raise
        if late or self._is_aborted:
            await self._stop(grace_sec)
            return None
        return [task.result() for task in self._tasks]

    async def _in_turn(self, arguments: Mapping[str, Json]) -> _Answer:
        async with self._turns:
            return await self._call(arguments)

    async def _call(self, arguments: Mapping[str, Json]) -> _Answer:
        given = (self._context,) if self._tool.wants_context else ()
        try:
            return await _kept(await self._tool.function(*given, **arguments), self._max_bytes)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _broken(error)  # of its own making: nobody canceled this call
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit too: it would end the engine
            return _broken(error)

    async def _stop(self, grace_sec: float) -> None:
        """Cancel all, and wait for them for a while. A cancellation meanwhile is obeyed afterwards."""
        is_cancelled = False
        for task in self._tasks:
            task.cancel()
        deadline = asyncio.get_running_loop().time() + grace_sec
        pending = {task for task in self._tasks if not task.done()}
        while pending and (left := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                _, pending = await asyncio.wait(pending, timeout=left)
            except asyncio.CancelledError:
                is_cancelled = True
                pending = {task for task in pending if not task.done()}
        self.left_behind = pending
        if is_cancelled:
            raise asyncio.CancelledError


class _AttemptLog:
    """What the tool writes, masked, counted and capped like the output of a process, and told to the observer in order."""

    def __init__(self, capture: AttemptCapture, observer: AttemptObserver) -> None:
        self.capture = capture
        self._observer = observer
        self._lock = asyncio.Lock()
        self._is_closed = False
        self.error: Exception | None = None
        self.on_error: Callable[[], None] = lambda: None

    async def add(self, text: str) -> None:
        """A line for the log; see `engine.steps.toolbox.Log`."""
        if self._is_closed:
            return  # the attempt is over; whoever was left behind talks to nobody
        content = text if text.endswith("\n") else f"{text}\n"
        async with self._lock:
            await self._tell(self.capture.feed(Stream.STDOUT, content.encode("utf-8", "replace")))

    def close(self) -> None:
        """Take nothing more."""
        self._is_closed = True

    async def flush(self) -> None:
        """Tell what was held back."""
        async with self._lock:
            await self._tell(self.capture.finish(Stream.STDOUT))

    async def _tell(self, pieces: list[LogPiece]) -> None:
        for stream, offset, content in pieces:
            if self.error is not None:
                return
            try:
                await self._observer.output(stream, offset, content)
            except Exception as error:
                # It is the engine's, not the tool's to handle.
                self.error = error
                self.on_error()
                raise


async def _kept(value: object, max_bytes: int) -> _Answer:
    """A copy of the result as JSON: what the tool does to its own object later changes nothing."""
    try:
        text = encode_result(value)
        if len(text) > max_bytes:
            message = (
                f"the result has {len(text)} bytes as JSON, and more than {max_bytes} are not kept; "
                "return less, raise max_output_bytes, or write a file"
            )
            return _Answer(reason=Reason.OUTPUT_TOO_LARGE, message=message)
        return _Answer((await aside(len(text), partial(parse_json, text, _RESULT))).value)
    except (UnfitResultError, OutputError) as error:
        return _Answer(reason=Reason.BAD_OUTPUT, message=str(error))


def _broken(error: BaseException) -> _Answer:
    described: JsonObject = describe_exception(error, __file__)
    return _Answer(reason=Reason.TOOL_FAILED, message=exception_words(described), error=described)


def _failure(
    failed: list[tuple[int, _Answer]], answers: list[_Answer], *, is_batch: bool
) -> tuple[Reason, str, JsonObject | None]:
    index, first = failed[0]
    assert first.reason is not None
    if not is_batch:
        return first.reason, first.message, first.error
    message = f"{len(failed)} of {len(answers)} calls failed: #{index}: {first.message}"
    calls: list[Json] = [answer.to_json(number) for number, answer in enumerate(answers)]
    return first.reason, message, {"type": "batch", "message": message, "calls": calls}
