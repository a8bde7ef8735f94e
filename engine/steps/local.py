"""The executor for this machine: picks the runner for the kind of step. Retries, order and state are the scheduler's."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from typing import TYPE_CHECKING, TypeAlias, assert_never

from engine.model.bound import (
    BoundCommand,
    BoundDecision,
    BoundFile,
    BoundHttp,
    BoundPlan,
    BoundPowershell,
    BoundPython,
    BoundSql,
    BoundTool,
)
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, StepStatus, StepType
from engine.steps.capture import CaptureLimits
from engine.steps.command import CommandRunner
from engine.steps.process_runner import ProcessRunner
from engine.steps.processes import boot_id
from engine.steps.supervisor import StopTiming

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from engine.ports import Advisor, AttemptObserver, AttemptSpec, Clock
    from engine.steps.http import HttpRunner
    from engine.steps.secrets import SecretBox
    from engine.steps.tool import ToolRunner
    from engine.steps.toolbox import Toolbox

DEFAULT_LIMITS = CaptureLimits()
DEFAULT_TIMING = StopTiming()

RunSubPlan: TypeAlias = "Callable[[BoundPlan, AttemptSpec, AttemptObserver], Awaitable[AttemptOutcome]]"

_RUNNERS = {
    StepType.POWERSHELL: "engine.steps.powershell",
    StepType.PYTHON: "engine.steps.python",
    StepType.HTTP: "engine.steps.http",
    StepType.SQL: "engine.steps.sql",
    StepType.FILE: "engine.steps.file",
    StepType.TOOL: "engine.steps.tool",
    StepType.DECISION: "engine.steps.decision",
}
# What a first request loads by itself. A version of httpx that has no such thing does not load it either.
_BEHIND_HTTP = (
    *("httpcore", "h11", "certifi", "anyio.streams.tls", "anyio._backends._asyncio"),
    *("concurrent.futures.thread", "encodings.idna", "encodings.punycode"),
)


def load_runners(kinds: Iterable[StepType]) -> None:
    """Load what steps of these kinds need. Without this it is loaded when the first of them runs.

    A program that runs for long calls it at its start, since what it needs may have been replaced on the disk by then.
    """
    for kind in kinds:
        if (module := _RUNNERS.get(kind)) is not None:
            importlib.import_module(module)
        if kind is StepType.HTTP:
            for name in _BEHIND_HTTP:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)


class LocalExecutor:
    """Runs attempts on this machine: processes, queries, requests, files, tools. Implements `engine.ports.Executor`.

    Without a `toolbox` there are the tools that are installed. Without `sub_plans` a plan step fails. Without an `advisor`
    decision steps ask nobody.
    """

    def __init__(
        self,
        secrets: SecretBox,
        clock: Clock,
        limits: CaptureLimits = DEFAULT_LIMITS,
        *,
        timing: StopTiming = DEFAULT_TIMING,
        toolbox: Toolbox | None = None,
        sub_plans: RunSubPlan | None = None,
        advisor: Advisor | None = None,
    ) -> None:
        self._processes = ProcessRunner(secrets=secrets, clock=clock, limits=limits, timing=timing, boot=boot_id())
        self._secrets = secrets
        self._clock = clock
        self._limits = limits
        self._timing = timing
        self._toolbox = toolbox
        self._sub_plans = sub_plans
        self._advisor = advisor
        self._http: HttpRunner | None = None
        self._tools: ToolRunner | None = None

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run the attempt to its end; see `engine.ports.Executor`."""
        definition = spec.definition
        # What a run without such steps does not need is loaded when the first of them runs.
        match definition:
            case BoundCommand():
                return await CommandRunner(self._processes).run(definition, spec, observer)
            case BoundPowershell():
                from engine.steps.powershell import PowershellRunner

                return await PowershellRunner(self._processes).run(definition, spec, observer)
            case BoundPython():
                from engine.steps.python import PythonRunner

                return await PythonRunner(self._processes).run(definition, spec, observer)
            case BoundHttp():
                # Loaded in a thread: it takes some tenths of a second, in which the other steps go on.
                await asyncio.to_thread(load_runners, [StepType.HTTP])
                return await self._http_runner().run(definition, spec, observer)
            case BoundSql():
                from engine.steps.sql import SqlRunner

                runner = SqlRunner(secrets=self._secrets, limits=self._limits, grace_sec=self._timing.grace_sec)
                return await runner.run(definition, spec, observer)
            case BoundFile():
                from engine.steps.file import FileRunner

                return await FileRunner(self._secrets, grace_sec=self._timing.grace_sec).run(definition, spec, observer)
            case BoundTool():
                return await self._tool_runner().run(definition, spec, observer)
            case BoundDecision():
                from engine.steps.decision import run_decision

                return await run_decision(definition, spec, observer, self._secrets, self._advisor)
            case BoundPlan():
                if self._sub_plans is None:
                    message = f"the plan {definition.plan!r} cannot be run: this executor runs no sub-plans"
                    return AttemptOutcome(StepStatus.FAILED, Reason.SUB_PLAN_FAILED, message)
                return await self._sub_plans(definition, spec, observer)
            case _:
                assert_never(definition)

    def _http_runner(self) -> HttpRunner:
        """One for all requests: it keeps the certificates, which take long to load."""
        if self._http is None:
            from engine.steps.http import HttpRunner

            self._http = HttpRunner(self._secrets, self._clock)
        return self._http

    def _tool_runner(self) -> ToolRunner:
        """One for all calls: it holds on to those that could not be stopped."""
        if self._tools is None:
            from engine.steps.tool import ToolRunner
            from engine.steps.toolbox import Toolbox

            toolbox = Toolbox() if self._toolbox is None else self._toolbox
            self._tools = ToolRunner(toolbox, self._secrets, self._limits, grace_sec=self._timing.grace_sec)
        return self._tools
