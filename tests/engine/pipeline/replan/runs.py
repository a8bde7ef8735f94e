"""Runs with a replan policy, for tests: a plan as text, its policy, an operator who answers, and events as words."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from engine.model.event import Event, EventKind
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import MemorySink, Operator, run_text
from tests.engine.pipeline.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.model.json import Json
    from tests.engine.pipeline.recording import Recorded

LOOKUP = """
plan_id: lookup
params: {host: {default: app}}
assets: {narrow: query/narrow, wide: query/wide, replans: policy/replans}
steps:
  - {id: before, command: sh, args: ["-c", "echo ran >>before.log; echo 1"], output: json}
  - id: primary
    step_def: {type: sql, database: hosts.db, query: "{assets.narrow}", args: {host: "{params.host}"}}
    depends_on: [before]
  - {id: after, command: sh, args: ["-c", 'echo ran >>after.log; echo "found $1"', "-", "{primary.data.row_count}"]}
  - {id: beside, command: sh, args: ["-c", "echo ran >>beside.log"]}
finally:
  - {id: note, command: sh, args: ["-c", 'echo ran >>note.log; echo "$1"', "-", "{primary.data.row_count ?? -1}"]}
compose: {found: "{after.data}"}
present: [{type: markdown, text: "{compose.found}"}]
"""
NARROW = "SELECT name FROM hosts WHERE name = :host"
WIDE = "SELECT name FROM hosts WHERE name LIKE :host || '%' ORDER BY name"
WIDEN: dict[str, Any] = {
    "trigger": "empty_result",
    "steps": ["primary"],
    "mode": "auto",
    "reason": "nothing found under that name",
    "patch": {"primary": {"step_def": {"query": "{assets.wide}"}}},
}


def registry(*rules: dict[str, Any], **policy: Any) -> Registry:
    """The two queries, and the policy with these rules."""
    document = {"kind": "replan", "rules": list(rules or (WIDEN,)), **policy}
    found = Registry()
    found.add("query/narrow", NARROW)
    found.add("query/wide", WIDE)
    found.add("policy/replans", json.dumps(document), "json")
    return found


def hosts(folder: Path) -> None:
    """A database in which `app` alone is nobody's name."""
    with sqlite3.connect(folder / "hosts.db") as connection:
        connection.execute("CREATE TABLE hosts (name)")
        connection.executemany("INSERT INTO hosts VALUES (?)", [("app-1",), ("app-2",)])
    connection.close()


def by_approval(**changes: Any) -> dict[str, Any]:
    """The same rule, which asks somebody."""
    return {**WIDEN, "mode": "approval", **changes}


def saying(
    verb: ControlVerb, on: EventKind = EventKind.RUN_PAUSED, times: int = 1, **arguments: Json
) -> tuple[MemorySink, Operator]:
    """An operator who says this whenever such an event is recorded, and the sink on which they look."""
    operator = Operator()
    left = times

    def look(event: Event) -> None:
        nonlocal left
        if event.kind is on and left:
            left -= 1
            operator.say(ControlRequest(verb, "operator:ann", arguments=dict(arguments)))

    return MemorySink(on_event=look), operator


async def look_up(folder: Path, *rules: dict[str, Any], text: str = LOOKUP, **given: Any) -> Recorded:
    """Run the lookup with these rules in its policy."""
    if not (folder / "hosts.db").exists():
        hosts(folder)
    policy = given.pop("policy", {})
    return await run_text(text, folder, assets=registry(*rules, **policy), **given)


def times_run(folder: Path, step_id: str) -> int:
    """How often the step's program was run."""
    log = folder / f"{step_id}.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def ends(recorded: Recorded, pass_index: int) -> dict[str, tuple[str, Json]]:
    """How every step of a pass ended, and why."""
    return {
        str(e.step_id): (str(e.data["status"]), e.data["reason"])
        for e in recorded.sink.of(EventKind.STEP_FINISHED)
        if e.pass_index == pass_index and e.item_index is None
    }


def replans(recorded: Recorded) -> list[dict[str, Any]]:
    """Each replan with its decision in it."""
    found: dict[str, dict[str, Any]] = {}
    for event in recorded.sink.events:
        if event.kind in (EventKind.REPLAN_REQUESTED, EventKind.REPLAN_DECIDED):
            found.setdefault(str(event.data["event_id"]), {"step_id": event.step_id}).update(event.data)
    return list(found.values())


def stages(recorded: Recorded, where: Callable[[Event], bool] = lambda _: True) -> list[tuple[int, str]]:
    """The stages that began, with their passes."""
    return [(e.pass_index, str(e.stage)) for e in recorded.sink.of(EventKind.STAGE_STARTED) if where(e)]
