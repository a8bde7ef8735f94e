"""Assets in a run: found before it exists, recorded with their hashes, seen by the stages that use them, kept when it is taken up."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import InputError, PlanError, StoreError
from engine.model.asset import AssetStatus, PolicyKind, parse_reference
from engine.model.event import EventKind
from engine.model.states import Reason, RunStatus, Stage
from engine.pipeline.assets import policy_of, resolve_assets
from engine.pipeline.clock import SystemClock
from engine.pipeline.defaults import NoControl
from engine.plan.load import load_plan
from engine.ports import CachedResult, CacheQuestion, ChildPlan, ControlRequest, ControlVerb
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import MemorySink, Recorded, resume_events, run_text
from tests.engine.pipeline.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from engine.pipeline.resume_point import ResumePoint

PLAN = """\
plan_id: ci
params: {host: {default: db-01}}
assets: {lookup: query/ci-lookup, gates: policy/ci-gates, report: template/report, page: screen/page}
steps:
  - id: primary
    step_def: {type: sql, database: ci.db, query: "{assets.lookup}", args: {host: "{params.host}"}}
  - id: note
    command: echo
    args: ["found {primary.data.rows[0].n}"]
    condition: "len(primary.data.rows) >= assets.gates.min_rows"
compose: {text: "{assets.report}"}
present: "{assets.page}"
"""
PAGE = '- {type: markdown, text: "{compose.text}"}\n- {type: json, value: "{assets.gates.min_rows}"}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a database in it."""
    with sqlite3.connect(tmp_path / "ci.db") as database:
        database.execute("create table ci (host, n)")
        database.execute("insert into ci values ('db-01', 7), ('db-02', 8)")
    return tmp_path


@pytest.fixture
def registry() -> Registry:
    """What the plan uses, in a version each, and a draft of the query."""
    found = Registry()
    found.add("query/ci-lookup", "select n from ci where host = :host")
    found.add("query/ci-lookup", "select n from ci where :host != ''", status=AssetStatus.DRAFT)
    found.add("policy/ci-gates", "kind: gates\nmin_rows: 1\n", "yaml")
    found.add("template/report", "# {params.host}: {note.data}", "md")
    found.add("screen/page", PAGE, "yaml")
    return found


def shown(recorded: Recorded) -> Any:
    """The blocks that the run shows."""
    result = recorded.output("present")["result"]
    assert isinstance(result, dict)
    return result["blocks"]


def resolved(recorded: Recorded) -> dict[str, tuple[Any, Any]]:
    """What the run said of its assets: version and reason by alias."""
    return {
        str(event.data["alias"]): (event.data["ref"], event.data["source"])
        for event in recorded.sink.of(EventKind.ASSET_RESOLVED)
    }


def inputs(recorded: Recorded) -> dict[str, Any]:
    """What each stage was told of assets."""
    return {
        event.stage.value: event.data["input"]["applied_assets"]  # type: ignore[index, call-overload]
        for event in recorded.sink.of(EventKind.STAGE_STARTED)
        if event.stage is not None
    }


async def test_a_plan_runs_with_what_its_assets_hold(folder: Path, registry: Registry) -> None:
    """A query, a threshold in a condition, a template in compose and a screen."""
    recorded = await run_text(PLAN, folder, assets=registry)
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.result("note")["data"] == "found 7"
    assert shown(recorded)[0]["text"] == "# db-01: found 7"
    assert shown(recorded)[1]["value"] == 1


async def test_the_versions_are_recorded_right_after_the_start(folder: Path, registry: Registry) -> None:
    """One event an alias, in one write with the start, with everything that finds them again."""
    recorded = await run_text(PLAN, folder, assets=registry)
    kinds = recorded.sink.kinds()
    assert kinds[:7] == [
        EventKind.RUN_CREATED,
        EventKind.RUN_STARTED,
        *[EventKind.ASSET_RESOLVED] * 4,
        EventKind.STAGE_STARTED,
    ]
    assert recorded.sink.batches[:2] == [1, 6]
    query = registry.versions[parse_reference("query/ci-lookup").name][0]
    assert recorded.sink.of(EventKind.ASSET_RESOLVED)[0].data == {
        "alias": "lookup",
        "ref": "query/ci-lookup@1",
        "type": "query",
        "name": "ci-lookup",
        "version": 1,
        "sha256": query.sha256,
        "media_type": "application/sql",
        "source": "published",
        "size_bytes": len(query.content),
    }
    assert recorded.sink.events[0].data["mode"] == "normal"
    assert "overrides" not in recorded.sink.events[0].data


async def test_each_stage_says_which_it_used_and_why(folder: Path, registry: Registry) -> None:
    """In its input and among the references of its output."""
    recorded = await run_text(PLAN, folder, assets=registry)
    assert {stage: sorted(used) for stage, used in inputs(recorded).items()} == {
        "route_plan": [],
        "validate": ["gates", "lookup", "page", "report"],
        "execute": ["gates", "lookup"],
        "compose": ["report"],
        "present": ["gates", "page"],
    }
    gates = registry.versions[parse_reference("policy/ci-gates").name][0]
    assert inputs(recorded)["present"]["gates"] == {
        "ref": "policy/ci-gates@1",
        "sha256": gates.sha256,
        "source": "published",
    }
    references = [ref for ref in recorded.output("compose")["references"] if ref["kind"] == "asset"]  # type: ignore[union-attr, index, call-overload]
    report = registry.versions[parse_reference("template/report").name][0]
    assert references == [
        {"kind": "asset", "name": "template/report@1", "detail": f"{report.sha256[:12]} the newest published"}
    ]


async def test_an_override_takes_the_place_of_what_the_plan_says(folder: Path, registry: Registry) -> None:
    """A draft too; the run is a test then, and says what was set for it."""
    recorded = await run_text(PLAN, folder, assets=registry, overrides=("query/ci-lookup@2",))
    assert resolved(recorded)["lookup"] == ("query/ci-lookup@2", "override")
    assert resolved(recorded)["gates"] == ("policy/ci-gates@1", "published")
    created = recorded.sink.events[0].data
    assert (created["mode"], created["overrides"]) == ("test", ["query/ci-lookup@2"])
    assert recorded.result("primary")["counts"] == {"rows": 2}


@pytest.mark.parametrize(
    ("plan", "overrides", "message", "hint"),
    [
        (PLAN, ("query/ci-lokup@2",), "nothing in the plan uses query/ci-lokup", "did you mean 'query/ci-lookup'?"),
        (PLAN, ("mapping/x@2",), "nothing in the plan uses mapping/x", "policy/ci-gates, query/ci-lookup, screen/page"),
        (PLAN, ("query/ci-lookup",), "query/ci-lookup names no version", "query/ci-lookup@1"),
        (PLAN, ("query/ci-lookup@1", "query/ci-lookup@2"), "cannot both be used", "once"),
        (PLAN, ("query/ci-lookup@9",), "there is no query/ci-lookup@9", "1 (published), 2 (draft)"),
        (PLAN.replace("query/ci-lookup,", "query/ci-lookup@2,"), (), "there is no query/ci-lookup@2", "2 (draft)"),
        (PLAN.replace("query/ci-lookup,", "query/other,"), (), "there is no query/other", "versions: none"),
        ("plan_id: p\nsteps: [{id: a, command: 'true'}]\n", ("query/x@1",), "uses query/x", "the plan uses no assets"),
    ],
)
async def test_what_cannot_be_found_is_said_before_the_run_exists(
    folder: Path, registry: Registry, plan: str, overrides: tuple[str, ...], message: str, hint: str
) -> None:
    """Nothing is recorded."""
    sink = MemorySink()
    with pytest.raises(InputError) as caught:
        await run_text(plan, folder, assets=registry, overrides=overrides, sink=sink)
    assert message in caught.value.cause
    assert hint in caught.value.hint
    assert sink.events == []


@pytest.mark.parametrize(
    ("name", "content", "ending", "place", "line", "message"),
    [
        ("template/report", "x\n{params.hots}", "md", "template/report@2", 2, "there is no parameter 'hots'"),
        ("template/report", "a: 1", "yaml", "template/report@2", 1, "expected a text, found an object of 1"),
        ("screen/page", "- {type: markdwn, text: x}", "yaml", "screen/page@2", 1, "there is no block type 'markdwn'"),
        ("screen/page", "text", "md", "screen/page@2", None, "expected a list of blocks, found the text 'text'"),
        ("policy/ci-gates", "kind: gate\n", "yaml", "policy/ci-gates@2", 1, "there is no kind of policy 'gate'"),
        ("policy/ci-gates", "a: 1\n", "yaml", "policy/ci-gates@2", 1, "a policy says in kind what it decides"),
        ("policy/ci-gates", "- 1\n", "yaml", "policy/ci-gates@2", 1, "expected an object, found a list of 1"),
        ("policy/ci-gates", "kind: [gates\n", "yaml", "policy/ci-gates@2", 2, "this is not valid YAML"),
        ("policy/ci-gates", '{"kind": gates}', "json", "policy/ci-gates@2", 1, "gates is not JSON"),
    ],
)
async def test_an_asset_that_cannot_be_used_is_named_before_the_run_exists(
    folder: Path, registry: Registry, name: str, content: str, ending: str, place: str, line: int | None, message: str
) -> None:
    """With its version and the line."""
    registry.add(name, content, ending)
    sink = MemorySink()
    with pytest.raises(PlanError) as caught:
        await run_text(PLAN, folder, assets=registry, sink=sink)
    fault = caught.value.faults[0]
    assert (caught.value.place, fault.line) == (place, line)
    assert message in fault.message
    assert sink.events == []


async def test_an_engine_without_a_registry_says_so(folder: Path) -> None:
    """Rather than running the plan with nothing."""
    with pytest.raises(InputError, match="there is no registry to look for query/ci-lookup in"):
        await run_text(PLAN, folder)


POLICIES = """\
plan_id: p
assets: {one: policy/one, two: policy/two}
steps: [{id: a, command: 'true'}]
"""


@pytest.mark.parametrize("kind", [PolicyKind.REPLAN, PolicyKind.VALIDATION, PolicyKind.ROUTING])
async def test_two_policies_of_one_kind_are_refused(folder: Path, kind: PolicyKind) -> None:
    """Which is seen only in what they hold."""
    registry = Registry()
    registry.add("policy/one", f"kind: {kind}", "yaml")
    registry.add("policy/two", f'{{"kind": "{kind}"}}', "json")
    with pytest.raises(InputError) as caught:
        await run_text(POLICIES, folder, assets=registry)
    assert caught.value.cause == f"one (policy/one@1) and two (policy/two@1) are both {kind} policies"


async def test_a_policy_is_found_by_its_kind(folder: Path) -> None:
    """And counts among what its stages used, though nothing refers to it."""
    registry = Registry()
    registry.add("policy/one", "kind: replan\nlimit: 2\n", "yaml")
    registry.add("policy/two", "kind: routing\n", "yaml")
    recorded = await run_text(POLICIES, folder, assets=registry)
    assert {stage: sorted(used) for stage, used in inputs(recorded).items()} == {
        "route_plan": ["two"],
        "validate": ["one", "two"],
        "execute": ["one"],
        "compose": [],
        "present": [],
    }
    plan = load_plan(POLICIES.encode(), name="p.yaml")
    request: Any = type("Request", (), {"assets": await resolve_assets(plan, (), registry)})
    assert policy_of(request, PolicyKind.REPLAN) == ("one", {"kind": "replan", "limit": 2})
    assert policy_of(request, PolicyKind.VALIDATION) is None


async def test_what_may_be_amiss_with_assets_is_a_warning_of_validate(folder: Path, registry: Registry) -> None:
    """A deprecated version that the plan names, and a part of an asset that is not there: in a condition it would be null."""
    registry.add("query/ci-lookup", "select 1 as n where :host != ''", status=AssetStatus.DEPRECATED)
    text = PLAN.replace("query/ci-lookup,", "query/ci-lookup@3,").replace(
        'assets.gates.min_rows"\n', 'assets.gates.min_row"\n', 1
    )
    recorded = await run_text(text, folder, assets=registry)
    diagnostics: Any = recorded.output("validate")["diagnostics"]
    assert diagnostics["warnings"] == [
        "lookup: query/ci-lookup@3 is deprecated, and the plan names it",
        "assets.gates.min_row is not in policy/ci-gates@1",
    ]
    assert resolved(recorded)["lookup"] == ("query/ci-lookup@3", "pin")


async def test_a_run_that_is_taken_up_keeps_its_versions(folder: Path, registry: Registry) -> None:
    """Whatever was published since: they are asked for exactly, and not recorded again."""
    whole = await run_text(PLAN, folder, assets=registry, overrides=("query/ci-lookup@2",))
    cut = [e.kind for e in whole.sink.events].index(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT) + 1
    registry.add("policy/ci-gates", "kind: gates\nmin_rows: 100\n", "yaml")
    registry.asked.clear()
    plan = load_plan(PLAN.encode(), name="p.yaml")
    taken_up = await resume_events(plan, whole.sink.events[:cut], assets=registry)
    assert taken_up.outcome.status is RunStatus.SUCCEEDED
    assert registry.asked == [
        "exactly query/ci-lookup@2",
        "exactly policy/ci-gates@1",
        "exactly template/report@1",
        "exactly screen/page@1",
    ]
    assert taken_up.result("primary")["counts"] == {"rows": 2}
    assert taken_up.result("note")["status"] == "succeeded"
    assert len(taken_up.sink.of(EventKind.ASSET_RESOLVED)) == 4
    assert inputs(taken_up)["compose"]["report"]["ref"] == "template/report@1"
    assert inputs(taken_up)["validate"]["lookup"]["source"] == "override"


async def test_a_run_that_had_not_said_what_it_uses_is_given_it_when_it_is_taken_up(
    folder: Path, registry: Registry
) -> None:
    """With the overrides that it was made with."""
    whole = await run_text(PLAN, folder, assets=registry, overrides=("query/ci-lookup@2",))
    plan = load_plan(PLAN.encode(), name="p.yaml")
    taken_up = await resume_events(plan, whole.sink.events[:1], assets=registry)
    assert taken_up.outcome.status is RunStatus.SUCCEEDED
    assert resolved(taken_up)["lookup"] == ("query/ci-lookup@2", "override")


async def test_an_asset_that_is_not_the_same_any_more_keeps_the_run_from_going_on(
    folder: Path, registry: Registry
) -> None:
    """Nothing is recorded of the attempt."""
    whole = await run_text(PLAN, folder, assets=registry)
    listed = registry.versions.pop(parse_reference("query/ci-lookup").name)
    registry.add("query/ci-lookup", listed[0].content + " ")
    sink = MemorySink()
    plan = load_plan(PLAN.encode(), name="p.yaml")
    with pytest.raises(StoreError, match="query/ci-lookup@1 is not what it was"):
        await resume_events(plan, whole.sink.events[:8], assets=registry, sink=sink)
    assert len(sink.events) == 8


async def test_a_secret_in_an_asset_is_masked_like_any_other(folder: Path, registry: Registry) -> None:
    """Nothing that is recorded holds its text."""
    registry.add("query/ci-lookup", "select 'hunter2-hunter2' as n where :host != ''")
    registry.add("template/report", "# hunter2-hunter2 {note.data}", "md")
    text = PLAN.replace("steps:\n", "secrets: {token: {env: TOKEN}}\nsteps:\n", 1)
    recorded = await run_text(text, folder, assets=registry, host_env={"TOKEN": "hunter2-hunter2"})
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert "hunter2" not in str(recorded.sink.events) + str(recorded.sink.chunks)
    assert shown(recorded)[0]["text"] == "# *** found ***"


class _Kept:
    """Remembers the keys that were asked for. Implements `engine.ports.ResultCache`."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def look_up(self, question: CacheQuestion) -> CachedResult | None:
        """Nothing is kept."""
        self.keys.append(question.key)
        return None


async def test_a_kept_result_depends_on_what_the_assets_hold(folder: Path, registry: Registry) -> None:
    """The same content under another version is the same; another content is another key."""
    text = PLAN.replace('host: "{params.host}"}}\n', 'host: "{params.host}"}}\n    cache: {ttl_sec: 60}\n', 1)
    cache = _Kept()
    await run_text(text, folder, assets=registry, cache=cache)
    registry.add("query/ci-lookup", "select n from ci where host = :host")
    await run_text(text, folder, assets=registry, cache=cache)
    await run_text(text, folder, assets=registry, cache=cache, overrides=("query/ci-lookup@2",))
    first, same, other = cache.keys
    assert first == same != other


CHILD = """\
plan_id: child
assets: {say: source/words}
steps: [{id: tell, command: echo, args: ["{assets.say}"]}]
compose: {said: "{tell.data}"}
"""
PARENT = """\
plan_id: parent
steps: [{id: below, step_def: {type: plan, plan: child}}]
compose: {said: "{below.data.said}"}
"""


class _Children:
    """One plan, whatever is asked for. Implements `engine.ports.SubPlans`."""

    async def find(self, plan: str, folder: Path, run_id: str, above: SecretBox) -> ChildPlan:
        """The child."""
        box = SecretBox()
        return ChildPlan(
            load_plan(CHILD.encode(), name=plan), folder, box, LocalExecutor(box, SystemClock()), NoControl()
        )

    async def recorded(
        self,
        run_id: str,
        folder: Path,
        above: SecretBox,
    ) -> tuple[ResumePoint, ChildPlan] | None:
        """Nothing."""
        return None


@pytest.mark.parametrize(("overrides", "said"), [((), "old"), (("source/words@2",), "new")])
async def test_a_plan_below_finds_its_own_assets_with_the_same_overrides(
    folder: Path, overrides: tuple[str, ...], said: str
) -> None:
    """One that only the child uses is no mistake of the parent's, which mentions it in a warning."""
    registry = Registry()
    registry.add("source/words", "old", "md")
    registry.add("source/words", "new", "md", AssetStatus.DRAFT)
    recorded = await run_text(PARENT, folder, assets=registry, overrides=overrides, sub_plans=_Children())
    assert recorded.outcome.composed == {"said": said}
    modes = [event.data["mode"] for event in recorded.sink.of(EventKind.RUN_CREATED)]
    assert modes == (["test", "test"] if overrides else ["normal", "normal"])
    (event,) = recorded.sink.of(EventKind.ASSET_RESOLVED)
    assert event.data["alias"] == "say"
    warned = [
        event for event in recorded.sink.of(EventKind.STAGE_FINISHED) if "nothing in this plan uses" in str(event.data)
    ]
    assert [(event.stage, "source/words@2" in str(event.data)) for event in warned] == [(Stage.VALIDATE, True)] * len(
        overrides
    )


async def test_a_plan_below_whose_asset_is_not_there_fails_its_step(folder: Path) -> None:
    """With what there is."""
    recorded = await run_text(PARENT, folder, assets=Registry(), sub_plans=_Children())
    result = recorded.result("below")
    assert result["reason"] == Reason.SUB_PLAN_FAILED.value
    assert "there is no source/words" in str(result["message"])


async def test_a_bind_parameter_that_the_query_of_an_asset_wants_and_nobody_gives_is_an_error_of_the_step(
    folder: Path, registry: Registry
) -> None:
    """The query is known only when it runs; so is what the guard refuses."""
    registry.add("query/ci-lookup", "select :hots")
    recorded = await run_text(PLAN, folder, assets=registry)
    assert "hots" in str(recorded.result("primary")["message"])
    registry.add("query/ci-lookup", "delete from ci where host = :host")
    recorded = await run_text(PLAN, folder, assets=registry)
    assert "reads only" in str(recorded.result("primary")["message"])
    with sqlite3.connect(folder / "ci.db") as database:
        assert database.execute("select count(*) from ci").fetchone() == (2,)


async def test_a_run_that_is_canceled_by_force_needs_no_assets_any_more(folder: Path, registry: Registry) -> None:
    """Nothing of it is run, so one that is gone keeps nobody from ending it."""
    whole = await run_text(PLAN, folder, assets=registry)
    plan = load_plan(PLAN.encode(), name="p.yaml")
    cancel = ControlRequest(ControlVerb.CANCEL, "operator:ann", force=True)
    ended = await resume_events(plan, whole.sink.events[:8], assets=Registry(), cancel=cancel)
    assert ended.outcome.status is RunStatus.CANCELED
