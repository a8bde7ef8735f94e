"""The walk of docs/first-five-minutes.md: the runs it begins with, its keys, and what is seen after them. Drives no terminal.

The test of that page and the program that draws its pictures both go by this table, so that neither can say what the other
does not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.model.event import Event, EventKind
from engine.model.json import canonical_json
from engine.model.states import Stage
from engine.ports import PlanRecord, RunCreation
from engine.shipped import sample_traces
from engine.shipped.assets import SHIPPED
from store.exchange.importing import import_file
from store.writer import open_writer
from tui.app import Inspector
from tui.places import RunPlace

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "first-five-minutes.md"
PICTURES: Final = ROOT / "docs" / "pictures"
RECORDED: Final = PICTURES / "runs"
BEGUN: Final = datetime(2026, 1, 12, 3, 23, tzinfo=UTC)
"""When the walk begins: a minute before the rerun."""
LATER: Final = timedelta(minutes=3)
FOLDER: Final = "/tmp"
"""Where the runs say they were: there is such a folder everywhere, and it tells nothing of a machine."""
HOST_TRIAGE: Final = "5" * 32
"""The id of the second look at the host: the first one again, at another time."""
NEUTRAL: Final[Mapping[str, str]] = {
    "HOME": "/home/operator",
    "LANG": "C.UTF-8",
    "LOGNAME": "operator",
    "PATH": "/usr/bin:/bin",
    "SHELL": "/bin/sh",
    "TZ": "UTC",
    "USER": "operator",
}
"""The environment in which the runs were recorded: who looks at them has the same, so that nothing of a machine is seen."""


@dataclass(frozen=True)
class Stop:
    """Keys, pressed one after another, and what is then on the screen, whatever its size. Blanks and breaks do not count."""

    keys: tuple[str, ...]
    sees: tuple[str, ...]
    picture: str | None = None
    is_after_rerun: bool = False


WALK: Final = (
    Stop((), ("1 failed", "✗ FAILED", "w why", "? help"), "runs"),
    Stop(
        ("down", "down", "down", "down", "w"),
        ("there is no database /srv/plans/inventory.db", "/opt/opscope/plans → /srv/plans", "what ci ran"),
        "why",
    ),
    Stop(("escape",), ("7 runs",)),
    Stop(("up", "up", "enter"), ("INPUT execute", 'host "app-13"', "OUTPUT execute", "ci ✓ SUCCEEDED"), "stage"),
    Stop(("question_mark",), ("Go to the next stage", "Go to the stage before", "esc closes")),
    Stop(("escape",), ("INPUT execute",)),
    Stop(("H",), ("INPUT validate",)),
    Stop(("L", "L"), ("INPUT compose", "OUTPUT compose")),
    Stop(("escape",), ("7 runs",)),
    Stop(("g",), ("7 runs",)),
    Stop(
        ("enter", "3"),
        ("EMPTY RESULT", "no host under that name", '"{assets.lookup}" → "{assets.wide}"', "AUTO APPROVED by policy"),
        "replan",
    ),
    Stop(("enter",), ("pass 0", "ci ✓ SUCCEEDED", "another plan follows, because of ci")),
    Stop(("escape",), ("EMPTY RESULT", "AUTO APPROVED by policy")),
    Stop(("escape",), ("7 runs",)),
    Stop(("down", "down", "o"), ("nothing changed yet", "lookup query/ci-lookup @2", "r run it")),
    Stop(("enter", "k"), ("@3 · DRAFT", "DIFFERENCE @2 → @3", "most neighbours first; slow"), "versions"),
    Stop(("enter",), ("TEST RUN 1 change", "@2 → @3", "all 7 steps run again", "ci assets.lookup"), "override"),
    Stop(("r",), ("again as a test, with assets.lookup: query/ci-lookup@2 → query/ci-lookup@3?", "y run it", "esc")),
    Stop(("y",), ("✓ SUCCEEDED", "TEST RUN", "c compare with"), "rerun", is_after_rerun=True),
    Stop(("c",), ("NO VERDICT YET 1 v 1 runs", "verdict needs 5 runs in the baseline"), is_after_rerun=True),
    Stop(("2",), ("NOT TESTED", "too few runs to tell", "ci · TOO FEW"), "compare", is_after_rerun=True),
    Stop(("3",), ("lookup query/ci-lo", "@2 → query/ci-lo", "THE SAME ON BOTH SIDES"), is_after_rerun=True),
)
"""Where `escape` is pressed it is pressed alone: a terminal takes a key that follows it at once for one with alt."""


async def write_runs(path: Path) -> None:
    """The file of somebody who has typed what the page begins with."""
    for document in sample_traces():
        import_file(document, path, now_us=_us(BEGUN - timedelta(minutes=3)))
    await replay(path, "app-13")
    await _replay_host_triage(path)
    await replay(path, "db01")


def run_id_of(name: str) -> str:
    """The id of a recorded run."""
    return str(_recorded(name)["run_id"])


async def replay(path: Path, name: str) -> None:
    """Write a recorded run into a file as one that ran there."""
    trace = _recorded(name)
    await _write(path, trace["run_id"], trace["plan"], [_event(told) for told in trace["events"]])


def inspector(path: Path, *, later: bool = False, run_id: str | None = None) -> Inspector:
    """The inspector as the walk begins, or after the rerun: no time passes in it."""
    now_us = _us(BEGUN + LATER if later else BEGUN)
    return Inspector(
        path, place=RunPlace(run_id) if run_id is not None else None, clock=lambda: now_us, zone=UTC, follows=False
    )


def flat(text: str) -> str:
    """A text without line breaks, frames and repeated blanks: what it says is the same at any size."""
    return " ".join("".join(" " if mark in "▎│▸▾•?↻▌─━▁▂▃▄▅▆▇█" else mark for mark in text).split())


def _recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return found


async def _replay_host_triage(path: Path) -> None:
    trace = json.loads(next(file for file in sample_traces() if file.stem == "host-triage").read_text(encoding="utf-8"))
    first = datetime.fromisoformat(trace["events"][0]["at"])
    by_us = _us(datetime(2026, 1, 12, 3, 21, 7, tzinfo=UTC)) - _us(first)
    events = [_event(told, by_us) for told in trace["events"]]
    await _write(path, HOST_TRIAGE, trace["plan"], events)


async def _write(path: Path, run_id: str, told: dict[str, Any], events: list[Event]) -> None:
    """As a run of this machine: in folders that are here, so that it can be repeated."""
    plan = PlanRecord(
        told["plan_hash"], told["plan_id"], told["version"], told["source"], canonical_json(told["document"])
    )
    created, *rest = events
    async with open_writer(path) as writer:
        created.data.update(engine_id=writer.engine_id, workdir=FOLDER, plan_folder=str(SHIPPED.parent))
        await writer.create_run(RunCreation(run_id, plan, created))
        await writer.append(run_id, rest)


def _event(told: dict[str, Any], by_us: int = 0) -> Event:
    return Event(
        EventKind(told["kind"]),
        _us(datetime.fromisoformat(told["at"])) + by_us,
        told["data"],
        pass_index=told["pass_index"],
        stage=Stage(told["stage"]) if told.get("stage") else None,
        step_id=told.get("step_id"),
        item_index=told.get("item_index"),
        attempt=told.get("attempt"),
        actor=told["actor"],
    )


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
