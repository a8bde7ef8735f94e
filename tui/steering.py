"""Steers a run from outside its engine: cancel, pause, resume, for the commands and the screens. What an engine does is not here."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from engine.errors import InfrastructureError, InputError
from engine.model.event import EventKind
from engine.model.states import PauseReason, RunStatus
from engine.pipeline.defaults import pass_on
from engine.ports import ControlRequest, ControlVerb
from store.control import UnreachableEngineError, send
from store.liveness import engine_pid
from store.queries import happenings, run_by_id
from store.reader import Reader
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.pipeline.decisions import Decision
    from store.rows import RunRow

_PATIENCE_SEC: Final = 30.0
_LOOK_SEC: Final = 0.1
_LOOKS: Final = 30
_ANSWERS: Final = frozenset({ControlVerb.APPROVE, ControlVerb.DENY, ControlVerb.REPLAN})


@dataclass(frozen=True, slots=True)
class Steered:
    """What came of it: where the run stands now, what its engine says of the storage, and a sentence for a person."""

    run_id: str
    verb: ControlVerb
    status: RunStatus
    storage: str
    sentence: str


async def decide(database: Path, run_id: str, decisions: Mapping[str, Decision]) -> str:
    """Resume a run that waits for these decisions, by step; what comes of it, as a sentence. Raises OpscopeError."""
    run = await asyncio.to_thread(steerable, database, run_id, ControlVerb.RESUME)
    steered = await asyncio.to_thread(_without_engine, database, run, ControlVerb.RESUME, False, {}, pass_on, decisions)
    return steered.sentence


async def steer(database: Path, run_id: str, verb: ControlVerb, *, force: bool = False) -> str:
    """Have a run canceled, paused or resumed; what comes of it, as a sentence. Raises OpscopeError with why it cannot be.

    The engine has acted on it when this returns. A run whose engine is dead is taken over first; then a cancel or a
    resume starts an engine host, and WaitingError names the steps about which somebody has to decide.
    """
    return (await steer_run(database, run_id, verb, force=force)).sentence


async def steer_run(
    database: Path,
    run_id: str,
    verb: ControlVerb,
    *,
    force: bool = False,
    arguments: JsonObject | None = None,
    tell: Callable[[str], None] = pass_on,
) -> Steered:
    """The same for callers that want to know more. `tell` hears what is waited for, and what became of lost engines.

    `arguments` say more of what is asked: event_id, reason and patch of an approval, a denial or a replan.
    """
    asked_at = time.monotonic()
    for _ in range(_LOOKS):
        run = await asyncio.to_thread(steerable, database, run_id, verb)
        if engine_pid(database, run.owner_engine) is not None:
            try:
                return await asyncio.to_thread(_ask, database, run, verb, force, arguments or {}, asked_at)
            except UnreachableEngineError:
                # It is just ending, or it is a command that has just taken the run over: then the next look tells more.
                await asyncio.sleep(_LOOK_SEC)
                continue
        if run.needs_engine:
            from tui.commands.recovery import recover

            await recover(database, [run], tell)
            continue
        return await asyncio.to_thread(_without_engine, database, run, verb, force, arguments or {}, tell)
    pid = engine_pid(database, run.owner_engine)
    raise InfrastructureError(
        f"run {short_id(run_id)} belongs to {f'process {pid}' if pid else 'an engine'}, which gives no answer",
        hint="ask again; if that does not help, end that process: the run can be resumed",
    )


def steerable(database: Path, run_id: str, verb: ControlVerb) -> RunRow:
    """The run as it stands. Raises InputError where there is nothing to steer any more."""
    run = recorded_run(database, run_id)
    short = short_id(run_id)
    if run.imported_at_us is not None:
        raise InputError(f"run {short} was imported, so there is nothing to {verb.value}", hint="run its plan instead")
    if run.status.is_final:
        raise InputError(
            f"run {short} is over, it {_ENDED[run.status]}: there is nothing to {verb.value}",
            hint=f"see opscope show {short}",
        )
    return run


def recorded_run(database: Path, run_id: str) -> RunRow:
    """The run with this whole id. Raises InputError where there is none, StoreError."""
    with Reader.open(database) as reader:
        run = reader.run(run_by_id(run_id))
    if run is None:
        raise InputError(f"there is no run {run_id}", place=str(database))
    return run


_ENDED: Final = {
    RunStatus.SUCCEEDED: "has succeeded",
    RunStatus.FAILED: "has failed",
    RunStatus.CANCELED: "was canceled",
}


def _ask(
    database: Path, run: RunRow, verb: ControlVerb, force: bool, arguments: JsonObject, asked_at: float
) -> Steered:
    request: JsonObject = {
        "verb": verb.value,
        "run_id": run.run_id,
        "force": force,
        "asked_at": asked_at,
        "arguments": arguments,
    }
    denial = _denial(database, run, verb, arguments)
    answer = send(database, run.owner_engine, request)
    if answer.get("ok") is not True:
        raise InputError(str(answer.get("error") or "the engine refused"), hint=str(answer.get("hint") or ""))
    storage = str(answer.get("storage") or "ok")
    status = RunStatus(str(answer.get("status")))
    sentence = _said(run, verb, force=answer.get("forced") is True, denial=denial)
    if verb in _ANSWERS and run.pause_reason is PauseReason.OPERATOR:
        short = short_id(run.run_id)
        sentence = f"{sentence} once it is resumed: opscope resume {short}"
    if storage != "ok":
        sentence = f"{sentence}; it is done, and recorded when there is room on the disk ({storage})"
    return Steered(run.run_id, verb, status, storage, sentence)


def _denial(database: Path, run: RunRow, verb: ControlVerb, arguments: JsonObject) -> str:
    """What follows from a denial, which only what waits by now can tell."""
    if verb is not ControlVerb.DENY:
        return ""
    from tui.denial import what_follows

    with Reader.open(database) as reader:
        return what_follows(reader, run, arguments.get("event_id"))


def _said(run: RunRow, verb: ControlVerb, *, force: bool, denial: str = "") -> str:
    short = short_id(run.run_id)
    match verb:
        case ControlVerb.CANCEL if force:
            return f"run {short} is being canceled by force: its `finally` is stopped too"
        case ControlVerb.CANCEL:
            return f"run {short} is being canceled: its steps are stopped, then its `finally` runs"
        case ControlVerb.PAUSE:
            return f"run {short} is paused: what runs goes on, nothing new starts"
        case ControlVerb.RESUME if run.status is RunStatus.PAUSED and run.pause_reason is PauseReason.OPERATOR:
            return f"run {short} goes on"
        case ControlVerb.RESUME if run.status is RunStatus.PAUSED and run.pause_reason is PauseReason.APPROVAL:
            return f"run {short} waits for an approval: opscope approve {short}, or opscope deny {short}"
        case ControlVerb.RESUME:
            return f"run {short} is going on already"
        case ControlVerb.APPROVE:
            return f"run {short} goes on with the other plan"
        case ControlVerb.DENY:
            return denial or f"run {short} goes on as planned"
        case ControlVerb.REPLAN:
            return f"run {short} goes on with the changed plan"
        case _:
            assert_never(verb)


def _stood(database: Path, run: RunRow) -> str:
    """What a run without an engine waited for, up to the new engine that it gets."""
    short = short_id(run.run_id)
    if run.status is not RunStatus.QUARANTINED:
        return f"run {short} had lost its engine; a new one"
    with Reader.open(database) as reader:
        turned = reader.run(happenings(run.run_id, [EventKind.RUN_QUARANTINED]))
    said = turned[0].data if turned else {}
    if said.get("reason") == PauseReason.ENGINE_LOST.value:
        return f"run {short} was quarantined, since it had lost its engine; a new one"
    why = f": {said['message']}" if said.get("message") else ""
    return f"run {short} was quarantined{why}; a new engine"


def _without_engine(
    database: Path,
    run: RunRow,
    verb: ControlVerb,
    force: bool,
    arguments: JsonObject,
    tell: Callable[[str], None],
    decisions: Mapping[str, Decision] | None = None,
) -> Steered:
    """The run waits for an operator and belongs to nobody alive."""
    from tui.commands.launching import launch
    from tui.commands.performing import actor
    from tui.commands.taking_up import prepare_resumption
    from tui.configuration import load_configuration

    short = short_id(run.run_id)
    cancel = answer = None
    match verb:
        case ControlVerb.CANCEL:
            cancel = ControlRequest(ControlVerb.CANCEL, actor(), force=force)
            sentence = f"{_stood(database, run)} cancels it{'' if force else ' and runs its `finally`'}"
        case ControlVerb.RESUME:
            load_configuration(os.environ)  # before anything is written: faults in it would cost the run its hooks
            sentence = f"run {short} goes on, with a new engine"
        case ControlVerb.PAUSE:
            word = "quarantined" if run.status is RunStatus.QUARANTINED else "paused"
            return Steered(run.run_id, verb, run.status, "ok", f"run {short} is {word} already, its engine is gone")
        case ControlVerb.APPROVE | ControlVerb.DENY | ControlVerb.REPLAN:
            load_configuration(os.environ)
            answer = ControlRequest(verb, actor(), arguments=arguments)
            denial = _denial(database, run, verb, arguments)
            sentence = f"{_said(run, verb, force=False, denial=denial)}, with a new engine"
        case _:
            assert_never(verb)
    task = prepare_resumption(database, run, os.environ, decisions=decisions, cancel=cancel, answer=answer)
    launch(task, database, note=tell, patience_sec=_PATIENCE_SEC)
    return Steered(run.run_id, verb, RunStatus.RUNNING, "ok", sentence)
