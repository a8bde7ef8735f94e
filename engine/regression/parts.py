"""The parts of a run that are compared, and what the runs of one side say of each: samples, not yet evidence. Pure.

A part is a stage, a step or an item of one, in a pass. Runs meet by part, never by their place in a list.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.model.states import DiagnosticsStatus, Stage, StageStatus, StepStatus
from engine.regression.critical_path import Ran, critical_path
from engine.regression.evidence import median
from engine.regression.facts import StageKey, StepKey
from engine.regression.shapes import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from engine.regression.facts import RunFacts, StageFacts, StepFacts

_IN_ORDER: Final = {stage: place for place, stage in enumerate(Stage)}


WARNINGS: Final = "warnings"
"""The count of a stage that says whether its diagnostics were not ok."""


@dataclass(frozen=True, slots=True)
class PartKey:
    """A stage of a pass; with `step_id` a step of it, with `item_index` the occurrence of a step in a loop."""

    stage: Stage
    step_id: str = ""
    item_index: int | None = None
    pass_index: int = 0

    def __str__(self) -> str:
        item = "" if self.item_index is None else f"[{self.item_index}]"
        later = f"pass {self.pass_index}: " if self.pass_index else ""
        return f"{later}{self.stage.value}{'/' if self.step_id else ''}{self.step_id}{item}"

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Where it stands in a list of parts; a stage stands before its steps."""
        item = -1 if self.item_index is None else self.item_index
        return self.pass_index, _IN_ORDER[self.stage], self.step_id, item


@dataclass(slots=True)
class PartSample:
    """What the runs of one side say of a part. Seconds; `outcomes` by the number of the run in its side.

    A duration counts where the part succeeded and did its work itself; an outcome where it ended in one or the other way.
    """

    seconds: list[float] = field(default_factory=list)
    outcomes: dict[int, bool] = field(default_factory=dict)
    attempts: list[int] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    references: list[frozenset[tuple[str, str]]] = field(default_factory=list)
    counts: dict[str, list[float]] = field(default_factory=dict)
    met: int = 0

    @property
    def good(self) -> int:
        """How often it succeeded."""
        return sum(self.outcomes.values())


def sample_parts(runs: Sequence[RunFacts], *, stage: Stage | None = None) -> dict[PartKey, PartSample]:
    """What runs say of each of their parts, or of those of one stage."""
    found: dict[PartKey, PartSample] = {}
    for number, run in enumerate(runs):
        _add_stages(found, number, run, stage)
        if stage in (None, Stage.EXECUTE):
            _add_steps(found, number, run)
    return found


def _add_stages(found: dict[PartKey, PartSample], number: int, run: RunFacts, only: Stage | None) -> None:
    # A pass that took results over from elsewhere is as short as that, and says nothing of how long its work takes.
    spared = {key.pass_index for key, facts in run.steps.items() if facts.reused}
    for key, facts in run.stages.items():
        if only not in (None, key.stage):
            continue
        sample = found.setdefault(PartKey(key.stage, pass_index=key.pass_index), PartSample())
        sample.met += 1
        if facts.status in (StageStatus.SUCCEEDED, StageStatus.FAILED):
            sample.outcomes[number] = facts.status is StageStatus.SUCCEEDED
        if facts.status is StageStatus.SUCCEEDED:
            if facts.is_known:
                _add_said(sample, facts)
            if facts.result is not None:
                sample.shapes.append(shape_of(facts.result))
            if facts.duration_ms is not None and not (key.stage is Stage.EXECUTE and key.pass_index in spared):
                sample.seconds.append(facts.duration_ms / 1000)


def _add_said(sample: PartSample, facts: StageFacts) -> None:
    # Another version of an asset is a difference between the runs, and no reference that is lost.
    sample.references.append(frozenset((kind, name.partition("@")[0]) for kind, name, _ in facts.references))
    for name, number in (*facts.counts, (WARNINGS, facts.diagnostics.status is not DiagnosticsStatus.OK)):
        sample.counts.setdefault(name, []).append(float(number))


def _add_steps(found: dict[PartKey, PartSample], number: int, run: RunFacts) -> None:
    for key, facts in run.steps.items():
        sample = found.setdefault(PartKey(key.stage, key.step_id, key.item_index, key.pass_index), PartSample())
        sample.met += 1
        if facts.status in (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.QUARANTINED):
            sample.outcomes[number] = facts.status is StepStatus.SUCCEEDED
            if not facts.reused:
                sample.attempts.append(facts.attempts)
        if facts.status is StepStatus.SUCCEEDED:
            shape = _shape(facts)
            if shape is not None:
                sample.shapes.append(shape)
            if facts.duration_ms is not None and not facts.reused:
                sample.seconds.append(facts.duration_ms / 1000)


def _shape(facts: StepFacts) -> Shape | None:
    if facts.shape is not None or not isinstance(facts.result, dict) or "data" not in facts.result:
        return facts.shape
    return shape_of(facts.result["data"])


def drags_of(runs: Sequence[RunFacts], parts: Collection[PartKey]) -> dict[PartKey, float]:
    """Seconds that the end of a typical run waited for each of these parts: a stage's whole duration, a step's drag.

    Of an item it is at most its step's. Parts that none of the runs had are left out.
    """
    seconds: dict[PartKey, list[float]] = defaultdict(list)
    for run in runs if parts else ():
        drags = _drags(run, {part.pass_index for part in parts if part.step_id})
        for part in parts:
            lasted = _lasted(run, part)
            if lasted is not None:
                seconds[part].append(min(lasted, drags.get((part.pass_index, part.step_id), lasted)))
    return {part: median(values) for part, values in seconds.items()}


def _lasted(run: RunFacts, part: PartKey) -> float | None:
    facts: StageFacts | StepFacts | None
    if part.step_id:
        facts = run.steps.get(StepKey(part.pass_index, part.step_id, part.item_index, part.stage))
    else:
        facts = run.stages.get(StageKey(part.pass_index, part.stage))
    return None if facts is None or facts.duration_ms is None else facts.duration_ms / 1000


def _drags(run: RunFacts, passes: Collection[int]) -> dict[tuple[int, str], float]:
    """Seconds that the end of these passes waited for their steps, by pass and step."""
    by_pass: dict[int, dict[str, Ran[str]]] = {pass_index: {} for pass_index in passes}
    for key, facts in run.steps.items() if passes else ():
        if key.item_index is None and key.pass_index in by_pass and facts.timing is not None and not facts.reused:
            ran = Ran(facts.timing.begin_us, facts.timing.end_us, facts.depends_on)
            by_pass[key.pass_index][key.step_id] = ran
    return {
        (pass_index, step_id): standing.drag_us / 1_000_000
        for pass_index, steps in by_pass.items()
        for step_id, standing in critical_path(steps).items()
    }
