"""Which steps of a group are drawn one by one where there is no room for all of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import StepStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from store.rows import StepRow

MOST_UNFOLDED: Final = 200
"""Steps of one group that are drawn at most: nobody reads a row of more."""
_LOUD: Final = (StepStatus.FAILED, StepStatus.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Fold:
    """The steps of a group that one mark stands for."""

    group: int
    members: tuple[int, ...]


def fold(
    group: int, members: Sequence[int], room: int, steps: Sequence[StepRow], pinned: Collection[int]
) -> tuple[list[int], Fold | None]:
    """The steps of a group that are drawn, and what stands for the others; `room` is how many marks there is space for.

    The plan's own order decides, so that nothing moves while the run does; what was looked for and what failed comes in
    whatever its place.
    """
    if len(members) <= max(1, room):
        return list(members), None
    kept = max(1, room - 1)
    chosen = [at for at in members if at in pinned][:kept]
    chosen += [at for at in members if at not in pinned and steps[at].status in _LOUD][: max(0, kept - len(chosen))]
    taken = set(chosen)
    for at in members:
        if len(taken) >= kept:
            break
        taken.add(at)
    return [at for at in members if at in taken], Fold(group, tuple(at for at in members if at not in taken))
