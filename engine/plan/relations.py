"""What steps are to each other beyond references: fallbacks, resources provided and consumed, branches of decisions. Notes faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.states import OnFailure
from engine.plan.faults import did_you_mean, shorten
from engine.plan.fields import STEP_SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from engine.plan.faults import Faults, Path
    from engine.plan.names import Names

MAX_CONSUMED = 1_000_000
"""Dependencies that provides and consumes may make together: a few lines of each could make a thousand times more than they say."""

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Branch:
    """That a step stands in branches of a decision: it runs if one of them is chosen."""

    decision: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A step, its fallback, the fallback's fallback and so on; `place` is where in it a step stands."""

    steps: list[str]
    place: int


@dataclass(slots=True)
class Relations:
    """`fallback_of` maps a step to its fallback, `stands_in_for` the other way, each in plan order.

    `providers` are the steps that provide a resource, a fallback under the name of the step whose place it takes.
    """

    fallback_of: dict[str, str] = field(default_factory=dict)
    stands_in_for: dict[str, str] = field(default_factory=dict)
    providers: dict[str, list[str]] = field(default_factory=dict)
    late_providers: dict[str, list[str]] = field(default_factory=dict)
    branches: dict[str, tuple[Branch, ...]] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)

    def first_of(self, step_id: str) -> str:
        """The step at the beginning of a chain of fallbacks: the step itself if it is no fallback."""
        chain = self.chains.get(step_id)
        return step_id if chain is None else chain.steps[0]

    def is_upstream(self, step_id: str, of: str) -> bool:
        """True if `of` stands in for the step, directly or through others."""
        chain, other = self.chains.get(step_id), self.chains.get(of)
        return chain is not None and other is not None and chain.steps is other.steps and chain.place < other.place


class RelationFinder:
    """Goes through all steps before their texts are looked at, since these may name any other step."""

    def __init__(self, plan: JsonObject, names: Names, faults: Faults) -> None:
        self.plan = plan
        self.names = names
        self.faults = faults
        self.found = Relations()
        self._named_at: dict[str, Path] = {}
        self._branches: dict[str, list[Branch]] = {}
        self._edges = 0

    def run(self) -> Relations:
        """Everything there is; what is wrong is noted and left out."""
        providing: list[tuple[str, Path, list[Json]]] = []
        for step_id, step, path in self._steps():
            if step.get("fallback_step") is not None or step.get("on_failure") == OnFailure.FALLBACK_STEP:
                self._fallback(step_id, step, path)
            if isinstance(listed := step.get("provides"), list):
                providing.append((step_id, path, listed))
            definition = step.get("step_def")
            if isinstance(definition, dict) and definition.get("type") == "decision":
                self._decision(step_id, definition, path)
        self._chain_up()
        for step_id, path, listed in providing:
            known = self.found.providers if path[0] == "steps" else self.found.late_providers
            for name in listed:
                if isinstance(name, str):
                    known.setdefault(name, []).append(self.found.first_of(step_id))
        self.found.branches = {step_id: tuple(branches) for step_id, branches in self._branches.items()}
        return self.found

    def consumed(self, step_id: str, listed: Json, path: Path) -> Iterator[tuple[str, str]]:
        """The steps that a step depends on because of what it consumes, each with the resource."""
        for index, name in enumerate(listed if isinstance(listed, list) else ()):
            if self._edges > MAX_CONSUMED:
                return  # said already
            if not isinstance(name, str):
                continue
            late = path[0] == "finally"
            found = self.found.providers.get(name, [])
            providers = found + self.found.late_providers.get(name, []) if late else found
            others = [provider for provider in providers if provider != step_id]
            if not others:
                self._nobody_provides(name, bool(providers), (*path, index))
            self._edges += len(others)
            if self._edges > MAX_CONSUMED:
                message = f"what is provided and consumed makes more than {MAX_CONSUMED:,} dependencies"
                self.faults.add((*path, index), message, "let one step gather what the others provide")
                return
            if not late:
                for provider in others:
                    yield provider, name

    def _nobody_provides(self, name: str, itself: bool, path: Path) -> None:
        known = self.found.providers
        if itself:
            self.faults.add(path, f"only this step itself provides '{shorten(name)}'", "another step has to provide it")
        elif name in self.found.late_providers:
            message = f"'{shorten(name)}' is provided only in finally, after all of these steps"
            self.faults.add(path, message, "a step of steps has to provide it")
        else:
            hint = did_you_mean(name, known) or f"the step that makes it says provides: [{shorten(name)}]"
            self.faults.add(path, f"no step provides '{shorten(name)}'", hint)

    def _steps(self) -> Iterator[tuple[str, JsonObject, Path]]:
        for section in STEP_SECTIONS:
            known = self.names.steps if section == "steps" else self.names.finals
            steps = self.plan.get(section)
            for index, step in enumerate(steps if isinstance(steps, list) else ()):
                if (
                    isinstance(step, dict)
                    and isinstance(step_id := step.get("id"), str)
                    and known.get(step_id) == index
                ):
                    yield step_id, step, (section, index)

    # fallbacks -------------------------------------------------------------------------------------------------------

    def _fallback(self, step_id: str, step: JsonObject, path: Path) -> None:
        named, policy = step.get("fallback_step"), step.get("on_failure")
        place = (*path, "fallback_step")
        if path[0] == "finally":
            hint = "what comes after a failing one runs anyway; take it out"
            self.faults.add(path, "steps in finally have no fallback", hint)
        elif named is None:
            if policy == OnFailure.FALLBACK_STEP:
                hint = "add fallback_step: the id of the step that stands in"
                self.faults.add(
                    (*path, "on_failure"), "on_failure is fallback_step, and no fallback_step is named", hint
                )
        elif policy != OnFailure.FALLBACK_STEP:
            hint = "add on_failure: fallback_step"
            self.faults.add(place, "fallback_step is named, and on_failure does not ask for it", hint, at_key=True)
        elif isinstance(named, str):
            self._fallback_step(step_id, named, place)

    def _fallback_step(self, step_id: str, named: str, place: Path) -> None:
        if named == step_id:
            self.faults.add(place, "a step cannot be its own fallback", "name another step, or use retries")
        elif named in self.names.finals:
            self.faults.add(place, f"{named} runs in finally, whatever happens", "name a step of steps")
        elif named not in self.names.steps:
            self.faults.add(place, f"there is no step '{shorten(named)}'", did_you_mean(named, self.names.steps))
        elif named in self.found.stands_in_for:
            other = self.found.stands_in_for[named]
            self.faults.add(
                place, f"{named} is the fallback of {other} already", "one step has one fallback of its own"
            )
        else:
            self.found.fallback_of[step_id] = named
            self.found.stands_in_for[named] = step_id
            self._named_at[step_id] = place

    def _chain_up(self) -> None:
        """Each step has one fallback and stands in for one: what no beginning leads to is a circle, which is cut."""
        found = self.found
        for first in found.fallback_of:
            if first not in found.stands_in_for:
                steps = [first]
                while (following := found.fallback_of.get(steps[-1])) is not None:
                    steps.append(following)
                found.chains.update((step_id, Chain(steps, place)) for place, step_id in enumerate(steps))
        for first in [step_id for step_id in found.fallback_of if step_id not in found.chains]:
            circle = [first]
            while (following := found.fallback_of.pop(circle[-1], None)) is not None:
                del found.stands_in_for[following]
                circle.append(following)
            if len(circle) > 1:
                shown = circle if len(circle) <= _SHOWN else [*circle[:6], "…", *circle[-5:]]
                message = f"these steps are each other's fallback: {' -> '.join(shown)}"
                self.faults.add(self._named_at[first], message, "the last one needs none, or another one")

    # decisions -------------------------------------------------------------------------------------------------------

    def _decision(self, step_id: str, definition: Mapping[str, Json], path: Path) -> None:
        branches = definition.get("branches")
        chosen_by: dict[str, list[str]] = {}
        for branch, steps in branches.items() if isinstance(branches, dict) else ():
            place = (*path, "step_def", "branches", branch)
            named: Sequence[Json] = steps if isinstance(steps, list) else ()
            for index, name in enumerate(named):
                if not isinstance(name, str) or not self._branch_step(step_id, name, path, (*place, index)):
                    continue
                already = chosen_by.setdefault(name, [])
                if branch in already:
                    self.faults.add((*place, index), f"{name} stands in this branch twice", "keep one of the two")
                else:
                    already.append(branch)
        for name, names in chosen_by.items():
            self._branches.setdefault(name, []).append(Branch(step_id, tuple(names)))

    def _branch_step(self, decision: str, name: str, path: Path, place: Path) -> bool:
        known, others = (
            (self.names.steps, self.names.finals) if path[0] == "steps" else (self.names.finals, self.names.steps)
        )
        if name == decision:
            self.faults.add(place, "a decision cannot stand in its own branch", "take it out")
        elif name in others:
            hint = "a branch has steps of the part of the plan that the decision stands in"
            self.faults.add(place, f"{name} is a step of {'finally' if path[0] == 'steps' else 'steps'}", hint)
        elif name not in known:
            self.faults.add(place, f"there is no step '{shorten(name)}'", did_you_mean(name, known))
        elif path[0] == "finally" and known[name] < int(path[1]):
            self.faults.add(place, f"{name} has run by then", "finally steps run in the order of the plan")
        else:
            return True
        return False


def order_edges(relations: Relations, depends_on: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Dependencies and, besides, what fallbacks mean for the order: a fallback comes after the step it stands in for, and
    before what depends on that step. A fallback that waits for one of these would wait for ever, and shows as a cycle.
    """
    if not relations.chains:
        return depends_on
    after = dict(depends_on)
    for step_id, needed in depends_on.items():
        awaited = [
            chain.steps[-1]
            for name in needed
            if (chain := relations.chains.get(name)) is not None and not relations.is_upstream(name, step_id)
        ]
        if step_id in relations.stands_in_for:
            awaited.append(relations.stands_in_for[step_id])
        if awaited:
            after[step_id] = tuple(dict.fromkeys((*needed, *awaited)))
    return after


def check_fallback_needs(
    relations: Relations, needed: Mapping[str, Mapping[str, str]], names: Names, faults: Faults
) -> None:
    """A fallback decides the end of the steps it stands in for, so it cannot wait for them."""
    for step_id in relations.stands_in_for:
        for first, because in needed.get(step_id, {}).items():
            if relations.is_upstream(first, step_id):
                message = f"{step_id} stands in for {first} and cannot wait for it ({because})"
                hint = "it runs before the end of the step it stands in for; take the reference or dependency out"
                faults.add(("steps", names.steps[step_id]), message, hint)
