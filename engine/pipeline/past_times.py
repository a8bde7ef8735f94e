"""How long the steps of a run are known to take, from that run and those before it. Pure; the next run is forecast.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model.states import Reason, StepStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.result import StepResult


class PastTimes(NamedTuple):
    """Microseconds by step: how long it took, or how long it had run when it was stopped. A step is in one of them at most."""

    took: dict[str, int]
    at_least: dict[str, int]


def times_of(
    results: Mapping[str, StepResult],
    *,
    earlier_us: Mapping[str, int],
    tried_us: Mapping[str, int | None],
) -> PastTimes:
    """The times of the steps of a run with these results.

    What came to a good end took as long as it took here; anything else as long as in `earlier_us`, those of other runs,
    and where they know nothing of it, as long as it took to fail. What was stopped takes no less than it had run by then,
    whatever was true of other runs. `tried_us` stands for the times of steps whose engine was lost.
    """
    good: dict[str, int] = {}
    failed: dict[str, int] = {}
    stopped: dict[str, int] = {}
    for step_id, result in results.items():
        lasted_us = tried_us.get(step_id, result.duration_us)
        if result.started_at_us is None or lasted_us is None:
            continue
        match result.status:
            case StepStatus.SUCCEEDED if result.reason is not Reason.OPERATOR:
                good[step_id] = lasted_us
            case StepStatus.FAILED:
                failed[step_id] = lasted_us
            case StepStatus.CANCELED:
                stopped[step_id] = lasted_us
            case _:
                pass  # nobody saw how long it works
    took = {**failed, **earlier_us, **good}
    at_least = {step_id: us for step_id, us in stopped.items() if took.get(step_id, 0) < us}
    return PastTimes({step_id: us for step_id, us in took.items() if step_id not in at_least}, at_least)
