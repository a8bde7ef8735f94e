"""What import refuses: each with one clear error, and the file is as it was."""

from __future__ import annotations

import base64
import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import InputError
from store import queries
from store.exchange.importing import import_file
from store.reader import Reader
from tests.store.exchange.forging import forged
from tests.store.whole_file import OUTPUT, Recorded, exported, record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Document = dict[str, Any]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("exchange") / "runs.db")


def refusal(content: bytes | str, folder: Path) -> InputError:
    document, database = folder / "run.json", folder / "untouched.db"
    document.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as refused:
        import_file(document, database)
    assert not database.exists()
    assert refused.value.place.startswith(str(document))
    assert "\n" not in refused.value.cause
    return refused.value


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 5000,
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"plan_id: not-a-trace\n",
        b"[]",
        b"[" * 100_000,
        b"{}",
        b'{"schema_version": 1}',
        b'{"events": []}',
        b'{"events": [{}]}',
        b'{"events": 7}',
        b'{"logs": {"a": 1}}',
        b'{"schema_version": "one", "run_id": 1, "plan": 1, "events": [], "stages": [], "steps": [], "logs": []}',
        b'{"a": "' + b"\\ud800" * 10 + b'"}',
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_nonsense(content: bytes, tmp_path: Path) -> None:
    assert refusal(content, tmp_path).cause


def _event(document: Document, number: int) -> Document:
    found: Document = document["events"][number]
    return found


CHANGES: dict[str, tuple[Callable[[Document], object], str]] = {
    "newer": (lambda d: d.update(schema_version=2), "a newer opscope wrote this trace (version 2, this one knows 1)"),
    "an event changed": (lambda d: _event(d, 3)["data"].update(x=1), "the chain is broken at event 4"),
    "an envelope changed": (lambda d: _event(d, 3).update(actor="operator:eve"), "the chain is broken at event 4"),
    "a time changed": (
        lambda d: _event(d, 3).update(at="2026-01-01T12:00:00.000001Z"),
        "the chain is broken at event 4",
    ),
    "a hash changed": (lambda d: _event(d, 3).update(hash="0" * 64), "the chain is broken at event 4"),
    "an event missing": (lambda d: d["events"].pop(5), "event 7 follows event 5"),
    "events swapped": (lambda d: d["events"].reverse(), "follows nothing"),
    "the first missing": (lambda d: d["events"].pop(0), "event 2 follows nothing"),
    "an event twice": (lambda d: d["events"].append(d["events"][-1]), "follows event"),
    "the last missing": (lambda d: d["events"].pop(), "the trace says status 'failed', its events say 'running'"),
    "no events": (lambda d: d.update(events=[]), "the trace has no events"),
    "an unknown kind": (lambda d: _event(d, 2).update(kind="run.exploded"), "kind: input should be"),
    "an unknown stage": (lambda d: _event(d, 2).update(stage="cook"), "stage: input should be"),
    "an unknown field": (lambda d: _event(d, 2).update(colour="red"), "colour: extra inputs are not permitted"),
    "a number as text": (lambda d: _event(d, 2).update(seq="3"), "seq: input should be a valid integer"),
    "a number too large": (lambda d: _event(d, 2).update(attempt=2**63), "attempt: input should be less than or equal"),
    "no such moment": (lambda d: _event(d, 2).update(at="2026-02-30T00:00:00.000000Z"), "is no moment in time"),
    "another id": (lambda d: d.update(run_id="0" * 32), "the trace says run_id"),
    "another plan id": (lambda d: d.update(plan_id="other"), "the trace says plan_id"),
    "another plan": (lambda d: d["plan"]["document"]["steps"].pop(), "the plan has been changed since it was recorded"),
    "another plan's text": (
        lambda d: d["plan"].update(source=d["plan"]["source"].replace("true", "rm", 1)),
        "the text of the plan is not of the plan that the run was of",
    ),
    "another hash": (lambda d: d["plan"].update(plan_hash="0" * 64), "the plan is not the one that the run was of"),
    "output changed": (
        lambda d: d["logs"][0].update(text="First line\n"),
        "the stdout of attempt 1 of s0 is not what was",
    ),
    "output overlaps": (lambda d: d["logs"].append(d["logs"][0]), "the stdout of attempt 1 of s0 is not what was"),
    "output of nothing": (lambda d: d["logs"][0].update(attempt=9), "output of attempt 9 of s0, which never began"),
    "output both ways": (lambda d: d["logs"][0].update(base64="eA=="), "either text or base64"),
    "output in no way": (lambda d: d["logs"][0].pop("text"), "either text or base64"),
    "no base64": (lambda d: d["logs"][1].update(base64="%%%"), "neither text nor base64"),
    "a negative offset": (
        lambda d: d["logs"][0].update(offset=-1),
        "offset: input should be greater than or equal to 0",
    ),
    "a stage that is none": (lambda d: d["stages"][0].update(stage="cook"), "stage: input should be"),
    "a step that is none": (lambda d: d["steps"][0].update(status="cooked"), "status: input should be"),
    "no head": (lambda d: d.pop("mode"), "mode: field required"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_document(recorded: Recorded, tmp_path: Path, name: str) -> None:
    change, message = CHANGES[name]
    document = json.loads(exported(recorded.path, recorded.failed))
    change(document)
    assert message in refusal(json.dumps(document), tmp_path).cause


def test_an_engine_whose_name_leads_elsewhere(tmp_path: Path) -> None:
    """The chain fits, since whoever makes a document can make its chain; the name would become part of a path."""
    made = record(tmp_path / "made.db", engine_id="e" * 32)
    document = exported(made.path, made.succeeded).replace("e" * 32, "../../../etc/x")
    assert "the chain is broken at event 1" in refusal(document, tmp_path).cause
    told = refusal(forged(json.loads(document)), tmp_path)
    assert told.cause == "event 1 names an engine that cannot be one: engine_id"


def test_a_run_of_the_same_id_is_left_alone(recorded: Recorded, tmp_path: Path) -> None:
    document = json.loads(exported(recorded.path, recorded.failed))
    document["events"][1]["actor"] = "operator:somebody-else"
    path = tmp_path / "other.json"
    path.write_text(forged(document))
    before = exported(recorded.path, recorded.failed)
    with pytest.raises(InputError, match="already, and it is not this one") as refused:
        import_file(path, recorded.path)
    assert refused.value.hint
    assert exported(recorded.path, recorded.failed) == before


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, message in [("missing", "there is no such file"), (".", "this is a folder"), ("pipe", "no regular file")]:
        with pytest.raises(InputError, match=message):
            import_file(tmp_path / name, tmp_path / "untouched.db")
    assert not (tmp_path / "untouched.db").exists()


def test_cut_short_anywhere(recorded: Recorded, tmp_path: Path, scaled: Callable[[int], int]) -> None:
    content = exported(recorded.path, recorded.failed).encode()
    chance = random.Random(7)
    for _ in range(scaled(200)):
        refusal(content[: chance.randrange(len(content.rstrip()))], tmp_path)


def test_random_damage(recorded: Recorded, tmp_path: Path, scaled: Callable[[int], int]) -> None:
    """Either the damage is in what nobody needs, or it is refused; never a traceback, never another run."""
    content = exported(recorded.path, recorded.failed).encode()
    chance = random.Random(11)
    original = json.loads(content)["events"]
    for number in range(scaled(500)):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        document, database = tmp_path / "run.json", tmp_path / f"{number}.db"
        document.write_bytes(damaged)
        try:
            import_file(document, database)
        except InputError:
            assert not database.exists()
        else:
            with Reader.open(database) as reader:
                events = reader.run(queries.events_page(recorded.failed, limit=1000))
            assert [event.hash for event in events] == [event["hash"] for event in original]


def test_binary_output_survives(recorded: Recorded) -> None:
    logs = json.loads(exported(recorded.path, recorded.failed))["logs"]
    assert base64.b64decode(logs[1]["base64"]) == OUTPUT[1]
