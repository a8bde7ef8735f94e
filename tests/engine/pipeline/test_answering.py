"""Questions as runs: answered, refused, not understood, or led to a plan, with a full record of each, also after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.asset import ResolvedAsset, parse_reference
from engine.model.event import EventKind
from engine.model.stage import PlanOutput, StageInput
from engine.model.states import RunMode, RunStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.pipeline.stages.route_plan import payload_of
from engine.plan.load import load_plan
from engine.plan.no_plan import NO_PLAN
from engine.ports import ControlRequest, ControlVerb
from engine.routing.outcome import plan_output
from engine.routing.policy import parse_routing_policy
from engine.routing.router import route
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import RUN_ID, MemorySink, Operator, Recorded, point_of, resume_events
from tests.engine.pipeline.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.plan.compiled import CompiledPlan

POLICY = """\
kind: routing
reject: [{id: no-data-loss, within: ["drop * tables"], reason: nothing is destroyed by asking}]
direct: [{id: greeting, whole: [hello], answer: "Hello. Ask **what depends on** a host."}]
plans:
  - id: depends
    plan: look
    phrases: ["what depends on {host}"]
    params: {host: {kind: host, ask: the name of a host}}
"""
PLAN = """\
plan_id: look
params: {host: {type: string, required: true}}
steps: [{id: say, command: echo, args: ["{params.host}"], idempotent: true}]
compose: {said: "{say.data}"}
present: [{type: markdown, text: "{compose.said}"}]
"""


@dataclass
class Asking:
    """Asks questions of one registry, and takes what was asked up again."""

    folder: Path
    registry: Registry
    policy: ResolvedAsset
    sink: MemorySink = field(default_factory=MemorySink)
    operator: Operator = field(default_factory=Operator)

    async def ask(self, words: str, planner: JsonObject | None = None, override: bool = False) -> Recorded:
        """Route the words by the policy and run what they come to."""
        wanted = parse_reference("policy/routing")
        policy = await self.registry.resolve(wanted, override=replace(wanted, version=1) if override else None)
        found = route(words, parse_routing_policy(_document(), place=policy.ref))
        plan = load_plan(PLAN.encode(), name="look.yaml") if found.plan else NO_PLAN
        payload = payload_of(plan) if found.plan else None
        request = RunRequest(
            plan=plan,
            params={**found.params},
            run_id=RUN_ID,
            workdir=self.folder,
            plan_folder=self.folder,
            host_env={"PATH": "/usr/bin:/bin"},
            actor="operator:test",
            engine_id="engine-test",
            route=plan_output(found, policy=policy.ref, plan=payload, planner=planner),
            words=words,
            routing={"policy/routing": policy},
        )
        services = Services(
            sink=self.sink,
            secrets=SecretBox(),
            executor=LocalExecutor(SecretBox(), SystemClock()),
            clock=SystemClock(),
            jitter=lambda: 0.0,
            control=self.operator,
            assets=self.registry,
        )
        return Recorded(await run_plan(request, services), self.sink)


def _document() -> Json:
    import yaml

    loaded: Json = yaml.safe_load(POLICY)
    return loaded


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    registry = Registry()
    return Asking(tmp_path, registry, registry.add("policy/routing", POLICY, "yaml"))


def inputs(events: list[Event], stage: str) -> StageInput:
    """What a stage was given."""
    (event,) = [e for e in events if e.kind is EventKind.STAGE_STARTED and e.stage == stage]
    return StageInput.model_validate(event.data["input"])


async def test_an_answer_is_a_run_of_two_stages(asking: Asking) -> None:
    recorded = await asking.ask("hello")
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert asking.sink.kinds() == [
        EventKind.RUN_CREATED,
        EventKind.RUN_STARTED,
        EventKind.ASSET_RESOLVED,
        EventKind.STAGE_STARTED,
        EventKind.STAGE_FINISHED,
        EventKind.STAGE_STARTED,
        EventKind.STAGE_FINISHED,
        EventKind.RUN_SUCCEEDED,
    ]
    created = asking.sink.events[0].data
    assert (created["words"], created["plan_id"], created["params"]) == ("hello", "ask", {})
    resolved = asking.sink.of(EventKind.ASSET_RESOLVED)[0].data
    assert (resolved["alias"], resolved["ref"]) == ("policy/routing", "policy/routing@1")
    given = inputs(asking.sink.events, "route_plan")
    assert given.params == {"words": "hello"}
    assert given.applied_assets["policy/routing"].sha256 == asking.policy.sha256
    routed = recorded.output("route_plan")
    output = PlanOutput.model_validate(routed["result"])
    assert output.direct is not None
    assert (output.confidence, output.direct.text) == (1.0, "Hello. Ask **what depends on** a host.")
    assert output.metadata == {
        "rule": "greeting",
        "understood": True,
        "candidates": [],
        "policy": "policy/routing@1",
    }
    assert _diagnostics(routed)["status"] == "ok"
    assert recorded.output("present")["result"] == {"blocks": [{"type": "markdown", "text": output.direct.text}]}
    assert asking.sink.events[-1].data["warnings"] == 0


async def test_a_refusal_is_a_failed_run_that_says_why(asking: Asking) -> None:
    recorded = await asking.ask("please drop all tables")
    cause = {
        "stage": "route_plan",
        "step_id": None,
        "reason": "no-data-loss",
        "message": "nothing is destroyed by asking",
    }
    assert recorded.outcome.status is RunStatus.FAILED
    assert recorded.outcome.first_cause == cause
    assert asking.sink.events[-1].data["first_cause"] == cause
    assert _diagnostics(recorded.output("route_plan"))["errors"] == ["nothing is destroyed by asking"]
    result = recorded.output("route_plan")["result"]
    assert isinstance(result, dict)
    assert result["reject"] == {"reason": "nothing is destroyed by asking", "rule": "no-data-loss"}
    assert recorded.output("present")["result"] == {
        "blocks": [{"type": "markdown", "text": "nothing is destroyed by asking"}]
    }


async def test_what_is_not_understood_succeeds_with_a_warning(asking: Asking) -> None:
    recorded = await asking.ask("make me a sandwich")
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert asking.sink.events[-1].data["warnings"] == 1
    (warning,) = _diagnostics(recorded.output("route_plan"))["warnings"]
    assert warning.startswith("the question was not understood: ")


async def test_a_failed_planner_is_a_warning(asking: Asking) -> None:
    recorded = await asking.ask("hello", planner={"asked": True, "failed": "it did not answer within 10 s"})
    (warning,) = _diagnostics(recorded.output("route_plan"))["warnings"]
    assert warning == "the planner was of no use, so the rules decided: it did not answer within 10 s"


async def test_a_question_that_leads_to_a_plan_runs_it_with_all_its_stages(asking: Asking) -> None:
    recorded = await asking.ask("What depends on db-01?")
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    created = asking.sink.events[0].data
    assert (created["words"], created["plan_id"], created["params"]) == (
        "What depends on db-01?",
        "look",
        {"host": "db-01"},
    )
    given = inputs(asking.sink.events, "route_plan")
    assert given.params == {"words": "What depends on db-01?"}
    assert [*given.applied_assets] == ["policy/routing"]
    assert inputs(asking.sink.events, "validate").params == {"host": "db-01"}
    assert inputs(asking.sink.events, "validate").applied_assets == {}
    output = PlanOutput.model_validate(recorded.output("route_plan")["result"])
    assert output.plan is not None
    assert (output.plan.plan_id, output.plan.step_count, output.metadata["rule"]) == ("look", 1, "depends")
    assert output.reasoning == "the words fit 'what depends on {host}' of the rule depends"
    assert recorded.result("say")["data"] == "db-01"
    point = point_of(asking.sink.events)
    assert (point.assets, [*point.routing]) == ({}, ["policy/routing"])  # the aliases of the plan, and what routed it


async def test_with_another_policy_it_is_a_test(asking: Asking) -> None:
    await asking.ask("hello", override=True)
    assert asking.sink.events[0].data["mode"] == RunMode.TEST
    assert asking.sink.of(EventKind.ASSET_RESOLVED)[0].data["source"] == "override"


@pytest.mark.parametrize("words", ["hello", "drop all tables", "make me a sandwich", "what depends on db-01"])
async def test_taken_up_after_any_event_it_comes_to_the_same_end(asking: Asking, words: str) -> None:
    """A crash after each event: what was asked and what it came to is in the record from the first one on."""
    whole = await asking.ask(words)
    events = list(asking.sink.events)
    plan: CompiledPlan = load_plan(PLAN.encode(), name="look.yaml") if words.startswith("what") else NO_PLAN
    for length in range(1, len(events)):
        point = point_of(events[:length])
        assert point.words == words
        again = await resume_events(plan, events[:length], sink=MemorySink(), assets=asking.registry)
        assert again.outcome.status is whole.outcome.status, length
        assert again.outcome.first_cause == whole.outcome.first_cause, length
        assert _shown(again) == _shown(whole), length
        for stage in ("route_plan", "present"):
            started = [e for e in again.sink.of(EventKind.STAGE_STARTED) if e.stage == stage]
            assert len(started) == 1, (length, stage)
        assert again.sink.events[-1].data["warnings"] == events[-1].data["warnings"], length
        assert inputs(again.sink.events, "route_plan") == inputs(events, "route_plan"), length


async def test_a_cancel_before_the_answer_ends_the_run(asking: Asking) -> None:
    asking.operator.say(ControlRequest(ControlVerb.CANCEL, "operator:ann"))
    recorded = await asking.ask("hello")
    assert recorded.outcome.status is RunStatus.CANCELED
    assert asking.sink.kinds()[-1] is EventKind.RUN_CANCELED
    assert EventKind.CONTROL_RECEIVED in asking.sink.kinds()
    assert asking.sink.of(EventKind.STAGE_STARTED) == []


def _diagnostics(output: JsonObject) -> dict[str, Any]:
    found = output["diagnostics"]
    assert isinstance(found, dict)
    return found


def _shown(recorded: Recorded) -> Json:
    return recorded.output("present")["result"]
