"""One process of an attempt, from spawn to its last word, for every kind of step that runs one. What its end means lives elsewhere."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.steps.capture import AttemptCapture
from engine.steps.census import Census
from engine.steps.environment import attempt_environment
from engine.steps.spawn import SpawnError, spawn
from engine.steps.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.ports import AttemptObserver, AttemptSpec, Clock
    from engine.steps.capture import CaptureLimits
    from engine.steps.secrets import SecretBox
    from engine.steps.supervisor import ProcessEnd, StopTiming


class NotStartedError(Exception):
    """The process was not started; the text is masked and says why and what to do."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start. `cwd` is relative to the run's working folder; `environment` comes on top of the attempt's.

    `stdin` and `pass_fds` stay the caller's. `keep_raw` keeps the beginning of stdout unmasked, there to be parsed only.
    """

    argv: Sequence[str]
    cwd: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: int = subprocess.DEVNULL
    pass_fds: Sequence[int] = ()
    keep_raw: bool = False


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """How a process ended and what it wrote."""

    end: ProcessEnd
    capture: AttemptCapture


class ProcessRunner:
    """Runs processes of attempts; holds what they share."""

    def __init__(
        self, *, secrets: SecretBox, clock: Clock, limits: CaptureLimits, timing: StopTiming, boot: str
    ) -> None:
        self.secrets = secrets
        self._limits = limits
        self._clock = clock
        self._timing = timing
        self._boot = boot
        self._census = Census()

    def limits_of(self, spec: AttemptSpec) -> CaptureLimits:
        """How much of this attempt is kept."""
        return self._limits.with_cap(spec.max_output_bytes)

    async def run(
        self,
        launch: Launch,
        spec: AttemptSpec,
        observer: AttemptObserver,
        *,
        on_spawned: Callable[[], None] | None = None,
    ) -> ProcessReport:
        """Run one process to the end of all that it started; `on_spawned` is called as soon as it exists.

        Raises NotStartedError, what the observer raises, and CancelledError.
        """
        try:
            process = spawn(
                launch.argv,
                cwd=spec.workdir / launch.cwd if launch.cwd else spec.workdir,
                environment={**attempt_environment(spec, self.secrets), **launch.environment},
                plan_folder=spec.plan_folder,
                stdin=launch.stdin,
                pass_fds=launch.pass_fds,
            )
        except (SpawnError, InputError) as error:
            raise NotStartedError(self.secrets.mask(str(error))) from None
        if on_spawned is not None:
            on_spawned()
        capture = AttemptCapture(self.secrets, self.limits_of(spec), keep_raw=launch.keep_raw)
        supervisor = Supervisor(
            process,
            cookie=spec.cookie,
            capture=capture,
            observer=observer,
            timing=self._timing,
            clock=self._clock,
            census=self._census,
        )
        return ProcessReport(await supervisor.run(spec.timeout_sec, self._boot), capture)
