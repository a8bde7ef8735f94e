"""Random damage to the file: a named error or a finding, or nothing that was written is different. Never a hang, never a change."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from store.integrity.verify import rebuild, verify
from store.location import Neighbours
from store.writer import open_writer
from tests.store.building import whole_run
from tests.store.whole_file import Recorded, real_creation, record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from store.integrity.findings import Report

# The text of a plan beyond what its hash is of, and when it was first used, are not covered by any hash.
_COVERED = (
    "SELECT * FROM run_events ORDER BY event_no",
    "SELECT run_id, pass_index, step_id, attempt, stream, offset, content FROM logs ORDER BY log_id",
    "SELECT plan_hash, document FROM plans",
    "SELECT * FROM runs ORDER BY run_id",
    "SELECT * FROM steps ORDER BY run_id, step_id",
    "SELECT * FROM step_attempts ORDER BY run_id, step_id, attempt",
    "SELECT * FROM stages ORDER BY run_id, stage",
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("damage") / "runs.db")


def contents(path: Path) -> list[object]:
    """Everything that verify answers for."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [connection.execute(sql).fetchall() for sql in _COVERED]


def judge(path: Path) -> Report | StoreError:
    """What verify says of a file, and that it leaves it alone."""
    before = path.read_bytes()
    try:
        return verify(path)
    except StoreError as error:
        return error
    finally:
        assert path.read_bytes() == before


def cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(1, len(content)) :]


def flip(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 1, 3, 20])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def blank(content: bytearray, chance: random.Random) -> None:
    size = chance.choice([16, 512, 4096, 20_000])
    place = chance.randrange(len(content))
    content[place : place + size] = bytes(len(content[place : place + size]))


def noise(content: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(content))
    content[place : place + 300] = chance.randbytes(len(content[place : place + 300]))


def swap_pages(content: bytearray, chance: random.Random) -> None:
    pages = len(content) // 4096
    one, other = (4096 * chance.randrange(pages) for _ in range(2))
    content[one : one + 4096], content[other : other + 4096] = (
        content[other : other + 4096],
        content[one : one + 4096],
    )


def test_random_damage(recorded: Recorded, tmp_path: Path, scaled: Callable[[int], int]) -> None:
    whole = contents(recorded.path)
    original = recorded.path.read_bytes()
    chance = random.Random(3)
    path = tmp_path / "runs.db"
    found = 0
    for number in range(scaled(500)):
        content = bytearray(original)
        chance.choice([cut, flip, flip, blank, noise, swap_pages])(content, chance)
        path.write_bytes(content)
        said = judge(path)
        if isinstance(said, StoreError):
            assert said.place
            found += 1
        elif said.findings:
            found += 1
        else:
            assert contents(path) == whole, f"damage {number} was not found"
        for neighbour in ("runs.db-wal", "runs.db-shm"):
            path.with_name(neighbour).unlink(missing_ok=True)
    assert found > scaled(500) // 3


def test_no_rebuild_on_damage(recorded: Recorded, tmp_path: Path, scaled: Callable[[int], int]) -> None:
    """A rebuild either ends with a sound file or leaves it as it was."""
    original = recorded.path.read_bytes()
    chance = random.Random(5)
    for number in range(scaled(100)):
        path = tmp_path / str(number) / "runs.db"
        path.parent.mkdir()
        content = bytearray(original)
        chance.choice([flip, blank, noise, swap_pages])(content, chance)
        path.write_bytes(content)
        try:
            rebuild(path)
        except StoreError:
            assert path.read_bytes() == content
        else:
            assert verify(path).is_sound
        shutil.rmtree(path.parent)


async def test_random_damage_to_the_log(tmp_path: Path, scaled: Callable[[int], int]) -> None:
    """What the log loses is found through the notes of the engines, even where SQLite is content with what is left."""
    live, path = tmp_path / "live" / "runs.db", tmp_path / "runs.db"
    live.parent.mkdir()
    async with open_writer(live) as writer:
        for _ in range(2):
            created = real_creation(writer.engine_id)
            await writer.create_run(created)
            for portion in whole_run(2):
                await writer.append(created.run_id, portion)
        # As after a crash of the machine: what is in the file, what is in its log, and the note of the engine.
        original, log = live.read_bytes(), Neighbours.of(live).wal.read_bytes()
        note = Neighbours.of(live).engine_lock(writer.engine_id)
        Neighbours.of(path).folder.mkdir()
        shutil.copyfile(note, Neighbours.of(path).engine_lock("of-the-live-file"))
        whole = contents(live)
    chance = random.Random(9)
    found = 0
    for number in range(scaled(200)):
        content = bytearray(log)
        chance.choice([cut, flip, blank, noise])(content, chance)
        path.write_bytes(original)
        Neighbours.of(path).wal.write_bytes(content)
        path.with_name("runs.db-shm").unlink(missing_ok=True)
        said = judge(path)
        if isinstance(said, StoreError) or said.findings:
            found += 1
        else:
            assert contents(path) == whole, f"damage {number} was not found"
    assert found > scaled(200) // 3


def test_a_file_of_another_in_its_place(recorded: Recorded, tmp_path: Path) -> None:
    """Both are sound files of ours; only the notes of the engines tell that this one is not that one."""
    mine, other = record(tmp_path / "mine.db"), record(tmp_path / "other.db")
    shutil.copyfile(other.path, mine.path)
    (finding,) = verify(mine.path).findings
    assert finding.place.startswith("engine-")
