"""What an engine host is told to do, as one JSON document on its way from the process that starts it. No secret is in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.pipeline.decisions import Decision
from engine.plan.load import load_plan
from engine.ports import ControlRequest, ControlVerb
from engine.steps.secrets import SecretBox
from store.liveness import engine_pid
from store.queries import run_by_id
from store.reader import Reader
from tui.commands.performing import Order, Resumption
from tui.commands.planning import FoundPlan
from tui.commands.taking_up import prepare_resumption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json, JsonObject


def to_json(task: Order | Resumption, database: Path) -> JsonObject:
    """The order as it is handed to a host. The plan goes along as text: its file may be another one by now."""
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
            }


def from_json(document: Mapping[str, Json], env: Mapping[str, str]) -> tuple[Order | Resumption, Path]:
    """The task and the database. Raises InputError when it cannot be done any more."""
    database, run_id = Path(str(document["database"])), str(document["run_id"])
    if document["order"] == "run":
        params = document["params"]
        assert isinstance(params, dict)
        path = Path(str(document["path"]))
        compiled = load_plan(str(document["source"]).encode("utf-8", "surrogatepass"), name=str(path))
        plan = FoundPlan(compiled, path)
        secrets = SecretBox.load(compiled.plan.secrets, host_env=env, folder=plan.folder)
        return Order(plan, params, secrets, Path(str(document["workdir"])), env, run_id), database
    decisions, cancel = document["decisions"], document["cancel"]
    assert isinstance(decisions, dict)
    with Reader.open(database) as reader:
        run = reader.run(run_by_id(run_id))
    if run is None:
        raise InputError(f"there is no run {run_id} any more", place=str(database))
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
    )
    return task, database


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
