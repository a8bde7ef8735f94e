"""What may have caused a change: what differs between the sides and can reach the part that changed. Pure; it proves nothing.

A difference reaches a step if the step, or one that it depends on however far back, refers to it, or if it is of the whole
run: the host, or an asset that no step names. The nearer it is referred to, the likelier; a rerun with only this one says.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import Stage
from engine.regression.verdict import DifferenceKind, Suspect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.model.json import Json
    from engine.regression.parts import PartKey
    from engine.regression.verdict import Difference

_USE: Final = re.compile(r"\b(assets|params)\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*[\"']([^\"']+)[\"'])")
_FAR: Final = 1_000_000
"""Further than any step is from another: what concerns the whole run comes after what a step refers to."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Which parameters and aliases of assets a step refers to."""

    params: frozenset[str]
    assets: frozenset[str]


def uses_of(definition: Json) -> Uses:
    """What a step as it was written refers to, in any of its texts: templates, conditions, arguments."""
    found = [match for text in _texts(definition) for match in _USE.finditer(text)]
    named = [(match.group(1), match.group(2) or match.group(3)) for match in found]
    return Uses(
        frozenset(name for head, name in named if head == "params"),
        frozenset(name for head, name in named if head == "assets"),
    )


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for element in value:
                yield from _texts(element)
        case dict():
            for element in value.values():
                yield from _texts(element)
        case _:
            pass


def suspects_of(
    parts: Sequence[PartKey],
    differences: Iterable[Difference],
    depends_on: Mapping[str, Sequence[str]],
    uses: Mapping[str, Uses],
) -> list[Suspect]:
    """The suspects for parts that changed together, the nearest first.

    `depends_on` and `uses` are those of the plan's steps; of a step that they do not know, only the whole run is suspected.
    """
    steps = sorted({part.step_id for part in parts if part.step_id})
    distances = _distances(steps, depends_on) if steps else dict.fromkeys(depends_on, 0)
    # A stage leans on all that came before it; without steps it is the stage itself that changed.
    is_late = any(part.stage in (Stage.COMPOSE, Stage.PRESENT) for part in parts)
    named = Uses(
        frozenset(name for one in uses.values() for name in one.params),
        frozenset(name for one in uses.values() for name in one.assets),
    )
    found = [
        suspect
        for one in differences
        if one.separates
        for suspect in [_suspect(one, distances, uses, named, is_late=is_late)]
        if suspect is not None
    ]
    return sorted(found, key=lambda suspect: (suspect.distance, list(DifferenceKind).index(suspect.kind), suspect.name))


def _distances(steps: Sequence[str], depends_on: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many dependencies back each ancestor is, the steps themselves included."""
    distances = dict.fromkeys(steps, 0)
    waiting = deque(steps)
    while waiting:
        step = waiting.popleft()
        for other in depends_on.get(step, ()):
            if other not in distances:
                distances[other] = distances[step] + 1
                waiting.append(other)
    return distances


def _suspect(
    one: Difference, distances: Mapping[str, int], uses: Mapping[str, Uses], named: Uses, *, is_late: bool
) -> Suspect | None:
    match one.kind:
        case DifferenceKind.ASSET:
            by, everywhere = (
                _nearest(distances, (s for s in distances if one.name in _of(uses, s).assets)),
                named.assets,
            )
        case DifferenceKind.PARAM:
            by, everywhere = (
                _nearest(distances, (s for s in distances if one.name in _of(uses, s).params)),
                named.params,
            )
        case DifferenceKind.PLAN_STEP:
            by, everywhere = _nearest(distances, (s for s in distances if s == one.name)), frozenset([one.name])
        case DifferenceKind.PLAN if one.name == "plan_version":
            return None  # a name; what it stands for is compared step by step
        case DifferenceKind.PLAN | DifferenceKind.ENVIRONMENT:
            by, everywhere = None, frozenset[str]()
        case DifferenceKind.REPLAN:
            return None  # follows from what happened; it is no input
    if by is None and one.name in everywhere and not is_late:
        return None  # only steps refer to it that cannot reach the part
    before, after = (side[0][0] if side else "" for side in (one.baseline, one.candidates))
    distance = _FAR if by is None else distances[by]
    return Suspect(
        one.kind, one.name, before, after, _why(one, by, distance), distance, _rerun(one.kind, one.name, before)
    )


def _of(uses: Mapping[str, Uses], step: str) -> Uses:
    return uses.get(step) or Uses(frozenset(), frozenset())


def _nearest(distances: Mapping[str, int], steps: Iterable[str]) -> str | None:
    return min(steps, key=lambda step: (distances[step], step), default=None)


def _why(one: Difference, by: str | None, distance: int) -> str:
    if by is None:
        return "it concerns the whole run"
    if one.kind is DifferenceKind.PLAN_STEP:
        return (
            "the step itself was changed" if not distance else f"a step before it was changed, {_steps(distance)} back"
        )
    return f"{by} refers to it" if not distance else f"{by}, {_steps(distance)} before it, refers to it"


def _steps(number: int) -> str:
    return f"{number} step{'' if number == 1 else 's'}"


def _rerun(kind: DifferenceKind, name: str, before: str) -> str:
    """What to add to a rerun of a candidate so that only this is as it was; empty where nothing can be added."""
    match kind:
        case DifferenceKind.ASSET:
            return f"--override {shlex.quote(before)}" if "@" in before else ""
        case DifferenceKind.PARAM:
            return f"-p {shlex.quote(f'{name}={before}')}"
        case _:
            return ""


def advice_for(suspects: Sequence[Suspect]) -> str:
    """What to do next, in a sentence. Two that could both have done it are confounded: no figure tells them apart."""
    if not suspects:
        return "nothing that could have caused it differs between the runs"
    if len(suspects) == 1:
        return f"rerun with only this one as it was: {suspects[0].name} {suspects[0].baseline}"
    names = ", ".join(suspect.name for suspect in suspects[:5])
    return f"confounded: {len(suspects)} things changed together ({names}); bisecting tells them apart, one rerun after the other"
