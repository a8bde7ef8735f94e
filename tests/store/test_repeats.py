"""A large value stands in a document once: what stands in its other places leads back to it, and nothing else changes."""

from __future__ import annotations

import copy
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from engine.errors import InputError
from engine.model.event import Event, EventKind
from engine.model.states import Stage
from store.exchange.document import TraceDocument
from store.exchange.importing import import_file
from store.integrity.verify import verify
from store.reader import Reader
from store.repeats import Repeats
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
from tests.store.whole_file import exported, moved, real_creation

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import Json, JsonObject

ROWS: Json = [{"row": number, "text": "naïve " * 5} for number in range(3000)]
TEXT = "line of text\n" * 9000
HEAD: Json = {"$blob": "ab" * 32, "size": 3, "prefix": "abc", "at": "/params"}


def size(value: Json) -> int:
    return len(to_json(value))


def at(document: Any, pointer: str) -> Any:
    """What a JSON Pointer leads to, by the rules for those."""
    for name in pointer.split("/")[1:]:
        plain = name.replace("~1", "/").replace("~0", "~")
        document = document[int(plain)] if isinstance(document, list) else document[plain]
    return document


def put_back(document: Any, entries: list[Any]) -> Any:
    """What the rule says that a reader does: places in the order of the lists, each with what its head leads to."""
    for entry in entries:
        for place in entry.pop("$blobs", []):
            holder, _, name = f"/{place}".rpartition("/")
            head = at(entry, f"/{place}")
            value = at(document, head["at"])
            assert (head["$blob"], head["size"]) == (sha256(to_json(value)).hexdigest(), size(value))
            parent = at(entry, holder)
            if isinstance(parent, list):
                parent[int(name)] = value
            else:
                parent[name.replace("~1", "/").replace("~0", "~")] = value
    return document


def whole(document: Any) -> Any:
    """The trace of `show --json` with everything in all its places."""
    document = copy.deepcopy(document)
    return put_back(document, [*document["steps"], *document["stages"]])


def fill(entry: Any, listed: dict[str, Any]) -> None:
    """Put listed values into an entry, as a reader of an exported trace does."""
    for place in entry.pop("$blobs", []):
        holder, _, name = f"/{place}".rpartition("/")
        parent = at(entry, holder)
        key = int(name) if isinstance(parent, list) else name
        assert parent[key].keys() == {"$blob", "size", "prefix"}
        parent[key] = listed[parent[key]["$blob"]]


def listed_in(document: Any) -> dict[str, Any]:
    """The blobs of an exported trace by their hashes, each whole."""
    listed: dict[str, Any] = {}
    for blob in document["blobs"]:
        fill(blob, listed)
        assert sha256(to_json(blob["value"])).hexdigest() == blob["sha256"]
        listed[blob["sha256"]] = blob["value"]
    return listed


def test_the_first_stands_and_the_second_leads_to_it() -> None:
    first: JsonObject = {"in": {"rows": ROWS, "n": 1}}
    second: JsonObject = {"id": "b", "in": {"same": ROWS, "all": {"rows": ROWS, "n": 1}, "small": [1]}}
    repeats = Repeats()
    assert repeats.reduced(first, "/list/0", [("in",)]) is first
    shown = repeats.reduced(second, "/list/1", [("in",)])
    head = {"$blob": sha256(to_json(ROWS)).hexdigest(), "size": size(ROWS), "prefix": to_json(ROWS).decode()[:256]}
    assert shown == {
        "$blobs": ["in/same", "in/all/rows"],
        "id": "b",
        "in": {
            "same": {**head, "at": "/list/0/in/rows"},
            "all": {"rows": {**head, "at": "/list/0/in/rows"}, "n": 1},
            "small": [1],
        },
    }
    assert next(iter(shown)) == "$blobs"
    assert second["in"] == {"same": ROWS, "all": {"rows": ROWS, "n": 1}, "small": [1]}


def test_the_fields_themselves_stay() -> None:
    entry: JsonObject = {"result": {"rows": ROWS}}
    repeats = Repeats()
    repeats.stands({"rows": ROWS}, "/x")
    shown = repeats.reduced(entry, "/y", [("result",), ("not there",)])
    assert isinstance(shown["result"], dict)
    assert shown["$blobs"] == ["result/rows"]


def test_what_is_small_may_stand_again_and_again() -> None:
    limit = "x" * (64 * 1024 - 2)
    repeats = Repeats()
    repeats.stands([limit, limit + "x"], "/x")
    assert repeats.reduced({"in": {"a": limit}}, "", [("in",)]) == {"in": {"a": limit}}
    assert "$blobs" in repeats.reduced({"in": {"a": limit + "x"}}, "", [("in",)])


def test_names_of_all_kinds_are_pointers() -> None:
    entry: JsonObject = {"in": {"a/b~c": [0, ROWS], "": ROWS}}
    document: Any = {"first": ROWS, "list": [entry]}
    repeats = Repeats()
    repeats.stands(ROWS, "/first")
    shown = repeats.reduced(entry, "/list/0", [("in",)])
    assert shown["$blobs"] == ["in/a~1b~0c/1", "in/"]
    document["list"] = [shown]
    assert put_back(document, [shown]) == {"first": ROWS, "list": [entry]}


def test_of_blobs_that_are_listed_the_heads_say_no_place() -> None:
    digest = sha256(to_json(ROWS)).hexdigest()
    entry: JsonObject = {"result": {"data": ROWS, "other": TEXT, "again": TEXT}}
    shown = Repeats([digest]).reduced(entry, "/steps/0", [("result",)])
    assert shown["$blobs"] == ["result/data"]
    assert at(shown, "/result/data").keys() == {"$blob", "size", "prefix"}
    assert at(shown, "/result/again") == TEXT
    assert Repeats([]).reduced(entry, "", [("result",)]) is entry


LARGE = st.sampled_from([ROWS, TEXT, {"rows": ROWS, "n": 1}, [TEXT, TEXT], HEAD, {"$blobs": ["a"], "a": HEAD}])
VALUES = st.recursive(
    LARGE | st.integers() | st.text("a/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a/~$", max_size=2), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["in", "out"]), st.dictionaries(st.text("a/~", max_size=2), VALUES, max_size=3))
    ),
    VALUES,
)
def test_everything_can_be_put_back(entries: list[JsonObject], before: Json) -> None:
    """Whatever values are shared, and however they look."""
    repeats = Repeats()
    repeats.stands(before, "/before")
    shown = [repeats.reduced(entry, f"/list/{place}", [("in",), ("out",)]) for place, entry in enumerate(entries)]
    document: Any = {"before": before, "list": copy.deepcopy(shown)}
    assert len(to_json(document)) <= len(to_json({"before": before, "list": entries})) + 500 * len(entries)
    assert put_back(document, document["list"]) == {"before": before, "list": entries}


async def write(path: Path) -> str:
    """A run with a large value that goes all the way: given out, handed on, composed and presented."""
    async with open_writer(path) as writer:
        made = real_creation(writer.engine_id)
        await writer.create_run(made)
        run_id = made.run_id

        async def add(*events: Event) -> None:
            await writer.append(run_id, events)

        await add(Event(EventKind.RUN_STARTED, NOW_US), stage_started(Stage.EXECUTE), chain_built(3))
        await add(starting(0), ended(0), settled(0, result=ROWS))
        start = starting(1)
        start.data["definition"] = {"type": "python", "callable": "m:f", "args": {"rows": ROWS}}
        await add(start, ended(1, exit_code=1))
        again = starting(1, 2)
        again.data["definition"] = {"type": "python", "callable": "m:f", "args": {"rows": ROWS}}
        await add(again, ended(1, 2), settled(1, result=TEXT))
        await add(starting(2), ended(2), settled(2, result=HEAD, stdout=TEXT))
        await add(stage_finished(Stage.EXECUTE), stage_started(Stage.COMPOSE))
        await add(stage_finished(Stage.COMPOSE, {"rows": ROWS, "own": [TEXT, 1], "n": 3}), stage_started(Stage.PRESENT))
        await add(stage_finished(Stage.PRESENT, {"blocks": [{"type": "table", "rows": ROWS}, {"text": TEXT}]}))
        await add(moved(run_finished(), 0))
    return run_id


@pytest.fixture
async def recorded(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "runs.db"
    return path, await write(path)


async def test_a_trace_has_each_large_value_once(recorded: tuple[Path, str]) -> None:
    path, run_id = recorded
    with Reader.open(path) as reader:
        shown: Any = trace_document(reader, run_id)
        complete: Any = trace_document(reader, run_id, whole=True)
    assert "$blobs" not in json.dumps(complete).replace(json.dumps(HEAD), "")
    assert whole(shown) == complete
    text = to_json(shown).decode()
    assert text.count(to_json(ROWS).decode()) == 1
    # A result is always whole: one of these steps gave it out as data and stdout, the other as stdout.
    assert text.count(to_json(TEXT).decode()) == 3
    steps, stages = shown["steps"], shown["stages"]
    assert [step["result"] for step in steps] == [step["result"] for step in complete["steps"]]
    assert steps[1]["$blobs"] == ["attempts/0/definition/args/rows", "attempts/1/definition"]
    compose, present = stages[1], stages[2]
    assert compose["$blobs"] == ["output/result/rows", "output/result/own/0"]
    assert compose["output"]["result"]["n"] == 3
    assert present["$blobs"] == ["input/previous_output", "output/result/blocks/0/rows", "output/result/blocks/1/text"]
    assert present["input"]["previous_output"]["at"] == "/stages/1/output/result"


async def test_an_exported_trace_has_each_stored_value_once(recorded: tuple[Path, str]) -> None:
    path, run_id = recorded
    text = exported(path, run_id)
    assert text.count(to_json(ROWS).decode()) == text.count(to_json(TEXT).decode()) == 1
    TraceDocument.model_validate_json(text, strict=False)
    document = json.loads(text)
    listed = listed_in(document)
    entries = [*document["stages"], *document["steps"]]
    left_out = {place for entry in entries for place in entry.get("$blobs", ())}
    assert left_out >= {"result/data", "attempts/0/definition", "output/result", "input/previous_output"}
    for entry in entries:
        fill(entry, listed)
    with Reader.open(path) as reader:
        complete = trace_document(reader, run_id, whole=True)
    assert document["stages"] == complete["stages"]
    assert document["steps"] == complete["steps"]
    assert size(document["stages"]) > 2 * size(ROWS)


async def test_an_exported_trace_is_taken_and_comes_out_the_same(recorded: tuple[Path, str], tmp_path: Path) -> None:
    path, run_id = recorded
    text = exported(path, run_id)
    for number, document in enumerate((text, json.dumps(json.loads(text), indent=1))):
        (tmp_path / "run.json").write_text(document)
        other = tmp_path / f"{number}.db"
        import_file(tmp_path / "run.json", other)
        assert verify(other).findings == ()
        assert exported(other, run_id) == text
        with Reader.open(path) as here, Reader.open(other) as there:
            mine, theirs = (trace_document(reader, run_id, whole=True) for reader in (here, there))
        assert (mine["steps"], mine["stages"]) == (theirs["steps"], theirs["stages"])


async def test_a_trace_of_before_is_taken_too(recorded: tuple[Path, str], tmp_path: Path) -> None:
    """With every value wherever it occurs, in the trace and in the blobs."""
    path, run_id = recorded
    document = json.loads(exported(path, run_id))
    listed = listed_in(document)
    assert all("$blobs" not in blob for blob in document["blobs"])
    for entry in (*document["stages"], *document["steps"]):
        fill(entry, listed)
    (tmp_path / "run.json").write_text(json.dumps(document))
    import_file(tmp_path / "run.json", tmp_path / "other.db")
    assert exported(tmp_path / "other.db", run_id) == exported(path, run_id)


def _another(blob: Any, document: Any) -> None:
    at(blob, "/value/args/rows")["$blob"] = "ab" * 32


def _itself(blob: Any, document: Any) -> None:
    at(blob, "/value/args/rows")["$blob"] = blob["sha256"]


def _no_head(blob: Any, document: Any) -> None:
    blob["value"]["args"]["rows"] = 5


def _nowhere(blob: Any, document: Any) -> None:
    blob["$blobs"] = ["value/args/7/rows"]


def _its_own_hash(blob: Any, document: Any) -> None:
    blob["$blobs"] = ["sha256"]


def _whole(blob: Any, document: Any) -> None:
    blob["$blobs"] = []


def _other_text(blob: Any, document: Any) -> None:
    blob["value"]["callable"] = "m:g"


def _moved_up(blob: Any, document: Any) -> None:
    document["blobs"].remove(blob)
    document["blobs"].insert(0, blob)


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (_another, "does not stand before it"),
        (_itself, "does not stand before it"),
        (_moved_up, "does not stand before it"),
        (_no_head, "left out another, and does not say which: value/args/rows"),
        (_nowhere, "left out another, and does not say which: value/args/7/rows"),
        (_its_own_hash, "left out another, and does not say which: sha256"),
        (_whole, "has been changed since it was recorded"),
        (_other_text, "has been changed since it was recorded"),
    ],
)
async def test_a_forged_place_is_refused(recorded: tuple[Path, str], tmp_path: Path, forge: Any, message: str) -> None:
    path, run_id = recorded
    document = json.loads(exported(path, run_id))
    (blob,) = (blob for blob in document["blobs"] if blob.get("$blobs") == ["value/args/rows"])
    forge(blob, document)
    (tmp_path / "run.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=message):
        import_file(tmp_path / "run.json", tmp_path / "other.db")


async def test_values_in_values_in_values_have_an_end(
    recorded: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few heads can stand for more than there is memory: refused before they are put back."""
    path, run_id = recorded
    document = json.loads(exported(path, run_id))
    (blob,) = (blob for blob in document["blobs"] if blob.get("$blobs") == ["value/args/rows"])
    head = at(blob, "/value/args/rows")
    blob["value"] = [dict(head) for _ in range(20)]
    blob["$blobs"] = [f"value/{place}" for place in range(20)]
    (tmp_path / "run.json").write_text(json.dumps(document))
    monkeypatch.setattr("store.exchange.reading.blobs.MOST_VALUE_CHARACTERS", 19 * size(ROWS))
    with pytest.raises(InputError, match="a single value is larger than"):
        import_file(tmp_path / "run.json", tmp_path / "other.db")
