"""Query steps: rows as data, what a query may not do, and that a stuck one ends in time."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.model.bound import BoundSql, SecretName, SecretText
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.capture import CaptureLimits
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from engine.steps.supervisor import StopTiming
from tests.engine.steps.support import RecordingObserver, RunningClock, attempt, open_descriptors, query

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.model.result import AttemptOutcome
    from engine.ports import AttemptSpec, ProcessIdentity

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"


async def run(
    spec: AttemptSpec, *, limits: CaptureLimits | None = None, secrets: SecretBox | None = None
) -> AttemptOutcome:
    """Run the query with a short grace."""
    executor = LocalExecutor(
        secrets or SecretBox(), RunningClock(), limits or CaptureLimits(), timing=StopTiming(grace_sec=2.0)
    )
    return await executor.run(spec, RecordingObserver())


def _names(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("select name from host order by name")]


@pytest.mark.parametrize(
    ("output", "data"),
    [
        (
            OutputFormat.JSON,
            {
                "columns": ["name", "size", "size_2", "note", "1.5"],
                "rows": [
                    {"name": "a", "size": 1, "size_2": 1, "note": None, "1.5": 1.5},
                    {"name": "b", "size": 2, "size_2": 2, "note": {"base64": "AP8="}, "1.5": 1.5},
                ],
                "row_count": 2,
            },
        ),
        (OutputFormat.LINES, ["a\t1\t1\t\t1.5", "b\t2\t2\tAP8=\t1.5"]),
        (OutputFormat.TEXT, "a\t1\t1\t\t1.5\nb\t2\t2\tAP8=\t1.5"),
        (OutputFormat.NONE, None),
    ],
)
async def test_rows_as_data(inventory: Path, output: OutputFormat, data: object) -> None:
    outcome = await run(query("select name, size, size, note, 1.5 from host", inventory, output=output))
    assert (outcome.status, outcome.counts) == (StepStatus.SUCCEEDED, {"rows": 2})
    assert outcome.data == data


async def test_no_rows_still_have_columns(inventory: Path) -> None:
    outcome = await run(query("select name from host where 0", inventory))
    assert outcome.data == {"columns": ["name"], "rows": [], "row_count": 0}


async def test_odd_values(inventory: Path) -> None:
    text = "select 9e999 a, -9e999 b, cast(x'ff41' as text) c, 9223372036854775807 d, 'x' || char(0) || 'y' e"
    outcome = await run(query(text, inventory))
    assert outcome.data == {
        "columns": ["a", "b", "c", "d", "e"],
        "rows": [{"a": "inf", "b": "-inf", "c": "\ufffdA", "d": 2**63 - 1, "e": "x\0y"}],
        "row_count": 1,
    }


async def test_binds_of_every_kind(inventory: Path) -> None:
    outcome = await run(
        query(
            "select :a a, @b b, $c c, :d d, :e e, ':f' -- :g\n/* :h */",
            inventory,
            a=True,
            b=None,
            c="x'; drop table host",
            d=[1, {"k": "v"}],
            e=1.5,
            output=OutputFormat.LINES,
        )
    )
    assert outcome.data == ['1\t\tx\'; drop table host\t[1,{"k":"v"}]\t1.5\t:f']


@pytest.mark.parametrize(
    ("text", "binds", "words"),
    [
        ("select :host, :limit", {"host": "a"}, "asks for :limit, which args does not give; args has host"),
        ("select :host", {}, "asks for :host, which args does not give; args is empty"),
        ("select 1", {"host": "a"}, "args gives host, which the query does not ask for; write it as :host"),
        ("select ?", {}, "has a ? in it; name its values"),
        ("select :n", {"n": 2**63}, "the value of :n is too large for SQLite"),
        ("select :n", {"n": "\ud800"}, "cannot be stored"),
        (" -- nothing\n;", {}, "the query is empty"),
        ("select 1; select 2", {}, "a step runs one statement"),
        ("select nope from host", {}, "the query failed: no such column: nope"),
        ("selec 1", {}, 'the query failed: near "selec": syntax error'),
        ("attach 'x.db' as x", {}, "ATTACH and DETACH are refused"),
        ("vacuum into 'x.db'", {}, "cannot VACUUM from within a transaction"),
        ("begin", {}, "a step is one transaction already"),
        ("commit", {}, "a step is one transaction already"),
        ("select load_extension('x')", {}, "the function load_extension is refused"),
        ("insert into host values ('c', 3, null)", {}, "the step reads only"),
        ("update sqlite_master set name = 'x'", {}, "may not be modified"),
        ("create temp table t (a)", {}, "the step reads only"),
        ("pragma user_version = 3", {}, "PRAGMA user_version can change"),
        ("pragma writable_schema", {}, "PRAGMA writable_schema can change"),
        ("select zeroblob(100000000)", {}, "a value is larger than 64 MiB"),
    ],
)
async def test_what_a_query_may_not_do(inventory: Path, text: str, binds: JsonObject, words: str) -> None:
    before = inventory.read_bytes()
    definition = BoundSql(str(inventory), text, binds)
    outcome = await run(attempt(definition, inventory.parent, output=OutputFormat.JSON))
    assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.QUERY_FAILED)
    assert words in outcome.message
    assert inventory.read_bytes() == before
    assert [path.name for path in inventory.parent.iterdir()] == [inventory.name]


@pytest.mark.parametrize(
    "text", ["pragma table_info(host)", "select * from pragma_table_info('host')", "pragma user_version"]
)
async def test_reading_about_the_database_is_allowed(inventory: Path, text: str) -> None:
    with closing(sqlite3.connect(inventory)) as connection, connection:
        connection.execute("create virtual table box using rtree(id, x0, x1)")
        connection.execute("create virtual table words using fts5(word)")
    outcome = await run(query(text, inventory))
    assert (outcome.status, outcome.message) == (StepStatus.SUCCEEDED, "")


@pytest.mark.parametrize(
    "text", ["attach 'x.db' as x", "attach ':memory:' as x", "commit", "select load_extension('x')"]
)
async def test_what_a_writing_query_may_not_do_either(inventory: Path, text: str) -> None:
    outcome = await run(query(text, inventory, read_only=False))
    assert outcome.reason is Reason.QUERY_FAILED
    assert "refused" in outcome.message


async def test_a_step_that_may_write_writes(inventory: Path) -> None:
    text = "insert into host values (:name, 3, null), ('d', 4, null) returning name"
    outcome = await run(query(text, inventory, read_only=False, name="c", output=OutputFormat.LINES))
    assert (outcome.status, outcome.data) == (StepStatus.SUCCEEDED, ["c", "d"])
    assert outcome.counts == {"rows": 2, "changed": 2}
    assert _names(inventory) == ["a", "b", "c", "d"]


async def test_a_step_with_too_much_to_return_has_written_nothing(inventory: Path) -> None:
    text = "insert into host values ('c', 3, null), ('d', 4, null) returning name"
    outcome = await run(query(text, inventory, read_only=False), limits=CaptureLimits(sql_rows=1))
    assert outcome.reason is Reason.OUTPUT_TOO_LARGE
    assert _names(inventory) == ["a", "b"]


async def test_a_query_may_have_a_cap_of_its_own(inventory: Path) -> None:
    text = "with recursive n(i) as (select 1 union all select i + 1 from n limit 200) select i, 'padding' from n"
    small = CaptureLimits(sql_bytes=2000)
    outcome = await run(replace(query(text, inventory), max_output_bytes=20_000), limits=small)
    assert (outcome.status, outcome.counts) == (StepStatus.SUCCEEDED, {"rows": 200})
    outcome = await run(replace(query(text, inventory), max_output_bytes=1000))
    assert outcome.reason is Reason.OUTPUT_TOO_LARGE
    assert outcome.message.startswith("the rows come to more than 1000 bytes; ")
    assert outcome.message.endswith("for instance with LIMIT, or raise max_output_bytes")


@pytest.mark.parametrize("limits", [CaptureLimits(sql_rows=50), CaptureLimits(sql_bytes=2000)])
async def test_too_much_is_refused_before_it_is_all_read(inventory: Path, limits: CaptureLimits) -> None:
    text = "with recursive n(i) as (select 1 union all select i + 1 from n) select i, 'padding' from n"
    outcome = await run(query(text, inventory), limits=limits)
    assert outcome.reason is Reason.OUTPUT_TOO_LARGE
    assert "LIMIT" in outcome.message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.db", "there is no database"),
        (".", "is a folder"),
        ("text.db", "is no SQLite database"),
        ("nul\0.db", "there is no database"),
        (":memory:", "there is no database"),
    ],
)
async def test_a_database_that_is_none(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "text.db").write_text("hello " * 1000)
    before = open_descriptors()
    for read_only in (True, False):
        definition = BoundSql(name, "select * from sqlite_master", read_only=read_only)
        outcome = await run(attempt(definition, tmp_path, output=OutputFormat.JSON))
        assert outcome.reason is Reason.QUERY_FAILED
        assert words in outcome.message
    assert [path.name for path in tmp_path.iterdir()] == ["text.db"]
    assert open_descriptors() == before


async def test_an_endless_query_ends_at_its_time_limit(inventory: Path) -> None:
    before = open_descriptors()
    outcome = await run(query(ENDLESS, inventory, timeout_sec=0.1))
    assert (outcome.status, outcome.reason) == (StepStatus.FAILED, Reason.TIMED_OUT)
    assert outcome.message == "timed out after 0.1 s"
    assert open_descriptors() == before
    assert not any(thread.name == "opscope-query" for thread in threading.enumerate())


async def test_a_query_is_broken_off_where_it_does_not_ask(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two questions whether it is to stop, a query may do much: it is interrupted, and not only asked to end."""
    monkeypatch.setattr("engine.steps.query._PROGRESS_STEPS", 2**31 - 1)
    before = open_descriptors()
    outcome = await run(query(ENDLESS, inventory, timeout_sec=0.1))
    assert outcome.reason is Reason.TIMED_OUT
    assert open_descriptors() == before
    assert not any(thread.name == "opscope-query" for thread in threading.enumerate())


async def test_an_endless_write_ends_and_has_written_nothing(inventory: Path) -> None:
    text = "insert into host with recursive n(i) as (select 1 union all select i + 1 from n) select i, i, i from n"
    outcome = await run(query(text, inventory, timeout_sec=0.1, read_only=False))
    assert outcome.reason is Reason.TIMED_OUT
    assert _names(inventory) == ["a", "b"]


async def test_a_locked_database_is_waited_for_until_the_time_is_over(inventory: Path) -> None:
    with closing(sqlite3.connect(inventory, isolation_level=None)) as other:
        other.execute("begin exclusive")
        outcome = await run(query("delete from host", inventory, timeout_sec=0.3, read_only=False))
        other.execute("rollback")
    assert outcome.reason is Reason.TIMED_OUT
    assert _names(inventory) == ["a", "b"]


async def test_cancel_stops_the_query(inventory: Path) -> None:
    before = open_descriptors()
    has_started = asyncio.Event()

    class Observer(RecordingObserver):
        async def started(self, process: ProcessIdentity | None) -> None:
            has_started.set()

    executor = LocalExecutor(SecretBox(), RunningClock())
    task = asyncio.create_task(executor.run(query(ENDLESS, inventory), Observer()))
    await has_started.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert open_descriptors() == before


async def test_a_stuck_query_does_not_hold_others_up(inventory: Path) -> None:
    executor = LocalExecutor(SecretBox(), RunningClock())
    stuck = [asyncio.create_task(executor.run(query(ENDLESS, inventory), RecordingObserver())) for _ in range(3)]
    outcome = await executor.run(query("select 1", inventory), RecordingObserver())
    assert outcome.status is StepStatus.SUCCEEDED
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)


async def test_secrets_are_bound_and_masked(inventory: Path) -> None:
    definition = BoundSql(
        str(inventory), "select :token as t, length(:token) as n", {"token": SecretText((SecretName("token"),))}
    )
    spec = attempt(definition, inventory.parent, output=OutputFormat.JSON)
    outcome = await run(spec, secrets=SecretBox({"token": "supersecret"}))
    assert outcome.data == {"columns": ["t", "n"], "rows": [{"t": "***", "n": 11}], "row_count": 1}
