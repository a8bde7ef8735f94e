"""Decision steps: rules over what is known, the first that holds chooses a branch. Pure; skipping the others is compiled.py's.

A question for a language model is filled in here; asking it is `engine.steps.decision`'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundDecision
from engine.plan.definitions.filling import open_text
from engine.plan.faults import did_you_mean, shorten
from engine.plan.names import Around, Context, Place
from engine.plan.references import MissingReferenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json
    from engine.model.step_defs import DecisionDef
    from engine.plan.definitions.filling import Fields
    from engine.plan.faults import Path
    from engine.plan.scope import View
    from engine.plan.texts import Texts

NOTHING_HOLDS = "no rule holds and there is no default"


def check_decision(definition: Mapping[str, Json], path: Path, around: Around, texts: Texts) -> Fields:
    """Compile the rules, and note what is wrong with them. The steps of the branches are checked with the other relations."""
    branches = definition.get("branches")
    known = branches if isinstance(branches, dict) else {}
    rules, default = definition.get("rules"), definition.get("default")
    if not rules and default is None:
        texts.faults.add(path, "nothing can be chosen", "give rules, a default, or both")
    found: dict[str, Any] = {"rules": [], "ask": texts.argument(definition.get("ask"), (*path, "ask"), around)}
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if not isinstance(rule, dict):
            continue
        here = (*path, "rules", index)
        found["rules"].append(texts.expression(rule.get("when"), Context(Place.RULE, (*here, "when"), around)))
        _check_branch(rule.get("choose"), known, (*here, "choose"), texts)
    _check_branch(default, known, (*path, "default"), texts)
    return found


def bind_decision(definition: DecisionDef, fields: Fields, view: View) -> BoundDecision:
    """What is chosen now. Never raises: a missing value in a rule is null, and a question that lacks one is not asked."""
    by_rules = _by_rules(definition, fields, view)
    if fields["ask"] is None:
        return by_rules
    branches = tuple(definition.branches)
    try:
        return replace(by_rules, ask=open_text(fields["ask"], view), branches=branches)
    except MissingReferenceError as error:
        return replace(by_rules, branches=branches, unasked=f"the question cannot be asked: {error.cause}")


def _by_rules(definition: DecisionDef, fields: Fields, view: View) -> BoundDecision:
    for index, expression in enumerate(fields["rules"]):
        if expression.holds(view):
            return BoundDecision(definition.rules[index].choose, index, f"rule {index + 1} holds: {expression.text}")
    if definition.default is not None:
        return BoundDecision(definition.default, None, "no rule holds, so it is the default")
    return BoundDecision(None, None, NOTHING_HOLDS)


def _check_branch(name: Json, known: Mapping[str, Json], path: Path, texts: Texts) -> None:
    if isinstance(name, str) and name and name not in known:
        hint = did_you_mean(name, known) or f"there are: {', '.join(shorten(branch) for branch in list(known)[:12])}"
        texts.faults.add(path, f"there is no branch '{shorten(name)}'", hint if known else "declare it in branches")
