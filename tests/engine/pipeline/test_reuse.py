"""Which results hold for another plan: what changed, what depends on it, and what never had a result that could be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.result import StepResult
from engine.model.stage import AssetRef
from engine.model.states import Reason, StepStatus
from engine.pipeline.reuse import Changed, WhyAgain, as_reused, plan_reuse
from engine.plan.load import load_plan

if TYPE_CHECKING:
    from engine.pipeline.reuse import Reuse
    from engine.plan.compiled import CompiledPlan

BASE: dict[str, Any] = {
    "plan_id": "p",
    "params": {"host": {}, "limit": {"type": "integer"}},
    "assets": {"lookup": "query/lookup", "gates": "policy/gates"},
    "secrets": {"token": {"env": "TOKEN"}},
    "steps": [
        {
            "id": "find",
            "step_def": {"type": "sql", "database": "d", "query": "{assets.lookup}", "args": {"h": "{params.host}"}},
        },
        {"id": "ping", "command": "ping", "args": ["{find.data.rows[0].a}"], "env": {"T": "{secrets.token}"}},
        {"id": "sum", "command": "sum", "depends_on": ["ping"], "condition": "find.data.n < params.limit"},
        {"id": "apart", "command": "date", "output_mapping": {"r": "{run.id}"}},
    ],
}


def plan(**changes: Any) -> CompiledPlan:
    return load_plan(json.dumps({**BASE, **changes}).encode(), name="p.json")


def with_step(step_id: str, **changes: Any) -> CompiledPlan:
    """The plan with something else in a step."""
    return plan(steps=[{**step, **changes} if step["id"] == step_id else step for step in BASE["steps"]])


def done(*steps: str, status: StepStatus = StepStatus.SUCCEEDED, **fields: Any) -> dict[str, StepResult]:
    return {step_id: StepResult(step_id, status, data={"n": 1}, **fields) for step_id in steps}


ALL = done("find", "ping", "sum", "apart")


def kinds(reuse: Reuse) -> dict[str, WhyAgain]:
    return {step_id: why.kind for step_id, why in reuse.again.items()}


def test_where_nothing_changed_everything_holds() -> None:
    reuse = plan_reuse(plan(), plan(), ALL, Changed())
    assert (reuse.reused, reuse.again) == (ALL, {})


def test_a_changed_step_runs_again_with_all_that_depends_on_it() -> None:
    after = with_step("ping", args=["-c2", "{find.data.rows[0].a}"])
    reuse = plan_reuse(plan(), after, ALL, Changed())
    assert {step_id: str(why) for step_id, why in reuse.again.items()} == {
        "ping": "its step_def changed",
        "sum": "it depends on ping, which runs again",
    }
    assert set(reuse.reused) == {"find", "apart"}


def test_what_is_only_said_of_a_step_changes_nothing() -> None:
    after = with_step("ping", description="reach it", metadata={"team": "net"})
    assert plan_reuse(plan(), after, ALL, Changed()).again == {}


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        (Changed({"host": "a", "limit": 1}, {"host": "b", "limit": 1}), {"find": "params.host changed"}),
        (Changed({"limit": 1}, {"limit": 2}), {"sum": "params.limit changed"}),
        (Changed({"limit": 1}, {"limit": True}), {"sum": "params.limit changed"}),
        (
            Changed(
                assets_before={"lookup": AssetRef(ref="query/lookup@1", sha256="a")},
                assets_after={"lookup": AssetRef(ref="query/lookup@2", sha256="b")},
            ),
            {"find": "assets.lookup changed @1 → @2"},
        ),
        (
            Changed(
                assets_before={"gates": AssetRef(ref="policy/gates@1", sha256="a")},
                assets_after={"gates": AssetRef(ref="policy/gates@2", sha256="b")},
            ),
            {},
        ),
        (Changed(other_run=True), {"apart": "it uses run.id, which is another one now"}),
        (Changed(from_steps=frozenset(["sum"])), {"sum": "asked for"}),
    ],
)
def test_what_a_step_refers_to_counts_and_nothing_else(changed: Changed, again: dict[str, str]) -> None:
    reuse = plan_reuse(plan(), plan(), ALL, changed)
    first = {step_id: str(why) for step_id, why in reuse.again.items() if why.kind is not WhyAgain.DEPENDS_ON}
    assert first == again


def test_the_environment_of_all_steps_counts_for_all() -> None:
    after = plan(globals={"env": {"LANG": "C"}})
    assert set(kinds(plan_reuse(plan(), after, ALL, Changed())).values()) == {WhyAgain.ENV_CHANGED}
    assert set(plan_reuse(plan(), plan(), ALL, Changed(base_env=("PATH",))).again) == set(ALL)


def test_a_secret_from_elsewhere_counts_where_it_is_used() -> None:
    after = plan(secrets={"token": {"env": "OTHER"}})
    assert kinds(plan_reuse(plan(), after, ALL, Changed())) == {
        "ping": WhyAgain.SECRETS_CHANGED,
        "sum": WhyAgain.DEPENDS_ON,
    }


def test_steps_that_come_and_go() -> None:
    """A new one has no result, one that is gone gives none, and who needs either runs again."""
    after = plan(steps=[*BASE["steps"], {"id": "more", "command": "more", "provides": ["x"]}])
    assert kinds(plan_reuse(plan(), after, ALL, Changed())) == {"more": WhyAgain.NEW_STEP}
    fewer = plan(steps=[step for step in BASE["steps"] if step["id"] != "apart"])
    assert set(plan_reuse(plan(), fewer, ALL, Changed()).reused) == {"find", "ping", "sum"}
    provider = {"id": "maker", "command": "make", "provides": ["x"]}
    user = {"id": "user", "command": "use", "consumes": ["x"]}
    first = plan(steps=[{**provider, "id": "other"}, user])
    both = plan(steps=[{**provider, "id": "other"}, provider, user])
    assert kinds(plan_reuse(first, both, done("other", "user"), Changed()))["user"] is WhyAgain.DEFINITION_CHANGED


@pytest.mark.parametrize(
    ("result", "step", "why"),
    [
        (None, {}, WhyAgain.NEVER_RAN),
        (StepResult("apart", StepStatus.FAILED, Reason.EXIT_CODE), {}, WhyAgain.FAILED_BEFORE),
        (StepResult("apart", StepStatus.FAILED, Reason.EXIT_CODE), {"on_failure": "continue"}, None),
        (
            StepResult("apart", StepStatus.FAILED, Reason.EXIT_CODE),
            {"on_failure": "continue", "critical": True},
            WhyAgain.FAILED_BEFORE,
        ),
        (StepResult("apart", StepStatus.CANCELED, Reason.REPLANNED), {}, WhyAgain.NOT_FINAL),
        (StepResult("apart", StepStatus.SKIPPED, Reason.CONDITION_FALSE), {}, None),
        (StepResult("apart", StepStatus.SKIPPED, Reason.REUSED), {}, None),
        (StepResult("apart", StepStatus.SKIPPED, Reason.OPERATOR), {}, None),
        (StepResult("apart", StepStatus.SKIPPED, Reason.DEPENDENCY_FAILED), {}, WhyAgain.NEVER_RAN),
    ],
)
def test_which_ends_hold(result: StepResult | None, step: dict[str, Any], why: WhyAgain | None) -> None:
    same = with_step("apart", **step)
    results = {**ALL, "apart": result} if result else {k: v for k, v in ALL.items() if k != "apart"}
    assert kinds(plan_reuse(same, same, results, Changed())) == ({} if why is None else {"apart": why})


def test_from_failed_runs_what_was_let_pass_too() -> None:
    same = with_step("apart", on_failure="continue")
    results = {**ALL, **done("apart", status=StepStatus.FAILED)}
    assert kinds(plan_reuse(same, same, results, Changed(from_failed=True))) == {"apart": WhyAgain.FAILED_BEFORE}


FALLING = [
    {"id": "first", "command": "a", "on_failure": "fallback_step", "fallback_step": "second"},
    {"id": "second", "command": "b"},
    {"id": "after", "command": "c", "depends_on": ["first"]},
]


def test_a_step_and_what_stood_in_for_it_hold_together() -> None:
    """Its own end rests on the fallback's, and the fallback's end means nothing without it."""
    before = plan(steps=FALLING)
    other = plan(steps=[FALLING[0], {"id": "second", "command": "b2"}, FALLING[2]])
    fell = {**done("second"), **done("first", is_fallback=True), **done("after")}
    assert set(plan_reuse(before, other, fell, Changed()).again) == {"first", "second", "after"}
    unneeded = {
        **done("first", "after"),
        **done("second", status=StepStatus.SKIPPED, reason=Reason.NOT_NEEDED),
    }
    assert set(plan_reuse(before, other, unneeded, Changed()).again) == {"second"}
    again = plan_reuse(before, before, fell, Changed(from_steps=frozenset(["first"])))
    assert set(again.again) == {"first", "second", "after"}


def test_where_a_result_comes_from_is_where_the_step_really_ran() -> None:
    once = as_reused(ALL["find"], run_id="r", pass_index=0)
    twice = as_reused(once, run_id="r", pass_index=1)
    assert (once.reason, twice.reused_from) == (Reason.REUSED, {"run_id": "r", "pass_index": 0, "step_id": "find"})
    assert twice.data == {"n": 1}
