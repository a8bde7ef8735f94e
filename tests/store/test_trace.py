"""The documents that programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from store import queries
from store.moments import rfc3339
from store.reader import Reader
from store.trace import event_line, run_head, trace_document
from store.writer import open_writer
from tests.store.building import NOW_US, chain_built, creation, starting, whole_run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from engine.model.json import JsonObject


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncIterator[tuple[Reader, str]]:
    """A run that failed."""
    async with open_writer(tmp_path / "runs.db") as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        for portion in whole_run(3, failing=1):
            await writer.append(made.run_id, portion)
        with Reader.open(writer.path) as reader:
            yield reader, made.run_id


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (NOW_US, "2026-01-01T12:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (None, None),
    ],
)
def test_times_are_utc_to_the_microsecond(at_us: int | None, text: str | None) -> None:
    assert rfc3339(at_us) == text


def part(document: JsonObject, name: str) -> list[JsonObject]:
    value = document[name]
    assert isinstance(value, list)
    return [item for item in value if isinstance(item, dict)]


async def test_the_trace_has_everything(recorded: tuple[Reader, str]) -> None:
    reader, run_id = recorded
    document = json.loads(json.dumps(trace_document(reader, run_id)))
    assert (document["schema_version"], document["run_id"], document["plan_id"]) == (1, run_id, "demo")
    assert (document["status"], document["route"], document["pass_count"]) == ("failed", "plan", 1)
    assert (document["started_at"], document["duration_ms"]) == ("2026-01-01T12:00:00.000000Z", 12_400.0)
    assert document["params"] == {"host": "web-1"}
    assert document["environment"]["os"] == "Linux"
    assert (document["replan_events"], document["applied_assets"]) == ([], {})
    stages = part(document, "stages")
    assert [stage["stage"] for stage in stages] == ["route_plan", "validate", "execute", "compose", "present"]
    assert set(stages[0]) >= {"stage", "pass_index", "status", "duration_ms", "input", "output"}
    steps = part(document, "steps")
    assert [(step["id"], step["status"], len(part(step, "attempts"))) for step in steps] == [
        ("s0", "succeeded", 1),
        ("s1", "failed", 2),
        ("s2", "succeeded", 1),
    ]
    assert set(steps[1]) >= {
        "id", "pass_index", "item_index", "status", "reason", "exit_code", "attempts", "started_at", "duration_ms",
        "reused_from", "orchestration", "result",
    }  # fmt: skip
    assert (steps[1]["reason"], steps[1]["exit_code"], steps[1]["item_index"]) == ("exit_code", 7, None)
    result = steps[2]["result"]
    assert isinstance(result, dict)
    assert (result["data"], result["stdout"]) == ({"rows": [2]}, "text\n")
    assert part(steps[1], "attempts")[0]["definition"] == {
        "type": "command",
        "command": "true",
        "args": [],
        "cwd": None,
    }


async def test_a_result_stands_in_the_trace_once(recorded: tuple[Reader, str]) -> None:
    reader, run_id = recorded
    document = trace_document(reader, run_id)
    output = part(document, "stages")[2]["output"]
    assert isinstance(output, dict)
    results = output["result"]
    assert isinstance(results, dict)
    assert "data" not in json.dumps(results)
    assert isinstance(results["s1"], dict)
    assert results["s1"]["status"] == "failed"


async def test_a_live_run_has_a_trace_too(tmp_path: Path) -> None:
    async with open_writer(tmp_path / "runs.db") as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        await writer.append(made.run_id, [chain_built(2), starting(0)])
        with Reader.open(writer.path) as reader:
            document = trace_document(reader, made.run_id)
    steps = part(document, "steps")
    assert [(step["status"], step["result"]) for step in steps] == [("running", None), ("pending", None)]
    orchestration = steps[1]["orchestration"]
    assert isinstance(orchestration, dict)
    assert orchestration["depends_on"] == ["s0"]


async def test_more_steps_than_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.trace._PAGE", 4)
    async with open_writer(tmp_path / "runs.db") as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        for portion in whole_run(11, failing=5):
            await writer.append(made.run_id, portion)
        with Reader.open(writer.path) as reader:
            document = trace_document(reader, made.run_id)
    steps = part(document, "steps")
    assert [step["id"] for step in steps] == [f"s{place}" for place in range(11)]
    assert [len(part(step, "attempts")) for step in steps] == [1] * 5 + [2] + [1] * 5


async def test_a_run_that_is_not_there(recorded: tuple[Reader, str]) -> None:
    with pytest.raises(InputError, match="no run"):
        trace_document(recorded[0], "0" * 32)


async def test_a_head_is_the_trace_without_its_parts(recorded: tuple[Reader, str]) -> None:
    reader, run_id = recorded
    (row,) = reader.run(queries.runs_page())
    head, document = run_head(row), trace_document(reader, run_id)
    assert head["steps"] == {"total": 3, "done": 3, "failed": 1}
    del head["steps"]
    assert {name: document[name] for name in head} == head


async def test_an_event_is_a_line(recorded: tuple[Reader, str]) -> None:
    reader, run_id = recorded
    for row in reader.run(queries.events_page(run_id, limit=1000)):
        line = event_line(row)
        assert "\n" not in line
        said = json.loads(line)
        assert (said["run_id"], said["seq"], said["kind"], said["at"]) == (
            run_id,
            row.seq,
            row.kind,
            rfc3339(row.at_us),
        )
        assert said["data"] == json.loads(row.data)
        assert ("step_id" in said) == (row.step_id is not None)
