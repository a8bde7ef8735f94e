"""A run as the Override screen knows it, made by hand: three assets, two parameters, three steps."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.asset import AssetName, AssetSource, AssetStatus, AssetType
from engine.model.result import StepResult
from engine.model.states import RunStatus, StepStatus
from engine.pipeline.forking import Change, Fork, ForkSource, fork, params_after, plan_after
from engine.plan.load import load_plan
from store.assets.reading import AssetHistory, VersionHead
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.override.givens import GivenAsset, GivenParam, Givens, GivenStep

if TYPE_CHECKING:
    from engine.model.json import JsonObject

LOOKUP = AssetName(AssetType.QUERY, "ci-lookup")
GATES = AssetName(AssetType.POLICY, "gates")
BELOW = AssetName(AssetType.QUERY, "below")
RUN = "7f3a91" + "0" * 26
HERE = Path("/srv")
PLAN = {
    "plan_id": "ci-lookup",
    "params": {
        "host": {"type": "string", "default": "db-03", "description": "a name"},
        "limit": {"type": "integer", "default": 15},
    },
    "steps": [
        {"id": "ci", "command": "x", "args": ["{params.host}"]},
        {"id": "owners", "command": "x", "args": ["{ci.stdout}"]},
        {"id": "brief", "command": "x", "args": ["{params.limit}"]},
    ],
}


def head(name: AssetName, version: int, status: AssetStatus = AssetStatus.PUBLISHED, note: str = "") -> VersionHead:
    """A version, made on the first of January by ana."""
    sha256 = hashlib.sha256(f"{name}@{version}".encode()).hexdigest()
    at_us = NOW_US - 3_600_000_000 * (10 - version)
    return VersionHead(name, version, status, "application/sql", sha256, "ana", note, at_us, version - 1)


HEADS = (head(LOOKUP, 1), head(LOOKUP, 2, note="any case"), head(LOOKUP, 3, AssetStatus.DRAFT, note="slow"))
ASSETS = (
    GivenAsset("lookup", LOOKUP, 2, HEADS[1].sha256, AssetSource.PUBLISHED.value, AssetHistory(LOOKUP, HEADS)),
    GivenAsset("gates", GATES, 1, "", AssetSource.PIN.value, AssetHistory(GATES, (head(GATES, 1), head(GATES, 2)))),
    GivenAsset("", BELOW),
)


def source(stopped: tuple[str, ...] = ()) -> ForkSource:
    """A run of which each step took a second; some were stopped then."""
    plan = load_plan(json.dumps(PLAN).encode(), name="p.json")
    results = {
        step_id: StepResult(
            step_id,
            StepStatus.CANCELED if step_id in stopped else StepStatus.SUCCEEDED,
            started_at_us=1,
            duration_us=1_000_000,
        )
        for step_id in plan.steps
    }
    params: JsonObject = {"host": "db-03", "limit": 15}
    return ForkSource(RUN, 0, plan, results, params, {}, {"PATH": "/bin"}, HERE, HERE, "h")


def givens() -> Givens:
    """All that can be different."""
    run = source()
    declared = run.plan.plan.params
    params = tuple(GivenParam(name, declared[name], run.params[name]) for name in declared)
    steps = tuple(GivenStep(step_id, StepStatus.SUCCEEDED, 1_000_000) for step_id in run.plan.steps)
    return Givens(run_row(run_id=RUN, status=RunStatus.SUCCEEDED), run, ASSETS, params, steps)


def made(change: Change, *, host_env: dict[str, str] | None = None, stopped: tuple[str, ...] = ()) -> Fork:
    """What a change makes of it."""
    run = source(stopped)
    after = plan_after(run, change)
    params = params_after(run, after, change.params, from_text=True)
    return fork(run, change, plan=after, params=params, assets={}, host_env=host_env or {"PATH": "/bin"})
