"""The executor for this machine: picks the runner for the kind of step. Retries, order and state are the scheduler's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.bound import BoundCommand, BoundSql
from engine.steps.capture import CaptureLimits
from engine.steps.command import CommandRunner
from engine.steps.processes import boot_id
from engine.steps.supervisor import StopTiming

if TYPE_CHECKING:
    from engine.model.result import AttemptOutcome
    from engine.ports import AttemptObserver, AttemptSpec, Clock
    from engine.steps.secrets import SecretBox

DEFAULT_LIMITS = CaptureLimits()
DEFAULT_TIMING = StopTiming()


class LocalExecutor:
    """Runs attempts as processes and queries of this machine. Implements `engine.ports.Executor`."""

    def __init__(
        self,
        secrets: SecretBox,
        clock: Clock,
        limits: CaptureLimits = DEFAULT_LIMITS,
        *,
        timing: StopTiming = DEFAULT_TIMING,
    ) -> None:
        self._command = CommandRunner(secrets=secrets, clock=clock, limits=limits, timing=timing, boot=boot_id())
        self._secrets = secrets
        self._limits = limits
        self._timing = timing

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run the attempt to its end; see `engine.ports.Executor`."""
        definition = spec.definition
        match definition:
            case BoundCommand():
                return await self._command.run(definition, spec, observer)
            case BoundSql():
                from engine.steps.sql import SqlRunner  # sqlite3 is loaded when the first query runs

                runner = SqlRunner(secrets=self._secrets, limits=self._limits, grace_sec=self._timing.grace_sec)
                return await runner.run(definition, spec, observer)
