"""What a kept result is found by, and when one may be used. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.model.bound import BoundCommand, BoundHttp, BoundStep, SecretName, SecretText
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.pipeline.caching import CacheState, cache_key, cache_parts, judge
from engine.ports import CachedResult

if TYPE_CHECKING:
    from engine.model.bound import BoundText
    from engine.model.json import JsonObject

ENV: dict[str, BoundText] = {"PATH": "/bin", "OPSCOPE_RUN_ID": "1"}
RESULT: JsonObject = {
    "status": "succeeded",
    "data": {"n": 1},
    "stdout": "1",
    "stderr": "",
    "exit_code": 0,
    "counts": {"rows": 1},
}


def parts(
    bound: BoundStep,
    env: dict[str, BoundText] | None = None,
    *,
    workdir: str = "/w",
    output: OutputFormat = OutputFormat.JSON,
    max_output_bytes: int | None = None,
) -> dict[str, str]:
    return cache_parts(
        bound,
        env or ENV,
        output=output,
        max_output_bytes=max_output_bytes,
        workdir=Path(workdir),
        plan_folder=Path("/p"),
    )


PLAIN = BoundStep(BoundCommand("ls", ("-l",)), inputs={"n": 1})


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (parts(BoundStep(BoundCommand("ls", ("-a",)), inputs={"n": 1})), {"definition.args"}),
        (parts(BoundStep(BoundCommand("ls", ("-l",), cwd="x"), inputs={"n": 1})), {"definition.cwd"}),
        (parts(BoundStep(BoundCommand("ls", ("-l",)), inputs={"n": 2})), {"inputs.n"}),
        (parts(BoundStep(BoundCommand("ls", ("-l",)))), {"inputs.n"}),
        (parts(PLAIN, {**ENV, "LANG": "C"}), {"env.LANG"}),
        (parts(PLAIN, workdir="/elsewhere"), {"workdir"}),
        (parts(PLAIN, output=OutputFormat.TEXT), {"output"}),
        (parts(PLAIN, max_output_bytes=5), {"max_output_bytes"}),
    ],
)
def test_whatever_the_step_depends_on_changes_the_key_and_is_named(other: dict[str, str], differs: set[str]) -> None:
    own = parts(PLAIN)
    assert cache_key(own) != cache_key(other)
    found = CachedResult(cache_key(other), "r", "s", 5, other, None)
    mark, outcome = judge(cache_key(own), "p", own, found, now_us=6, ttl_sec=60)
    assert (mark.state, outcome, set(mark.differs)) == (CacheState.MISS, None, differs)


def test_what_marks_the_attempt_does_not_count() -> None:
    assert parts(PLAIN) == parts(PLAIN, {**ENV, "OPSCOPE_RUN_ID": "2", "OPSCOPE_ATTEMPT": "7"})


def test_a_secret_counts_by_its_name() -> None:
    def bound(name: str) -> BoundStep:
        return BoundStep(BoundHttp("http://x/", headers={"Authorization": SecretText(("Bearer ", SecretName(name)))}))

    assert parts(bound("a")) == parts(bound("a"))
    assert parts(bound("a")) != parts(bound("b"))


@pytest.mark.parametrize(
    ("age_sec", "state"),
    [(0, CacheState.HIT), (60, CacheState.HIT), (60.1, CacheState.EXPIRED), (-3600, CacheState.HIT)],
)
def test_a_result_may_be_used_for_as_long_as_the_step_says(age_sec: float, state: CacheState) -> None:
    own = parts(PLAIN)
    key = cache_key(own)
    found = CachedResult(key, "r", "s", 10_000_000_000, own, RESULT)
    mark, outcome = judge(key, "p", own, found, now_us=10_000_000_000 + round(age_sec * 1e6), ttl_sec=60)
    assert mark.state is state
    assert mark.nearest == {"run_id": "r", "step_id": "s", "at_us": 10_000_000_000}
    if state is CacheState.HIT:
        assert outcome is not None
        assert (outcome.status, outcome.reason, outcome.data, outcome.stdout.text, outcome.counts) == (
            StepStatus.SUCCEEDED,
            Reason.CACHE_HIT,
            {"n": 1},
            "1",
            {"rows": 1},
        )
    else:
        assert outcome is None


def test_nothing_that_was_ever_kept() -> None:
    own = parts(PLAIN)
    mark, outcome = judge(cache_key(own), "p", own, None, now_us=0, ttl_sec=1)
    assert (mark.state, mark.nearest, outcome) == (CacheState.MISS, None, None)
