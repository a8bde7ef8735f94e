"""Replans, cut anywhere: whatever prefix of a run's events is left, what is taken up ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.event import EventKind
from engine.model.result import AttemptOutcome
from engine.model.states import PauseReason, Reason, RunStatus, StepStatus
from engine.pipeline.resume import after_engine_loss
from engine.plan.load import load_plan
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import MemorySink, Operator, point_of, resume_events, run_text
from tests.engine.pipeline.replan.runs import LOOKUP, by_approval, look_up, registry, replans, saying, times_run
from tests.engine.pipeline.test_rebuild import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.plan.compiled import CompiledPlan
    from engine.ports import AttemptObserver, AttemptSpec
    from tests.engine.pipeline.recording import Recorded
    from tests.engine.pipeline.registry import Registry


class Fates:
    """Ends every try of a step as chance has it, which is asked by its definition and the number of the try alone.

    Fails on a step that runs though its end in this pass is on record. Implements `engine.ports.Executor`.
    """

    def __init__(self, seed: int, sink: MemorySink) -> None:
        self._seed = seed
        self._sink = sink
        self._while = Random(seed)

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        here = (spec.pass_index, spec.step_id, spec.item_index)
        mine = [e for e in self._sink.events if (e.pass_index, e.step_id, e.item_index) == here]
        assert all(e.kind is not EventKind.STEP_FINISHED for e in mine), f"{spec.step_id} runs after its end"
        tries = 1 + sum(e.kind is EventKind.STEP_WAITING for e in mine)
        for _ in range(self._while.randint(0, 4)):
            await asyncio.sleep(0)
        definition = json.dumps(spec.definition.to_json(), sort_keys=True)
        random = Random(f"{self._seed}/{spec.step_id}/{spec.item_index}/{tries}/{definition}")
        chance = random.random()
        if chance < 0.3:
            return AttemptOutcome(StepStatus.SUCCEEDED, exit_code=0, data=[])
        if chance < 0.65:
            return AttemptOutcome(StepStatus.SUCCEEDED, exit_code=0, data={"n": 1, "confidence": random.random()})
        reason = random.choice([Reason.EXIT_CODE, Reason.TIMED_OUT])
        return AttemptOutcome(StepStatus.FAILED, reason, f"it went wrong {tries}", exit_code=1)


def draw(seed: int) -> tuple[CompiledPlan, Registry]:
    """A serial plan of idempotent steps, and a policy for some of its ends; what is asked for is decided by the policy."""
    random = Random(seed)
    steps: list[JsonObject] = []
    for number in range(random.randint(2, 4)):
        before = [str(step["id"]) for step in steps]
        step: JsonObject = {
            "id": f"s{number}",
            "step_def": {"type": "command", "command": "true", "args": [0]},
            "depends_on": [*random.sample(before, min(len(before), random.randint(0, 2)))],
            "idempotent": True,
            "retries": random.randint(0, 1),
            "backoff": {"initial_sec": 0, "jitter": False},
            "on_failure": random.choice(["continue", "skip_dependents", "abort"]),
        }
        steps.append(step)
    final: JsonObject = {"id": "f0", "step_def": {"type": "command", "command": "true"}, "idempotent": True}
    document = {
        "plan_id": "drawn",
        "assets": {"narrow": "query/narrow", "replans": "policy/replans"},
        "strategy": "serial",
        "globals": {"max_concurrency": 1},
        "steps": steps,
        "finally": [final],
        "compose": {str(step["id"]): f"{{{step['id']}.status}}" for step in steps},
    }
    rules: list[dict[str, Any]] = []
    for trigger in random.sample(["empty_result", "step_failed", "step_timeout", "low_confidence"], 3):
        number = random.randrange(len(steps))
        patch: dict[str, Any] = {"@failed": {"step_def": {"args": [random.randint(1, 9), "{failed.exit_code ?? 0}"]}}}
        if random.random() < 0.3:
            patch[f"new{number}"] = {"command": "true", "args": [number], "idempotent": True, "on_failure": "continue"}
        rule: dict[str, Any] = {"trigger": trigger, "mode": "auto", "patch": patch}
        if trigger == "low_confidence":
            rule["min_confidence"] = 0.5
        rules.append(rule)
    return load_plan(json.dumps(document).encode(), name="drawn.json"), registry(*rules, limit=random.randint(0, 3))


async def undisturbed(seed: int, plan: CompiledPlan, assets: Registry) -> Recorded:
    """The run as it goes when nothing happens to its engine."""
    sink = MemorySink()
    return await run_text(plan.source, _nowhere(), sink=sink, executor=Fates(seed, sink), assets=assets)


def _nowhere() -> Path:
    from pathlib import Path

    return Path("/nowhere")


def ending(recorded: Recorded) -> dict[str, Json]:
    """What became of every step in every pass, of every replan, and of the run, but for times and lost attempts."""
    ends: dict[str, Json] = {}
    for event in recorded.sink.of(EventKind.STEP_FINISHED):
        key = f"{event.pass_index} {event.step_id}[{event.item_index}]"
        assert key not in ends, f"{key} is settled twice"
        left_out = ("attempts", "started_at_us", "duration_us")
        ends[key] = {name: value for name, value in event.data.items() if name not in left_out}
    asked: list[Json] = [{name: value for name, value in one.items() if name != "at_us"} for one in replans(recorded)]
    begun: list[Json] = [f"{e.pass_index} {e.stage}" for e in recorded.sink.of(EventKind.STAGE_STARTED)]
    final = recorded.sink.events[-1]
    return {
        "kind": final.kind.value,
        "pass": final.pass_index,
        "ends": ends,
        "asked": asked,
        "begun": begun,
        "counts": final.data["steps"],
        "composed": recorded.outcome.composed,
    }


async def take_up(seed: int, plan: CompiledPlan, assets: Registry, events: Sequence[Event]) -> Recorded:
    """The rest of the run, with another engine."""
    sink = MemorySink()
    recorded = await resume_events(plan, stored(events), sink=sink, executor=Fates(seed, sink), assets=assets)
    numbers = [(e.pass_index, e.step_id, e.item_index, e.attempt) for e in sink.of(EventKind.ATTEMPT_STARTING)]
    assert len(numbers) == len(set(numbers)), "attempts count on"
    return recorded


@pytest.mark.long
@pytest.mark.timeout(1800)  # some ten thousand runs
async def test_a_run_with_replans_that_is_cut_anywhere_ends_as_if_it_had_not_been(scaled: Callable[[int], int]) -> None:
    """Every prefix, and a second cut somewhere in what followed."""
    for seed in range(scaled(150)):
        plan, assets = draw(seed)
        whole = await undisturbed(seed, plan, assets)
        expected = ending(whole)
        # The start and the assets are one write, of which nothing is left or all.
        first = max(n for n, e in enumerate(whole.sink.events) if e.kind is EventKind.ASSET_RESOLVED) + 1
        for length in range(first, len(whole.sink.events)):
            recorded = await take_up(seed, plan, assets, whole.sink.events[:length])
            assert ending(recorded) == expected, f"seed {seed}, cut after {length} events"
            second = Random(f"{seed}/{length}").randrange(length, len(recorded.sink.events))
            twice = await take_up(seed, plan, assets, recorded.sink.events[:second])
            assert ending(twice) == expected, f"seed {seed}, cut after {length} and then {second} events"


async def test_the_replans_that_are_cut_are_of_every_kind() -> None:
    """Approved and denied ones, by the limit and by the engine, and runs of several passes."""
    seen: set[str] = set()
    for seed in range(60):
        whole = await undisturbed(seed, *draw(seed))
        seen |= {f"{one['decision']} {one['decided_by']}" for one in replans(whole)}
        seen |= {str(one["trigger"]) for one in replans(whole)}
        seen |= {f"pass {whole.sink.events[-1].pass_index}", whole.sink.events[-1].kind.value}
        seen |= {str(e.data["reason"]) for e in whole.sink.of(EventKind.STEP_FINISHED)}
    assert {"auto_approved policy", "denied policy", "pass 0", "pass 1", "pass 2", "reused", "aborted"} <= seen
    assert {"empty_result", "step_failed", "step_timeout", "low_confidence", "run.failed", "run.succeeded"} <= seen


def idempotent(text: str = LOOKUP) -> str:
    """Every step of which may be run again after a crash."""
    return (
        text.replace("{id: before,", "{id: before, idempotent: true,")
        .replace("{id: after,", "{id: after, idempotent: true,")
        .replace("{id: beside,", "{id: beside, idempotent: true,")
        .replace("{id: note,", "{id: note, idempotent: true,")
    )


def answering(*, approve: bool) -> tuple[MemorySink, Operator]:
    """An operator who answers whenever something waits."""
    return saying(ControlVerb.APPROVE if approve else ControlVerb.DENY, times=5)


@pytest.mark.parametrize("approve", [True, False])
async def test_a_run_that_somebody_answers_ends_the_same_wherever_it_is_cut(tmp_path: Path, approve: bool) -> None:
    """Before it waits, while it does, between the answer and the next pass, and in that. Real processes."""
    sink, operator = answering(approve=approve)
    whole = await look_up(tmp_path, by_approval(), text=idempotent(), sink=sink, operator=operator)
    plan, assets = load_plan(idempotent().encode(), name="plan.yaml"), registry(by_approval())
    first = max(n for n, e in enumerate(whole.sink.events) if e.kind is EventKind.ASSET_RESOLVED) + 1
    for length in range(first, len(whole.sink.events), 3):
        sink, operator = answering(approve=approve)
        taken = await resume_events(
            plan, stored(whole.sink.events[:length]), sink=sink, operator=operator, assets=assets
        )
        assert taken.outcome.composed == {"found": "found 2" if approve else "found 0"}, f"cut after {length} events"
        (replan,) = replans(taken)
        assert replan["decision"] == ("approved" if approve else "denied"), f"cut after {length} events"
        assert taken.sink.events[-1].pass_index == int(approve)
        ends = [(e.pass_index, e.step_id) for e in taken.sink.of(EventKind.STEP_FINISHED)]
        assert len(ends) == len(set(ends)), f"cut after {length} events"


async def waiting(folder: Path, **rule: Any) -> list[Event]:
    """The events of a run whose engine died while it waited for an approval."""
    sink, operator = saying(ControlVerb.DENY)
    recorded = await look_up(folder, by_approval(**rule), sink=sink, operator=operator)
    at = recorded.sink.kinds().index(EventKind.RUN_PAUSED)
    return stored(recorded.sink.events[: at + 1])


async def test_a_run_that_waits_for_approval_still_does_when_its_engine_is_gone(tmp_path: Path) -> None:
    """Recovery says so in the same words; nothing of it is uncertain."""
    events = await waiting(tmp_path)
    point = point_of(events)
    kind, data = after_engine_loss(point, load_plan(LOOKUP.encode(), name="plan.yaml"))
    assert (kind, data["reason"], data["event_ids"]) == (EventKind.RUN_PAUSED, "approval", ["r0.1"])
    assert data["message"] == events[-1].data["message"]
    assert point.paused is PauseReason.APPROVAL


@pytest.mark.parametrize(
    ("verb", "arguments", "found", "decision"),
    [
        (ControlVerb.APPROVE, {"event_id": "r0.1", "reason": "go"}, "found 2", "approved"),
        (ControlVerb.DENY, {}, "found 0", "denied"),
        (
            ControlVerb.REPLAN,
            {"patch": {"primary": {"step_def": {"query": "{assets.wide}", "args": {"host": "app-2"}}}}},
            "found 1",
            "approved",
        ),
    ],
)
async def test_an_answer_takes_up_the_run_that_waits(
    tmp_path: Path, verb: ControlVerb, arguments: dict[str, Any], found: str, decision: str
) -> None:
    """Who answered is on record, and nothing that had its end runs again."""
    events = await waiting(tmp_path)
    plan, assets = load_plan(LOOKUP.encode(), name="plan.yaml"), registry(by_approval())
    for name in ("before", "after", "beside", "note"):
        (tmp_path / f"{name}.log").unlink(missing_ok=True)
    answer = ControlRequest(verb, "operator:bob", arguments=arguments)
    taken = await resume_events(plan, events, assets=assets, answer=answer)
    assert (taken.outcome.status, taken.outcome.composed) == (RunStatus.SUCCEEDED, {"found": found})
    assert [times_run(tmp_path, step) for step in ("before", "after", "beside", "note")] == [0, 1, 0, 1]
    asked, resumed, decided = taken.sink.events[len(events) : len(events) + 3]
    assert (asked.kind, asked.actor, asked.data["verb"]) == (EventKind.CONTROL_RECEIVED, "operator:bob", verb.value)
    assert resumed.kind is EventKind.RUN_RESUMED
    assert (decided.data["decision"], decided.data["decided_by"]) == (decision, "operator:bob")


async def test_an_answer_to_nothing_changes_nothing(tmp_path: Path) -> None:
    from engine.errors import InputError

    events = await waiting(tmp_path)
    plan, assets, sink = load_plan(LOOKUP.encode(), name="plan.yaml"), registry(by_approval()), MemorySink()
    answer = ControlRequest(ControlVerb.APPROVE, "operator:bob", arguments={"event_id": "r0.9"})
    with pytest.raises(InputError, match=r"replan r0\.9 does not wait for an approval") as caught:
        await resume_events(plan, events, assets=assets, answer=answer, sink=sink)
    assert "r0.1" in caught.value.hint
    assert sink.events == events


async def test_a_cancel_takes_up_a_run_that_waits_for_its_finally_alone(tmp_path: Path) -> None:
    events = await waiting(tmp_path)
    plan, assets = load_plan(LOOKUP.encode(), name="plan.yaml"), registry(by_approval())
    cancel = ControlRequest(ControlVerb.CANCEL, "operator:bob")
    (tmp_path / "note.log").unlink()
    taken = await resume_events(plan, events, assets=assets, cancel=cancel)
    assert taken.outcome.status is RunStatus.CANCELED
    assert times_run(tmp_path, "note") == 1
    assert replans(taken)[0]["decision"] == "denied"


async def test_an_operators_change_is_carried_out_wherever_the_run_is_cut_after_it(tmp_path: Path) -> None:
    """What it changes does not begin again in the old pass, and what it does not concern is kept."""
    hangs = "echo ran >>beside.log; touch begun; while [ ! -e go ]; do sleep 0.01; done"
    text = idempotent(LOOKUP.replace("echo ran >>beside.log", hangs))
    text = text.replace("echo ran >>before.log", "while [ ! -e begun ]; do sleep 0.01; done; echo ran >>before.log")
    patch: Any = {"beside": {"command": "echo", "args": ["changed"]}}
    operator = Operator()

    def look(event: Event) -> None:
        if event.kind is EventKind.STEP_FINISHED and event.step_id == "before" and not event.pass_index:
            operator.say(ControlRequest(ControlVerb.REPLAN, "operator:ann", arguments={"patch": patch}))

    rule = {**by_approval(), "mode": "never"}
    whole = await look_up(tmp_path, rule, text=text, sink=MemorySink(on_event=look), operator=operator)
    assert whole.sink.events[-1].pass_index == 1
    plan, assets = load_plan(text.encode(), name="plan.yaml"), registry(rule)
    decided = whole.sink.kinds().index(EventKind.REPLAN_DECIDED)
    for length in range(decided + 1, len(whole.sink.events)):
        taken = await resume_events(plan, stored(whole.sink.events[:length]), assets=assets)
        assert taken.outcome.composed == {"found": "found 0"}, f"cut after {length} events"
        (changed,) = [e for e in taken.sink.of(EventKind.STEP_FINISHED, "beside") if e.pass_index]
        assert changed.data["data"] == "changed", f"cut after {length} events"
        begun = [e for e in taken.sink.of(EventKind.ATTEMPT_STARTING, "beside") if not e.pass_index]
        assert len(begun) == 1, f"cut after {length} events"
