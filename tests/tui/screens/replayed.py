"""A shipped trace as a run of this host: the same times and results every time, in folders that are here, so that it can be repeated."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind
from engine.model.json import canonical_json
from engine.model.states import Stage
from engine.ports import PlanRecord, RunCreation
from engine.shipped.assets import SHIPPED
from engine.steps.environment import base_environment
from store.writer import open_writer
from tests.tui.commands.hosts import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

REPLAYED = "4f28067b9d725c49df950529d4c21530"
"""A run of ci-lookup that succeeded, on the twelfth of January 2026 at 03:07:40 UTC."""


async def replay(path: Path, workdir: Path) -> None:
    """Write it into a file, as if it had been run in `workdir` with the environment of this process."""
    trace = json.loads((ROOT / "sample_traces" / "ci-lookup-db-03.json").read_text())
    created, *events = (_event(told) for told in trace["events"])
    created.data.update(
        workdir=str(workdir), plan_folder=str(SHIPPED.parent), base_env=dict(base_environment(os.environ, ()))
    )
    told = trace["plan"]
    plan = PlanRecord(
        told["plan_hash"], told["plan_id"], told["version"], told["source"], canonical_json(told["document"])
    )
    async with open_writer(path) as writer:
        created.data.update(engine_id=writer.engine_id)
        await writer.create_run(RunCreation(REPLAYED, plan, created))
        await writer.append(REPLAYED, events)


def _microseconds(text: str) -> int:
    passed = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return passed // timedelta(microseconds=1)


def _event(told: dict[str, Any]) -> Event:
    return Event(
        EventKind(told["kind"]),
        _microseconds(told["at"]),
        told["data"],
        pass_index=told["pass_index"],
        stage=Stage(told["stage"]) if told.get("stage") else None,
        step_id=told.get("step_id"),
        item_index=told.get("item_index"),
        attempt=told.get("attempt"),
        actor=told["actor"],
    )
