"""One run with all that its engine is joined to: store, executor, socket, hooks. What is carried out is in tasks.py."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.errors import InputError, OpscopeError
from engine.model.states import RunStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.host import describe_host
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.resume import request_to_resume, resume_plan
from engine.pipeline.runner import run_plan
from engine.ports import ControlRequest, ControlVerb
from engine.steps.local import LocalExecutor
from engine.steps.toolbox import Toolbox
from store.control import ControlServer, Verb, refusal
from store.locks import Locks
from store.queries import run_by_id
from store.reader import Reader
from store.result_cache import EarlierRuns
from store.run_assets import RunAssets
from store.storage_pause import StorageState
from store.sub_plans import FileSubPlans
from tui.commands.hooking import HookCaller
from tui.commands.inbox import Inbox
from tui.commands.observing import ApprovalWatch, ObservedSink, RunWatch
from tui.commands.planning import locate
from tui.commands.ranking import rank_finished
from tui.commands.tasks import Order, Resumption, actor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.model.result import StepResult
    from engine.pipeline.request import RunOutcome
    from engine.ports import Advisor
    from engine.steps.secrets import SecretBox
    from store.control import Asked
    from store.writer import Writer
    from tui.commands.observing import Observer
    from tui.commands.tasks import Onlooker

_ACT_SEC: Final = 2.0
"""How long an answer waits for the engine to act. Nothing holds it up but a run that is just being made."""


class EngineRoom:
    """One run with all that its engine is joined to."""

    def __init__(
        self, task: Order | Resumption, database: Path, writer: Writer, inbox: Inbox, onlooker: Onlooker
    ) -> None:
        self._task = task
        self._database = database
        self._writer = writer
        self._inbox = inbox
        self._onlooker = onlooker
        self._clock = SystemClock()
        self._toolbox = Toolbox()
        self._advisor = advisor(task.env, onlooker.note)
        self._assets = RunAssets(database, actor())
        self._children: dict[str, Inbox] = {}
        self._watch = RunWatch(task.run_id, exists=self._exists)
        self._hooks = HookCaller(task.run_id, database, task.env, onlooker.note)

    def _exists(self, run_id: str) -> None:
        self._onlooker.exists(run_id)
        if isinstance(self._task, Resumption) and self._task.cancel is not None:
            self._inbox.answered()

    def storage_changed(self, state: StorageState) -> None:
        """A pause for want of room is the writer's own: no event of it passes through here."""
        if state is StorageState.PAUSED:
            self._hooks.call(RunStatus.PAUSED)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen on the engine's socket for as long as the block lasts, and see the hooks to their end."""
        async with AsyncExitStack() as stack:
            try:
                server = ControlServer(self._database, self._writer.engine_id, self._answer)
                await stack.enter_async_context(server)
            except OSError as error:
                # A run that nobody can steer from outside is better than none.
                self._onlooker.note(f"the run cannot be controlled from other terminals: {error.strerror}")
            yield
        await self._hooks.finish()

    async def carry_out(self) -> RunOutcome:
        """Carry the run to its end, then say how it stands in its baseline."""
        match self._task:
            case Order():
                outcome = await self._start(self._task)
            case Resumption():
                outcome = await self._take_up(self._task)
        if outcome.status in (RunStatus.SUCCEEDED, RunStatus.FAILED):
            await rank_finished(self._writer, self._database, self._task.run_id, self._onlooker.note)
        return outcome

    async def _start(self, order: Order) -> RunOutcome:
        request = RunRequest(
            plan=order.plan.compiled,
            params=order.params,
            run_id=order.run_id,
            workdir=order.workdir,
            plan_folder=order.plan.folder,
            host_env=order.env,
            actor=actor(),
            engine_id=self._writer.engine_id,
            environment=describe_host(),
            assets=order.assets,
            overrides=order.overrides,
            route=order.route,
            words=order.words,
            routing=order.routing,
            reused=order.reused,
            source=order.source,
        )
        await self._assets.keep([*order.assets.values(), *order.routing.values()])
        return await run_plan(request, self._services())

    async def _take_up(self, task: Resumption) -> RunOutcome:
        from tui.commands.taking_up import point_of

        await self._writer.take_over(task.run_id, expected_epoch=task.epoch, at_us=self._clock.now_us())
        point = await asyncio.to_thread(point_of, self._database, task.run_id)
        request = request_to_resume(point, task.plan, actor=actor(), engine_id=self._writer.engine_id)
        if not point.is_planned and not point.pass_index:
            # What it takes over of another run is recorded together with its plan, which is not there yet.
            request = replace(request, reused=await asyncio.to_thread(self._taken_over, task.run_id))
        return await resume_plan(
            request, point, task.decisions, self._services(), cancel=task.cancel, answer=task.answer
        )

    def _taken_over(self, run_id: str) -> Mapping[str, StepResult]:
        from store.fork_source import results_taken, source_of

        with Reader.open(self._database) as reader:
            source = source_of(reader, run_id)
            return {} if source is None else results_taken(reader, source)

    def _services(self) -> Services:
        secrets = self._task.secrets
        memory = EarlierRuns(self._database)
        return Services(
            sink=ObservedSink(self._writer, self._task.run_id, self._observers()),
            secrets=secrets,
            executor=self._executor(secrets),
            clock=self._clock,
            jitter=random.SystemRandom().random,
            control=self._inbox,
            locks=Locks(self._writer, self._clock),
            cache=memory,
            breakers=memory,
            sub_plans=FileSubPlans(
                self._writer,
                self._clock,
                self._task.env,
                executor=self._executor,
                locate=lambda name: locate(name, self._task.env),
                control=self._child_inbox,
            ),
            assets=self._assets,
            toolbox=self._toolbox,
            on_wait=self._onlooker.note,
            checkpoint=self._onlooker.checkpoint,
        )

    def _observers(self) -> tuple[Observer, ...]:
        return (self._watch, self._hooks, ApprovalWatch(self._task.run_id, self._onlooker.waits))

    def _executor(self, secrets: SecretBox) -> LocalExecutor:
        return LocalExecutor(secrets, self._clock, toolbox=self._toolbox, advisor=self._advisor)

    def _child_inbox(self, run_id: str) -> Inbox:
        """Where requests for a sub-plan come in, for as long as this engine lives."""
        return self._children.setdefault(run_id, Inbox())

    async def _answer(self, asked: Asked) -> JsonObject:
        """What the socket answers. A request acts, then is answered, then is recorded: see `engine.pipeline.control`."""
        if (child := self._children.get(asked.run_id)) is not None:
            return await self._answer_for_child(asked, child)
        if asked.run_id not in ("", self._task.run_id):
            return refusal(f"this engine does not carry out run {asked.run_id[:32]}", "look where it stands now")
        match asked.verb:
            case Verb.STATUS:
                pass
            case Verb.CANCEL | Verb.PAUSE | Verb.RESUME | Verb.APPROVE | Verb.DENY | Verb.REPLAN:
                if self._watch.status.is_final:
                    return refusal(f"the run is over: it has {self._watch.status.value}")
                if self._inbox.is_canceled and asked.verb is not Verb.CANCEL:
                    return refusal("the run is being canceled")
                if (refused := await self._put(self._inbox, asked)) is not None:
                    return refused
                if asked.verb is Verb.CANCEL:
                    self._inbox.answered()
            case Verb.UNLOCK:
                if (refused := await self._unlock(asked)) is not None:
                    return refused
        return {
            "ok": True,
            "run_id": self._task.run_id,
            "engine_id": self._writer.engine_id,
            "pid": os.getpid(),
            "status": self._watch.status.value,
            "forced": self._inbox.is_forced,
            "storage": self._writer.storage_state.value,
        }

    async def _put(self, inbox: Inbox, asked: Asked) -> JsonObject | None:
        """Hand a request in and wait until it has acted; the answer if it changes nothing."""
        refused: list[JsonObject] = []
        request = ControlRequest(
            ControlVerb(asked.verb.value),
            actor(asked.peer.uid),
            force=asked.force,
            arguments=asked.arguments,
            on_refused=lambda error, hint: refused.append(refusal(error, hint)),
        )
        acted_on = inbox.put(request, asked_at=asked.asked_at)
        with suppress(TimeoutError):
            async with asyncio.timeout(_ACT_SEC):
                await acted_on
        return refused[0] if refused else None

    async def _answer_for_child(self, asked: Asked, inbox: Inbox) -> JsonObject:
        """The same for a sub-plan: what is asked of it concerns that run alone. Whether it is over, the file says."""
        status = await asyncio.to_thread(self._recorded_status, asked.run_id)
        if status.is_final:
            return refusal(f"the run is over: it has {status.value}")
        if asked.verb is Verb.UNLOCK:
            return refusal("ask that of the run that it is a step of")
        if asked.verb is not Verb.STATUS and (refused := await self._put(inbox, asked)) is not None:
            return refused
        return {
            "ok": True,
            "run_id": asked.run_id,
            "engine_id": self._writer.engine_id,
            "pid": os.getpid(),
            "status": status.value,
            "forced": inbox.is_forced,
            "storage": self._writer.storage_state.value,
        }

    def _recorded_status(self, run_id: str) -> RunStatus:
        with Reader.open(self._database) as reader:
            run = reader.run(run_by_id(run_id))
        return RunStatus.PENDING if run is None else run.status

    async def _unlock(self, asked: Asked) -> JsonObject | None:
        """Take a lock from the run; the answer if that cannot be done."""
        name, reason = asked.arguments.get("name"), asked.arguments.get("reason")
        if not isinstance(name, str) or not isinstance(reason, str):
            return refusal("unlock needs the name of a lock and a reason")
        try:
            await Locks(self._writer, self._clock).unlock(name, reason=reason, actor=actor(asked.peer.uid))
        except OpscopeError as error:
            return refusal(error.cause, error.hint)
        return None


def advisor(env: Mapping[str, str], note: Callable[[str], None]) -> Advisor | None:
    """Whom decision steps may ask, if anybody is configured. With faults in the configuration, `note` hears why nobody is."""
    from tui.configuration import load_configuration

    try:
        llm = load_configuration(env).settings.llm
    except InputError as error:
        note(f"no language model is asked: {error}")
        return None
    if llm is None:
        return None
    from engine.routing.advisor import ModelAdvisor

    return ModelAdvisor(llm.endpoint(env))
