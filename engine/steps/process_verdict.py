"""How a process ended, put into words, and the outcome that follows. What its output means as data is not here."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import Reason, StepStatus

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from engine.steps.process_runner import ProcessReport
    from engine.steps.supervisor import ProcessEnd

_LINE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt at a process ended, in the words of an outcome."""

    status: StepStatus
    reason: Reason | None = None
    message: str = ""
    exit_code: int | None = None
    data: Json = None
    counts: dict[str, int] = field(default_factory=dict)
    error: JsonObject | None = None

    def failed(self, reason: Reason, message: str, error: JsonObject | None = None) -> Verdict:
        """The same end, judged a failure after all."""
        return replace(self, status=StepStatus.FAILED, reason=reason, message=message, data=None, error=error)


def verdict_of(timeout_sec: float, report: ProcessReport) -> Verdict:
    """What the end of a process says by itself: exit 0 is a success."""
    end = report.end
    failed = Verdict(StepStatus.FAILED)
    if end.timed_out:
        return failed.failed(Reason.TIMED_OUT, f"timed out after {timeout_sec:g} s")
    if end.status is None:
        message = "how it ended is unknown: other code of this program took its exit status"
        return failed.failed(Reason.INTERNAL, message)
    if os.WIFSIGNALED(end.status):
        number = os.WTERMSIG(end.status)
        words = _signal_words(number, os.WCOREDUMP(end.status))
        # A shell's spelling of it: what scripts and people know.
        return Verdict(StepStatus.FAILED, Reason.SIGNALED, words, 128 + number)
    code = os.waitstatus_to_exitcode(end.status)
    if code:
        line = _last_line(report.capture.stderr.tail())
        return Verdict(StepStatus.FAILED, Reason.EXIT_CODE, f"exit {code}: {line}" if line else f"exit {code}", code)
    return Verdict(StepStatus.SUCCEEDED, exit_code=0)


def outcome_of(verdict: Verdict, report: ProcessReport) -> AttemptOutcome:
    """The outcome of an attempt that ran a process, with a word on the processes that it left behind."""
    end = report.end
    counts = dict(verdict.counts)
    if end.leftovers:
        counts["leftover_processes"] = end.leftovers
    return AttemptOutcome(
        verdict.status,
        verdict.reason,
        _with_survivors(verdict.message, end, counts),
        verdict.exit_code,
        verdict.data,
        report.capture.stdout.summary(),
        report.capture.stderr.summary(),
        report.capture.stderr.tail(),
        counts,
        verdict.error,
    )


def _with_survivors(message: str, end: ProcessEnd, counts: dict[str, int]) -> str:
    if not end.survivors:
        return message
    counts["survivors"] = len(end.survivors)
    pids = ", ".join(str(survivor.pid) for survivor in end.survivors)
    return f"{message}; could not be ended: pid {pids}" if message else f"could not be ended: pid {pids}"


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
