"""A step's texts and conditions, compiled: what has to be filled in at which place. Filling in is references.py's work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.model.bound import BoundCommand, BoundDef, BoundSql, BoundStep, SecretText
from engine.model.plan import CommandDef, SqlDef, Step
from engine.plan.references import fill_text, fill_value
from engine.plan.scope import EnvValue, Scope, View, without_secrets
from engine.plan.template_parser import Template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.bound import BoundText
    from engine.model.json import JsonObject
    from engine.plan.expressions import Expression
    from engine.plan.references import Compiled

Text = str | Template


@dataclass(frozen=True, slots=True)
class Shared:
    """What all steps of a plan have in common."""

    global_env: Mapping[str, Text] = field(default_factory=dict)
    plan: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepCode:
    """The compiled texts of one step. `texts` are those of its definition, by field."""

    condition: Expression | None = None
    skip_if: tuple[Expression, ...] = ()
    env: Mapping[str, Text] = field(default_factory=dict)
    inputs: Mapping[str, Compiled] = field(default_factory=dict)
    texts: Mapping[str, Any] = field(default_factory=dict)


def bind_step(step: Step, code: StepCode, shared: Shared, scope: Scope) -> BoundStep:
    """The step with everything filled in. Raises MissingReferenceError.

    In this order, each seeing what came before: globals.env, output_mapping, the step's env, the definition.
    """
    ambient = _global_env(shared, scope)
    inputs = {}
    if code.inputs:
        view = View(scope, env={**scope.env, **ambient}, plan=shared.plan)
        inputs = {name: fill_value(value, view, null_as=None) for name, value in code.inputs.items()}
    added: dict[str, BoundText] = dict(ambient)
    if code.env:
        view = View(scope, env={**scope.env, **ambient}, inputs=inputs, plan=shared.plan)
        added.update((name, fill_text(text, view)) for name, text in code.env.items())
    view = View(scope, env={**scope.env, **added}, inputs=inputs, plan=shared.plan)
    return BoundStep(definition=_definition(step, code, view, inputs), env=added, inputs=inputs)


def condition_view(code: StepCode, shared: Shared, scope: Scope) -> View:
    """What the conditions of a step see. A variable that cannot be worked out reads as null; so does one with a secret."""
    expressions = code.skip_if if code.condition is None else (*code.skip_if, code.condition)
    if not any(name.head == "env" for expression in expressions for name in expression.names):
        return View(scope, plan=shared.plan)
    env: dict[str, EnvValue] = dict(scope.env)
    env.update(_lenient(shared.global_env, View(scope, env=dict(env), plan=shared.plan)))
    inputs = _lenient_inputs(code, View(scope, env=dict(env), plan=shared.plan))
    env.update(_lenient(code.env, View(scope, env=dict(env), inputs=inputs, plan=shared.plan)))
    return View(scope, env=without_secrets(env), plan=shared.plan)


def _global_env(shared: Shared, scope: Scope) -> dict[str, BoundText]:
    if not shared.global_env:
        return {}
    view = View(scope, plan=shared.plan)
    return {name: fill_text(text, view) for name, text in shared.global_env.items()}


def _lenient(texts: Mapping[str, Text], view: View) -> dict[str, EnvValue]:
    return {name: _or_null(text, view) for name, text in texts.items()}


def _or_null(text: Text, view: View) -> EnvValue:
    from engine.plan.references import MissingReferenceError

    try:
        return fill_text(text, view)
    except MissingReferenceError:
        return None


def _lenient_inputs(code: StepCode, view: View) -> dict[str, Any]:
    from engine.plan.references import MissingReferenceError

    inputs = {}
    for name, value in code.inputs.items():
        try:
            inputs[name] = fill_value(value, view, null_as=None)
        except MissingReferenceError:
            inputs[name] = None
    return inputs


def _definition(step: Step, code: StepCode, view: View, inputs: Mapping[str, Any]) -> BoundDef:
    texts = code.texts
    match step.step_def:
        case CommandDef():
            cwd = texts.get("cwd")
            return BoundCommand(
                command=_open_text(texts["command"], view),
                args=tuple(_open_text(arg, view) for arg in texts["args"]),
                cwd=None if cwd is None else _open_text(cwd, view),
            )
        case SqlDef():
            binds = {name: value for name, value in inputs.items() if name not in texts["args"]}
            binds.update((name, fill_value(value, view, null_as=None)) for name, value in texts["args"].items())
            return BoundSql(
                database=_open_text(texts["database"], view),
                query=texts["query"],
                binds=binds,
                read_only=step.step_def.read_only,
            )


def _open_text(text: Text, view: View) -> str:
    filled = fill_text(text, view)
    # Secrets cannot get here: the checks let them stand only in env and binds. Their names would show, never their text.
    return str(filled) if isinstance(filled, SecretText) else filled
