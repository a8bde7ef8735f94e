"""In what two sides differ as a whole: plan, steps of it, parameters, assets, environment, replans; and what only one has. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from engine.regression.verdict import Difference, DifferenceKind, OneSided, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json
    from engine.regression.facts import RunFacts
    from engine.regression.parts import PartKey, PartSample

_MOST_VALUES: Final = 8
_MOST_CHARS: Final = 200
_NONE: Final = "–"
_STEPS: Final = "plan_hash"


def differences_of(baseline: Sequence[RunFacts], candidates: Sequence[RunFacts]) -> list[Difference]:
    """Every fact of which the sides do not hold the same values equally often, as far as that cannot be by chance of order.

    What stands on both sides alike is left out, also where it varies within them. A fact that a run does not have is `–`.
    From no runs nothing differs.
    """
    if not baseline or not candidates:
        return []
    found: list[Difference] = []
    all_definitions = [run.definitions for run in (*baseline, *candidates)]
    for kind in DifferenceKind:
        if kind is DifferenceKind.PLAN_STEP and all(one is all_definitions[0] for one in all_definitions):
            continue  # one plan, which may have thousands of steps
        before = [_facts(kind, run) for run in baseline]
        after = [_facts(kind, run) for run in candidates]
        for name in sorted({name for facts in (*before, *after) for name in facts}):
            sides = [Counter(facts.get(name, _NONE) for facts in side) for side in (before, after)]
            if set(sides[0]) != set(sides[1]):
                separates = not set(sides[0]) & set(sides[1])
                found.append(Difference(kind, name, _shown(sides[0]), _shown(sides[1]), separates))
    return found


def _facts(kind: DifferenceKind, run: RunFacts) -> dict[str, str]:
    match kind:
        case DifferenceKind.PLAN:
            # What changed in a plan is said step by step where the plans are at hand; its hash alone says nothing.
            return {name: _text(value) for name, value in run.plan.items() if name != _STEPS or not run.definitions}
        case DifferenceKind.PLAN_STEP:
            return {name: _text(value) for name, value in run.definitions.items()}
        case DifferenceKind.PARAM:
            return {name: _text(value) for name, value in run.params.items()}
        case DifferenceKind.ASSET:
            return {alias: _asset(value) for alias, value in run.assets.items()}
        case DifferenceKind.ENVIRONMENT:
            return {name: _text(value) for name, value in run.environment.items()}
        case DifferenceKind.REPLAN:
            return {
                str(key): str(event.get("decision") if isinstance(event, dict) else event)
                for key, event in run.replans.items()
            }


def _asset(value: Json) -> str:
    return str(value["ref"]) if isinstance(value, dict) and value.get("ref") else _text(value)


def _text(value: Json) -> str:
    """Short enough to show, and still another text for another value."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(text) <= _MOST_CHARS:
        return text
    from hashlib import sha256

    return f"{text[: _MOST_CHARS - 12]}… {sha256(text.encode()).hexdigest()[:8]}"


def _shown(values: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(values.items(), key=lambda one: (-one[1], one[0]))[:_MOST_VALUES])


def one_sided_parts(baseline: Mapping[PartKey, PartSample], candidates: Mapping[PartKey, PartSample]) -> list[OneSided]:
    """What only one side has, in the order of parts; nothing where a side has no parts at all."""
    if not baseline or not candidates:
        return []
    found = [
        *(OneSided(key, Side.BASELINE_ONLY, sample.met) for key, sample in baseline.items() if key not in candidates),
        *(OneSided(key, Side.CANDIDATES_ONLY, sample.met) for key, sample in candidates.items() if key not in baseline),
    ]
    return sorted(found, key=lambda one: one.part.order)
