"""One attempt of a command step: a process, and its output as data."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.aside import aside
from engine.steps.printed import BadDataError, printed_data
from engine.steps.process_runner import Launch, NotStartedError
from engine.steps.process_verdict import outcome_of, verdict_of

if TYPE_CHECKING:
    from engine.model.bound import BoundCommand
    from engine.ports import AttemptObserver, AttemptSpec
    from engine.steps.process_runner import ProcessReport, ProcessRunner


class CommandRunner:
    """Runs command attempts."""

    def __init__(self, processes: ProcessRunner) -> None:
        self._processes = processes

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
        launch = Launch(
            [command.command, *command.args],
            cwd=command.cwd,
            stdin=stdin,
            keep_raw=spec.output is OutputFormat.JSON,
        )
        try:
            report = await self._processes.run(launch, spec, observer)
        except NotStartedError as error:
            return AttemptOutcome(StepStatus.FAILED, Reason.SPAWN_FAILED, str(error))
        return await printing_outcome(report, spec, self._processes)


async def printing_outcome(report: ProcessReport, spec: AttemptSpec, processes: ProcessRunner) -> AttemptOutcome:
    """The outcome of a process whose data is what it printed."""
    verdict = verdict_of(spec.timeout_sec, report)
    if verdict.status is StepStatus.SUCCEEDED:
        try:
            stdout, cap = report.capture.stdout, processes.limits_of(spec).stdout_bytes
            printed = await aside(
                min(stdout.raw_size, cap), partial(printed_data, spec.output, stdout, cap, processes.secrets)
            )
            verdict = replace(verdict, data=printed.data, message=printed.note, counts=printed.counts)
        except BadDataError as error:
            verdict = verdict.failed(error.reason, processes.secrets.mask(str(error)))
    return outcome_of(verdict, report)
