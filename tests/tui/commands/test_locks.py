"""`locks` and `unlock`: who holds what, and taking it away from a living engine's run and from one whose engine is dead."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import pytest

from engine.pipeline.clock import SystemClock
from store.locks import Locks
from store.writer import open_writer
from tests.tui.stories import Story

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Answer, Cli

HELD_PLAN = """\
plan_id: held
locks: [web, inventory]
steps:
  - {id: hold, command: sh, args: [-c, "echo held > held; read line < go; echo went on"]}
"""


def write_holding(path: Path, story: Story, *names: str) -> None:
    """A file with a run that holds locks, whose engine is dead."""

    async def written() -> None:
        async with open_writer(path) as writer:
            await story.write(writer)
            await Locks(writer, SystemClock()).acquire(story.run_id, names, lambda _: None)

    path.parent.mkdir(parents=True)
    asyncio.run(written())


def test_no_lock_is_held(cli: Cli, database: Path, recorded: Path) -> None:
    answer = cli("locks")
    assert (answer.code, answer.out, answer.err) == (0, "no lock is held\n", "")
    assert cli("locks", "--json").out == "[]\n"


def test_before_anything_has_run(cli: Cli, database: Path) -> None:
    assert cli("locks").out == "no lock is held\n"
    answer = cli("unlock", "web", "--reason", "x")
    assert (answer.code, answer.err) == (2, "opscope: nobody holds the lock 'web'\n  no lock is held\n")
    assert not database.exists()


def test_a_run_without_an_engine_keeps_its_locks(cli: Cli, database: Path) -> None:
    story = Story(1, idempotent=True).begin().start("fetch")
    write_holding(database, story, "web", "inventory")
    head, inventory, web = cli("locks").out.splitlines()
    assert head.split() == ["LOCK", "RUN", "PLAN", "STATUS", "HELD", "SINCE", "WAITING"]
    assert inventory.split()[:3] == ["inventory", story.short, "deploy"]
    assert web.startswith("web ")
    (first, _) = json.loads(cli("locks", "--json").out)
    assert (first["name"], first["run_id"], first["engine_alive"], first["waiting"]) == (
        "inventory",
        story.run_id,
        False,
        [],
    )


def test_unlock_without_a_living_engine_is_recorded_with_the_run(cli: Cli, database: Path, home: Path) -> None:
    (home / "p.yaml").write_text("plan_id: p\nlocks: [web, db]\nsteps:\n  - {id: a, command: 'true'}\n")
    story = Story(1)
    write_holding(database, story, "web", "db")
    answer = cli("unlock", "web", "--reason", " the disk is dead ")
    assert answer.code == 0, answer
    assert answer.out == f"web is free; run {story.short} of deploy goes on without it\n"
    assert [lock["name"] for lock in json.loads(cli("locks", "--json").out)] == ["db"]
    events = [json.loads(line) for line in cli("events", story.short, "--json").out.splitlines()]
    (asked,) = [event for event in events if event["kind"] == "control.received"]
    assert asked["data"] == {
        "verb": "unlock",
        "force": False,
        "arguments": {"name": "web", "reason": "the disk is dead"},
    }
    assert asked["actor"].startswith("operator:")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("unlock", "inventoryy", "--reason", "x"), "nobody holds the lock 'inventoryy'\n  held now: web\n"),
        (("unlock", "web"), "the following arguments are required: --reason\n  see opscope unlock --help\n"),
        (("unlock", "web", "--reason", "  "), "--reason needs some words\n  they are what is left to tell why"),
    ],
)
def test_bad_input_changes_nothing(cli: Cli, database: Path, words: tuple[str, ...], error: str) -> None:
    story = Story(1).begin()
    write_holding(database, story, "web")
    answer = cli(*words)
    assert (answer.code, answer.out) == (2, "")
    assert error in answer.err
    assert [lock["name"] for lock in json.loads(cli("locks", "--json").out)] == ["web"]


def test_unlock_asks_the_engine_that_lives(cli: Cli, database: Path, home: Path) -> None:
    """A run in another process holds the locks; its own engine takes one away and records it, and the run goes on."""
    (home / "held.yaml").write_text(HELD_PLAN)
    for name in ("held", "go"):
        os.mkfifo(home / name)

    async def told() -> tuple[Answer, Answer, int]:
        import sys

        script = "import sys; from tui.commands import main; sys.exit(main(['run', '-q', './held.yaml']))"
        run = await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=home)
        try:
            await asyncio.to_thread((home / "held").read_text)
            unlocked = await asyncio.to_thread(cli, "unlock", "web", "--reason", "needed now", "--json")
            left = await asyncio.to_thread(cli, "locks", "--json")
            await asyncio.to_thread((home / "go").write_text, "go\n")
            return unlocked, left, await run.wait()
        finally:
            if run.returncode is None:
                run.kill()
                await run.wait()

    unlocked, left, code = asyncio.run(told())
    assert unlocked.code == 0, unlocked
    assert json.loads(unlocked.out)["name"] == "web"
    assert [(lock["name"], lock["engine_alive"]) for lock in json.loads(left.out)] == [("inventory", True)]
    assert code == 0
    assert cli("locks").out == "no lock is held\n"
    kinds = [json.loads(line)["kind"] for line in cli("events", "last", "--json").out.splitlines()]
    assert kinds.count("control.received") == 1
    assert kinds[-1] in ("run.succeeded", "lock.released")


def test_the_runs_say_who_waits_for_a_lock(cli: Cli, database: Path) -> None:
    """In the list of runs, for people and for programs; without it such a run looks as if it hung."""
    holds, waits = Story(1).begin(), Story(2).begin()

    async def listed() -> tuple[Answer, Answer]:
        asked = asyncio.Event()
        async with open_writer(database) as writer:
            for story in (holds, waits):
                await story.write(writer)
            locks = Locks(writer, SystemClock())
            await locks.acquire(holds.run_id, ["web"], lambda _: None)
            waiting = asyncio.create_task(locks.acquire(waits.run_id, ["db", "web"], lambda _: asked.set()))
            await asked.wait()
            found = await asyncio.to_thread(cli, "runs"), await asyncio.to_thread(cli, "runs", "--json")
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return found

    database.parent.mkdir(parents=True)
    table, heads = asyncio.run(listed())
    lines = {line.split()[2]: line for line in table.out.splitlines()[1:]}
    assert f"waits for the lock web, held by run {holds.short}, and 1 more lock" in lines[waits.short]
    assert " lock " in lines[waits.short].partition("waits for")[0]
    assert "lock" not in lines[holds.short]
    told = {head["run_id"]: head["awaited_locks"] for head in json.loads(heads.out)}
    assert told[holds.run_id] == []
    assert sorted(told[waits.run_id], key=lambda lock: str(lock["name"])) == [
        {"name": "db", "held_by": None},
        {"name": "web", "held_by": holds.run_id},
    ]
    heads = cli("runs", "--json")
    assert [head["awaited_locks"] for head in json.loads(heads.out)] == [[], []], "they are not waited for any more"
