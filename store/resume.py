"""Where a run can be taken up again, read back from the file. What the events mean for that is engine.pipeline.rebuild's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import InputError, PlanError, StoreError
from engine.model.event import Event
from engine.pipeline.rebuild import resume_point_from_events
from engine.plan.load import load_plan
from engine.plan.no_plan import NO_PLAN
from store.queries import events_page, plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import JsonObject
    from engine.pipeline.resume_point import ResumePoint
    from engine.plan.compiled import CompiledPlan
    from engine.ports import PlanRecord
    from store.reader import Reader
    from store.rows import EventRow

_AT_ONCE: Final = 200


def resume_point(reader: Reader, run_id: str) -> ResumePoint:
    """Everything that going on with a run needs, from its events alone. Raises StoreError if it is not there or damaged.

    Events are read in bounded pages: whoever goes on with the run must own it by now, so that none is added meanwhile.
    """
    if not reader.run(events_page(run_id, limit=1)):
        raise StoreError(f"there is no run {run_id}", place=str(reader.path))
    return resume_point_from_events(run_id, stored_events(reader, run_id))


def plan_to_resume(reader: Reader, run_id: str) -> PlanRecord:
    """The plan of a run as it was when the run was made, with its source. Raises StoreError if it is not there."""
    plan = reader.run(plan_of(run_id))
    if plan is None:
        raise StoreError(f"the plan of run {run_id} is not in the file", place=str(reader.path))
    return plan


def compile_stored(record: PlanRecord) -> CompiledPlan:
    """The plan of a run, compiled again from what the file keeps of it. Raises InputError if that gives another plan."""
    if record.plan_hash == NO_PLAN.plan_hash:
        return NO_PLAN
    # The file keeps the text and not whether it was JSON; the hash says which reading was meant.
    for name in ("plan.yaml", "plan.json"):
        try:
            plan = load_plan(record.source.encode("utf-8", "surrogatepass"), name=name)
        except PlanError:
            continue
        if plan.plan_hash == record.plan_hash:
            return plan
    raise InputError(
        f"this version reads the plan {record.plan_id} of the run in another way than the one that started it",
        hint="resume it with that version, or run the plan again",
    )


def stored_events(reader: Reader, run_id: str) -> Iterator[Event]:
    """The events of a run in order, with their data parsed and whole."""
    seq = 0
    while rows := reader.run(events_page(run_id, after_seq=seq, limit=_AT_ONCE)):
        seq = rows[-1].seq
        for row in rows:
            yield _event(row, reader.whole(row.data))


def _event(row: EventRow, data: JsonObject) -> Event:
    return Event(
        kind=row.kind,
        at_us=row.at_us,
        data=data,
        pass_index=row.pass_index,
        stage=row.stage,
        step_id=row.step_id,
        item_index=row.item_index,
        attempt=row.attempt,
        actor=row.actor,
    )
