"""W2: `waiting` on files with runs in every state: what waits, since when, what to type, and an exit code for checks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from engine.model.event import EventKind
from store.writer import open_writer
from tests.tui.stories import Story

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


def write(path: Path, *stories: Story) -> None:
    """A file with these runs, whose engine is dead."""

    async def written() -> None:
        async with open_writer(path) as writer:
            for story in stories:
                await story.write(writer)

    path.parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(written())


def test_nothing_waits(cli: Cli, database: Path, recorded: Path) -> None:
    answer = cli("waiting")
    assert (answer.code, answer.out, answer.err) == (0, "nothing waits for a person\n", "")
    answer = cli("waiting", "--json")
    assert (answer.code, answer.out) == (0, "[]\n")


def test_before_anything_has_run(cli: Cli, database: Path) -> None:
    assert cli("waiting").code == 0
    assert cli("waiting", "--json").out == "[]\n"
    assert not database.parent.exists()


def test_what_waits_is_listed_with_what_to_type(cli: Cli, database: Path) -> None:
    lost = Story(1, ago=30).begin().start("fetch")
    decision = Story(2).begin().start("copy").tell(EventKind.RUN_QUARANTINED, {"uncertain": ["copy"]})
    done = Story(3).begin().run("fetch").finish("succeeded")
    paused = Story(4, ago=60).begin().tell(EventKind.RUN_PAUSED, {"reason": "engine_lost", "uncertain": ["fetch"]})
    write(database, lost, decision, done, paused)
    answer = cli("waiting")
    assert (answer.code, answer.err) == (3, "")
    blocks = answer.out.split("\n\n")
    assert [block.splitlines()[0].split("  ")[0] for block in blocks] == ["◆ QUARANTINED", "‖ PAUSED", "✗ ENGINE LOST"]
    assert f"opscope resume {decision.short} --retry copy" in blocks[0]
    for block, story in zip(blocks, (decision, paused, lost), strict=True):
        assert f"opscope why {story.short} " in block
    documents = json.loads(cli("waiting", "--json").out)
    assert [(found["run_id"], found["waits_for"], found["engine_lost"]) for found in documents] == [
        (decision.run_id, "decision", False),
        (paused.run_id, "engine", False),
        (lost.run_id, "engine", True),
    ]
    assert documents[0]["since"] == "2026-01-01T11:50:00.000000Z"
    assert documents[0]["next"][0]["command"] == f"opscope resume {decision.short} --succeeded copy"
    assert cli("waiting", "--json").code == 3


def test_a_run_whose_engine_lives_does_not_wait(cli: Cli, database: Path) -> None:
    async def look() -> str:
        async with open_writer(database) as writer:
            await Story(1).begin().start("fetch").write(writer)
            return (await asyncio.to_thread(cli, "waiting")).out

    database.parent.mkdir(parents=True)
    assert asyncio.run(look()) == "nothing waits for a person\n"
    assert cli("waiting").code == 3


def test_looking_recovers_nothing(cli: Cli, database: Path) -> None:
    """To look is not to write: the run is left to the next command that does."""
    story = Story(1).begin().start("fetch")
    write(database, story)
    for words in (("waiting",), ("why", story.short), ("locks",)):
        cli(*words)
    kinds = [json.loads(line)["kind"] for line in cli("events", story.short, "--json").out.splitlines()]
    assert kinds[-1] == "attempt.started"
