"""The parts of a run that are compared, and what the runs of one side say of each: samples, not yet evidence. Pure.

A part is a stage, a step or an item of one, in a pass. Runs meet by part, never by their place in a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.model.states import Stage, StageStatus, StepStatus
from engine.regression.critical_path import Ran, critical_path
from engine.regression.shapes import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.regression.facts import RunFacts, StepFacts, StepKey

_IN_ORDER: Final = {stage: place for place, stage in enumerate(Stage)}


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
    drags: list[float] = field(default_factory=list)
    outcomes: dict[int, bool] = field(default_factory=dict)
    attempts: list[int] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    references: list[frozenset[tuple[str, str]]] = field(default_factory=list)
    met: int = 0

    @property
    def good(self) -> int:
        """How often it succeeded."""
        return sum(self.outcomes.values())


def sample_parts(
    runs: Sequence[RunFacts], *, stage: Stage | None = None, with_drags: bool = True
) -> dict[PartKey, PartSample]:
    """What runs say of each of their parts, or of those of one stage. Without `with_drags` the critical path is not looked for."""
    found: dict[PartKey, PartSample] = {}
    for number, run in enumerate(runs):
        _add_stages(found, number, run, stage)
        if stage in (None, Stage.EXECUTE):
            _add_steps(found, number, run, _drags(run) if with_drags else {})
    return found


def _add_stages(found: dict[PartKey, PartSample], number: int, run: RunFacts, only: Stage | None) -> None:
    for key, facts in run.stages.items():
        if only not in (None, key.stage):
            continue
        sample = found.setdefault(PartKey(key.stage, pass_index=key.pass_index), PartSample())
        sample.met += 1
        if facts.status in (StageStatus.SUCCEEDED, StageStatus.FAILED):
            sample.outcomes[number] = facts.status is StageStatus.SUCCEEDED
        if facts.status is StageStatus.SUCCEEDED:
            # Another version of an asset is a difference between the runs, and no reference that is lost.
            sample.references.append(frozenset((kind, name.partition("@")[0]) for kind, name, _ in facts.references))
            if facts.result is not None:
                sample.shapes.append(shape_of(facts.result))
            if facts.duration_ms is not None:
                sample.seconds.append(facts.duration_ms / 1000)
                sample.drags.append(facts.duration_ms / 1000)  # stages follow each other


def _add_steps(
    found: dict[PartKey, PartSample], number: int, run: RunFacts, drags: Mapping[tuple[int, str], float]
) -> None:
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
                whole = drags.get((key.pass_index, key.step_id), facts.duration_ms / 1000)
                sample.drags.append(min(whole, facts.duration_ms / 1000))


def _shape(facts: StepFacts) -> Shape | None:
    if facts.shape is not None or not isinstance(facts.result, dict) or "data" not in facts.result:
        return facts.shape
    return shape_of(facts.result["data"])


def _drags(run: RunFacts) -> dict[tuple[int, str], float]:
    """Seconds that the end of each pass waited for its steps, by pass and step. Items share their step's."""
    by_pass: dict[int, list[tuple[StepKey, StepFacts]]] = {}
    for key, facts in run.steps.items():
        if key.item_index is None and facts.timing is not None and not facts.reused:
            by_pass.setdefault(key.pass_index, []).append((key, facts))
    return {
        (pass_index, step_id): standing.drag_us / 1_000_000
        for pass_index, steps in by_pass.items()
        for step_id, standing in critical_path(dict(_ran(steps))).items()
    }


def _ran(steps: Iterable[tuple[StepKey, StepFacts]]) -> Iterable[tuple[str, Ran[str]]]:
    for key, facts in steps:
        if facts.timing is not None:
            yield key.step_id, Ran(facts.timing.begin_us, facts.timing.end_us, facts.depends_on)
