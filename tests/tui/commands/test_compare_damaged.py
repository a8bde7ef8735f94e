"""`opscope compare` with runs among several that cannot be compared: the sound ones are, and the others are named in the report."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

import pytest

from engine.model.event import EventKind
from tests.tui.commands.test_waiting import write
from tests.tui.stories import Story

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Answer, Cli

BASE = tuple(Story(number, ago=9000 - 60 * number).begin().run("fetch").finish("succeeded") for number in range(1, 4))
SOUND = Story(10).begin().run("fetch").finish("succeeded")
OTHER = Story(11).begin().run("fetch").finish("failed")
UNDECIDED = Story(12).begin().start("copy").tell(EventKind.RUN_QUARANTINED, {"uncertain": ["copy"]})
SECOND_UNDECIDED = Story(13).begin().start("copy").tell(EventKind.RUN_QUARANTINED, {"uncertain": ["copy"]})
PAUSED = Story(14).begin().tell(EventKind.RUN_PAUSED, {"reason": "operator"})


@pytest.fixture
def deploys(database: Path) -> Path:
    """The user's database with these runs."""
    write(database, *BASE, SOUND, OTHER, UNDECIDED, SECOND_UNDECIDED, PAUSED)
    return database


def compare(cli: Cli, *candidates: Story, base: tuple[Story, ...] = BASE, words: tuple[str, ...] = ()) -> Answer:
    ids = [one.run_id for one in candidates]
    return cli("compare", *(one.run_id for one in base), "--with", *ids, *words)


def document(answer: Answer) -> dict[str, Any]:
    assert answer.code == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


def harm(database: Path, story: Story, statement: str) -> None:
    """Change what is stored of a run behind everybody's back."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        assert connection.execute(statement, {"run": story.run_id}).rowcount > 0


DAMAGES = {
    "its end of a stage": "UPDATE run_events SET data = '{' WHERE run_id = :run AND kind = 'stage.finished'",
    "its beginning": "UPDATE run_events SET data = '{' WHERE run_id = :run AND seq = 1",
    "its steps": "UPDATE steps SET status = 'odd' WHERE run_id = :run",
}


def test_a_quarantined_one_of_several_is_left_out_and_named(cli: Cli, deploys: Path) -> None:
    found = document(compare(cli, SOUND, UNDECIDED, OTHER, words=("--format", "json")))
    assert found["candidates"] == [SOUND.run_id, OTHER.run_id]
    [note] = found["notes"]
    assert (
        note == f"left out: {UNDECIDED.short} is quarantined, it waits for a decision (opscope why {UNDECIDED.short})"
    )
    assert note in compare(cli, SOUND, UNDECIDED).out
    assert (
        f"left out: {UNDECIDED.short} is quarantined"
        in compare(cli, SOUND, UNDECIDED, words=("--format", "markdown")).out
    )
    suite = Xml.fromstring(compare(cli, SOUND, UNDECIDED, words=("--format", "junit")).out)
    assert note in str(suite.findtext("testcase[@name='verdict']/system-out"))


def test_the_same_in_the_baseline(cli: Cli, deploys: Path) -> None:
    found = document(compare(cli, SOUND, base=(*BASE, UNDECIDED), words=("--format", "json")))
    assert found["baseline"] == [one.run_id for one in BASE]
    assert found["notes"] == [
        f"left out of the baseline: {UNDECIDED.short} is quarantined, it waits for a decision (opscope why {UNDECIDED.short})"
    ]


@pytest.mark.parametrize("which", DAMAGES)
def test_a_damaged_one_of_several_is_left_out_and_named(cli: Cli, deploys: Path, which: str) -> None:
    harm(deploys, OTHER, DAMAGES[which])
    found = document(compare(cli, SOUND, OTHER, words=("--format", "json")))
    assert found["candidates"] == [SOUND.run_id]
    [note] = found["notes"]
    assert note.startswith(f"left out: {OTHER.short} cannot be read: ")


@pytest.mark.parametrize("which", DAMAGES)
def test_a_damaged_run_of_the_baseline_is_left_out_too(cli: Cli, deploys: Path, which: str) -> None:
    harm(deploys, BASE[1], DAMAGES[which])
    found = document(compare(cli, SOUND, words=("--format", "json")))
    assert found["baseline"] == [BASE[0].run_id, BASE[2].run_id]
    assert found["notes"][0].startswith(f"left out of the baseline: {BASE[1].short} cannot be read: ")


@pytest.mark.parametrize("which", DAMAGES)
def test_a_damaged_run_spoils_no_baseline_that_is_chosen(cli: Cli, deploys: Path, which: str) -> None:
    harm(deploys, BASE[1], DAMAGES[which])
    found = document(cli("compare", "--with", SOUND.run_id, "--json"))
    assert found["baseline"] == [BASE[0].run_id, BASE[2].run_id]
    assert any(
        note.startswith(f"left out of the baseline: {BASE[1].short} cannot be read: ") for note in found["notes"]
    )


def test_all_of_them_are_refused(cli: Cli, deploys: Path) -> None:
    for candidates in ((UNDECIDED,), (UNDECIDED, SECOND_UNDECIDED)):
        answer = compare(cli, *candidates)
        assert (answer.code, answer.out) == (2, "")
        cause, place, hint = answer.err.splitlines()
        assert cause == "opscope: the run has not ended: it is quarantined"
        assert place.strip() == UNDECIDED.short
        assert hint.strip() == f"opscope why {UNDECIDED.short} says what it waits for"
    harm(deploys, SOUND, DAMAGES["its end of a stage"])
    answer = compare(cli, SOUND)
    assert (answer.code, answer.out) == (4, "")
    assert SOUND.short in answer.err
    answer = compare(cli, UNDECIDED, SOUND)
    assert (answer.code, answer.out) == (2, "")
    assert compare(cli, OTHER, base=(SOUND,)).code == 4


def test_one_that_goes_on_is_refused_with_the_others(cli: Cli, deploys: Path) -> None:
    answer = compare(cli, SOUND, PAUSED)
    assert (answer.code, answer.out) == (2, "")
    cause, place, hint = answer.err.splitlines()
    assert cause == "opscope: the run has not ended: it is paused"
    assert (place.strip(), hint.strip()) == (PAUSED.short, "compare it when it has")
