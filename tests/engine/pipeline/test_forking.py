"""Runs made of runs: what is reused, what runs again, what is said of it, and when a token does not hold any more."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import InputError, StoreError
from engine.model.asset import parse_reference
from engine.model.event import EventKind
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, RunMode, StepStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.fork_assets import assets_after
from engine.pipeline.fork_token import what_changed
from engine.pipeline.forking import Change, Fork, ForkSource, fork, params_after, plan_after
from engine.pipeline.rebuild import resume_point_from_events
from engine.pipeline.request import RunRequest, RunSource, Services, SourceKind
from engine.pipeline.reuse import WhyAgain
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan
from engine.plan.params import bind_params
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import MemorySink
from tests.engine.pipeline.registry import Registry

if TYPE_CHECKING:
    from engine.model.asset import ResolvedAsset
    from engine.model.json import JsonObject
    from engine.plan.compiled import CompiledPlan
    from engine.ports import AttemptObserver, AttemptSpec

FOLDER = Path("/")
ENV = {"PATH": "/bin"}
FIRST, SECOND = "1" * 32, "2" * 32


@dataclass
class Recipe:
    """Runs steps without processes: what a step gives is made of its id and arguments. `ran` has those that did."""

    failing: frozenset[str] = frozenset()
    ran: list[str] = field(default_factory=list)

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Implements `engine.ports.Executor`."""
        self.ran.append(spec.step_id)
        if spec.step_id in self.failing:
            return AttemptOutcome(StepStatus.FAILED, Reason.EXIT_CODE, "exit 1", exit_code=1)
        made = hashlib.sha256(json.dumps([spec.step_id, spec.definition.to_json()]).encode()).hexdigest()[:8]
        return AttemptOutcome(StepStatus.SUCCEEDED, exit_code=0, data={"made": made})


@dataclass
class Played:
    """A run that was carried out in memory."""

    plan: CompiledPlan
    sink: MemorySink
    recipe: Recipe

    def source(self) -> ForkSource:
        point = resume_point_from_events(FIRST, self.sink.events)
        return ForkSource(
            run_id=FIRST,
            pass_index=point.pass_index,
            plan=self.plan,
            results=point.settled,
            params=point.params,
            assets=point.assets,
            base_env=point.base_env,
            workdir=point.workdir,
            plan_folder=point.plan_folder,
            last_hash=str(len(self.sink.events)),
            overrides=point.overrides,
        )

    @property
    def results(self) -> dict[str, JsonObject]:
        """Of each step what others can see of it, but for how it came about."""
        finished = self.sink.of(EventKind.STEP_FINISHED)
        return {
            event.step_id or "": {name: event.data[name] for name in ("status", "data", "exit_code")}
            for event in finished
            if event.item_index is None
        }

    @property
    def composed(self) -> Any:
        return [event.data["output"] for event in self.sink.of(EventKind.STAGE_FINISHED) if event.stage == "compose"]


async def play(
    plan: CompiledPlan,
    params: JsonObject,
    registry: Registry | None = None,
    *,
    run_id: str = FIRST,
    failing: frozenset[str] = frozenset(),
    made: Fork | None = None,
    overrides: tuple[str, ...] = (),
) -> Played:
    """Carry a plan out, or a fork of a run."""
    recipe, sink = Recipe(failing), MemorySink()
    request = RunRequest(
        plan=plan,
        params=params,
        run_id=run_id,
        workdir=FOLDER,
        plan_folder=FOLDER,
        host_env=ENV,
        actor="operator:test",
        engine_id="engine",
        overrides=tuple(map(parse_reference, overrides)),
    )
    if made is not None:
        request = replace(
            request, assets=made.assets, overrides=made.overrides, reused=made.reused, source=made.run_source()
        )
    services = Services(
        sink=sink,
        secrets=SecretBox(),
        executor=recipe,
        clock=SystemClock(),
        jitter=lambda: 0.0,
        assets=registry or Registry(),
    )
    await run_plan(request, services)
    return Played(plan, sink, recipe)


async def forked(
    source: ForkSource, change: Change, registry: Registry | None = None, env: dict[str, str] | None = None
) -> Fork:
    """What the change makes of the run, as a command does it."""
    plan = plan_after(source, change)
    return fork(
        source,
        change,
        plan=plan,
        params=params_after(source, plan, change.params, from_text=False),
        assets=await assets_after(source, change, plan, registry or Registry()),
        host_env=env or ENV,
    )


def replay(made: Fork, registry: Registry | None = None, failing: frozenset[str] = frozenset()) -> Played:
    return asyncio.run(
        play(made.plan, made.params, registry, run_id=SECOND, failing=failing, made=made),
    )


# Over random plans


@dataclass
class Drawn:
    """A plan as drawn: which steps, parameters and assets each step names, and which steps fail."""

    needs: list[set[int]]
    params: list[set[int]]
    assets: list[set[int]]
    failing: frozenset[str]
    lets_pass: list[bool]

    @property
    def ids(self) -> list[str]:
        return [f"s{place}" for place in range(len(self.needs))]

    def compiled(self) -> CompiledPlan:
        steps = [
            {
                "id": f"s{place}",
                "step_def": {
                    "type": "command",
                    "command": "make",
                    "args": [
                        *(f'{{s{other}.data.made ?? "none"}}' for other in sorted(self.needs[place])),
                        *(f"{{params.p{number}}}" for number in sorted(self.params[place])),
                        *(f"{{assets.a{number}}}" for number in sorted(self.assets[place])),
                    ],
                },
                "on_failure": "continue" if self.lets_pass[place] else "skip_dependents",
            }
            for place in range(len(self.needs))
        ]
        return compiled(
            steps=steps,
            params={f"p{number}": {"type": "integer", "default": 0} for number in range(3)},
            assets={f"a{number}": f"query/q{number}" for number in range(2)},
            compose={"all": [f'{{{step_id}.data.made ?? "none"}}' for step_id in self.ids]},
        )

    def below(self, steps: set[str]) -> set[str]:
        """The steps with everything that needs one of them."""
        found = set(steps)
        for place, needs in enumerate(self.needs):
            if found & {f"s{other}" for other in needs}:
                found.add(f"s{place}")
        return found

    def unfinished(self) -> set[str]:
        """What has to run again in any case: what failed without being let pass, and what was not run because of it."""
        return self.below({step_id for step_id in self.failing if not self.lets_pass[int(step_id[1:])]})


@st.composite
def drawn_plans(draw: st.DrawFn) -> Drawn:
    number = draw(st.integers(1, 9))
    few = [st.sets(st.integers(0, place - 1), max_size=3) if place else st.just(set[int]()) for place in range(number)]
    return Drawn(
        needs=[draw(one) for one in few],
        params=[draw(st.sets(st.integers(0, 2), max_size=2)) for _ in range(number)],
        assets=[draw(st.sets(st.integers(0, 1), max_size=1)) for _ in range(number)],
        failing=frozenset(f"s{place}" for place in draw(st.sets(st.integers(0, number - 1), max_size=2))),
        lets_pass=[draw(st.booleans()) for _ in range(number)],
    )


def some_assets() -> Registry:
    registry = Registry()
    for number in range(2):
        registry.add(f"query/q{number}", f"select {number}")
    return registry


drawn_runs = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@drawn_runs
@given(drawn_plans())
def test_a_fork_with_no_change_gives_the_same(drawn: Drawn) -> None:
    """The same results and the same answer; only what had not come to its end is run."""
    registry, plan = some_assets(), drawn.compiled()
    first = asyncio.run(play(plan, bind_params(plan.plan, {}, from_text=False), registry, failing=drawn.failing))
    made = asyncio.run(forked(first.source(), Change(patch={}), registry))
    assert set(made.again) == drawn.unfinished()
    assert set(made.reused) == set(drawn.ids) - drawn.unfinished()
    second = replay(made, registry, drawn.failing)
    assert second.results == first.results
    assert [one["result"] for one in second.composed] == [one["result"] for one in first.composed]
    assert set(second.recipe.ran) <= drawn.unfinished()


@drawn_runs
@given(drawn_plans(), st.integers(0, 2), st.booleans())
def test_only_what_comes_after_a_changed_thing_runs_again(drawn: Drawn, number: int, is_asset: bool) -> None:
    """And what comes out is what a run of all of it gives."""
    registry, plan = some_assets(), drawn.compiled()
    first = asyncio.run(play(plan, bind_params(plan.plan, {}, from_text=False), registry, failing=drawn.failing))
    if is_asset:
        registry.add(f"query/q{number % 2}", "select 'other'")
        named = {f"s{place}" for place, used in enumerate(drawn.assets) if number % 2 in used}
        change = Change(latest_assets=True, patch={})
    else:
        named = {f"s{place}" for place, used in enumerate(drawn.params) if number in used}
        change = Change(params={f"p{number}": 7})
    made = asyncio.run(forked(first.source(), change, registry))
    assert set(made.again) == drawn.below(named) | drawn.unfinished()
    second = replay(made, registry, drawn.failing)
    assert set(second.recipe.ran) <= set(made.again)
    whole = asyncio.run(play(made.plan, made.params, registry, failing=drawn.failing))
    assert second.results == whole.results
    assert [one["result"] for one in second.composed] == [one["result"] for one in whole.composed]


# One by one


def compiled(**document: Any) -> CompiledPlan:
    return load_plan(json.dumps({"plan_id": "p", **document}).encode(), name="p.json")


STEPS: list[dict[str, Any]] = [
    {"id": "find", "command": "find", "args": ["{params.host}", "{assets.lookup}"]},
    {"id": "use", "command": "use", "args": ["{find.data.made}"], "on_failure": "skip_dependents"},
    {"id": "tell", "command": "tell", "args": ["{use.data.made}"]},
    {"id": "apart", "command": "date"},
]
DOCUMENT: dict[str, Any] = {
    "params": {"host": {"default": "a"}, "limit": {"type": "integer", "default": 5}},
    "assets": {"lookup": "query/lookup"},
    "steps": STEPS,
    "finally": [{"id": "bye", "command": "bye"}],
    "compose": {"found": "{find.data.made}"},
}
PLAN = compiled(**DOCUMENT)


def lookup() -> Registry:
    registry = Registry()
    registry.add("query/lookup", "select 1")
    return registry


async def a_run(registry: Registry, *failing: str, **params: Any) -> ForkSource:
    bound = bind_params(PLAN.plan, params, from_text=False)
    return (await play(PLAN, bound, registry, failing=frozenset(failing))).source()


async def test_without_any_change_everything_runs_again() -> None:
    registry = lookup()
    made = await forked(await a_run(registry), Change(), registry)
    assert (list(made.again), made.reused) == (["find", "use", "tell", "apart"], {})
    assert made.changes == ()
    assert made.kind is SourceKind.RERUN


async def test_from_a_step_and_from_what_failed() -> None:
    registry = lookup()
    source = await a_run(registry, "use")
    made = await forked(source, Change(from_failed=True), registry)
    assert {step_id: why.kind for step_id, why in made.again.items()} == {
        "use": WhyAgain.FAILED_BEFORE,
        "tell": WhyAgain.NEVER_RAN,
    }
    assert made.changes == ("from what failed on",)
    second = await play(made.plan, made.params, registry, run_id=SECOND, made=made)
    assert second.recipe.ran == ["use", "tell", "bye"]
    assert second.results["tell"]["status"] == "succeeded"
    assert list((await forked(source, Change(from_steps=("find",)), registry)).again) == ["find", "use", "tell"]


async def test_what_a_reused_result_says_of_itself() -> None:
    """Where it really comes from, also in the second generation."""
    registry = lookup()
    made = await forked(await a_run(registry), Change(from_steps=("use",)), registry)
    second = await play(made.plan, made.params, registry, run_id=SECOND, made=made)
    again = await forked(replace(second.source(), run_id=SECOND), Change(from_steps=("tell",)), registry)
    places = {step_id: result.reused_from for step_id, result in again.reused.items()}
    assert places["find"] == {"run_id": FIRST, "pass_index": 0, "step_id": "find"}
    assert places["use"] == {"run_id": SECOND, "pass_index": 0, "step_id": "use"}
    (created,) = second.sink.of(EventKind.RUN_CREATED)
    document = created.data["source"]
    assert isinstance(document, dict)
    assert RunSource.from_json(json.loads(json.dumps(document))) == made.run_source()


async def test_an_override_is_a_test_and_stays_one() -> None:
    registry = lookup()
    registry.add("query/lookup", "select 2")
    source = await a_run(registry)
    assert source.assets["lookup"].ref == "query/lookup@2"
    made = await forked(source, Change(overrides=(parse_reference("query/lookup@1"),)), registry)
    assert made.changes == ("assets.lookup: query/lookup@2 → query/lookup@1",)
    assert list(made.reused) == ["apart"]
    second = await play(made.plan, made.params, registry, run_id=SECOND, made=made)
    (created,) = second.sink.of(EventKind.RUN_CREATED)
    assert (created.data["mode"], created.data["overrides"]) == (RunMode.TEST, ["query/lookup@1"])
    kept = await forked(replace(second.source(), run_id=SECOND), Change(), registry)
    assert kept.assets["lookup"].ref == "query/lookup@1"
    fresh = await forked(replace(second.source(), run_id=SECOND), Change(latest_assets=True), registry)
    assert (fresh.assets["lookup"].ref, fresh.overrides) == ("query/lookup@2", ())


async def test_an_override_for_nothing_is_refused() -> None:
    registry = lookup()
    source = await a_run(registry)
    with pytest.raises(InputError, match="nothing in the plan uses query/other"):
        await forked(source, Change(overrides=(parse_reference("query/other@1"),)), registry)


async def test_versions_are_kept_exactly() -> None:
    """Whatever was published since; and one whose content is another is no longer the same."""
    registry = lookup()
    source = await a_run(registry)
    registry.add("query/lookup", "select 2")
    assert (await forked(source, Change(), registry)).assets["lookup"].ref == "query/lookup@1"
    known = source.assets["lookup"]
    with pytest.raises(StoreError):
        await forked(replace(source, assets={"lookup": known._replace(sha256="0")}), Change(), registry)


async def test_an_edited_plan() -> None:
    registry = lookup()
    registry.add("query/wide", "select 3")
    source = await a_run(registry, host="b")
    edited = compiled(
        **{
            **DOCUMENT,
            "params": {"host": {"default": "a"}, "limit": {"type": "integer", "default": 9}},
            "assets": {"lookup": "query/wide"},
            "steps": [*STEPS[:2], {"id": "more", "command": "more", "args": ["{use.data.made}"]}, STEPS[3]],
            "compose": {},
        }
    )
    made = await forked(source, Change(plan=edited), registry)
    assert made.params == {"host": "b", "limit": 9}
    assert made.changes == (
        "params.limit: 5 → 9",
        "assets.lookup: query/lookup@1 → query/wide@1",
        "step tell is taken out",
        "step more is new",
        "the plan's assets, compose, params",
    )
    assert list(made.again) == ["find", "use", "more"]
    assert (made.kind, list(made.patch.after)) == (SourceKind.EDIT, ["tell", "more"])
    other = load_plan(json.dumps({**DOCUMENT, "plan_id": "q"}).encode(), name="q.json")
    with pytest.raises(InputError, match="the edited plan is q, the run's is p"):
        await forked(source, Change(plan=other), registry)


async def test_a_patch() -> None:
    registry = lookup()
    made = await forked(await a_run(registry), Change(patch={"use": {"timeout_sec": 9}}), registry)
    assert made.changes == ("step use: timeout_sec",)
    assert list(made.again) == ["use", "tell"]
    assert made.patch.after == {"use": {"timeout_sec": 9}}


async def test_the_environment_that_the_plan_names_counts_and_the_rest_is_said() -> None:
    registry = lookup()
    plan = compiled(**DOCUMENT, globals={"env_from_host": ["API"]})
    source = (await play(plan, {"host": "a", "limit": 5}, registry)).source()
    made = await forked(source, Change(patch={}), registry, {"PATH": "/other", "UNSEEN": "1"})
    assert (made.again, made.notes) == ({}, ("the environment is not what it was then: PATH",))
    made = await forked(source, Change(patch={}), registry, {"PATH": "/bin", "API": "http://x"})
    assert made.changes == ("$API differs",)
    assert {why.kind for why in made.again.values()} == {WhyAgain.ENV_CHANGED}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change(from_steps=("fnid",)), "the plan has no step 'fnid'"),
        (Change(from_steps=("bye",)), "bye is a step of finally"),
        (Change(from_failed=True), "nothing in it failed"),
        (Change(params={"hots": "b"}), "the plan has no such parameter"),
    ],
)
async def test_what_cannot_be_asked(change: Change, said: str) -> None:
    registry = lookup()
    source = await a_run(registry)
    with pytest.raises(InputError, match=said):
        await forked(source, change, registry)


async def test_a_parameter_that_was_a_secret_has_to_be_given_again() -> None:
    registry = lookup()
    source = await a_run(registry)
    masked = replace(source, params={**source.params, "host": "https://***@x"})
    with pytest.raises(InputError, match="the parameter host held a secret") as caught:
        await forked(masked, Change(), registry)
    assert "-p host=" in caught.value.hint
    assert (await forked(masked, Change(params={"host": "b"}), registry)).params["host"] == "b"


async def test_how_long_it_will_take() -> None:
    """As long as it took; a step of which nothing is known counts as nothing, and is named: the sum is the least."""
    registry = lookup()
    source = await a_run(registry, "use")
    results = {
        step_id: replace(result, duration_us=2_000_000, started_at_us=result.started_at_us and 1)
        for step_id, result in source.results.items()
    }
    source = replace(source, results=results)
    made = await forked(source, Change(from_failed=True), registry)
    ahead = made.forecast
    assert ahead.unknown == ("tell",)
    assert ahead.duration_us == 2_000_000 + 2_000_000  # use, and bye at the end
    assert set(ahead.steps) == {"use", "tell", "bye"}
    assert made.run_source().predicted_us is None, "the least that it takes is no prediction"
    made = await forked(replace(source, earlier_us={"tell": 700_000}), Change(from_failed=True), registry)
    assert (made.forecast.duration_us, made.forecast.unknown) == (4_700_000, ())
    assert made.run_source().predicted_us == 4_700_000


# Tokens


async def test_the_same_asked_twice_has_the_same_token() -> None:
    registry = lookup()
    source = await a_run(registry)
    one, other = [await forked(source, Change(from_steps=("use",)), registry) for _ in range(2)]
    assert str(one.token) == str(other.token)


async def test_a_token_holds_no_longer_when_something_changed() -> None:
    """It says what did: the plan, the parameters, an asset, the run, what is asked."""
    registry = lookup()
    source = await a_run(registry)
    asked = Change(from_steps=("use",), latest_assets=True)
    first = str((await forked(source, asked, registry)).token)

    async def now(run: ForkSource, change: Change) -> str:
        token = (await forked(run, change, registry)).token
        assert str(token) != first
        return what_changed(first, token)

    assert "the plan" in await now(source, replace(asked, patch={"apart": {"timeout_sec": 9}}))
    assert await now(source, replace(asked, params={"limit": 6})) == "the parameters changed since the token was given"
    assert await now(replace(source, last_hash="x"), asked) == "the run itself changed since the token was given"
    assert (
        await now(source, replace(asked, from_steps=("tell",))) == "what runs again changed since the token was given"
    )
    registry.add("query/lookup", "select 2")
    assert "the assets" in await now(source, asked)


@pytest.mark.parametrize("given_token", ["", "x", "1d60c6f8ce88", "1d60c6f8ce88-c8ed787a31ec9dzz", "-" * 28])
async def test_what_is_no_token(given_token: str) -> None:
    registry = lookup()
    made = await forked(await a_run(registry), Change(), registry)
    with pytest.raises(InputError, match="is no token"):
        what_changed(given_token, made.token)


async def test_assets_of_plans_below_may_be_overridden() -> None:
    """It is not known here what those plans make of it, so the steps that run them run again."""
    plan = compiled(
        steps=[{"id": "below", "step_def": {"type": "plan", "plan": "./child.yaml"}}, {"id": "apart", "command": "x"}]
    )
    reference = parse_reference("query/lookup@1")
    results: dict[str, ResolvedAsset] = {}
    source = ForkSource(FIRST, 0, plan, {}, {}, {}, {}, FOLDER, FOLDER, "")
    change = Change(overrides=(reference,))
    assert await assets_after(source, change, plan, lookup(), elsewhere=[reference]) == results
    made = fork(source, change, plan=plan, params={}, assets=results, host_env={})
    assert made.again["below"].kind is WhyAgain.ASKED_FOR
    assert made.overrides == (reference,)
