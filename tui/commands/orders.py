"""What an engine host is told to do, as one JSON document on its way from the process that starts it. No secret is in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.model.asset import AssetSource, parse_reference
from engine.model.stage import AssetRef, PlanOutput
from engine.pipeline.assets import recorded_assets, resolve_again
from engine.pipeline.decisions import Decision
from engine.pipeline.request import RunSource
from engine.pipeline.resume_point import RecordedAsset
from engine.plan.load import load_plan
from engine.plan.no_plan import NO_PLAN
from engine.ports import ControlRequest, ControlVerb
from engine.steps.secrets import SecretBox
from store.assets.resolver import StoreAssets
from store.fork_source import results_taken
from store.liveness import engine_pid
from store.queries import run_by_id
from store.reader import Reader
from tui.commands.performing import Order, Resumption
from tui.commands.planning import FoundPlan
from tui.commands.taking_up import prepare_resumption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledPlan


def to_json(task: Order | Resumption, database: Path) -> JsonObject:
    """The order as it is handed to a host. The plan goes along as text: its file may be another one by now.

    Of assets their exact versions go along, with the hashes of what they hold; a version never changes. Results that are
    taken over from another run are in the file, so only their steps are named.
    """
    match task:
        case Order():
            return {
                "order": "run",
                "run_id": task.run_id,
                "database": str(database),
                "path": str(task.plan.path.absolute()),
                "source": task.plan.compiled.source,
                "params": task.params,
                "workdir": str(task.workdir),
                "assets": {alias: asset.applied().model_dump() for alias, asset in task.assets.items()},
                "overrides": [str(override) for override in task.overrides],
                "route": None if task.route is None else task.route.model_dump(mode="json"),
                "words": task.words,
                "routing": {name: asset.applied().model_dump() for name, asset in task.routing.items()},
                "made_of": None if task.source is None else task.source.to_json(),
            }
        case Resumption():
            cancel: JsonObject | None = None
            if task.cancel is not None:
                cancel = {"actor": task.cancel.actor, "force": task.cancel.force, "arguments": task.cancel.arguments}
            return {
                "order": "resume",
                "run_id": task.run_id,
                "database": str(database),
                "epoch": task.epoch,
                "decisions": {step_id: decision.value for step_id, decision in task.decisions.items()},
                "cancel": cancel,
                "answer": None if task.answer is None else _request_json(task.answer),
            }


def from_json(document: Mapping[str, Json], env: Mapping[str, str]) -> tuple[Order | Resumption, Path]:
    """The task and the database. Raises InputError when it cannot be done any more."""
    database, run_id = Path(str(document["database"])), str(document["run_id"])
    if document["order"] == "run":
        params = document["params"]
        assert isinstance(params, dict)
        path = Path(str(document["path"]))
        route = None if document["route"] is None else PlanOutput.model_validate(document["route"])
        if route is None or route.plan is not None:
            compiled = load_plan(str(document["source"]).encode("utf-8", "surrogatepass"), name=str(path))
        else:
            compiled = NO_PLAN
        plan = FoundPlan(compiled, path)
        secrets = SecretBox.load(compiled.plan.secrets, host_env=env, folder=plan.folder)
        source = _source(document["made_of"])
        order = Order(
            plan,
            params,
            secrets,
            Path(str(document["workdir"])),
            env,
            run_id,
            assets=_assets(compiled, document["assets"], database),
            overrides=_overrides(document["overrides"]),
            route=route,
            words=str(document["words"]),
            routing=asyncio.run(recorded_assets(_known(document["routing"]), StoreAssets(database))),
            reused={} if source is None else _taken(source, database),
            source=source,
        )
        return order, database
    decisions, cancel = document["decisions"], document["cancel"]
    assert isinstance(decisions, dict)
    with Reader.open(database) as reader:
        run = reader.run(run_by_id(run_id))
    if run is None:
        hint = "it has been removed, or the file is another one; opscope runs lists those that there are"
        raise InputError(f"there is no run {run_id} any more", place=str(database), hint=hint)
    if run.owner_epoch != document["epoch"]:
        pid = engine_pid(database, run.owner_engine)
        by = f"engine {run.owner_engine}{f' (pid {pid})' if pid else ''}"
        raise InputError(f"run {run_id} has been taken over by {by} meanwhile", hint="look where it stands now")
    task = prepare_resumption(
        database,
        run,
        env,
        decisions={step_id: Decision(str(decision)) for step_id, decision in decisions.items()},
        cancel=_cancel(cancel),
        answer=_answer(document["answer"]),
    )
    return task, database


def _assets(plan: CompiledPlan, document: Json, database: Path) -> dict[str, ResolvedAsset]:
    """The versions that were found for the plan, as they are kept. Without any, they are found when the run starts."""
    known = _known(document)
    return asyncio.run(resolve_again(plan, known, StoreAssets(database))) if known else {}


def _known(document: Json) -> dict[str, RecordedAsset]:
    assert isinstance(document, dict)
    return {
        alias: RecordedAsset(ref.ref, ref.sha256, AssetSource(ref.source))
        for alias, ref in ((alias, AssetRef.model_validate(ref)) for alias, ref in document.items())
    }


def _overrides(document: Json) -> tuple[AssetReference, ...]:
    assert isinstance(document, list)
    return tuple(parse_reference(str(text)) for text in document)


def _source(document: Json) -> RunSource | None:
    return RunSource.from_json(document) if isinstance(document, dict) else None


def _taken(source: RunSource, database: Path) -> dict[str, StepResult]:
    with Reader.open(database) as reader:
        return results_taken(reader, source)


def _request_json(request: ControlRequest) -> JsonObject:
    return {"verb": request.verb.value, "actor": request.actor, "arguments": request.arguments}


def _answer(document: Json) -> ControlRequest | None:
    if not isinstance(document, dict):
        return None
    arguments = document["arguments"]
    verb = ControlVerb(str(document["verb"]))
    return ControlRequest(verb, str(document["actor"]), arguments=arguments if isinstance(arguments, dict) else {})


def _cancel(document: Json) -> ControlRequest | None:
    if not isinstance(document, dict):
        return None
    arguments = document["arguments"]
    return ControlRequest(
        ControlVerb.CANCEL,
        str(document["actor"]),
        force=document["force"] is True,
        arguments=arguments if isinstance(arguments, dict) else {},
    )
