"""The facts of recorded runs for comparing them, read from the file part by part: never a whole payload, never a whole trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.collector import collector_paused
from engine.errors import InputError, StoreError
from engine.model.states import DiagnosticsStatus, Reason, Stage
from engine.regression.facts import Diagnostics, RunFacts, StageFacts, StageKey, StepFacts, StepKey, Timing, replans_of
from engine.regression.shapes import shape_of
from store import queries
from store.blobs import has_heads
from store.queries.comparison import finished_status, stage_facts, step_facts_page
from store.queries.query import json_object, optional_word, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.model.json import Json, JsonObject
    from engine.regression.shapes import Shape
    from store.reader import Reader

_PAGE: Final = 2000


def read_runs(
    reader: Reader,
    run_ids: Iterable[str],
    *,
    on_run: Callable[[str], None] | None = None,
    on_damage: Callable[[str, StoreError], None] | None = None,
) -> list[RunFacts]:
    """The facts of runs, in the order of their ids as given. Raises InputError for a run that is not there, StoreError.

    Results of steps are not among them, only the shapes of those that are not large. `on_run` is told each run as it is read.
    With `on_damage` a run that cannot be read is left out, and that is told with the reason.
    """
    definitions: dict[str, Mapping[str, Json]] = {}
    found: list[RunFacts] = []
    with collector_paused():
        for run_id in run_ids:
            try:
                found.append(_run(reader, run_id, definitions))
            except StoreError as error:
                if on_damage is None:
                    raise
                on_damage(run_id, error)
            if on_run is not None:
                on_run(run_id)
    return found


def _run(reader: Reader, run_id: str, definitions: dict[str, Mapping[str, Json]]) -> RunFacts:
    row = reader.run(queries.run_by_id(run_id))
    if row is None:
        raise InputError(f"there is no run {run_id}", place=str(reader.path))
    if row.plan_hash not in definitions:
        definitions[row.plan_hash] = _definitions(reader, run_id)
    created = reader.run(queries.events_page(run_id, limit=1))
    environment = json_object(created[0].data).get("environment") if created else None
    assets = reader.run(queries.applied_assets_of(run_id, row.pass_index))
    replans = reader.run(queries.replan_events_of(run_id)) if row.replans else []
    steps: dict[StepKey, StepFacts] = {}
    shapes: dict[str, Shape] = {}
    for pass_index in range(row.pass_index + 1):
        _read_steps(reader, run_id, pass_index, steps, shapes)
    return RunFacts(
        run_id=run_id,
        outcome={
            "status": row.status.value,
            "route": row.route.value if row.route else None,
            "mode": row.mode.value,
            "pass_count": row.pass_index + 1,
        },
        plan={"plan_id": row.plan_id, "plan_version": row.plan_version, "plan_hash": row.plan_hash},
        params=row.params,
        environment=environment if isinstance(environment, dict) else {},
        assets={
            alias: {"ref": asset.get("ref"), "sha256": asset.get("sha256")} if isinstance(asset, dict) else asset
            for alias, asset in assets.items()
        },
        replans=replans_of(replans),
        stages=dict(_stages(reader, run_id)),
        steps=steps,
        duration_ms=None if row.duration_us is None else row.duration_us / 1000,
        definitions=definitions[row.plan_hash],
    )


def _definitions(reader: Reader, run_id: str) -> Mapping[str, Json]:
    """The steps of a run's plan as they were written, by id; empty for a run without a plan."""
    plan = reader.run(queries.plan_of(run_id))
    if plan is None:
        return {}
    document = json_object(plan.document)
    found: dict[str, Json] = {}
    for section in ("steps", "finally"):
        steps = document.get(section)
        for step in steps if isinstance(steps, list) else []:
            if isinstance(step, dict) and isinstance(step.get("id"), str):
                found[str(step["id"])] = step
    return found


def _stages(reader: Reader, run_id: str) -> Iterable[tuple[StageKey, StageFacts]]:
    for stage, pass_index, status, duration_us, data in reader.run(stage_facts(run_id)):
        is_apart = has_heads(data)
        output = _object(json_object(data).get("output")) if data else {}
        said = _object(output.get("diagnostics"))
        references = output.get("references")
        status_said = said.get("status")
        yield (
            StageKey(pass_index, stage),
            StageFacts(
                status=status,
                duration_ms=None if duration_us is None else duration_us / 1000,
                diagnostics=Diagnostics(
                    word(DiagnosticsStatus, status_said) if isinstance(status_said, str) else DiagnosticsStatus.OK
                ),
                counts=tuple(
                    sorted((name, n) for name, n in _object(said.get("counts")).items() if isinstance(n, int))
                ),
                references=tuple(
                    sorted(
                        (str(one.get("kind")), str(one.get("name")), str(one.get("detail") or ""))
                        for one in (references if isinstance(references, list) else [])
                        if isinstance(one, dict)
                    )
                ),
                # Where values are kept apart, their heads have another shape than they have themselves.
                result=None if is_apart or stage is Stage.EXECUTE else output.get("result"),
                is_known=data is not None,
            ),
        )


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _read_steps(
    reader: Reader, run_id: str, pass_index: int, found: dict[StepKey, StepFacts], shapes: dict[str, Shape]
) -> None:
    """Add the steps of a pass. `shapes` keeps those of plain values, which thousands of steps share."""
    after = ("", -2)
    needed: dict[str, tuple[str, ...]] = {"[]": ()}  # steps of a layer lean on the same ones
    while page := reader.run(step_facts_page(run_id, pass_index, after=after, limit=_PAGE)):
        for (
            step_id,
            item,
            status,
            reason,
            message,
            exit_code,
            lasts_us,
            attempts,
            began,
            ended,
            needs,
            reused,
            data,
        ) in page:
            if needs not in needed:
                needed[needs] = tuple(json.loads(needs))
            found[StepKey(pass_index, step_id, None if item == -1 else item)] = StepFacts(
                status=finished_status(status),
                reason=optional_word(Reason, reason),
                message=message,
                exit_code=exit_code,
                duration_ms=None if lasts_us is None else lasts_us / 1000,
                attempts=attempts,
                counts=(),
                reused=bool(reused),
                result=None,
                timing=None if began is None or ended is None else Timing(began, ended),
                depends_on=needed[needs],
                shape=None if data is None or has_heads(data) else _shape(json_object(data).get("data"), shapes),
            )
        after = (page[-1][0], page[-1][1])


def _shape(value: Json, known: dict[str, Shape]) -> Shape:
    if isinstance(value, dict | list):
        return shape_of(value)
    kind = type(value).__name__
    if kind not in known:
        known[kind] = shape_of(value)
    return known[kind]
