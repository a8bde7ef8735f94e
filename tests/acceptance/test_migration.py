"""A file of runs that another version wrote: an older one is brought up with a copy kept, a newer or a busy one is refused by name."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operator import REPOSITORY, read_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)

FIXTURE = REPOSITORY / "tests" / "store" / "fixtures" / "schema-1.db"
OLD_RUN = "7f3a91c0d5e24b6f8a1b2c3d4e5f6071"
OBJECTS = "SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'"


def version(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def copies(operator: Operator) -> list[Path]:
    return sorted(operator.folder.glob("runs.db.v*"))


def objects(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return set(connection.execute(OBJECTS).fetchall())


@pytest.mark.parametrize("words", [("run", "ci_lookup"), ("asset", "add", "q.sql", "--as", "query/mine")])
def test_the_first_command_that_writes_brings_it_up(operator: Operator, words: tuple[str, ...]) -> None:
    """Reading leaves it as it is; writing keeps a copy, says where, and does what it was asked to; once."""
    shutil.copyfile(FIXTURE, operator.database)
    (operator.folder / "q.sql").write_text("SELECT 1")
    before, made_of = operator.json("show", OLD_RUN), objects(operator.database)
    assert (version(operator.database), copies(operator)) == (1, [])
    answer = operator.run(*words)
    assert answer.code == 0, answer.err
    (copy,) = copies(operator)
    assert str(copy) in answer.err
    assert "schema 1" in answer.err
    assert (version(copy), version(operator.database)) == (1, 2)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert objects(copy) == made_of < objects(operator.database)
    assert operator.json("show", OLD_RUN) == before
    assert operator.json("--db", str(copy), "show", OLD_RUN) == before
    assert str(copy) not in operator.run(*words).err
    assert copies(operator) == [copy]


def test_a_newer_file_is_refused_by_name(operator: Operator) -> None:
    """Reading and writing alike, with exit code 4; not a byte of it changes."""
    shutil.copyfile(FIXTURE, operator.database)
    with closing(sqlite3.connect(operator.database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = operator.database.read_bytes()
    for words in (("runs",), ("show", "last"), ("run", "ci_lookup"), ("ask", "hello"), ("verify",), ("asset", "list")):
        answer = operator.run(*words)
        assert answer.code == 4, words
        answer.one_clear_message()
        assert "99" in answer.err
        assert str(operator.database) in answer.err
    assert operator.database.read_bytes() == before
    assert copies(operator) == []


def test_an_older_file_with_a_living_engine_is_refused_naming_the_run(operator: Operator) -> None:
    """The run goes on to its end undisturbed, readers see it, and the next who writes brings the file up."""
    os.mkfifo(operator.folder / "gate")
    steps = [{"id": "hold", "command": "sh", "args": ["-c", "read x < gate; echo $x"], "output": "text"}]
    plan = operator.plan("gated.json", steps=steps, compose={"said": "{hold.data}"})
    with operator.start("run", plan, "--no-ui", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            read_until(process.stderr, "gated")
            run = operator.json("runs")[0]["run_id"]
            with operator.start("events", run, "-f", "--json", stdout=subprocess.PIPE) as follower:
                try:
                    read_until(follower.stdout, '"attempt.start')
                finally:
                    follower.kill()
            make_old(operator.database, shutil.copyfile(FIXTURE, operator.folder / "old.db"))
            for words in (("run", "ci_lookup"), ("ask", "hello"), ("asset", "add", plan, "--as", "template/x")):
                answer = operator.run(*words)
                assert answer.code == 4, answer.out + answer.err
                answer.one_clear_message()
                assert run in answer.err
            assert operator.json("show", run)["status"] == "running"
            assert (version(operator.database), copies(operator)) == (1, [])
            (operator.folder / "gate").write_text("opened\n")
            out = process.communicate(timeout=20)[0].decode()
        finally:
            process.kill()
    assert (process.returncode, json.loads(out)) == (0, {"said": "opened"})
    assert operator.run("asset", "add", plan, "--as", "template/x").code == 0
    assert (version(operator.database), len(copies(operator))) == (2, 1)
    assert operator.json("show", run)["status"] == "succeeded"
    assert operator.run("verify").code == 0


def make_old(path: Path, old: Path) -> None:
    """Take away what the old file does not have, as if the engine at work with it were of the version before."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for kind, name in sorted(objects(path) - objects(old), reverse=True):
            connection.execute(f"DROP {kind} IF EXISTS {name}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("COMMIT")
    assert objects(path) == objects(old)
