"""Which step comes before which: edges between the steps of a pass, lineage, and the edges that say something new. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from store.rows import StepRow


@dataclass(frozen=True, slots=True)
class Relations:
    """Edges by the place of the steps. `parents` and `children` are all of them, `drawn` the children that say something new.

    `fallbacks` are the pairs of a step and the one that stands in for it.
    """

    parents: Sequence[Sequence[int]]
    children: Sequence[Sequence[int]]
    drawn: Sequence[Sequence[int]]
    fallbacks: frozenset[tuple[int, int]]

    def before(self, at: int) -> set[int]:
        """Everything that a step waits for, near or far."""
        return _reached(self.parents, at)

    def after(self, at: int) -> set[int]:
        """Everything that waits for a step, near or far."""
        return _reached(self.children, at)


def relate(steps: Sequence[StepRow], fallback_of: Mapping[str, str]) -> Relations:
    """The edges of these steps; dependencies on steps that are not among them are left out."""
    places = {step.step_id: at for at, step in enumerate(steps)}
    parents: list[list[int]] = [
        [places[name] for name in step.depends_on if name in places and places[name] != at]
        for at, step in enumerate(steps)
    ]
    fallbacks = frozenset(
        (places[failed], places[other]) for failed, other in fallback_of.items() if failed in places and other in places
    )
    for failed, other in fallbacks:
        if failed not in parents[other]:
            parents[other].append(failed)
    children: list[list[int]] = [[] for _ in steps]
    for at, above in enumerate(parents):
        for parent in above:
            children[parent].append(at)
    return Relations(parents, children, _reduced(parents, steps, fallbacks), fallbacks)


def _reached(edges: Sequence[Sequence[int]], at: int) -> set[int]:
    seen: set[int] = set()
    waiting = list(edges[at])
    while waiting:
        step = waiting.pop()
        if step not in seen:
            seen.add(step)
            waiting.extend(edges[step])
    return seen


def _reduced(
    parents: Sequence[Sequence[int]], steps: Sequence[StepRow], fallbacks: frozenset[tuple[int, int]]
) -> list[list[int]]:
    """The children without those that another way leads to as well: one big number a step says what is above it."""
    drawn: list[list[int]] = [[] for _ in steps]
    above: list[int] = [0] * len(steps)
    for at in sorted(range(len(steps)), key=lambda place: steps[place].group_index):
        others = 0
        for parent in parents[at]:
            others |= above[parent]
        own = others
        for parent in parents[at]:
            own |= 1 << parent
            if not others >> parent & 1 or (parent, at) in fallbacks:
                drawn[parent].append(at)
        above[at] = own
    for below in drawn:
        below.sort()
    return drawn
