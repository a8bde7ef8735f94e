"""The transition table: what may happen to a step in which state, and the state it is in afterwards. Nothing else."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.model.states import StepStatus

if TYPE_CHECKING:
    from collections.abc import Mapping


class Happening(StrEnum):
    """Something that happens to one step. The words stand in a step's story."""

    ATTEMPT_STARTED = "attempt started"
    ATTEMPT_SUCCEEDED = "attempt succeeded"
    ATTEMPT_FAILED = "attempt failed for good"
    ATTEMPT_CANCELED = "attempt canceled"
    RETRY_PLANNED = "attempt failed, another planned"
    DELAY_ELAPSED = "delay before the next attempt elapsed"
    STOP_ASKED = "attempt asked to stop"
    PASSED_OVER = "passed over by skip_if or condition"
    BLOCKED = "blocked by a failed dependency"
    REFUSED = "refused before an attempt could start"
    DROPPED = "dropped because the run stops"


TRANSITIONS: Final[Mapping[StepStatus, Mapping[Happening, StepStatus]]] = MappingProxyType(
    {
        StepStatus.PENDING: MappingProxyType(
            {
                Happening.ATTEMPT_STARTED: StepStatus.RUNNING,
                Happening.PASSED_OVER: StepStatus.SKIPPED,
                Happening.BLOCKED: StepStatus.SKIPPED,
                Happening.REFUSED: StepStatus.FAILED,
                Happening.DROPPED: StepStatus.CANCELED,
            }
        ),
        StepStatus.RUNNING: MappingProxyType(
            {
                Happening.ATTEMPT_SUCCEEDED: StepStatus.SUCCEEDED,
                Happening.ATTEMPT_FAILED: StepStatus.FAILED,
                Happening.ATTEMPT_CANCELED: StepStatus.CANCELED,
                Happening.RETRY_PLANNED: StepStatus.WAITING,
                Happening.STOP_ASKED: StepStatus.RUNNING,
            }
        ),
        StepStatus.WAITING: MappingProxyType(
            {
                Happening.DELAY_ELAPSED: StepStatus.WAITING,  # until there is a slot
                Happening.ATTEMPT_STARTED: StepStatus.RUNNING,
                Happening.REFUSED: StepStatus.FAILED,
                Happening.DROPPED: StepStatus.CANCELED,
            }
        ),
        StepStatus.CANCELED: MappingProxyType(
            {
                # The delay had run out before its timer heard that the step was dropped.
                Happening.DELAY_ELAPSED: StepStatus.CANCELED,
            }
        ),
        StepStatus.SUCCEEDED: MappingProxyType({}),
        StepStatus.FAILED: MappingProxyType({}),
        StepStatus.SKIPPED: MappingProxyType({}),
        # Only an operator's decision leads out of quarantine, and it is made before the core is built.
        StepStatus.QUARANTINED: MappingProxyType({}),
    }
)
