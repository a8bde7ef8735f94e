"""A step's texts and conditions, compiled, and filled in for an attempt. Finding references is texts.py's work, types are definitions'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundStep, SecretName
from engine.model.plan import Globals, Step
from engine.model.step_defs import DecisionDef
from engine.plan.definitions.dispatch import bind_definition
from engine.plan.expressions import Expression
from engine.plan.items import expand_items
from engine.plan.references import MissingReferenceError, fill_text, fill_value
from engine.plan.scope import EnvValue, Item, Scope, View, without_secrets
from engine.plan.template_parser import Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.model.bound import BoundText
    from engine.model.json import Json, JsonObject
    from engine.plan.references import Compiled
    from engine.plan.relations import Branch

Text = str | Template


@dataclass(frozen=True, slots=True)
class Shared:
    """What all steps of a plan have in common."""

    global_env: Mapping[str, Text] = field(default_factory=dict)
    plan: JsonObject = field(default_factory=dict)
    settings: Globals = field(default_factory=Globals)


@dataclass(frozen=True, slots=True)
class StepCode:
    """The compiled texts of one step. `texts` are those of its definition, by field; `branches` those it stands in."""

    condition: Expression | None = None
    skip_if: tuple[Expression, ...] = ()
    env: Mapping[str, Text] = field(default_factory=dict)
    inputs: Mapping[str, Compiled] = field(default_factory=dict)
    texts: Mapping[str, Any] = field(default_factory=dict)
    for_each: Compiled = None
    until: Expression | None = None
    branches: tuple[Branch, ...] = ()


def bind_step(step: Step, code: StepCode, shared: Shared, scope: Scope, item: Item | None) -> BoundStep:
    """The step with everything filled in. Raises MissingReferenceError.

    In this order, each seeing what came before: globals.env, output_mapping, the step's env, the definition.
    """
    ambient = _global_env(shared, scope)
    inputs = {}
    if code.inputs:
        view = View(scope, env={**scope.env, **ambient}, plan=shared.plan, item=item)
        inputs = {name: fill_value(value, view, null_as=None) for name, value in code.inputs.items()}
    added: dict[str, BoundText] = dict(ambient)
    if code.env:
        view = View(scope, env={**scope.env, **ambient}, inputs=inputs, plan=shared.plan, item=item)
        added.update((name, fill_text(text, view)) for name, text in code.env.items())
    env: Mapping[str, EnvValue] = {**scope.env, **added}
    if isinstance(step.step_def, DecisionDef):
        env = without_secrets(env)
    view = View(scope, env=env, inputs=inputs, plan=shared.plan, item=item)
    definition = bind_definition(step.step_def, code.texts, view, inputs)
    return BoundStep(definition=definition, env=added, inputs=inputs)


def items_of(code: StepCode, shared: Shared, scope: Scope) -> list[Json]:
    """The items of `for_each`. Raises MissingReferenceError or BadItemsError."""
    view = View(scope, env={**scope.env, **_global_env(shared, scope)}, plan=shared.plan)
    return expand_items(code.for_each, view)


def condition_view(code: StepCode, shared: Shared, scope: Scope) -> View:
    """What the conditions of a step see. A variable that cannot be worked out reads as null; so does one with a secret."""
    expressions = code.skip_if if code.condition is None else (*code.skip_if, code.condition)
    if not _mentions(("env",), expressions):
        return View(scope, plan=shared.plan)
    _, env = _lenient_surroundings(code, shared, scope, None)
    return View(scope, env=env, plan=shared.plan)


def surroundings_view(code: StepCode, shared: Shared, scope: Scope) -> View:
    """The same for an expression that is not the plan's own."""
    _, env = _lenient_surroundings(code, shared, scope, None)
    return View(scope, env=env, plan=shared.plan)


def names_in(code: Any) -> Iterator[tuple[str, str | None]]:
    """Every head that compiled texts and expressions name, with the key below it if that is fixed."""
    match code:
        case Template():
            for part in code.parts:
                if isinstance(part, SecretName):
                    yield "secrets", part.name
                elif not isinstance(part, str):
                    yield part.head, _first_key(part.keys)
        case Expression():
            for name in code.names:
                yield name.head, _first_key(name.keys)
        case _:
            for value in _members(code):
                yield from names_in(value)


def _members(code: Any) -> Iterable[Any]:
    match code:
        case StepCode():
            return [getattr(code, one.name) for one in fields(code)]
        case Mapping():
            return code.values()
        case list() | tuple():
            return code
        case _:
            return ()


def _first_key(keys: Sequence[object]) -> str | None:
    return keys[0] if keys and isinstance(keys[0], str) else None


def until_view(code: StepCode, shared: Shared, scope: Scope, attempt: JsonObject, item: Item | None) -> View:
    """What `repeat.until` sees: the attempt as `item`, and the inputs, which may have been made of the item of a `for_each`."""
    if code.until is None or not _mentions(("env", "inputs"), (code.until,)):
        return View(scope, plan=shared.plan, attempt=attempt)
    inputs, env = _lenient_surroundings(code, shared, scope, item)
    return View(scope, env=env, inputs=inputs, plan=shared.plan, attempt=attempt)


def _mentions(heads: tuple[str, ...], expressions: Iterable[Expression]) -> bool:
    return any(name.head in heads for expression in expressions for name in expression.names)


def _lenient_surroundings(
    code: StepCode, shared: Shared, scope: Scope, item: Item | None
) -> tuple[dict[str, Any], dict[str, EnvValue]]:
    """Inputs and environment, null where something is missing."""
    env: dict[str, EnvValue] = dict(scope.env)
    env.update(_lenient(shared.global_env, View(scope, env=dict(env), plan=shared.plan)))
    inputs = _lenient_inputs(code, View(scope, env=dict(env), plan=shared.plan, item=item))
    env.update(_lenient(code.env, View(scope, env=dict(env), inputs=inputs, plan=shared.plan, item=item)))
    return inputs, without_secrets(env)


def _global_env(shared: Shared, scope: Scope) -> dict[str, BoundText]:
    if not shared.global_env:
        return {}
    view = View(scope, plan=shared.plan)
    return {name: fill_text(text, view) for name, text in shared.global_env.items()}


def _lenient(texts: Mapping[str, Text], view: View) -> dict[str, EnvValue]:
    return {name: _or_null(text, view) for name, text in texts.items()}


def _or_null(text: Text, view: View) -> EnvValue:
    try:
        return fill_text(text, view)
    except MissingReferenceError:
        return None


def _lenient_inputs(code: StepCode, view: View) -> dict[str, Any]:
    inputs = {}
    for name, value in code.inputs.items():
        try:
            inputs[name] = fill_value(value, view, null_as=None)
        except MissingReferenceError:
            inputs[name] = None
    return inputs
