"""The transition table: what may happen to a step in which state, and the state it is in afterwards. Nothing else."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.model.states import StepStatus

if TYPE_CHECKING:
    from collections.abc import Mapping


class Happening(StrEnum):
    """Something that happens to one step, or to one item of it. The words stand in its story."""

    ATTEMPT_STARTED = "attempt started"
    ATTEMPT_SUCCEEDED = "attempt succeeded"
    ATTEMPT_FAILED = "attempt failed for good"
    ATTEMPT_CANCELED = "attempt canceled"
    RETRY_PLANNED = "attempt failed, another planned"
    REPEAT_PLANNED = "attempt succeeded, repetition planned"
    REPEAT_FAILED = "attempt succeeded, repeated in vain"
    REPEAT_CUT = "attempt succeeded, not repeated because the run stops"
    DELAY_ELAPSED = "delay before the next attempt elapsed"
    STOP_ASKED = "attempt asked to stop"
    PASSED_OVER = "passed over by skip_if or condition"
    BLOCKED = "blocked by a failed dependency"
    REFUSED = "refused before an attempt could start"
    HELD_OFF = "held off by a breaker, another try planned"
    QUARANTINED = "held off by a breaker, left to an operator"
    CACHE_ASKED = "cache asked"
    CACHE_HIT = "found in the cache"
    CACHE_MISSED = "not in the cache"
    ITEMS_BEGUN = "divided into its items"
    ITEMS_SUCCEEDED = "all items succeeded"
    ITEMS_FAILED = "all items ended, some failed"
    ITEMS_CANCELED = "all items ended, some canceled"
    FALLBACK_AWAITED = "failed for good, fallback awaited"
    FALLBACK_STOOD_IN = "fallback stood in"
    FALLBACK_FAILED = "fallback failed too"
    NOT_NEEDED = "not needed as a fallback"
    HELD_BACK = "held back because the plan is being changed"
    DROPPED = "dropped because the run stops"


TRANSITIONS: Final[Mapping[StepStatus, Mapping[Happening, StepStatus]]] = MappingProxyType(
    {
        StepStatus.PENDING: MappingProxyType(
            {
                Happening.ATTEMPT_STARTED: StepStatus.RUNNING,
                Happening.PASSED_OVER: StepStatus.SKIPPED,
                Happening.BLOCKED: StepStatus.SKIPPED,
                Happening.NOT_NEEDED: StepStatus.SKIPPED,
                Happening.REFUSED: StepStatus.FAILED,
                Happening.HELD_OFF: StepStatus.WAITING,
                Happening.QUARANTINED: StepStatus.QUARANTINED,
                Happening.CACHE_ASKED: StepStatus.PENDING,
                Happening.CACHE_HIT: StepStatus.SUCCEEDED,
                Happening.CACHE_MISSED: StepStatus.PENDING,
                Happening.ITEMS_BEGUN: StepStatus.RUNNING,
                Happening.FALLBACK_AWAITED: StepStatus.WAITING,
                Happening.HELD_BACK: StepStatus.PENDING,  # for good, as far as this plan is concerned
                Happening.DROPPED: StepStatus.CANCELED,
            }
        ),
        StepStatus.RUNNING: MappingProxyType(
            {
                Happening.ATTEMPT_SUCCEEDED: StepStatus.SUCCEEDED,
                Happening.ATTEMPT_FAILED: StepStatus.FAILED,
                Happening.ATTEMPT_CANCELED: StepStatus.CANCELED,
                Happening.RETRY_PLANNED: StepStatus.WAITING,
                Happening.REPEAT_PLANNED: StepStatus.WAITING,
                Happening.REPEAT_FAILED: StepStatus.FAILED,
                Happening.REPEAT_CUT: StepStatus.CANCELED,
                Happening.ITEMS_SUCCEEDED: StepStatus.SUCCEEDED,
                Happening.ITEMS_FAILED: StepStatus.FAILED,
                Happening.ITEMS_CANCELED: StepStatus.CANCELED,
                Happening.QUARANTINED: StepStatus.QUARANTINED,  # with its items, when the others have ended
                Happening.FALLBACK_AWAITED: StepStatus.WAITING,
                Happening.STOP_ASKED: StepStatus.RUNNING,
            }
        ),
        StepStatus.WAITING: MappingProxyType(
            {
                Happening.DELAY_ELAPSED: StepStatus.WAITING,  # until there is a slot
                Happening.ATTEMPT_STARTED: StepStatus.RUNNING,
                Happening.REFUSED: StepStatus.FAILED,
                Happening.HELD_OFF: StepStatus.WAITING,
                Happening.QUARANTINED: StepStatus.QUARANTINED,
                Happening.FALLBACK_AWAITED: StepStatus.WAITING,
                Happening.FALLBACK_STOOD_IN: StepStatus.SUCCEEDED,
                Happening.FALLBACK_FAILED: StepStatus.FAILED,
                Happening.HELD_BACK: StepStatus.WAITING,
                Happening.DROPPED: StepStatus.CANCELED,
            }
        ),
        StepStatus.CANCELED: MappingProxyType(
            {
                # The delay had run out, or the cache had answered, before it was heard that the step was dropped.
                Happening.DELAY_ELAPSED: StepStatus.CANCELED,
                Happening.CACHE_HIT: StepStatus.CANCELED,
                Happening.CACHE_MISSED: StepStatus.CANCELED,
            }
        ),
        StepStatus.SUCCEEDED: MappingProxyType({}),
        StepStatus.FAILED: MappingProxyType({}),
        StepStatus.SKIPPED: MappingProxyType({}),
        # Only an operator's decision leads back to work, and it is made before the core is built.
        StepStatus.QUARANTINED: MappingProxyType({Happening.DROPPED: StepStatus.CANCELED}),
    }
)
