"""Runs what the configuration wants run when a run has failed, is paused or waits for a decision. It never harms the run."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.model.bound import BoundCommand
from engine.model.states import OutputFormat, StepStatus
from engine.pipeline.clock import SystemClock
from engine.ports import AttemptSpec
from engine.steps.capture import CaptureLimits
from engine.steps.command import CommandRunner
from engine.steps.environment import base_environment
from engine.steps.process_runner import ProcessRunner
from engine.steps.processes import boot_id
from engine.steps.secrets import SecretBox
from engine.steps.supervisor import StopTiming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import JsonObject
    from engine.model.result import AttemptOutcome
    from engine.model.states import RunStatus, Stream
    from engine.ports import ProcessIdentity
    from tui.configuration import Configuration

LIMIT_SEC: Final = 10.0
_TIMING: Final = StopTiming(grace_sec=1.0)
_LIMITS: Final = CaptureLimits(stdout_bytes=0, stderr_bytes=0, tail_bytes=1024, log_bytes=0)


class _Nobody:
    """What a hook writes is for nobody. Implements `engine.ports.AttemptObserver`."""

    async def started(self, process: ProcessIdentity | None) -> None:
        pass

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        pass


async def run_hooks(
    configuration: Configuration,
    kind: RunStatus,
    run: JsonObject,
    *,
    database: Path,
    host_env: Mapping[str, str],
    limit_sec: float = LIMIT_SEC,
) -> tuple[str, ...]:
    """Run the hook for a run that has come to the state `kind`, if there is one. A sentence for each that failed.

    `run` is the run's head, which the hook reads from its input as one line of JSON. It runs in the folder of the
    configuration file, in a session of its own, with the environment of a step and OPSCOPE_RUN_ID, OPSCOPE_RUN_STATUS and
    OPSCOPE_DB; what it starts ends with it. After `limit_sec` seconds it is stopped. Nothing but a cancellation is raised.
    """
    command = configuration.settings.on.command_for(kind)
    if command is None:
        return ()
    try:
        outcome = await _run(command, configuration.folder, kind, run, database, host_env, limit_sec)
    except Exception as error:  # noqa: BLE001  whatever a hook comes to, the run it is told of goes on
        return (_warning(kind, command, f"{type(error).__name__}: {error}"),)
    return () if outcome.status is StepStatus.SUCCEEDED else (_warning(kind, command, outcome.message),)


def _warning(kind: RunStatus, command: tuple[str, ...], message: str) -> str:
    return f"the hook on {kind.value}, {command[0]}: {' '.join(message.split())}"


async def _run(
    command: tuple[str, ...],
    folder: Path,
    kind: RunStatus,
    run: JsonObject,
    database: Path,
    host_env: Mapping[str, str],
    limit_sec: float,
) -> AttemptOutcome:
    run_id = str(run.get("run_id") or "")
    environment = base_environment(host_env, ())
    environment |= {"OPSCOPE_RUN_ID": run_id, "OPSCOPE_RUN_STATUS": kind.value, "OPSCOPE_DB": str(database)}
    definition = BoundCommand(_expanded(command[0], environment), command[1:])
    spec = AttemptSpec(
        run_id=run_id,
        pass_index=0,
        step_id=f"on-{kind.value}",
        item_index=None,
        attempt=1,
        definition=definition,
        environment=environment,
        workdir=folder,
        plan_folder=folder,
        timeout_sec=limit_sec,
        output=OutputFormat.NONE,
        idempotency_key=f"{run_id}-{kind.value}",
        cookie=f"hook.{run_id}.{secrets.token_hex(8)}",
    )
    runner = CommandRunner(
        ProcessRunner(secrets=SecretBox(), clock=SystemClock(), limits=_LIMITS, timing=_TIMING, boot=boot_id())
    )
    # In memory: a hook has to be able to say that the disk is full.
    descriptor = os.memfd_create("run", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(json.dumps(run).encode() + b"\n")
        os.lseek(descriptor, 0, os.SEEK_SET)
        return await runner.run(definition, spec, _Nobody(), stdin=descriptor)
    finally:
        os.close(descriptor)


def _expanded(program: str, environment: Mapping[str, str]) -> str:
    """`~/bin/notify` in the user's home, as a shell would have it."""
    home = environment.get("HOME", "")
    return str(Path(home, program[2:])) if program.startswith("~/") and home else program
