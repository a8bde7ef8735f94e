"""Runs whose plan was changed on the way, with their assets, for the tests of the screens: written with the real writer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.model.asset import parse_reference
from engine.model.event import EventKind
from engine.model.states import Stage
from store.assets.content import digest_of
from store.assets.registry import NewContent, Registry
from store.writer import open_writer
from tests.tui.samples import ENGINE, NOW_US, SECOND
from tests.tui.stories import Story

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import Json, JsonObject

DECIDED, WAITING, PLAIN = 70, 71, 72
"""A run of three passes that is over, one that waits for an approval, and one that nobody changed and that failed."""

LOOKUP = "SELECT name, address\nFROM hosts\nWHERE name = :host  -- the exact name only\n"
POLICY = (
    "kind: replan\nlimit: 3\nrules:\n  - trigger: empty_result\n    patch: {ci: {step_def: {query: '{assets.wide}'}}}\n"
)
GATES = '{"min_rows": 1, "sites": ["zrh1", "fra1"]}'
STEPS = ("ci", "ping", "services", "brief")


@dataclass
class Passes(Story):
    """A run told in order, in passes."""

    plan_id: str = "ci_lookup"
    steps: tuple[str, ...] = STEPS
    pass_index: int = 0

    def tell(self, kind: EventKind, data: JsonObject | None = None, **place: object) -> Passes:
        """Something happens now, in this pass."""
        super().tell(kind, data, **place)  # type: ignore[arg-type]
        self.events[-1] = replace(self.events[-1], pass_index=self.pass_index)
        return self

    def open(self, assets: JsonObject) -> Passes:
        """The steps of a pass begin."""
        tools: list[Json] = [{"tool_id": step, "tool_type": "command", "depends_on": []} for step in self.steps]
        trace: JsonObject = {"strategy": "dag", "execution_groups": [{"group_index": 0, "tools": tools}]}
        if not self.pass_index:
            self.tell(EventKind.RUN_STARTED)
            for alias, said in assets.items():
                assert isinstance(said, dict)
                self.tell(EventKind.ASSET_RESOLVED, {"alias": alias, **said})
        given: JsonObject = {"input": {"applied_assets": {"lookup": assets["lookup"], "replan": assets["replan"]}}}
        self.tell(EventKind.STAGE_STARTED, given, stage=Stage.EXECUTE)
        order: list[Json] = list(self.steps)
        return self.tell(
            EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT, {"trace": trace, "order": order}, stage=Stage.EXECUTE
        )

    def reuse(self, step: str) -> Passes:
        """A result of the pass before holds."""
        self.settle(step, attempts=1, reason="reused")
        source: JsonObject = {"run_id": self.run_id, "pass_index": self.pass_index - 1, "step_id": step}
        self.events[-1] = replace(self.events[-1], data={**self.events[-1].data, "reused_from": source})
        return self

    def ask(self, event_id: str, trigger: str, reason: str, *, step: str | None, before: JsonObject, after: JsonObject,
            severity: str = "warning", message: str = "") -> Passes:  # fmt: skip
        """Another plan is asked for."""
        data: JsonObject = {
            "event_id": event_id,
            "trigger": trigger,
            "severity": severity,
            "reason": reason,
            "mode": "approval",
            "rule": 0,
            "patch": after,
            "cause": {"message": message, "reason": None},
            "before": before,
            "after": after,
        }
        return self.tell(EventKind.REPLAN_REQUESTED, data, step=step, stage=Stage.EXECUTE)

    def decide(self, event_id: str, decision: str, by: str, reason: str, *, step: str | None) -> Passes:
        """It is decided."""
        data: JsonObject = {"event_id": event_id, "decision": decision, "decided_by": by, "decision_reason": reason}
        return self.tell(EventKind.REPLAN_DECIDED, {**data, "patch": None}, step=step, stage=Stage.EXECUTE)

    def next_pass(self, assets: JsonObject) -> Passes:
        """The pass is over, the next one begins."""
        output: JsonObject = {"stage": "execute", "diagnostics": {"status": "warning", "warnings": [], "errors": []}}
        done: JsonObject = {"status": "succeeded", "duration_us": 1000, "output": output}
        self.tell(EventKind.STAGE_FINISHED, done, stage=Stage.EXECUTE)
        self.pass_index += 1
        return self.open(assets)

    def present(self, blocks: list[Json]) -> Passes:
        """What the run has to say."""
        self.tell(EventKind.STAGE_STARTED, {"input": {"applied_assets": {}}}, stage=Stage.PRESENT)
        output: JsonObject = {"stage": "present", "result": {"blocks": blocks}, "diagnostics": {"status": "ok"}}
        done: JsonObject = {"status": "succeeded", "duration_us": 1000, "output": output}
        return self.tell(EventKind.STAGE_FINISHED, done, stage=Stage.PRESENT)


def query(asset: str) -> JsonObject:
    """The definition of the step `ci` with a query."""
    return {"step_def": {"type": "sql", "database": "inventory.db", "query": asset, "args": {"host": "{params.host}"}}}


BLOCKS: list[Json] = [
    {"type": "markdown", "title": "", "text": "# db3\n\ndb-03 is a database server in fra1."},
    {"type": "key_value", "title": "Item", "values": {"site": "fra1", "address": "10.10.40.13"}},
    {"type": "table", "title": "Runs here", "rows": [{"service": "payments-db", "depth": 1}], "columns": []},
    {"type": "list", "title": "Whom to call", "entries": ["platform", "payments"]},
    {"type": "json", "title": "Raw", "value": {"rows": 1}},
]


def decided(assets: JsonObject) -> Passes:
    """Three replans: one by the policy, one denied, one approved by an operator; the last pass used two results again."""
    told = Passes(DECIDED, ago=120.0)
    told.open(assets).run("ci")
    told.ask("r0.1", "empty_result", "no host under that name; look for what may have been meant", step="ci",
             before={"ci": query("{assets.lookup}")}, after={"ci": query("{assets.wide}")}, severity="info")  # fmt: skip
    told.decide(
        "r0.1", "auto_approved", "policy", "no host under that name; look for what may have been meant", step="ci"
    )
    told.after(1)
    told.next_pass(assets).run("ci").run("services")
    told.start("ping").end("ping", "failed", took=10.0).settle("ping", "failed", took=10.0)
    told.ask("r1.1", "step_timeout", "try it once more with more time", step="ping", before={"ping": {"timeout_sec": 10}},
             after={"ping": {"timeout_sec": 60}}, message="timed out after 10 s")  # fmt: skip
    told.after(20)
    told.decide("r1.1", "denied", "operator:ops", "the link is slow today, a minute changes nothing", step="ping")
    told.ask("r1.2", "policy_violation", "a brief needs the owners", step=None, before={"brief": {"command": "brief"}, "owners": None},
             after={"brief": {"command": "brief", "args": ["--owners"]}, "owners": {"command": "owners"}}, severity="critical")  # fmt: skip
    told.after(8)
    told.decide("r1.2", "approved", "operator:ops", "seen, is safe", step=None)
    told.steps = (*STEPS, "owners")
    told.after(1)
    told.next_pass(assets)
    told.reuse("ci").reuse("services")
    told.run("ping").run("owners").settle("brief", "skipped", attempts=0, reason="skip_if")
    told.present(BLOCKS).finish("succeeded")
    return told


def waiting(assets: JsonObject, reason: str = "no host under that name; look for what may have been meant") -> Passes:
    """One replan that waits, and with it the run."""
    told = Passes(WAITING, ago=90.0)
    told.open(assets).run("ci")
    told.ask("r0.1", "empty_result", reason, step="ci", before={"ci": query("{assets.lookup}")},
             after={"ci": query("{assets.wide}")})  # fmt: skip
    replans: list[Json] = [{"event_id": "r0.1", "step_id": "ci", "trigger": "empty_result", "reason": reason}]
    told.tell(EventKind.RUN_PAUSED, {"reason": "approval", "event_ids": ["r0.1"], "replans": replans})
    return told


def add_assets(
    path: Path, contents: tuple[str, str, str] = (LOOKUP, POLICY, GATES), note: str = "exact names"
) -> JsonObject:
    """Three assets, the lookup in three versions of which the run used the second; as `asset.resolved` names them."""
    registry = Registry(path, "tester", now_us=lambda: NOW_US - 3600 * SECOND)
    lookup, policy, gates = contents
    used: JsonObject = {}

    def add(alias: str, name: str, content: str, media_type: str, source: str, said: str = "") -> None:
        new = NewContent(parse_reference(name).name, media_type, content, said)
        changed = registry.add(new, publish=source != "override")
        used[alias] = {"ref": changed.ref, "sha256": digest_of(content), "source": source, "media_type": media_type}

    add("lookup", "query/find", "SELECT 1\n", "application/sql", "published", "the first try")
    add("lookup", "query/find", lookup, "application/sql", "published", note)
    add("gates", "policy/gates", gates, "application/json", "pin")
    add("replan", "policy/replan", policy, "application/yaml", "override")
    registry.add(
        NewContent(parse_reference("query/find").name, "application/sql", lookup + "LIMIT 20\n", "at most 20"),
        publish=True,
    )
    return used


async def write_replans(path: Path) -> None:
    """The three runs and their assets. Nobody works on the one that waits."""
    assets = add_assets(path)
    async with open_writer(path, engine_id=ENGINE) as writer:
        cause: JsonObject = {"stage": "execute", "step_id": "ci", "reason": "exit_code", "message": "exit code 3"}
        plain = Passes(PLAIN, ago=300.0).open(assets)
        plain.start("ci").end("ci", "failed").settle("ci", "failed", exit_code=3).finish("failed", cause=cause)
        for told in (plain, decided(assets), waiting(assets)):
            await told.write(writer)
