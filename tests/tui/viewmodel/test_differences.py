"""A run held against a good one: what it was given otherwise, and how its steps went otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.model.states import Reason, RunMode, RunStatus, StepStatus
from store.queries.why import StepEnd, StepPair
from store.rows import RunRow
from tui.viewmodel.differences import Difference, Recorded, changed_parts, compare, step_end

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject

RUN = RunRow(
    run_id="a" * 32, plan_id="deploy", plan_version="1.4", plan_hash="1" * 64, status=RunStatus.FAILED, pause_reason=None,
    route=None, mode=RunMode.NORMAL, stage=None, pass_index=0, steps_total=2, steps_done=2, steps_failed=1, replans=0,
    warnings=0, score=None, created_at_us=0, started_at_us=0, finished_at_us=1, duration_us=1, workdir="/srv",
    params={"host": "web-1", "n": 3}, first_cause=None, owner_engine="e" * 32, owner_epoch=0, last_seq=9,
)  # fmt: skip
CREATED: JsonObject = {
    "environment": {"host": "ctl-1", "os": "Linux", "arch": "x86_64"},
    "base_env": {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C"},
    "plan_folder": "/srv/plans",
    "opscope_version": "0.1.0",
}
THEN = Recorded(RUN, CREATED, "operator:ops", {"steps": [{"id": "copy"}]})


def given(now: Recorded) -> list[tuple[str, str, str]]:
    return [(found.what, found.then, found.now) for found in compare(now, THEN, [], []).given]


def test_nothing_differs() -> None:
    assert given(THEN) == []


def test_parameters() -> None:
    now = replace(THEN, run=RUN._replace(params={"host": "web-2", "extra": [1, 2]}))
    assert given(now) == [("host", "web-1", "web-2"), ("n", "3", "not set"), ("extra", "not set", "[1, 2]")]


def test_a_long_value_is_cut() -> None:
    now = replace(THEN, run=RUN._replace(params={**RUN.params, "host": "x" * 100}))
    ((_, _, said),) = given(now)
    assert said == "x" * 39 + "…"


@pytest.mark.parametrize(
    ("path", "then", "now"),
    [
        ("/usr/bin:/bin", "with /usr/local/bin", "without"),
        ("/opt/bin:/usr/local/bin:/usr/bin:/bin", "without them", "with /opt/bin"),
        ("/bin:/usr/bin:/usr/local/bin", "its folders", "the same in another order"),
    ],
)
def test_of_a_path_only_what_differs_is_told(path: str, then: str, now: str) -> None:
    surroundings: JsonObject = {**CREATED, "base_env": {"PATH": path, "LANG": "C"}}
    assert given(replace(THEN, created=surroundings)) == [("$PATH", then, now)]


def test_surroundings() -> None:
    created: JsonObject = {
        **CREATED,
        "environment": {"host": "ctl-2", "os": "Linux", "arch": "aarch64"},
        "opscope_version": "0.2.0",
    }
    now = Recorded(RUN._replace(workdir="/tmp/x"), created, "operator:cron", THEN.document)
    assert given(now) == [
        ("host", "ctl-1", "ctl-2"),
        ("system", "Linux x86_64", "Linux aarch64"),
        ("folder", "/srv", "/tmp/x"),
        ("started by", "ops", "cron"),
        ("opscope", "0.1.0", "0.2.0"),
    ]


def test_a_changed_plan_says_which_parts() -> None:
    now = replace(
        THEN,
        run=RUN._replace(plan_hash="2" * 64, plan_version="1.5"),
        document={"steps": [{"id": "copy", "timeout_sec": 5}, {"id": "check"}]},
    )
    assert given(now) == [
        ("plan version", "1.4", "1.5"),
        ("plan", "11111111", "22222222, which changes copy (timeout_sec), new step check"),
    ]


def steps(*entries: Json) -> JsonObject:
    return {"steps": list(entries)}


@pytest.mark.parametrize(
    ("then", "now", "parts"),
    [
        (steps({"id": "a"}), steps({"id": "a"}), []),
        (steps({"id": "a"}, {"id": "b"}), steps({"id": "b"}, {"id": "a"}), ["the order of steps"]),
        (steps({"id": "a"}), steps(), ["without step a"]),
        (
            steps({"id": "a", "step_def": {"command": "x", "args": [1]}}),
            steps({"id": "a", "step_def": {"command": "y", "args": [1]}, "retries": 1}),
            ["a (command, retries)"],
        ),
        ({"globals": {"a": 1}, "description": "x"}, {"globals": {"a": 2}, "description": "y"}, ["globals"]),
        ({"finally": [{"id": "f"}]}, {"finally": [{"id": "f", "env": {}}]}, ["f (env)"]),
    ],
)
def test_changed_parts(then: JsonObject, now: JsonObject, parts: list[str]) -> None:
    assert list(changed_parts(then, now)) == parts


def end(status: StepStatus, us: int | None, *, code: int | None = None, reason: Reason | None = None) -> StepEnd:
    return StepEnd(status, reason, code, us)


@pytest.mark.parametrize(
    ("stood", "said"),
    [
        (end(StepStatus.SUCCEEDED, 1_200_000, code=0), "succeeded, 1.2s"),
        (end(StepStatus.FAILED, 12_000, code=7, reason=Reason.EXIT_CODE), "failed, exit 7, 12ms"),
        (end(StepStatus.FAILED, 10_000_000, reason=Reason.TIMED_OUT), "failed, timed out, 10.0s"),
        (end(StepStatus.SKIPPED, None, reason=Reason.SKIP_IF), "skipped, skip_if"),
        (end(StepStatus.SUCCEEDED, 0, reason=Reason.OPERATOR), "succeeded by an operator's word"),
        (None, "not in the plan"),
    ],
)
def test_how_a_step_went(stood: StepEnd | None, said: str) -> None:
    assert step_end(stood) == said


def test_steps() -> None:
    slow, fast = end(StepStatus.SUCCEEDED, 9_000_000, code=0), end(StepStatus.SUCCEEDED, 1_000_000, code=0)
    failed = end(StepStatus.FAILED, 5000, code=2, reason=Reason.EXIT_CODE)
    found = compare(
        THEN, THEN, [StepPair("a", failed, fast), StepPair("b", slow, fast), StepPair("c", fast, None)], ["d"]
    )
    assert found.steps == (
        Difference("a", "succeeded, 1.0s", "failed, exit 2, 5ms"),
        Difference("b", "1.0s", "9.0s"),
        Difference("c", "not in the plan", "succeeded, 1.0s"),
        Difference("d", "was a step of the plan", "is not in it"),
    )


def test_other_versions_of_assets_and_another_plan_on_the_way() -> None:
    """A run that went on with another plan, or with another version of a query, is not the same as one that did not."""
    good = replace(THEN, assets={"lookup": "query/find@1", "gates": "policy/gates@1"})
    run = RUN._replace(replans=1, pass_index=1)
    now = replace(good, run=run, assets={"lookup": "query/find@2", "gates": "policy/gates@1"})
    assert [(found.what, found.then, found.now) for found in compare(now, good, [], []).given] == [
        ("assets.lookup", "query/find@1", "query/find@2"),
        ("replans", "none, 1 pass", "1, 2 passes"),
    ]
