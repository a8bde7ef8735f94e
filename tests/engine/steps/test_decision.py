"""Decision and plan steps as the executor sees them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.model.bound import BoundDecision, BoundPlan
from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.routing.advisor import ModelAdvisor
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.routing.models import asked, endpoint, model, saying
from tests.engine.steps.http_server import endless, reply, silent
from tests.engine.steps.support import RecordingObserver, RunningClock, attempt

if TYPE_CHECKING:
    from pathlib import Path

    from engine.ports import AttemptObserver, AttemptSpec
    from tests.engine.steps.http_server import Answer, Site


async def test_a_choice_is_data(tmp_path: Path) -> None:
    executor = LocalExecutor(SecretBox({"s": "s3cr3t-why"}), RunningClock())
    definition = BoundDecision("big", 0, "len(rows) > 10 s3cr3t-why")
    observer = RecordingObserver()
    outcome = await executor.run(attempt(definition, tmp_path, output=OutputFormat.JSON), observer)
    assert (outcome.status, outcome.data) == (
        StepStatus.SUCCEEDED,
        {"choice": "big", "rule": 0, "why": "len(rows) > 10 ***"},
    )
    assert observer.processes == [None]
    silent = await executor.run(attempt(definition, tmp_path, output=OutputFormat.NONE), RecordingObserver())
    assert (silent.status, silent.data) == (StepStatus.SUCCEEDED, None)


async def test_no_choice_fails(tmp_path: Path) -> None:
    executor = LocalExecutor(SecretBox(), RunningClock())
    outcome = await executor.run(attempt(BoundDecision(None, None, ""), tmp_path), RecordingObserver())
    assert (outcome.status, outcome.reason, outcome.data) == (StepStatus.FAILED, Reason.REFUSED, None)
    assert outcome.message == "no rule holds and there is no default; add a rule, or set default"


async def test_plans_are_run_by_whoever_can(tmp_path: Path) -> None:
    async def run(plan: BoundPlan, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        return AttemptOutcome(StepStatus.SUCCEEDED, data=[plan.plan, spec.step_id])

    spec = attempt(BoundPlan("child"), tmp_path)
    able = await LocalExecutor(SecretBox(), RunningClock(), sub_plans=run).run(spec, RecordingObserver())
    assert able.data == ["child", "step"]
    unable = await LocalExecutor(SecretBox(), RunningClock()).run(spec, RecordingObserver())
    assert (unable.status, unable.reason) == (StepStatus.FAILED, Reason.SUB_PLAN_FAILED)
    assert unable.message == "the plan 'child' cannot be run: this executor runs no sub-plans"


QUESTION = BoundDecision("small", 0, "rule 1 holds: true", ask="How bad is it?", branches=("big", "small"))


async def decide(
    answer: Answer | None, tmp_path: Path, decision: BoundDecision = QUESTION
) -> tuple[AttemptOutcome, Site]:
    """The decision with a model that answers so, or with none configured; and what the model was asked."""
    with model(answer or saying({})) as site:
        advisor = None if answer is None else ModelAdvisor(endpoint(site))
        executor = LocalExecutor(SecretBox({"s": "s3cr3t-why"}), RunningClock(), advisor=advisor)
        spec = attempt(decision, tmp_path, output=OutputFormat.JSON)
        return await executor.run(spec, RecordingObserver()), site


async def test_a_model_may_choose(tmp_path: Path) -> None:
    outcome, site = await decide(saying({"choice": "big", "reason": "it burns, s3cr3t-why"}), tmp_path)
    assert outcome.data == {
        "choice": "big",
        "rule": None,
        "why": "the model chose it: it burns, ***",
        "decided_by": "model",
    }
    (question,) = asked(site)
    assert json.loads(question["messages"][1]["content"]) == {
        "question": "How bad is it?",
        "branches": ["big", "small"],
    }


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (saying({"choice": "huge"}), "the model chose what is no branch: huge"),
        (saying({"choice": ["big"]}), "the model chose what is no branch: "),
        (saying({}), "the model chose what is no branch: None"),
        (saying("I would rather not."), "the model small answered in words instead of JSON"),
        (saying(None, refusal="no"), "the model small refused to answer"),
        (reply(b"", status=500), "has failed itself (status 500)"),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536), "is longer than 1 MiB"),
    ],
)
async def test_a_model_that_is_of_no_use_leaves_it_to_the_rules(tmp_path: Path, answer: Answer, failure: str) -> None:
    outcome, _ = await decide(answer, tmp_path)
    assert isinstance(outcome.data, dict)
    said = outcome.data.pop("model_failure")
    assert failure in str(said)
    assert outcome.data == {"choice": "small", "rule": 0, "why": "rule 1 holds: true", "decided_by": "rules"}


async def test_a_model_has_no_more_time_than_the_step(tmp_path: Path) -> None:
    with model(silent(b"")) as site:
        executor = LocalExecutor(SecretBox(), RunningClock(), advisor=ModelAdvisor(endpoint(site, timeout_sec=60)))
        spec = attempt(QUESTION, tmp_path, output=OutputFormat.JSON, timeout_sec=0.3)
        outcome = await executor.run(spec, RecordingObserver())
    assert isinstance(outcome.data, dict)
    assert outcome.data["model_failure"] == "the model did not answer within 0.3 s"
    assert outcome.data["choice"] == "small"


async def test_without_a_model_nothing_is_sent(tmp_path: Path) -> None:
    outcome, site = await decide(None, tmp_path)
    assert outcome.data == {"choice": "small", "rule": 0, "why": "rule 1 holds: true", "decided_by": "rules"}
    assert site.seen == []


async def test_a_question_that_lacks_a_value_is_not_sent(tmp_path: Path) -> None:
    decision = BoundDecision(
        "small", None, "default", branches=("big", "small"), unasked="the question cannot be asked: x"
    )
    outcome, site = await decide(saying({"choice": "big"}), tmp_path, decision)
    assert isinstance(outcome.data, dict)
    assert (outcome.data["choice"], outcome.data["model_failure"]) == ("small", "the question cannot be asked: x")
    assert site.seen == []


async def test_where_neither_can_choose_both_are_named(tmp_path: Path) -> None:
    decision = BoundDecision(None, None, "", ask="?", branches=("big",))
    outcome, _ = await decide(saying("no"), tmp_path, decision)
    assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.REFUSED)
    assert outcome.message.startswith(
        "the model was of no use (the model small answered in words instead of JSON), no rule"
    )
