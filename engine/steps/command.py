"""One attempt of a command step: spawn, follow, and put into words how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.capture import AttemptCapture, decode
from engine.steps.census import Census
from engine.steps.environment import attempt_environment
from engine.steps.outputs import OutputError, lines_data, parse_json, text_data
from engine.steps.spawn import SpawnError, spawn
from engine.steps.supervisor import Supervisor

if TYPE_CHECKING:
    from engine.model.bound import BoundCommand
    from engine.model.json import Json
    from engine.ports import AttemptObserver, AttemptSpec, Clock
    from engine.steps.capture import CaptureLimits
    from engine.steps.secrets import SecretBox
    from engine.steps.supervisor import ProcessEnd, StopTiming

_LINE_LENGTH = 300


class CommandRunner:
    """Runs command attempts; holds what they share."""

    def __init__(
        self, *, secrets: SecretBox, clock: Clock, limits: CaptureLimits, timing: StopTiming, boot: str
    ) -> None:
        self._secrets = secrets
        self._clock = clock
        self._limits = limits
        self._timing = timing
        self._boot = boot
        self._census = Census()

    async def run(
        self,
        command: BoundCommand,
        spec: AttemptSpec,
        observer: AttemptObserver,
        *,
        stdin: int = subprocess.DEVNULL,
    ) -> AttemptOutcome:
        """Run one attempt to its end. Raises only what the observer raises, and CancelledError.

        Its input is the descriptor `stdin`, which stays the caller's; a step has none.
        """
        try:
            process = spawn(
                [command.command, *command.args],
                cwd=spec.workdir / command.cwd if command.cwd else spec.workdir,
                environment=attempt_environment(spec, self._secrets),
                plan_folder=spec.plan_folder,
                stdin=stdin,
            )
        except (SpawnError, InputError) as error:
            return AttemptOutcome(StepStatus.FAILED, Reason.SPAWN_FAILED, self._secrets.mask(str(error)))
        keep_raw = spec.output is OutputFormat.JSON
        capture = AttemptCapture(self._secrets, self._limits, keep_raw=keep_raw)
        supervisor = Supervisor(
            process,
            cookie=spec.cookie,
            capture=capture,
            observer=observer,
            timing=self._timing,
            clock=self._clock,
            census=self._census,
        )
        end = await supervisor.run(spec.timeout_sec, self._boot)
        return self._outcome(spec, end, capture)

    def _outcome(self, spec: AttemptSpec, end: ProcessEnd, capture: AttemptCapture) -> AttemptOutcome:
        tail = capture.stderr.tail()
        status, reason, message, exit_code = _verdict(spec.timeout_sec, end, tail)
        counts = {"leftover_processes": end.leftovers} if end.leftovers else {}
        data: Json = None
        if status is StepStatus.SUCCEEDED:
            try:
                data, message, parsed_counts = self._data(spec.output, capture)
                counts |= parsed_counts
            except _DataError as error:
                status, reason, message = StepStatus.FAILED, error.reason, self._secrets.mask(str(error))
        if end.survivors:
            counts["survivors"] = len(end.survivors)
            pids = ", ".join(str(survivor.pid) for survivor in end.survivors)
            message = f"{message}; could not be ended: pid {pids}" if message else f"could not be ended: pid {pids}"
        return AttemptOutcome(
            status, reason, message, exit_code, data, capture.stdout.summary(), capture.stderr.summary(), tail, counts
        )

    def _data(self, output: OutputFormat, capture: AttemptCapture) -> tuple[Json, str, dict[str, int]]:
        """The step's data, a word on what is missing of it, and counts. JSON is parsed as it came and masked after."""
        stdout = capture.stdout
        note = (
            f"stdout had {stdout.size} bytes; the first {self._limits.stdout_bytes} are kept" if stdout.is_cut else ""
        )
        match output:
            case OutputFormat.NONE:
                return None, "", {}
            case OutputFormat.TEXT:
                return text_data(stdout.summary().text), note, {}
            case OutputFormat.LINES:
                return list(lines_data(stdout.summary().text, is_cut=stdout.is_cut)), note, {}
            case OutputFormat.JSON:
                if stdout.raw_size > self._limits.stdout_bytes:
                    raise _DataError(
                        Reason.OUTPUT_TOO_LARGE,
                        f"stdout had {stdout.raw_size} bytes, and JSON of more than {self._limits.stdout_bytes} bytes "
                        "is not kept; print less, or write a file",
                    )
                try:
                    parsed = parse_json(decode(stdout.raw, is_cut=False))
                except OutputError as error:
                    raise _DataError(Reason.BAD_OUTPUT, str(error)) from None
                if not parsed.duplicate_keys:
                    return self._secrets.mask_json(parsed.value), "", {}
                return (
                    self._secrets.mask_json(parsed.value),
                    f"{parsed.duplicate_keys} keys stand twice in their object; the last of each counts",
                    {"duplicate_keys": parsed.duplicate_keys},
                )


class _DataError(Exception):
    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _verdict(timeout_sec: float, end: ProcessEnd, tail: str) -> tuple[StepStatus, Reason | None, str, int | None]:
    if end.timed_out:
        return StepStatus.FAILED, Reason.TIMED_OUT, f"timed out after {timeout_sec:g} s", None
    if end.status is None:
        message = "how it ended is unknown: other code of this program took its exit status"
        return StepStatus.FAILED, Reason.INTERNAL, message, None
    if os.WIFSIGNALED(end.status):
        number = os.WTERMSIG(end.status)
        # A shell's spelling of it: what scripts and people know.
        return StepStatus.FAILED, Reason.SIGNALED, _signal_words(number, os.WCOREDUMP(end.status)), 128 + number
    code = os.waitstatus_to_exitcode(end.status)
    if code:
        line = _last_line(tail)
        return StepStatus.FAILED, Reason.EXIT_CODE, f"exit {code}: {line}" if line else f"exit {code}", code
    return StepStatus.SUCCEEDED, None, "", 0


def _signal_words(number: int, has_core: bool) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "a signal"
    words = f"ended by {name} ({number})"
    if has_core:
        words += ", core dumped"
    if number == signal.SIGKILL:
        words += ", which opscope did not send; the kernel does so when memory runs out"
    return words


def _last_line(tail: str) -> str:
    lines = [line.strip() for line in tail.splitlines()]
    line = next((line for line in reversed(lines) if line), "")
    return line if len(line) <= _LINE_LENGTH else f"{line[: _LINE_LENGTH - 1]}…"
