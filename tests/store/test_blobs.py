"""Large values: kept once, whole for whoever asks for the whole, heads for everybody else, and never what a step can forge."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from engine.errors import InputError
from engine.model.event import Event, EventKind
from engine.model.states import Stage
from store import blobs, queries
from store.async_reader import AsyncReader
from store.encoding import encode
from store.errors import DamagedDatabaseError, RefusedEventError
from store.exchange.importing import import_file
from store.integrity.findings import Check
from store.integrity.verify import rebuild, verify
from store.prune import plan_prune, prune
from store.reader import Reader
from store.resume import stored_events
from store.retention import DAY_US, Retention
from store.trace import trace_document
from store.writer import open_writer
from tests.store.building import (
    NOW_US,
    chain_built,
    ended,
    run_finished,
    settled,
    stage_finished,
    stage_started,
    starting,
)
from tests.store.exchange.forging import forged
from tests.store.whole_file import exported, moved, real_creation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.model.json import Json, JsonObject

LARGE: Json = [{"row": number, "text": "naïve " * 5} for number in range(3000)]
NOISE = random.Random(4).randbytes(120_000).hex()
"""Text of which a compressor can make half, at a size above the threshold."""

LOOKS_LIKE_ONE: Json = {"$blob": "ab" * 32, "size": 3, "prefix": "abc"}


async def write(path: Path, *results: Json, at_us: int = NOW_US, stdout: str | None = None) -> str:
    """A run with a step for each result, and what it presents."""
    async with open_writer(path) as writer:
        made = real_creation(writer.engine_id)
        await writer.create_run(made)
        run_id = made.run_id
        await writer.append(run_id, [Event(EventKind.RUN_STARTED, NOW_US), stage_started(Stage.EXECUTE)])
        await writer.append(run_id, [chain_built(len(results))])
        for place, result in enumerate(results):
            await writer.append(run_id, [starting(place)])
            await writer.append(run_id, [ended(place), settled(place, result=result, stdout=stdout)])
        await writer.append(run_id, [stage_finished(Stage.EXECUTE), stage_started(Stage.PRESENT)])
        await writer.append(run_id, [stage_finished(Stage.PRESENT, {"blocks": [{"text": NOISE}]})])
        await writer.append(run_id, [moved(run_finished(), at_us - NOW_US)])
    return run_id


def recorded(path: Path, *results: Json, **more: Any) -> str:
    return asyncio.run(write(path, *results, **more))


def ask(path: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql, parameters).fetchall()


def data_of(reader: Reader, run_id: str, step_id: str) -> Json:
    result = reader.run(queries.step_result(run_id, step_id))
    assert result is not None
    return result["data"]


def test_a_large_value_is_a_head_in_its_event_and_whole_for_who_asks(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    run_id = recorded(path, LARGE, "small")
    with Reader.open(path) as reader:
        rows = [row for row in reader.run(queries.events_page(run_id)) if row.kind is EventKind.STEP_FINISHED]
        assert len(rows[0].data) < 2000
        stored = json.loads(rows[0].data)
        assert stored["$blobs"] == ["data"]
        assert stored["data"]["prefix"].startswith('[{"row":0,"text":"naïve')
        assert stored["data"]["size"] == len(to_json(LARGE))
        assert "$blobs" not in json.loads(rows[1].data)
        assert data_of(reader, run_id, "s0") == LARGE
        assert data_of(reader, run_id, "s1") == "small"
        heads = reader.run(queries.step_result(run_id, "s0", is_whole=False))
        assert heads is not None
        assert (heads["$blobs"], heads["data"]) == (["data"], stored["data"])
        assert [event.data for event in stored_events(reader, run_id) if event.step_id == "s0"][-1]["data"] == LARGE
        presented = reader.run(queries.stage_output(run_id, Stage.PRESENT))
        assert presented is not None
        assert presented["result"] == {"blocks": [{"text": NOISE}]}
        told = reader.run(queries.event_heads(run_id, rows[0].seq, rows[0].seq))[0]
        assert told.data_bytes > len(to_json(LARGE))
    assert verify(path).findings == ()


async def test_the_same_for_the_event_loop(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    run_id = await write(path, LARGE)
    async with await AsyncReader.open(path) as reader:
        result = await reader.run(queries.step_result(run_id, "s0"))
        output = await reader.run(queries.stage_output(run_id, Stage.EXECUTE, inline_bytes=10_000_000))
    assert result is not None
    assert output is not None
    steps = output["result"]
    assert isinstance(steps, dict)
    assert result["data"] == LARGE
    assert steps["s0"] == result


def test_lists_and_heads_never_need_the_values(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    run_id = recorded(path, LARGE, LARGE)
    ask(path, "DELETE FROM blobs")
    with Reader.open(path) as reader:
        assert len(reader.run(queries.steps_page(run_id))) == 2
        assert len(reader.run(queries.runs_page())) == 1
        assert reader.run(queries.event_heads(run_id, 1, 100))
        assert reader.run(queries.happenings(run_id, limit=100))
        assert reader.run(queries.stage_output(run_id, Stage.EXECUTE, inline_bytes=0))
        assert reader.run(queries.step_result(run_id, "s0", is_whole=False))
        with pytest.raises(DamagedDatabaseError, match="a large value is missing"):
            reader.run(queries.step_result(run_id, "s0"))


def test_equal_values_of_many_runs_are_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    for _ in range(3):
        recorded(path, LARGE, LARGE)
    assert ask(path, "SELECT count(*) FROM blobs") == [(2,)]  # that, and what all of them present
    assert ask(path, "SELECT count(*) FROM blob_uses") == [(9,)]
    assert verify(path).findings == ()


def test_only_what_becomes_smaller_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    recorded(path, LARGE, base64.b64encode(random.Random(1).randbytes(150_000)).decode())
    stored = ask(path, "SELECT encoding, length(content) * 1.0 / size_bytes FROM blobs ORDER BY 2")
    assert [encoding for encoding, _ in stored] == ["zlib", "zlib", "plain"]
    assert stored[0][1] < 0.2
    assert stored[2][1] == 1.0


@pytest.mark.parametrize("place", ["data", "stdout", "output/result"])
def test_what_a_step_gives_out_may_look_like_a_head(tmp_path: Path, place: str) -> None:
    path = tmp_path / "runs.db"
    forgery: Json = {"$blobs": [place], place: LOOKS_LIKE_ONE, "deep": [LOOKS_LIKE_ONE]}
    run_id = recorded(path, LOOKS_LIKE_ONE, forgery, [LARGE, forgery])
    with Reader.open(path) as reader:
        assert [data_of(reader, run_id, f"s{number}") for number in range(3)] == [
            LOOKS_LIKE_ONE,
            forgery,
            [LARGE, forgery],
        ]
    assert verify(path).findings == ()


def test_the_key_that_says_what_is_apart_is_refused_from_elsewhere() -> None:
    with pytest.raises(RefusedEventError, match="the store's own"):
        encode("a" * 32, [Event(EventKind.STEP_FINISHED, NOW_US, {"$blobs": ["data"], "data": LOOKS_LIKE_ONE})])


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just(LOOKS_LIKE_ONE)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["$blob", "$blobs", "a"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["data", "stdout", "stderr", "items", "error", "x"]), _VALUES), st.data())
def test_whatever_is_taken_out_comes_back(data: JsonObject, draw: st.DataObject) -> None:
    """Strings above the threshold put in at random."""
    for name in draw.draw(st.lists(st.sampled_from(["data", "stdout", "items", "x"]), unique=True)):
        data[name] = [data.get(name), "ü" * blobs.THRESHOLD_BYTES]
    (encoded,) = encode("a" * 32, [Event(EventKind.STEP_FINISHED, NOW_US, data)])
    contents = {blob.digest: blobs.value_of(blob.digest, *blob.packed()) for blob in encoded.blobs}
    if blobs.has_heads(encoded.data_text):
        assert set(blobs.digests(encoded.data_text)) == contents.keys()
        assert blobs.put_back(encoded.data_text, contents) == data
        assert blobs.fault(EventKind.STEP_FINISHED, None, encoded.data) is None
    else:
        assert (json.loads(encoded.data_text), contents) == (data, {})


def test_the_route_can_be_seen_beside_a_large_answer(tmp_path: Path) -> None:
    """Projections look into what a stage gave; live and rebuilt they see the same."""

    async def route() -> str:
        async with open_writer(tmp_path / "runs.db") as writer:
            made = real_creation(writer.engine_id)
            await writer.create_run(made)
            answer: Json = {"kind": "direct", "confidence": 1.0, "direct": {"text": NOISE}}
            await writer.append(made.run_id, [stage_started(Stage.ROUTE_PLAN)])
            await writer.append(made.run_id, [stage_finished(Stage.ROUTE_PLAN, answer)])
            return made.run_id

    run_id = asyncio.run(route())
    assert ask(tmp_path / "runs.db", "SELECT route FROM runs WHERE run_id = ?", run_id) == [("direct",)]
    assert verify(tmp_path / "runs.db").findings == ()


def test_prune_takes_what_no_run_needs_any_more(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    old = recorded(path, LARGE, ["only here", NOISE], at_us=NOW_US - 40 * DAY_US)
    new = recorded(path, LARGE, at_us=NOW_US)
    (planned,) = plan_prune(path, Retention(30 * DAY_US, None), now_us=NOW_US).runs
    assert planned.size_bytes > 100_000
    prune(path, Retention(30 * DAY_US, None), now_us=NOW_US)
    assert ask(path, "SELECT count(*) FROM blobs") == [(2,)]
    assert ask(path, "SELECT DISTINCT run_id FROM blob_uses") == [(new,)]
    with Reader.open(path) as reader:
        assert reader.run(queries.run_by_id(old)) is None
        assert data_of(reader, new, "s0") == LARGE


def test_a_trace_holds_everything_and_another_file_takes_it(tmp_path: Path) -> None:
    run_id = recorded(tmp_path / "runs.db", LARGE, LARGE, LOOKS_LIKE_ONE, stdout=NOISE)
    document = exported(tmp_path / "runs.db", run_id)
    (tmp_path / "run.json").write_text(document)
    parsed = json.loads(document)
    listed = {blob["sha256"]: blob["value"] for blob in parsed["blobs"]}
    steps = parsed["steps"]
    assert [step["$blobs"] for step in steps] == [["result/data", "result/stdout"]] * 2 + [["result/stdout"]]
    assert [listed[step["result"]["data"]["$blob"]] for step in steps[:2]] == [LARGE, LARGE]
    assert steps[2]["result"]["data"] == LOOKS_LIKE_ONE
    assert len(parsed["blobs"]) == 3
    other = tmp_path / "other.db"
    import_file(tmp_path / "run.json", other)
    assert exported(other, run_id) == document
    assert verify(other).findings == ()
    with Reader.open(tmp_path / "runs.db") as here, Reader.open(other) as there:
        mine, theirs = trace_document(here, run_id), trace_document(there, run_id)
    assert (mine["steps"], mine["stages"]) == (theirs["steps"], theirs["stages"])


def test_a_trace_with_other_spaces_is_taken_too(tmp_path: Path) -> None:
    run_id = recorded(tmp_path / "runs.db", LARGE)
    parsed = json.loads(exported(tmp_path / "runs.db", run_id))
    (tmp_path / "run.json").write_text(json.dumps(parsed, indent=1))
    import_file(tmp_path / "run.json", tmp_path / "other.db")
    with Reader.open(tmp_path / "other.db") as reader:
        assert data_of(reader, run_id, "s0") == LARGE


def _drop(document: dict[str, Any]) -> None:
    del document["blobs"][0]


def _change(document: dict[str, Any]) -> None:
    document["blobs"][0]["value"][7]["row"] = "another"


def _add(document: dict[str, Any]) -> None:
    text = to_json(["not asked for"])
    document["blobs"].append({"sha256": blobs.Blob.of(text).digest, "value": ["not asked for"]})


def _no_value(document: dict[str, Any]) -> None:
    del document["blobs"][0]["value"]


def _head(document: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = next(event["data"] for event in document["events"] if "$blobs" in event["data"])
    return data


def _other_size(document: dict[str, Any]) -> None:
    _head(document)["data"]["size"] += 1


def _other_place(document: dict[str, Any]) -> None:
    data = _head(document)
    data["$blobs"] = ["status"]
    data["status"] = data["data"]


def _no_head(document: dict[str, Any]) -> None:
    _head(document)["data"] = "no head"


def _no_list(document: dict[str, Any]) -> None:
    _head(document)["$blobs"] = 7


def _twice(document: dict[str, Any]) -> None:
    _head(document)["$blobs"] *= 2


def _not_first(document: dict[str, Any]) -> None:
    data = _head(document)
    data["$blobs"] = data.pop("$blobs")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_drop, "a large value is missing"),
        (_change, "a large value has been changed"),
        (_add, "no event of it has the head of"),
        (_no_value, "value: field required"),
        (_other_size, "another size"),
        (_other_place, "it left out a value that it must hold: status"),
        (_no_head, "it left out a value that it must hold: data"),
        (_no_list, "is not said as it must be"),
        (_twice, "twice"),
        (_not_first, "is not said as it must be"),
    ],
)
def test_a_trace_that_does_not_hold_what_its_events_say(
    tmp_path: Path, harm: Callable[[dict[str, Any]], None], words: str
) -> None:
    run_id = recorded(tmp_path / "runs.db", LARGE)
    document = json.loads(exported(tmp_path / "runs.db", run_id))
    harm(document)
    (tmp_path / "run.json").write_text(forged(document))
    with pytest.raises(InputError, match=words):
        import_file(tmp_path / "run.json", tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("harm", "words", "is_sound"),
    [
        ("DELETE FROM blobs WHERE sha256 = (SELECT min(sha256) FROM blobs)", "is missing", False),
        ("UPDATE blobs SET content = content || x'00'", "is not what was written", False),
        ("UPDATE blobs SET content = 'text'", "is not what was written", False),
        ("UPDATE blobs SET size_bytes = size_bytes + 1", "is not what was written", False),
        ("UPDATE blobs SET encoding = iif(encoding = 'zlib', 'plain', 'zlib')", "is not what was written", False),
        (
            f"INSERT INTO blobs VALUES ('{'ab' * 32}', 1, 'plain', x'31')",
            "a large value that no event refers to",
            True,
        ),
    ],
)
def test_verify_finds_values_that_are_missing_changed_or_too_many(
    tmp_path: Path, harm: str, words: str, *, is_sound: bool
) -> None:
    path = tmp_path / "runs.db"
    recorded(path, LARGE)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(harm)
    report = verify(path)
    found = [finding for finding in report.findings if finding.check is Check.BLOBS]
    assert found, report.findings
    assert words in found[0].message
    assert report.is_sound is is_sound


def test_which_event_needs_what_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    run_id = recorded(path, LARGE)
    ask(path, "DELETE FROM blob_uses")
    assert [finding.check for finding in verify(path).findings] == [Check.PROJECTIONS]
    rebuild(path)
    assert verify(path).findings == ()
    with Reader.open(path) as reader:
        assert data_of(reader, run_id, "s0") == LARGE
