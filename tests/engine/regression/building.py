"""Facts of runs made by hand, for tests of comparisons: how long each step took, how it ended, and what it depended on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.model.states import Stage, StageStatus, StepStatus
from engine.regression.facts import Diagnostics, RunFacts, StageFacts, StageKey, StepFacts, StepKey, Timing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.regression.facts import ReplanKey


def run_facts(
    run_id: str,
    seconds: Mapping[str, float],
    *,
    depends_on: Mapping[str, Sequence[str]] | None = None,
    failed: Sequence[str] = (),
    results: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    assets: Mapping[str, str] | None = None,
    definitions: Mapping[str, Any] | None = None,
    references: Sequence[tuple[str, str, str]] = (),
    replans: Mapping[ReplanKey, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    tries: Mapping[str, int] | None = None,
) -> RunFacts:
    """A run whose steps start as soon as what they depend on has ended; without `depends_on` one after the other."""
    needs: dict[str, Sequence[str]] = {}
    for before, name in zip([None, *seconds], seconds, strict=False):
        chained: Sequence[str] = () if before is None else (before,)
        needs[name] = chained if depends_on is None else depends_on.get(name, ())
    steps: dict[StepKey, StepFacts] = {}
    ends: dict[str, int] = {}
    for name, lasts in seconds.items():
        begin = max((ends[other] for other in needs[name]), default=0)
        ends[name] = begin + round(lasts * 1_000_000)
        steps[StepKey(0, name)] = StepFacts(
            status=StepStatus.FAILED if name in failed else StepStatus.SUCCEEDED,
            reason=None,
            message="",
            exit_code=None,
            duration_ms=lasts * 1000,
            attempts=(tries or {}).get(name, 1),
            counts=(),
            reused=False,
            result={"data": (results or {}).get(name, {"ok": True})},
            timing=Timing(begin, ends[name]),
            depends_on=tuple(needs[name]),
        )
    total_ms = max(ends.values(), default=0) / 1000
    execute = StageFacts(
        status=StageStatus.FAILED if failed else StageStatus.SUCCEEDED,
        duration_ms=total_ms,
        diagnostics=Diagnostics(),
        counts=(),
        references=tuple(references),
        result=None,
    )
    return RunFacts(
        run_id=run_id,
        outcome={"status": "failed" if failed else "succeeded", "mode": "normal"},
        plan={"plan_id": "p", "plan_hash": "h"},
        params=params or {"host": "web-1"},
        environment=environment or {"host": "ops-1", "hash": "e1"},
        assets={alias: {"ref": ref, "sha256": ref} for alias, ref in (assets or {}).items()},
        replans=replans or {},
        stages={StageKey(0, Stage.EXECUTE): execute},
        steps=steps,
        duration_ms=total_ms,
        definitions=definitions or {},
    )


def around(middle: float, number: int, *, seed: int = 1, spread: float = 0.05) -> list[float]:
    """Durations as a host gives them: lognormal."""
    return [float(middle * value) for value in np.exp(np.random.default_rng(seed).normal(0, spread, number))]


def runs_of(middles: Mapping[str, float], number: int, *, seed: int = 1, **given: Any) -> list[RunFacts]:
    """Runs of the same plan, each step around its middle."""
    columns = {
        name: around(middle, number, seed=seed * 1000 + place) for place, (name, middle) in enumerate(middles.items())
    }
    return [
        run_facts(f"{seed:02x}{place:030x}", {name: values[place] for name, values in columns.items()}, **given)
        for place in range(number)
    ]
