"""A recorded run as the source of another: read back from the file whole, with its replans, also when it is gone by then."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import StoreError
from engine.model.asset import parse_reference
from engine.model.states import Reason, RunStatus, StepStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.fork_assets import assets_after
from engine.pipeline.forking import Change, Fork, ForkSource, fork, params_after, plan_after
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan
from engine.plan.params import bind_params
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from store.assets.registry import NewContent, Registry
from store.assets.resolver import StoreAssets
from store.fork_source import fork_source, results_taken, source_of
from store.prune import prune
from store.queries import reruns_of, run_by_id
from store.reader import Reader
from store.retention import Retention
from store.trace import trace_document
from store.writer import open_writer
from tests.store.building import new_run_id

if TYPE_CHECKING:
    from pathlib import Path

    from store.rows import RunRow

ENV = {"PATH": "/usr/bin:/bin"}
LARGE = 200_000

PLAN = """\
plan_id: p
params: {word: {type: string, default: yes}}
steps:
  - {id: large, command: sh, args: [-c, "head -c 200000 /dev/zero | tr '\\\\0' x"]}
  - {id: each, command: echo, args: ["{item}"], for_each: [1, 2]}
  - {id: last, command: sh, args: [-c, 'test -e ok'], depends_on: [large, each]}
compose: {said: "{params.word}"}
"""


async def perform(path: Path, request: RunRequest) -> RunRow:
    """Carry the run out in the file, with real processes."""
    async with open_writer(path) as writer:
        clock, secrets = SystemClock(), SecretBox()
        services = Services(
            sink=writer,
            secrets=secrets,
            executor=LocalExecutor(secrets, clock),
            clock=clock,
            jitter=lambda: 0.0,
            assets=StoreAssets(path),
        )
        await run_plan(replace(request, engine_id=writer.engine_id), services)
    return row(path, request.run_id)


def request(text: str, folder: Path) -> RunRequest:
    plan = load_plan(text.encode(), name="p.yaml")
    return RunRequest(
        plan=plan,
        params=bind_params(plan.plan, {}, from_text=True),
        run_id=new_run_id(),
        workdir=folder,
        plan_folder=folder,
        host_env=ENV,
        actor="operator:test",
        engine_id="",
    )


def row(path: Path, run_id: str) -> RunRow:
    with Reader.open(path) as reader:
        found = reader.run(run_by_id(run_id))
    assert found is not None
    return found


def source(path: Path, run: RunRow) -> ForkSource:
    with Reader.open(path) as reader:
        return fork_source(reader, run)


async def forked(path: Path, run: RunRow, change: Change) -> Fork:
    read = source(path, run)
    plan = plan_after(read, change)
    params = params_after(read, plan, change.params, from_text=True)
    assets = await assets_after(read, change, plan, StoreAssets(path))
    return fork(read, change, plan=plan, params=params, assets=assets, host_env=ENV)


def request_of(made: Fork, folder: Path) -> RunRequest:
    return RunRequest(
        plan=made.plan,
        params=made.params,
        run_id=new_run_id(),
        workdir=folder,
        plan_folder=folder,
        host_env=ENV,
        actor="operator:test",
        engine_id="",
        assets=made.assets,
        reused=made.reused,
        source=made.run_source(),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


async def test_a_run_is_read_back_whole(path: Path, tmp_path: Path) -> None:
    """Large values and items as well; what tells one state of it from another is the hash of its last event."""
    run = await perform(path, request(PLAN, tmp_path))
    read = source(path, run)
    assert (read.run_id, read.pass_index, read.params, read.workdir) == (run.run_id, 0, {"word": "yes"}, tmp_path)
    assert read.plan.plan_hash == run.plan_hash
    assert read.base_env == ENV
    assert {step_id: result.status for step_id, result in read.results.items()} == {
        "large": StepStatus.SUCCEEDED,
        "each": StepStatus.SUCCEEDED,
        "last": StepStatus.FAILED,
    }
    assert read.results["large"].data == "x" * LARGE
    assert len(read.results["each"].items or ()) == 2
    assert len(read.last_hash) == 64


async def test_results_are_copied_whole_and_the_source_may_go(path: Path, tmp_path: Path) -> None:
    first = await perform(path, request(PLAN, tmp_path))
    (tmp_path / "ok").touch()
    made = await forked(path, first, Change(from_failed=True))
    assert list(made.again) == ["last"]
    second = await perform(path, request_of(made, tmp_path))
    assert second.status is RunStatus.SUCCEEDED
    assert (second.source_run_id, second.changes) == (first.run_id, ("from what failed on",))
    with Reader.open(path) as reader:
        assert [run.run_id for run in reader.run(reruns_of(first))] == [second.run_id]
        assert reader.run(reruns_of(second)) == []
        assert source_of(reader, second.run_id) == made.run_source()
        assert source_of(reader, first.run_id) is None
        before = trace_document(reader, second.run_id, whole=True)
    kept = second.finished_at_us or 0
    pruned = prune(path, Retention(age_us=1), now_us=kept)
    assert [run.run_id for run in pruned.runs] == [first.run_id]
    with Reader.open(path) as reader:
        after: dict[str, Any] = trace_document(reader, second.run_id, whole=True)
        third = await forked(path, second, Change(from_steps=("last",)))
        assert {"large", "each"} == set(results_taken(reader, third.run_source()))
    assert after == before
    steps = {step["id"]: step for step in after["steps"] if step["item_index"] is None}
    assert steps["large"]["result"]["data"] == "x" * LARGE
    assert steps["each"]["result"]["data"] == ["1", "2"]
    assert steps["large"]["reused_from"] == {"run_id": first.run_id, "pass_index": 0, "step_id": "large"}
    assert steps["large"]["reason"] == Reason.REUSED


async def test_what_is_taken_over_is_what_the_fork_has(path: Path, tmp_path: Path) -> None:
    """A host reads by itself what whoever made the fork has read; and says so when it is gone."""
    first = await perform(path, request(PLAN, tmp_path))
    made = await forked(path, first, Change(from_failed=True))
    with Reader.open(path) as reader:
        assert results_taken(reader, made.run_source()) == dict(made.reused)
        gone = replace(made.run_source(), run_id="0" * 32)
        with pytest.raises(StoreError, match="is not there any more"):
            results_taken(reader, gone)


REPLANNED = """\
plan_id: p
assets: {control: policy/control}
steps:
  - {id: search, command: sh, args: [-c, 'exit 1']}
  - {id: told, command: echo, args: ["{search.stdout}"]}
  - {id: apart, command: echo, args: [apart]}
"""
POLICY = {
    "kind": "replan",
    "rules": [
        {
            "trigger": "step_failed",
            "mode": "auto",
            "patch": {"search": {"step_def": {"args": ["-c", "echo wide"]}}},
        }
    ],
}


async def test_a_run_that_was_replanned_is_repeated_with_the_plan_it_ended_with(path: Path, tmp_path: Path) -> None:
    async with open_writer(path):
        pass
    name = parse_reference("policy/control").name
    Registry(path, "test").add(NewContent(name, "application/json", json.dumps(POLICY)), publish=True)
    run = await perform(path, request(REPLANNED, tmp_path))
    assert (run.status, run.pass_index) == (RunStatus.SUCCEEDED, 1)
    read = source(path, run)
    assert read.pass_index == 1
    assert read.plan.plan_hash != run.plan_hash
    assert read.results["told"].data == "wide"
    assert read.results["apart"].reused_from == {"run_id": run.run_id, "pass_index": 0, "step_id": "apart"}
    made = await forked(path, run, Change(from_steps=("told",)))
    assert (set(made.reused), list(made.again)) == ({"search", "apart"}, ["told"])
    assert "pass 1" in made.notes[0]
    second = await perform(path, request_of(made, tmp_path))
    assert (second.status, second.pass_index, second.steps_total) == (RunStatus.SUCCEEDED, 0, 3)
    assert second.plan_hash == read.plan.plan_hash


TIMED = """\
plan_id: timed
params: {n: {type: integer, default: 1}}
steps:
  - {id: prep, command: "true"}
  - {id: crunch, command: sh, args: [-c, "test -e ok"], depends_on: [prep]}
  - {id: each, command: echo, args: ["{params.n}"], depends_on: [crunch]}
"""


def set_us(path: Path, run: RunRow, step_id: str, duration_us: int) -> None:
    """As if the step had taken so long."""
    with sqlite3.connect(path) as connection:
        sql = "UPDATE steps SET duration_us = ? WHERE run_id = ? AND step_id = ?"
        assert connection.execute(sql, (duration_us, run.run_id, step_id)).rowcount == 1
    connection.close()


async def test_what_a_run_did_not_finish_takes_as_long_as_in_the_last_run_that_did(path: Path, tmp_path: Path) -> None:
    """Those with the same parameters first; neither what failed nor what was taken over from another run is looked at."""
    (tmp_path / "ok").touch()
    same = await perform(path, request(TIMED, tmp_path))
    other = await perform(path, replace(request(TIMED, tmp_path), params={"n": 7}))
    made = await forked(path, same, Change(from_steps=("each",)))
    again = await perform(path, request_of(made, tmp_path))
    assert again.status is RunStatus.SUCCEEDED
    (tmp_path / "ok").unlink()
    failed = await perform(path, request(TIMED, tmp_path))
    assert source(path, again).earlier_us == {}, "it has finished all of its steps"
    for run, seconds in ((same, 90), (other, 5)):
        set_us(path, run, "crunch", seconds * 1_000_000)
        set_us(path, run, "each", seconds * 1_000_000)
    set_us(path, again, "each", 3_000_000)
    read = source(path, failed)
    assert read.earlier_us == {"crunch": 90_000_000, "each": 3_000_000}
    assert source(path, await perform(path, replace(request(TIMED, tmp_path), params={"n": 7}))).earlier_us == {
        "crunch": 5_000_000,
        "each": 5_000_000,
    }
    ahead = (await forked(path, failed, Change(from_failed=True))).forecast
    assert (ahead.duration_us, ahead.is_known) == (93_000_000, True)


async def test_a_plan_that_ran_once_says_only_of_its_own_steps_how_long_they_take(path: Path, tmp_path: Path) -> None:
    run = await perform(path, request(TIMED, tmp_path))
    read = source(path, run)
    assert (read.earlier_us, read.tried_us) == ({}, {})
    assert (await forked(path, run, Change())).forecast.unknown == ("each",)


async def test_a_step_whose_engine_was_lost_takes_as_long_as_it_was_worked_on(path: Path, tmp_path: Path) -> None:
    """The time until somebody took it up is in what it took, so neither that run nor a later one goes by it."""
    (tmp_path / "ok").touch()
    run = await perform(path, request(TIMED, tmp_path))
    set_us(path, run, "crunch", 10**12)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE step_attempts SET attempt = 2, duration_us = 8000000 WHERE step_id = 'crunch'")
        connection.execute(
            "INSERT INTO step_attempts (run_id, pass_index, step_id, item_index, attempt, status, reason, "
            "started_at_us, starting_event) "
            "VALUES (?, 0, 'crunch', -1, 1, 'failed', 'engine_lost', 1, 1)",
            (run.run_id,),
        )
    connection.close()
    assert source(path, run).tried_us == {"crunch": 8_000_000}
    ahead = (await forked(path, run, Change(from_steps=("crunch",)))).forecast
    assert 8_000_000 <= ahead.duration_us < 60_000_000
    (tmp_path / "ok").unlink()
    assert "crunch" not in source(path, await perform(path, request(TIMED, tmp_path))).earlier_us
