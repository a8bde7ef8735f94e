"""Which other assets are used together with one: in how many runs, in which steps, and which of them changed at the same time. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.regression.attribution import uses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.regression.facts import RunFacts


@dataclass(frozen=True, slots=True)
class Together:
    """In `runs` runs a version of the asset and a version of another one were used."""

    version: int
    other: str
    other_version: int
    runs: int


@dataclass(frozen=True, slots=True)
class Related:
    """Another asset: runs with both, the steps that refer to both, and its versions beside the one and the other version compared.

    The versions come with their numbers of runs, the most frequent first. `separates` says that none of them stands on both
    sides: it changed at the same time, and may be the cause of what is put down to the other.
    """

    asset: str
    runs: int
    steps: tuple[str, ...]
    before: tuple[tuple[int, int], ...]
    after: tuple[tuple[int, int], ...]

    @property
    def separates(self) -> bool:
        """True where the two sides have no version of it in common."""
        first, second = {version for version, _ in self.before}, {version for version, _ in self.after}
        return bool(first and second) and not first & second


def related_assets(
    together: Sequence[Together], before: int | None, after: int | None, steps: Iterable[tuple[str, str]] = ()
) -> list[Related]:
    """The other assets: those that changed at the same time first, then those of the same steps, then by runs.

    `steps` are pairs of another asset and a step that refers to both.
    """
    shared: dict[str, set[str]] = defaultdict(set)
    for other, step in steps:
        shared[other].add(step)
    runs: Counter[str] = Counter()
    sides: dict[str, tuple[Counter[int], Counter[int]]] = defaultdict(lambda: (Counter(), Counter()))
    for one in together:
        runs[one.other] += one.runs
        if one.version in (before, after):
            sides[one.other][one.version == after][one.other_version] += one.runs
    found = [
        Related(other, number, tuple(sorted(shared[other])), *(_frequent(side) for side in sides[other]))
        for other, number in runs.items()
    ]
    return sorted(found, key=lambda one: (not one.separates, -len(one.steps), -one.runs, one.asset))


def _frequent(numbers: Counter[int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(numbers.items(), key=lambda item: (-item[1], -item[0])))


def shared_steps(asset: str, runs: Iterable[RunFacts]) -> set[tuple[str, str]]:
    """Pairs of another asset and a step whose definition refers to both."""
    found: set[tuple[str, str]] = set()
    for run in runs:
        names = {alias: _name(said) for alias, said in run.assets.items()}
        own = {alias for alias, name in names.items() if name == asset}
        if not own:
            continue
        for step, definition in run.definitions.items():
            used = uses_of(definition).assets
            if used & own:
                found |= {(names[alias], step) for alias in used & set(names) if names[alias] not in ("", asset)}
    return found


def _name(said: object) -> str:
    ref = said.get("ref") if isinstance(said, dict) else None
    return ref.rpartition("@")[0] if isinstance(ref, str) else ""
