"""Runs that used three versions of a query, for the tests of its impact: written with the real writer, every duration known."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
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
    from collections.abc import Iterator
    from pathlib import Path

    from engine.model.json import Json, JsonObject

ASSET = "query/find"
GATES = "policy/gates"
DAY = 86_400.0
STEPS: list[Json] = [
    {"id": "fetch", "step_def": {"type": "sql", "query": "{assets.lookup}", "args": {"least": "{assets.gates}"}}},
    {"id": "brief", "command": "brief", "depends_on": ["fetch"]},
]


@dataclass
class Lookup(Story):
    """A run of a plan that fetches with the query and then writes a brief."""

    plan_id: str = "ci_lookup"
    steps: tuple[str, ...] = ("fetch", "brief")
    plan: JsonObject = field(default_factory=lambda: {"steps": STEPS})

    def whole(
        self, version: int, seconds: float, *, gates: int = 1, ends: str = "succeeded", is_empty: bool = False, tries: int = 1
    ) -> Lookup:  # fmt: skip
        """All of it, with this version of the query."""
        self.tell(EventKind.RUN_STARTED)
        for alias, name, number in (("lookup", ASSET, version), ("gates", GATES, gates)):
            said: JsonObject = {"ref": f"{name}@{number}", "sha256": digest_of(content(name, number)), "source": "pin"}
            self.tell(EventKind.ASSET_RESOLVED, {"alias": alias, **said})
        self.tell(EventKind.STAGE_STARTED, {"input": {}}, stage=Stage.EXECUTE)
        self.start("fetch").end("fetch", took=seconds)
        good = ends == "succeeded"
        self.settle("fetch", "succeeded" if good else ends, took=seconds, attempts=tries, exit_code=0 if good else 3)
        if good:
            self.run("brief", took=0.3)
        cause: JsonObject = {"stage": "execute", "step_id": "fetch", "reason": "exit_code", "message": "exit code 3"}
        self.finish(ends, cause=None if good else cause)
        last = self.events[-2]
        output: JsonObject = {
            "stage": "execute",
            "diagnostics": {"status": "ok", "warnings": [], "errors": [], "empty_flags": {"fetch": True} if is_empty else {}},
        }  # fmt: skip
        self.events[-2] = replace(last, data={**last.data, "output": output})
        return self


def content(name: str, version: int) -> str:
    """What a version holds."""
    return f"SELECT {version}\n" if name == ASSET else f"kind: replan\nlimit: {version}\n"


def stories(*, slow: float = 2.6, gates_after: int = 2, after: int = 9) -> Iterator[Lookup]:
    """24 runs with version 1, 30 with version 2, and `after` with version 3, which is slower and has failed once.

    Another plan used version 2 a dozen times. With `gates_after` the policy changes at the same time as the query does.
    """
    chance = random.Random(7)

    def around(seconds: float) -> float:
        return round(seconds * chance.lognormvariate(0, 0.06), 3)

    number = 500
    for place in range(24):
        number += 1
        told = Lookup(number, ago=(30 - place * 0.45) * DAY)
        yield told.whole(1, around(4.0), is_empty=place % 6 == 0, ends="failed" if place in (3, 11) else "succeeded")
    for place in range(30):
        number += 1
        told = Lookup(number, ago=(18 - place * 0.5) * DAY)
        yield told.whole(2, around(3.1), tries=2 if place in (4, 19) else 1)
    for place in range(12):
        number += 1
        yield Lookup(number, ago=(16 - place) * DAY, plan_id="inventory_report").whole(2, around(9.0))
    for place in range(after):
        number += 1
        told = Lookup(number, ago=(2.4 - place * 0.25) * DAY)
        ends = "failed" if place == 5 else "succeeded"
        yield told.whole(3, around(3.1 * slow), gates=gates_after, ends=ends, is_empty=place == 2)


def register(path: Path) -> None:
    """Four versions of the query, the last a draft that nobody has used; two of the policy."""
    registry = Registry(path, "ops", now_us=lambda: NOW_US - 40 * 86_400 * SECOND)
    for name, media_type, published, drafts in ((ASSET, "application/sql", 3, 1), (GATES, "application/yaml", 2, 0)):
        for version in range(1, published + drafts + 1):
            new = NewContent(parse_reference(name).name, media_type, content(name, version), f"try {version}")
            registry.add(new, publish=version <= published)


async def write_uses(path: Path, *, slow: float = 2.6, gates_after: int = 2, after: int = 9) -> None:
    """The file."""
    register(path)
    async with open_writer(path, engine_id=ENGINE) as writer:
        for told in stories(slow=slow, gates_after=gates_after, after=after):
            await told.write(writer)
