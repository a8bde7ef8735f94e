"""Order of the steps: generations, a stable topological order, cycles. Linear in steps and dependencies, and no recursion.

Small enough to be our own: importing a graph library would cost more time than a whole plan of a thousand steps.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CYCLES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Graph:
    """`order` keeps the plan's own order wherever dependencies allow it; `generation` counts from 0."""

    order: tuple[str, ...]
    generation: Mapping[str, int]
    dependents: Mapping[str, tuple[str, ...]]


def build_graph(depends_on: Mapping[str, Sequence[str]]) -> Graph | list[list[str]]:
    """The graph of steps given in plan order, or its cycles, each as steps that wait for the next and back to the first.

    Every dependency has to be a key of `depends_on`.
    """
    position = {step: index for index, step in enumerate(depends_on)}
    names = list(depends_on)
    dependents: dict[str, list[str]] = {step: [] for step in depends_on}
    waiting: dict[str, int] = {}
    for step, needed in depends_on.items():
        waiting[step] = len(needed)
        for dependency in needed:
            dependents[dependency].append(step)
    ready = [position[step] for step, count in waiting.items() if count == 0]
    order: list[str] = []
    generation: dict[str, int] = {}
    while ready:
        step = names[heapq.heappop(ready)]
        order.append(step)
        generation[step] = 1 + max((generation[dependency] for dependency in depends_on[step]), default=-1)
        for dependent in dependents[step]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                heapq.heappush(ready, position[dependent])
    if len(order) < len(names):
        return _cycles({step: depends_on[step] for step in names if step not in generation})
    return Graph(tuple(order), generation, {step: tuple(others) for step, others in dependents.items()})


def dependents_of(depends_on: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The other way round: which steps each step is a dependency of, in the order of the plan."""
    dependents: dict[str, list[str]] = {step: [] for step in depends_on}
    for step, needed in depends_on.items():
        for dependency in needed:
            dependents[dependency].append(step)
    return {step: tuple(others) for step, others in dependents.items()}


def _cycles(depends_on: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Cycles that share no step, found depth first in plan order."""
    done: set[str] = set()
    cycles: list[list[str]] = []
    for root in depends_on:
        if root in done or len(cycles) >= _CYCLES_SHOWN:
            continue
        path: list[str] = []
        depth: dict[str, int] = {}
        stack = [(root, iter(depends_on[root]))]
        path.append(root)
        depth[root] = 0
        while stack:
            step, following = stack[-1]
            for other in following:
                if other in depth:
                    cycles.append([*path[depth[other] :], other])
                    done.update(depth)
                    stack.clear()
                    break
                if other not in done and other in depends_on:
                    depth[other] = len(path)
                    path.append(other)
                    stack.append((other, iter(depends_on[other])))
                    break
            else:
                stack.pop()
                done.add(step)
                del depth[step]
                path.pop()
    return cycles


def execution_groups(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """The steps of each generation, in execution order."""
    groups: list[list[str]] = [[] for _ in range(1 + max(graph.generation.values(), default=-1))]
    for step in graph.order:
        groups[graph.generation[step]].append(step)
    return tuple(tuple(group) for group in groups)
