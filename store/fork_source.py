"""A recorded run as the source of another, read back from the file. What is made of it is engine.pipeline.forking's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import StoreError
from engine.model.states import StepStatus
from engine.pipeline.forking import ForkSource
from engine.pipeline.replan.passes import carried_over
from engine.pipeline.replan.plans import plans_of
from engine.pipeline.request import RunSource
from engine.pipeline.reuse import as_reused
from engine.pipeline.step_stories import result_of
from store.queries import events_page, step_record
from store.queries.step_times import lost_steps_tried, runs_like, steps_took
from store.resume import compile_stored, plan_to_resume, resume_point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledPlan
    from store.reader import Reader
    from store.rows import RunRow


def fork_source(reader: Reader, run: RunRow) -> ForkSource:
    """All of a run that another can be made of. Raises StoreError, and InputError for a plan that reads otherwise by now."""
    point = resume_point(reader, run.run_id)
    plans = plans_of(compile_stored(plan_to_resume(reader, run.run_id)), point.replans)
    results = point.settled
    if point.pass_index and not point.is_planned:
        # It ended before its last pass came to its steps: what held for that pass is what there is.
        results = carried_over(plans[-2], plans[-1], point.before, run_id=point.run_id, pass_index=point.pass_index - 1)
    last = reader.run(events_page(run.run_id, after_seq=run.last_seq - 1, limit=1))
    return ForkSource(
        run_id=point.run_id,
        pass_index=point.pass_index,
        plan=plans[-1],
        results=results,
        params=point.params,
        assets=point.assets,
        base_env=point.base_env,
        workdir=point.workdir,
        plan_folder=point.plan_folder,
        last_hash=last[-1].hash if last else "",
        overrides=point.overrides,
        earlier_us=_earlier_us(reader, run, _unfinished(plans[-1], results)),
        tried_us=reader.run(lost_steps_tried(run.run_id, point.pass_index)),
    )


def _unfinished(plan: CompiledPlan, results: Mapping[str, StepResult]) -> set[str]:
    """The steps of which this run does not say how long they take."""
    done = {step_id for step_id, result in results.items() if result.status is StepStatus.SUCCEEDED}
    return set(plan.all_steps) - done


def _earlier_us(reader: Reader, run: RunRow, wanted: set[str]) -> dict[str, int]:
    """How long these steps took in the last runs of the plan in which they came to a good end, as far as there are any."""
    found: dict[str, int] = {}
    for earlier in reader.run(runs_like(run.run_id, run.plan_id, run.mode.value)) if wanted else ():
        took = reader.run(steps_took(earlier))
        found.update((step_id, took[step_id]) for step_id in wanted - found.keys() if step_id in took)
        if len(found) == len(wanted):
            break
    return found


def results_taken(reader: Reader, source: RunSource) -> dict[str, StepResult]:
    """The results that a run takes from its source, ready to be recorded. Raises StoreError if they are not there any more."""
    found: dict[str, StepResult] = {}
    for step_id in source.reused:
        # A last pass that did not come to its steps goes on with what the one before it had found.
        passes = range(source.pass_index, -1, -1)
        records = (reader.run(step_record(source.run_id, step_id, pass_index)) for pass_index in passes)
        recorded = next((record for record in records if record is not None), None)
        if recorded is None:
            raise StoreError(
                f"the result of {step_id} in run {source.run_id[:6]}, which is to be used again, is not there any more",
                place=str(reader.path),
                hint="run the plan anew",
            )
        result = result_of(step_id, *recorded)
        found[step_id] = as_reused(result, run_id=source.run_id, pass_index=source.pass_index)
    return found


def source_of(reader: Reader, run_id: str) -> RunSource | None:
    """What a run was made of, None for one that was made of nothing."""
    created = reader.run(events_page(run_id, limit=1))
    if not created:
        return None
    document = reader.whole(created[0].data).get("source")
    return RunSource.from_json(document) if isinstance(document, dict) else None
