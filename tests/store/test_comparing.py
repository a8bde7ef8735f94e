"""Which recorded runs are compared: what stands against what, what is refused, what is said where there is no baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import InputError
from store.comparing import compare_runs, other_runs, source_baseline
from tests.store.building import NOW_US, creation, whole_run

if TYPE_CHECKING:
    from store.reader import Reader
    from store.writer import Writer


async def record(
    writer: Writer, at: int, *, plan: str = "demo", host: str = "cd", failing: int | None = None, **more: Any
) -> str:
    """A run that was made at a second; `host` is the hash of its environment, `more` is more of what it was given."""
    made = creation(writer.engine_id, plan_id=plan, at_us=NOW_US + at * 1_000_000)
    data: dict[str, Any] = {**made.created.data, "environment": {"host": host, "hash": host * 32}, **more}
    made = replace(made, created=replace(made.created, data=data))
    await writer.create_run(made)
    for portion in whole_run(2, failing=failing):
        await writer.append(made.run_id, portion)
    return made.run_id


async def test_runs_of_two_plans_are_refused_in_one_sentence(writer: Writer, reader: Reader) -> None:
    one, other = await record(writer, 1), await record(writer, 2, plan="slow-batch")
    with pytest.raises(InputError) as refused:
        compare_runs(reader, [other], [one])
    assert refused.value.cause == f"the runs are of two different plans: slow-batch ({other[:6]}), demo ({one[:6]})"
    assert f"opscope show {other[:6]} --against {one[:6]}" in str(refused.value.hint)
    with pytest.raises(InputError, match="two different plans"):
        compare_runs(reader, [other, one])


async def test_without_a_baseline_nothing_differs_and_the_nearest_run_is_named(writer: Writer, reader: Reader) -> None:
    near, far = await record(writer, 1, host="ef"), await record(writer, 3)
    found = compare_runs(reader, [far]).analysis
    assert (found.baseline, found.differences, found.one_sided) == ((), (), ())
    assert found.notes[0].startswith("there is no baseline: ")
    assert found.notes[1] == (
        f"the nearest is {near[:6]}, with another environment: opscope compare {near[:6]} --with {far[:6]}"
    )
    alone = compare_runs(reader, [near]).analysis
    assert not any("the nearest" in note for note in alone.notes)


async def test_good_runs_since_then_are_of_the_baseline_of_a_run_that_is_repeated(
    writer: Writer, reader: Reader
) -> None:
    before = [await record(writer, at) for at in (1, 2)]
    source = await record(writer, 3)
    since = [await record(writer, at) for at in (4, 5)]
    await record(writer, 6, failing=1)
    await record(writer, 7, host="ef")
    again = [await record(writer, at) for at in (8, 9)]
    assert source_baseline(reader, source, again).runs == (*before, source, *since)


async def test_a_run_that_failed_is_not_of_its_own_baseline(writer: Writer, reader: Reader) -> None:
    source = await record(writer, 1, failing=1)
    since = await record(writer, 2)
    assert source_baseline(reader, source).runs == (since,)


async def test_the_baseline_is_in_the_order_in_which_its_runs_were_made(writer: Writer, reader: Reader) -> None:
    ids = [await record(writer, at) for at in (1, 2, 3, 4)]
    found = compare_runs(reader, [ids[3], ids[2]], [ids[1], ids[0]]).analysis
    assert (found.baseline, found.candidates) == (tuple(ids[:2]), (ids[3], ids[2]))


async def test_other_runs_of_the_plan_are_listed_those_that_fit_first(writer: Writer, reader: Reader) -> None:
    old = await record(writer, 1)
    await record(writer, 2, plan="slow-batch")
    elsewhere, failed, one = (
        await record(writer, 3, host="ef"),
        await record(writer, 4, failing=1),
        await record(writer, 5),
    )
    newer = await record(writer, 6)
    tried = await record(writer, 7, mode="test")
    found = other_runs(reader, one, {one})
    assert [other.run_id for other in found[:2]] == [newer, old]
    assert {other.run_id: other.unlike for other in found[2:]} == {
        failed: (),
        elsewhere: ("another environment",),
        tried: ("a test run",),
    }
    assert other_runs(reader, one, {one, newer}, limit=1)[0].run_id == old
