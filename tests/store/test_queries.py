"""What the reader answers, on files that a real writer made."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.event import Event, EventKind
from engine.model.states import DiagnosticsStatus, Reason, RouteKind, RunStatus, Stage, StageStatus, StepStatus, Stream
from store import queries
from store.async_reader import AsyncReader
from store.errors import DamagedDatabaseError, NewerDatabaseError
from store.queries import RunCursor, RunFilter, RunOrder, RunSort, StepCursor
from tests.store.building import (
    NOW_US,
    chain_built,
    creation,
    log_chunk,
    run_finished,
    settled,
    stage_started,
    started,
    starting,
    waiting,
    whole_run,
)

if TYPE_CHECKING:
    from store.reader import Reader
    from store.rows import LogRow
    from store.writer import Writer


async def record(writer: Writer, steps: int = 3, *, failing: int | None = None, plan_id: str = "demo") -> str:
    """A whole run."""
    made = creation(writer.engine_id, plan_id=plan_id)
    await writer.create_run(made)
    for portion in whole_run(steps, failing=failing):
        await writer.append(made.run_id, portion)
    return made.run_id


# Runs


@pytest.mark.parametrize(
    ("event", "stands_still"),
    [
        (Event(EventKind.RUN_QUARANTINED, NOW_US + 5, {"reason": "engine_lost"}), True),
        (Event(EventKind.RUN_PAUSED, NOW_US + 5, {"reason": "engine_lost"}), True),
        (Event(EventKind.RUN_PAUSED, NOW_US + 5, {"reason": "operator"}), False),
    ],
)
async def test_since_when_a_run_stands_still(writer: Writer, reader: Reader, event: Event, stands_still: bool) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    unlocked = Event(EventKind.LOCK_RELEASED, NOW_US + 9, {"names": ["a"]})
    await writer.append(made.run_id, [Event(EventKind.RUN_STARTED, NOW_US), event, unlocked])
    row = reader.run(queries.run_by_id(made.run_id))
    assert row is not None
    assert row.stood_still_at_us == (NOW_US + 5 if stands_still else None)
    await writer.append(made.run_id, [Event(EventKind.RUN_RESUMED, NOW_US + 12)])
    row = reader.run(queries.run_by_id(made.run_id))
    assert row is not None
    assert row.stood_still_at_us is None


async def test_the_head_of_a_run(writer: Writer, reader: Reader) -> None:
    run_id = await record(writer, 3, failing=1)
    row = reader.run(queries.run_by_id(run_id))
    assert row is not None
    assert (row.run_id, row.plan_id, row.plan_version, row.status) == (run_id, "demo", "1.0", RunStatus.FAILED)
    assert (row.route, row.stage, row.pass_index) == (RouteKind.PLAN, Stage.PRESENT, 0)
    assert (row.steps_total, row.steps_done, row.steps_failed, row.warnings) == (3, 3, 1, 1)
    assert (row.created_at_us, row.started_at_us, row.finished_at_us) == (NOW_US, NOW_US, NOW_US + 12_400_000)
    assert (row.duration_us, row.workdir, row.params) == (12_400_000, "/srv/ops", {"host": "web-1"})
    assert row.first_cause == {"stage": "execute", "step_id": "s1", "reason": "exit_code", "message": "exit 7"}
    assert (row.owner_engine, row.owner_epoch) == (writer.engine_id, 1)
    assert row.last_seq == len(reader.run(queries.events_page(run_id, limit=1000)))


async def test_a_live_run_has_no_end(writer: Writer, reader: Reader) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    row = reader.run(queries.last_run())
    assert row is not None
    assert (row.status, row.stage, row.duration_us, row.first_cause) == (RunStatus.PENDING, None, None, None)
    assert reader.run(queries.live_engines()) == {writer.engine_id: 1}
    assert reader.run(queries.live_runs()) == [row]


@pytest.fixture
async def many(writer: Writer) -> list[str]:
    """Runs of several plans, the newest first; some at the same moment."""
    ids = []
    for number in range(30):
        plan_id = ("ci-lookup", "safe_merge", "safeXmerge", "100%")[number % 4]
        made = creation(writer.engine_id, f"{number:032x}", plan_id=plan_id, at_us=NOW_US + number // 3)
        await writer.create_run(made)
        if number % 5 == 0:
            await writer.append(made.run_id, [run_finished("failed")])
        ids.append(made.run_id)
    return ids[::-1]


async def test_pages_follow_each_other_without_gap_or_double(reader: Reader, many: list[str]) -> None:
    seen: list[str] = []
    cursor = None
    while page := reader.run(queries.runs_page(after=cursor, limit=7)):
        seen += [row.run_id for row in page]
        cursor = RunCursor.of(page[-1])
    assert seen == many
    assert [row.run_id for row in reader.run(queries.runs_page(offset=12, limit=5))] == many[12:17]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (RunFilter(), lambda n: True),
        (RunFilter(statuses=frozenset([RunStatus.FAILED])), lambda n: n % 5 == 0),
        (RunFilter(statuses=frozenset([RunStatus.FAILED, RunStatus.PENDING])), lambda n: True),
        (RunFilter(plans=("ci-*",)), lambda n: n % 4 == 0),
        (RunFilter(plans=("CI-lookup",)), lambda n: n % 4 == 0),
        (RunFilter(plans=("ci",)), lambda n: False),
        (RunFilter(plans=("safe_merge",)), lambda n: n % 4 == 1),
        (RunFilter(plans=("safe?merge",)), lambda n: n % 4 in (1, 2)),
        (RunFilter(plans=("1*", "safe_*")), lambda n: n % 4 in (1, 3)),
        (RunFilter(words=("merge",)), lambda n: n % 4 in (1, 2)),
        (RunFilter(words=("merge", "failed")), lambda n: n % 4 in (1, 2) and n % 5 == 0),
        (RunFilter(words=("%",)), lambda n: n % 4 == 3),
        (RunFilter(words=("_",)), lambda n: n % 4 == 1),
        (RunFilter(words=("\\",)), lambda n: False),
        (RunFilter(words=("' OR 1=1 --",)), lambda n: False),
        (RunFilter(frozenset([RunStatus.FAILED]), ("safe*",), ("MERGE",)), lambda n: n % 5 == 0 and n % 4 in (1, 2)),
    ],
)
async def test_filters_take_words_as_words(
    reader: Reader, many: list[str], chosen: RunFilter, expected: object
) -> None:
    wanted = [run_id for run_id in many if expected(int(run_id, 16))]  # type: ignore[operator]
    assert [row.run_id for row in reader.run(queries.runs_page(chosen, limit=100))] == wanted
    assert reader.run(queries.run_total(chosen)) == len(wanted)


async def test_all_runs_are_counted_by_status(reader: Reader, many: list[str]) -> None:
    counts = reader.run(queries.run_counts())
    by_status = Counter(row.status for row in reader.run(queries.runs_page(limit=len(many))))
    assert (counts.total, counts.by_status) == (len(many), by_status)
    assert len(by_status) > 1


async def test_a_run_is_found_by_the_beginning_of_its_id(reader: Reader, many: list[str]) -> None:
    assert [row.run_id for row in reader.run(queries.runs_by_prefix(f"{17:032x}"))] == [f"{17:032x}"]
    assert len(reader.run(queries.runs_by_prefix("0000", limit=100))) == 30
    assert len(reader.run(queries.runs_by_prefix("0" * 30 + "1", limit=100))) == 14
    for other in ("ffff", "0000%", "", "_", "g", "0" * 65):
        assert reader.run(queries.runs_by_prefix(other)) == []


async def test_the_last_run_of_a_plan(reader: Reader, many: list[str]) -> None:
    last = reader.run(queries.last_run())
    assert last is not None
    assert last.run_id == many[0]
    last = reader.run(queries.last_run("ci-lookup"))
    assert last is not None
    assert last.run_id == f"{28:032x}"
    assert reader.run(queries.last_run("nothing")) is None


async def test_the_plan_of_a_run(writer: Writer, reader: Reader) -> None:
    plan = reader.run(queries.plan_of(await record(writer)))
    assert plan is not None
    assert (plan.plan_id, plan.source) == ("demo", "plan_id: demo\n")
    assert reader.run(queries.plan_of("0" * 32)) is None


# Stages


async def test_stages_come_in_the_order_in_which_they_run(writer: Writer, reader: Reader) -> None:
    rows = reader.run(queries.stages_of(await record(writer)))
    assert [row.stage for row in rows] == list(Stage)
    assert {row.status for row in rows} == {StageStatus.SUCCEEDED}
    assert {row.diagnostics_status for row in rows} == {DiagnosticsStatus.OK}
    assert {row.duration_us for row in rows} == {1500}


async def test_a_stage_is_given_what_the_one_before_it_made(writer: Writer, reader: Reader) -> None:
    run_id = await record(writer, 2)

    def previous(stage: Stage) -> object:
        given = reader.run(queries.stage_input(run_id, stage))
        assert given is not None
        assert given["stage"] == stage.value
        return given["previous_output"]

    assert previous(Stage.ROUTE_PLAN) is None
    assert previous(Stage.VALIDATE) == {"kind": "plan", "confidence": 1.0}
    assert previous(Stage.EXECUTE) == {"faults": []}
    assert previous(Stage.PRESENT) == {"summary": "ok"}
    results = previous(Stage.COMPOSE)
    assert isinstance(results, dict)
    assert list(results) == ["s0", "s1"]
    assert results["s1"]["data"] == {"rows": [1]}


async def test_the_output_of_execute_is_put_together_again(writer: Writer, reader: Reader) -> None:
    run_id = await record(writer, 2)
    output = reader.run(queries.stage_output(run_id, Stage.EXECUTE))
    assert output is not None
    trace = output["orchestration_trace"]
    assert isinstance(trace, dict)
    assert trace["tool_ids"] == ["s0", "s1"]
    assert output["diagnostics"]
    results = output["result"]
    assert isinstance(results, dict)
    assert results["s0"] == {
        "status": "succeeded",
        "reason": None,
        "message": "",
        "exit_code": 0,
        "data": {"rows": [0]},
        "stdout": "text\n",
        "stderr": "",
        "attempts": 1,
        "counts": {},
    }


async def test_execute_can_be_watched_while_it_runs(writer: Writer, reader: Reader) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    assert reader.run(queries.stage_output(made.run_id, Stage.EXECUTE)) is None
    assert reader.run(queries.stage_input(made.run_id, Stage.EXECUTE)) is None
    await writer.append(
        made.run_id, [stage_started(Stage.EXECUTE), chain_built(3), starting(0), settled(0), starting(1)]
    )
    output = reader.run(queries.stage_output(made.run_id, Stage.EXECUTE))
    assert output is not None
    around = reader.run(queries.stage_output(made.run_id, Stage.EXECUTE, with_steps=False))
    assert around == {key: value for key, value in output.items() if key != "result"}
    assert around["orchestration_trace"]
    results = output["result"]
    assert isinstance(results, dict)
    assert {step_id: result["status"] for step_id, result in results.items() if isinstance(result, dict)} == {
        "s0": "succeeded",
        "s1": "running",
        "s2": "pending",
    }
    assert "diagnostics" not in output


async def test_large_results_stand_as_heads(writer: Writer, reader: Reader) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    await writer.append(made.run_id, [stage_started(Stage.EXECUTE), chain_built(3)])
    await writer.append(made.run_id, [settled(0), settled(1, result="x" * 500_000), settled(2)])
    output = reader.run(queries.stage_output(made.run_id, Stage.EXECUTE))
    assert output is not None
    results = output["result"]
    assert isinstance(results, dict)
    assert [
        ("data" in result, "omitted_bytes" in result) for result in results.values() if isinstance(result, dict)
    ] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    whole = reader.run(queries.step_result(made.run_id, "s1"))
    assert whole is not None
    assert whole["data"] == whole["stdout"] == "x" * 500_000


# Steps


async def test_steps_come_in_execution_order_by_pages(writer: Writer, reader: Reader) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    await writer.append(made.run_id, [chain_built(25), starting(0), settled(0), starting(1), waiting(1)])
    seen: list[str] = []
    cursor = None
    while page := reader.run(queries.steps_page(made.run_id, after=cursor, limit=10)):
        seen += [row.step_id for row in page]
        cursor = StepCursor.of(page[-1])
    assert seen == [f"s{place}" for place in range(25)]
    assert reader.run(queries.step_counts(made.run_id)) == {
        StepStatus.SUCCEEDED: 1,
        StepStatus.WAITING: 1,
        StepStatus.PENDING: 23,
    }
    some = reader.run(queries.steps_page(made.run_id, statuses=[StepStatus.WAITING, StepStatus.SUCCEEDED]))
    assert [row.step_id for row in some] == ["s0", "s1"]
    row = reader.run(queries.step_by_id(made.run_id, "s3"))
    assert row is not None
    assert (row.depends_on, row.item_index, row.attempts) == (("s2",), None, 0)


async def test_what_a_step_says_of_itself(writer: Writer, reader: Reader) -> None:
    run_id = await record(writer, 2, failing=1)
    row = reader.run(queries.step_by_id(run_id, "s1"))
    assert row is not None
    assert (row.status, row.reason, row.message, row.exit_code) == (StepStatus.FAILED, Reason.EXIT_CODE, "exit 7", 7)
    assert (row.attempts, row.started_at_us, row.duration_us) == (2, NOW_US, 1600)
    attempts = reader.run(queries.attempts_of(run_id, "s1"))
    assert [(attempt.attempt, attempt.status, attempt.exit_code) for attempt in attempts] == [
        (1, StepStatus.FAILED, 7),
        (2, StepStatus.FAILED, 7),
    ]
    assert attempts[0].starting["tool_type"] == "command"
    assert attempts[0].finished is not None
    assert attempts[0].finished["message"] == "exit 7"


async def test_an_attempt_that_runs_has_no_end(writer: Writer, reader: Reader) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    await writer.append(made.run_id, [chain_built(1), starting(0), started(0)])
    (attempt,) = reader.run(queries.attempts_of(made.run_id, "s0"))
    assert (attempt.status, attempt.finished, attempt.finished_at_us) == (StepStatus.RUNNING, None, None)
    assert reader.run(queries.step_result(made.run_id, "s0")) is None


# Events and output


async def test_events_are_followed_by_run_and_by_file(writer: Writer, reader: Reader) -> None:
    first, second = await record(writer, 1), await record(writer, 1)
    own = reader.run(queries.events_page(first, limit=1000))
    assert own[0].kind is EventKind.RUN_CREATED
    assert reader.run(queries.events_page(first, after_seq=3, limit=2)) == own[3:5]
    assert reader.run(queries.last_events(first, limit=3)) == own[-3:]
    assert reader.run(queries.last_events(first, before_seq=5, limit=2)) == own[2:4]
    everything = reader.run(queries.events_after(0, limit=1000))
    assert everything[: len(own)] == own
    assert {row.run_id for row in everything} == {first, second}
    newest = reader.run(queries.last_event_no())
    assert newest == everything[-1].event_no
    assert reader.run(queries.events_after(newest)) == []


async def test_output_is_followed_by_run_and_by_step(writer: Writer, reader: Reader) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    for number in range(10):
        stream = Stream.STDERR if number % 5 == 0 else Stream.STDOUT
        chunk = log_chunk(b"%d\n" % number, number % 2, offset=number, stream=stream)
        await writer.append_logs(made.run_id, [chunk])
    await writer.append(made.run_id, [stage_started(Stage.EXECUTE)])

    def contents(query: queries.Query[list[LogRow]]) -> bytes:
        return b"".join(row.content.strip() for row in reader.run(query))

    assert contents(queries.logs_page(made.run_id)) == b"0123456789"
    assert contents(queries.logs_page(made.run_id, "s1")) == b"13579"
    assert contents(queries.logs_page(made.run_id, stream=Stream.STDERR)) == b"05"
    assert contents(queries.logs_page(made.run_id, "s1", stream=Stream.STDERR)) == b"5"
    assert contents(queries.last_logs(made.run_id, limit=3)) == b"789"
    (third,) = reader.run(queries.last_logs(made.run_id, "s0", limit=1, before_log_id=6))
    assert third.content == b"4\n"
    assert contents(queries.logs_page(made.run_id, "s0", after_log_id=third.log_id)) == b"68"


# Reading without holding


async def test_a_reader_holds_nothing(writer: Writer, reader: Reader) -> None:
    """A half-read cursor would pin the log: after any query the log can be emptied."""
    run_id = await record(writer, 5)
    asked: list[queries.Query[Any]] = [
        queries.runs_page(limit=1),
        queries.run_by_id(run_id),
        queries.stage_output(run_id, Stage.EXECUTE),
        queries.events_page(run_id, limit=1),
    ]
    for query in asked:
        reader.run(query)
        with closing(sqlite3.connect(writer.path)) as other:
            ((busy, _, _),) = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert busy == 0


async def test_the_reader_of_the_loop_answers_the_same(writer: Writer, reader: Reader) -> None:
    run_id = await record(writer)
    async with await AsyncReader.open(writer.path) as other:
        assert other.is_live
        assert await other.run(queries.runs_page()) == reader.run(queries.runs_page())
        before = await other.data_version()
        assert before == await other.data_version()
        await record(writer)
        assert before != await other.data_version()
        assert await other.run(queries.run_by_id(run_id)) is not None


async def test_a_reader_cannot_write(reader: Reader) -> None:
    with pytest.raises(Exception, match="read-only"):
        reader.run(queries.Query("DELETE FROM runs", (), list))


# What newer versions or accidents leave


async def test_a_word_that_is_not_known_names_the_newer_version(writer: Writer, reader: Reader) -> None:
    await record(writer)
    with closing(sqlite3.connect(writer.path)) as other, other:
        other.execute("UPDATE steps SET reason = 'moon_phase'")
    with pytest.raises(NewerDatabaseError, match="moon_phase") as caught:
        reader.run(queries.steps_page(reader.run(queries.runs_page())[0].run_id))
    assert caught.value.place == str(writer.path)
    assert caught.value.hint == "update opscope"


async def test_a_document_that_is_none_is_damage(writer: Writer, reader: Reader) -> None:
    run_id = await record(writer)
    with closing(sqlite3.connect(writer.path)) as other, other:
        other.execute("PRAGMA ignore_check_constraints = ON")
        other.execute("UPDATE run_events SET data = '{' WHERE kind = 'step.finished'")
    with pytest.raises(DamagedDatabaseError) as caught:
        reader.run(queries.step_result(run_id, "s0"))
    assert caught.value.place == str(writer.path)


@pytest.mark.parametrize("by", RunSort)
async def test_a_run_stands_where_the_list_shows_it(reader: Reader, many: list[str], by: RunSort) -> None:
    """In every order, either way round; one that is not there stands nowhere."""
    for order in (RunOrder(by=by), RunOrder(by=by, reversed=True)):
        shown = reader.run(queries.runs_page(order=order, limit=len(many)))
        assert [reader.run(queries.place_of(row.run_id, order)) for row in shown] == list(range(len(many)))
    assert reader.run(queries.place_of("f" * 32)) is None
