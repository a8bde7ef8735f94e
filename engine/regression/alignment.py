"""Which parts of two recorded runs belong together, and what stands on both sides. No statistics, no verdict, nothing drawn.

Parts meet by key (pass, stage, step, item), never by their place in a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from engine.model.states import Stage
from engine.regression.facts import RunFacts, StageFacts, StageKey, StepFacts, StepKey, read_run
from engine.regression.json_diff import DiffOptions, JsonDiff, diff, json_equal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model.json import Json, JsonObject

_NO_OPTIONS: Final = DiffOptions()
_IN_ORDER: Final = {stage: place for place, stage in enumerate(Stage)}


class Presence(StrEnum):
    """On which side something stands."""

    BOTH = "both"
    BEFORE_ONLY = "before_only"
    AFTER_ONLY = "after_only"


class Aspect(StrEnum):
    """What can differ between two sides, durations left out: those always do, and need statistics."""

    STATUS = "status"
    REASON = "reason"
    ATTEMPTS = "attempts"
    DIAGNOSTICS = "diagnostics"
    COUNTS = "counts"
    REFERENCES = "references"
    REUSE = "reuse"
    RESULT = "result"


class RunAspect(StrEnum):
    """What can differ between two runs as a whole."""

    PLAN = "plan"
    PARAMS = "params"
    ASSETS = "assets"
    REPLANS = "replans"
    ENVIRONMENT = "environment"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class RunDifference:
    """One fact of the runs that is not the same: `name` is a parameter, an alias, a replan. A missing side is None."""

    aspect: RunAspect
    name: str
    presence: Presence
    before: Json = None
    after: Json = None


_Facts = TypeVar("_Facts", StageFacts, StepFacts)
_Key = TypeVar("_Key", StageKey, StepKey)


@dataclass(frozen=True, slots=True)
class Aligned(Generic[_Key, _Facts]):
    """One key with what each run has under it; at least one side is there."""

    key: _Key
    before: _Facts | None
    after: _Facts | None

    @property
    def presence(self) -> Presence:
        """On which side it stands."""
        if self.before is None:
            return Presence.AFTER_ONLY
        return Presence.BEFORE_ONLY if self.after is None else Presence.BOTH

    @property
    def duration_delta_ms(self) -> float | None:
        """How much longer it took after, in milliseconds; None unless both durations are known."""
        if self.before is None or self.after is None:
            return None
        if self.before.duration_ms is None or self.after.duration_ms is None:
            return None
        # Durations are whole microseconds; the rest would be noise of the subtraction.
        return round(self.after.duration_ms - self.before.duration_ms, 3)

    def result_diff(self, options: DiffOptions = _NO_OPTIONS) -> JsonDiff:
        """What differs in the results; made anew at each call. A missing side counts as null."""
        before = None if self.before is None else self.before.result
        after = None if self.after is None else self.after.result
        return diff(before, after, options)


@dataclass(frozen=True, slots=True)
class AlignedStage(Aligned[StageKey, StageFacts]):
    """A stage of both runs, or of one."""

    def differences(self) -> tuple[Aspect, ...]:
        """What differs where both sides are there. Compares the whole results."""
        one, other = self.before, self.after
        if one is None or other is None:
            return ()
        unlike = {
            Aspect.STATUS: one.status is not other.status,
            Aspect.DIAGNOSTICS: one.diagnostics != other.diagnostics,
            Aspect.COUNTS: one.counts != other.counts,
            Aspect.REFERENCES: one.references != other.references,
            Aspect.RESULT: not json_equal(one.result, other.result),
        }
        return tuple(aspect for aspect, differs in unlike.items() if differs)


@dataclass(frozen=True, slots=True)
class AlignedStep(Aligned[StepKey, StepFacts]):
    """A step, or an item of one, in both runs or in one."""

    def differences(self) -> tuple[Aspect, ...]:
        """What differs where both sides are there. Compares the whole results."""
        one, other = self.before, self.after
        if one is None or other is None:
            return ()
        unlike = {
            Aspect.STATUS: one.status is not other.status,
            Aspect.REASON: (one.reason, one.message, one.exit_code) != (other.reason, other.message, other.exit_code),
            Aspect.ATTEMPTS: one.attempts != other.attempts,
            Aspect.COUNTS: one.counts != other.counts,
            Aspect.REUSE: one.reused != other.reused,
            Aspect.RESULT: not json_equal(one.result, other.result),
        }
        return tuple(aspect for aspect, differs in unlike.items() if differs)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two runs side by side. Stages and steps are in the order of passes, then of the first run, then of the second."""

    before: RunFacts
    after: RunFacts
    between: tuple[RunDifference, ...]
    stages: tuple[AlignedStage, ...]
    steps: tuple[AlignedStep, ...]

    def one_sided(self) -> tuple[AlignedStage | AlignedStep, ...]:
        """What only one of the runs has."""
        parts: tuple[AlignedStage | AlignedStep, ...] = (*self.stages, *self.steps)
        return tuple(part for part in parts if part.presence is not Presence.BOTH)


def align_traces(before: JsonObject, after: JsonObject) -> Alignment:
    """Lay two traces, as `show --json` prints them, side by side. Raises InputError where one is no trace."""
    return align_runs(read_run(before), read_run(after))


def align_runs(before: RunFacts, after: RunFacts) -> Alignment:
    """The same for runs that have been read."""
    return Alignment(
        before,
        after,
        _between(before, after),
        tuple(
            AlignedStage(key, before.stages.get(key), after.stages.get(key))
            for key in sorted({**before.stages, **after.stages}, key=lambda key: (key.pass_index, _IN_ORDER[key.stage]))
        ),
        tuple(
            AlignedStep(key, before.steps.get(key), after.steps.get(key))
            for key in sorted({**before.steps, **after.steps}, key=lambda key: key.pass_index)
        ),
    )


def _between(before: RunFacts, after: RunFacts) -> tuple[RunDifference, ...]:
    return (
        *_unlike(RunAspect.PLAN, before.plan, after.plan),
        *_unlike(RunAspect.PARAMS, before.params, after.params),
        *_unlike(RunAspect.ASSETS, before.assets, after.assets),
        *_unlike(
            RunAspect.REPLANS,
            {str(key): event for key, event in before.replans.items()},
            {str(key): event for key, event in after.replans.items()},
        ),
        *_unlike(RunAspect.ENVIRONMENT, before.environment, after.environment),
        *_unlike(RunAspect.OUTCOME, before.outcome, after.outcome),
    )


def _unlike(aspect: RunAspect, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[RunDifference]:
    for name in {**before, **after}:
        if name not in after:
            yield RunDifference(aspect, name, Presence.BEFORE_ONLY, before=before[name])
        elif name not in before:
            yield RunDifference(aspect, name, Presence.AFTER_ONLY, after=after[name])
        elif not json_equal(before[name], after[name]):
            yield RunDifference(aspect, name, Presence.BOTH, before[name], after[name])
