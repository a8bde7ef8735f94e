"""What one recorded run says, part by part, under keys by which runs can be laid side by side. Nothing is compared here.

The input is a trace as `show --json` prints it. Any number of runs can be read; equal keys mean the same part.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from engine.errors import InputError
from engine.model.states import DiagnosticsStatus, Reason, Stage, StageStatus, StepStatus
from engine.regression.trace_values import as_object, list_at, number_at, object_at, text_at, word_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from engine.regression.shapes import Shape


@dataclass(frozen=True, slots=True)
class StageKey:
    """A stage of a pass."""

    pass_index: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class StepKey:
    """A step of a pass, or one of its items where it is a loop. Steps belong to the stage `execute`."""

    pass_index: int
    step_id: str
    item_index: int | None = None
    stage: Stage = Stage.EXECUTE


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What a stage said of its own result."""

    status: DiagnosticsStatus = DiagnosticsStatus.OK
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    empty_flags: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class StageFacts:
    """One stage in one run. `duration_ms` is None while it is unknown; `references` are (kind, name, detail), sorted.

    `is_known` is False where its output was too large to be looked at: what it counts and refers to is not known then, and is
    no zero. `result` is None there, and where only the result was too large.
    """

    status: StageStatus
    duration_ms: float | None
    diagnostics: Diagnostics
    counts: tuple[tuple[str, int], ...]
    references: tuple[tuple[str, str, str], ...]
    result: Json
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Timing:
    """From when to when something ran, in microseconds on the clock of its run."""

    begin_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step in one run. `attempts` is their number; `reused` says that the result is another run's.

    `shape` is that of the data; None where it was not looked at, or where `result` is here to tell it.
    """

    status: StepStatus
    reason: Reason | None
    message: str
    exit_code: int | None
    duration_ms: float | None
    attempts: int
    counts: tuple[tuple[str, int], ...]
    reused: bool
    result: Json
    timing: Timing | None = None
    depends_on: tuple[str, ...] = ()
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class ReplanKey:
    """A replan by what asked for it; `occurrence` counts those that are alike in this."""

    pass_index: int
    trigger: str
    stage: str
    step_id: str
    occurrence: int = 0

    def __str__(self) -> str:
        at = self.step_id or self.stage or "run"
        again = f" ({self.occurrence + 1})" if self.occurrence else ""
        return f"pass {self.pass_index}: {self.trigger} at {at}{again}"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run. `plan` and `outcome` are single facts by name; `assets` by alias, with reference and hash.

    `definitions` are the steps of its plan as they were written, empty where the plan is not at hand.
    """

    run_id: str
    outcome: Mapping[str, Json]
    plan: Mapping[str, Json]
    params: Mapping[str, Json]
    environment: Mapping[str, Json]
    assets: Mapping[str, Json]
    replans: Mapping[ReplanKey, Json]
    stages: Mapping[StageKey, StageFacts]
    steps: Mapping[StepKey, StepFacts]
    duration_ms: float | None = None
    definitions: Mapping[str, Json] = field(default_factory=dict)


def read_run(trace: JsonObject) -> RunFacts:
    """The facts of a trace. Raises InputError, with the place in the trace, where it is not one."""
    return RunFacts(
        run_id=text_at(trace, "run_id", "trace"),
        outcome={name: trace.get(name) for name in ("status", "route", "mode", "pass_count")},
        plan={name: trace.get(name) for name in ("plan_id", "plan_version", "plan_hash")},
        params=object_at(trace, "params", "trace"),
        environment=object_at(trace, "environment", "trace"),
        assets={
            alias: {"ref": asset.get("ref"), "sha256": asset.get("sha256")} if isinstance(asset, dict) else asset
            for alias, asset in object_at(trace, "applied_assets", "trace").items()
        },
        replans=replans_of(list_at(trace, "replan_events", "trace")),
        stages=_stages(trace),
        steps=_steps(trace),
        duration_ms=_duration(trace, "trace"),
    )


def _stages(trace: JsonObject) -> dict[StageKey, StageFacts]:
    found: dict[StageKey, StageFacts] = {}
    for number, entry in enumerate(list_at(trace, "stages", "trace")):
        place = f"stages[{number}]"
        head = as_object(entry, place)
        key = StageKey(number_at(head, "pass_index", place), word_at(Stage, head, "stage", place))
        output = object_at(head, "output", place)
        said = object_at(output, "diagnostics", f"{place}.output")
        inside = f"{place}.output.diagnostics"
        _once(
            found,
            key,
            StageFacts(
                status=word_at(StageStatus, head, "status", place),
                duration_ms=_duration(head, place),
                diagnostics=Diagnostics(
                    word_at(DiagnosticsStatus, said, "status", inside) if said else DiagnosticsStatus.OK,
                    tuple(str(text) for text in list_at(said, "warnings", inside)),
                    tuple(str(text) for text in list_at(said, "errors", inside)),
                    tuple(
                        sorted((name, flag is True) for name, flag in object_at(said, "empty_flags", inside).items())
                    ),
                ),
                counts=_counts(said, inside),
                references=_references(output, f"{place}.output"),
                # What the steps gave stands with the steps; here are only heads of it, with durations in them.
                result=None if key.stage is Stage.EXECUTE else output.get("result"),
            ),
            place,
        )
    return found


def _steps(trace: JsonObject) -> dict[StepKey, StepFacts]:
    found: dict[StepKey, StepFacts] = {}
    for number, entry in enumerate(list_at(trace, "steps", "trace")):
        place = f"steps[{number}]"
        step = as_object(entry, place)
        item = None if step.get("item_index") is None else number_at(step, "item_index", place)
        key = StepKey(number_at(step, "pass_index", place), text_at(step, "id", place), item)
        result = object_at(step, "result", place)
        exit_code = step.get("exit_code")
        _once(
            found,
            key,
            StepFacts(
                status=word_at(StepStatus, step, "status", place),
                reason=None if step.get("reason") is None else word_at(Reason, step, "reason", place),
                message=str(step.get("message") or ""),
                exit_code=exit_code if isinstance(exit_code, int) else None,
                duration_ms=_duration(step, place),
                attempts=len(list_at(step, "attempts", place)),
                counts=_counts(result, f"{place}.result"),
                reused=step.get("reused_from") is not None,
                result=step.get("result"),
                timing=_timing(step, place),
                depends_on=tuple(
                    str(name) for name in list_at(object_at(step, "orchestration", place), "depends_on", place)
                ),
            ),
            place,
        )
    return found


def replans_of(events: Sequence[Json]) -> dict[ReplanKey, Json]:
    """Replan events as a trace lists them, by what asked for them. Raises InputError for what is none."""
    found: dict[ReplanKey, Json] = {}
    met: Counter[ReplanKey] = Counter()
    for number, entry in enumerate(events):
        event = as_object(entry, f"replan_events[{number}]")
        pass_index = event.get("pass_index")
        trigger, stage, step_id = (str(event.get(name) or "") for name in ("trigger", "stage", "step_id"))
        key = ReplanKey(pass_index if isinstance(pass_index, int) else 0, trigger, stage, step_id)
        found[replace(key, occurrence=met[key])] = {
            name: event.get(name) for name in ("severity", "decision", "decision_reason", "patch")
        }
        met[key] += 1
    return found


_Key = TypeVar("_Key", StageKey, StepKey)
_Value = TypeVar("_Value")


def _once(found: dict[_Key, _Value], key: _Key, value: _Value, place: str) -> None:
    if key in found:
        raise InputError(
            "the trace has this part twice", place=place, hint="each step, item and pass stands there once"
        )
    found[key] = value


def _counts(document: JsonObject, place: str) -> tuple[tuple[str, int], ...]:
    counts = object_at(document, "counts", place)
    return tuple(sorted((name, count) for name, count in counts.items() if isinstance(count, int)))


def _references(output: JsonObject, place: str) -> tuple[tuple[str, str, str], ...]:
    found = [as_object(entry, f"{place}.references") for entry in list_at(output, "references", place)]
    return tuple(sorted((str(one.get("kind")), str(one.get("name")), str(one.get("detail") or "")) for one in found))


def _duration(document: JsonObject, place: str) -> float | None:
    value = document.get("duration_ms")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InputError("duration_ms is no number", place=place)
    return value


def _timing(document: JsonObject, place: str) -> Timing | None:
    """From `started_at` to `finished_at`; None where one of them is not known."""
    moments = [document.get(name) for name in ("started_at", "finished_at")]
    if None in moments:
        return None
    try:
        begin, end = (datetime.fromisoformat(str(moment)) for moment in moments)
    except ValueError:
        raise InputError("a time is not written as RFC 3339 has it", place=place) from None
    return Timing(*(round(moment.timestamp() * 1_000_000) for moment in (begin, end)))
