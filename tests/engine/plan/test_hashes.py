"""The identity of plans that were written before: figures on record, which no new field and no new default may change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.plan.support import load, plan
from tests.engine.plan.test_schema import EXAMPLE

TRACES = sorted((Path(__file__).parents[3] / "sample_traces").glob("*.json"))


@pytest.mark.parametrize("path", TRACES, ids=[path.stem for path in TRACES])
def test_a_plan_out_of_an_old_trace_is_still_the_same_plan(path: Path) -> None:
    """By the hash that was recorded with the run."""
    recorded = json.loads(path.read_text())["plan"]
    assert load(recorded["source"]).plan_hash == recorded["plan_hash"]


def test_old_plans_keep_their_hashes() -> None:
    """The smallest, one with every field there was, and one with every policy there was."""
    assert load("plan_id: p\nsteps: [{id: a, command: 'true'}]\n").plan_hash == (
        "ad6a4dc509f32bca6cc61b99b588db7da3f369d373617c6fe43ff2ddbbbccf0e"
    )
    assert load(EXAMPLE).plan_hash == "d9bd26a1cb26c1e6e08c8d4dc88e068f3f87d3e5485b8b475e8e88f9ef73a7fb"
    policies = plan(
        {
            "id": "a",
            "retries": 2,
            "backoff": {"factor": 3},
            "on_failure": "skip_dependents",
            "idempotent": False,
            "output": "none",
        },
        {"id": "b", "depends_on": ["a"], "skip_if": ["env.X"]},
        strategy="serial",
        globals={"env_from_host": ["PATH"]},
        locks=["x"],
        **{"finally": [{"id": "f", "command": "x"}]},
    )
    assert policies.plan_hash == "bad130a9209a6b90cf330c23330e7124cc14850100805b9638a3abf91f9b67cc"


def test_every_new_field_is_part_of_the_identity() -> None:
    """What changes what a plan does changes its hash."""
    fields: list[dict[str, Any]] = [
        {},
        {"critical": True},
        {"for_each": [1]},
        {"repeat": {"until": "true"}},
        {"cache": {"ttl_sec": 1}},
        {"cache": {"ttl_sec": 2}},
        {"provides": ["r"]},
        {"pool": "p"},
        {"on_failure": "fallback_step", "fallback_step": "f"},
    ]
    settings = {"pools": {"p": {"max_concurrency": 1}}}
    hashes = [plan({"id": "a", **one}, {"id": "f"}, globals=settings).plan_hash for one in fields]
    hashes.append(plan({"id": "a"}, {"id": "f"}, globals={**settings, "breaker": {}}).plan_hash)
    assert len(set(hashes)) == len(fields) + 1
