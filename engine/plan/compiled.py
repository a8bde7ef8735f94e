"""A plan that is ready to run: its steps in order, with what they wait for and how they are filled in. Frozen; runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.model.states import Reason, Strategy
from engine.plan.asset_uses import template_alias
from engine.plan.references import fill_value
from engine.plan.schema import screen_blocks
from engine.plan.scope import Item, Scope, View
from engine.plan.steps import (
    Shared,
    StepCode,
    bind_step,
    condition_view,
    items_of,
    names_in,
    surroundings_view,
    until_view,
)
from engine.plan.template_parser import Template, parse_text
from engine.plan.tool_key import breaker_for, tool_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.errors import Fault
    from engine.model.blocks import Block
    from engine.model.bound import BoundStep
    from engine.model.json import Json, JsonObject
    from engine.model.plan import Breaker, Plan, Step
    from engine.model.result import AttemptOutcome
    from engine.plan.asset_uses import AssetUse
    from engine.plan.references import Compiled
    from engine.plan.relations import Branch
    from engine.plan.template_parser import Part


@dataclass(frozen=True, slots=True)
class SkipDecision:
    """Why a step is not run; `message` holds the expression that decided."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step in its place.

    `execution_order` is its index in a stable topological order of the whole plan, `group_index` its generation (for a
    serial plan: the same as its order). `depends_on` has explicit and implied dependencies, in plan order. Those in
    `finally` come after all others, in a group of their own, and depend on nothing.

    `is_fallback_for` names the step in whose place this one runs, when that has failed: it comes after that step, does not
    depend on it, and nothing depends on it.
    """

    step: Step
    execution_order: int
    group_index: int
    depends_on: tuple[str, ...]
    dependents: tuple[str, ...]
    _code: StepCode = field(repr=False, compare=False)
    _shared: Shared = field(repr=False, compare=False)
    in_finally: bool = False
    is_fallback_for: str | None = None

    @property
    def has_items(self) -> bool:
        """True for a step that runs for each item of a list."""
        return self._code.for_each is not None

    @property
    def breaker(self) -> Breaker | None:
        """What watches over the tool that the step leans on."""
        return breaker_for(self.step.type, self._shared.settings)

    def breaker_key(self, bound: BoundStep) -> str | None:
        """The tool whose failures are counted together, or None where no breaker watches."""
        return None if self.breaker is None else tool_key(bound.definition)

    @property
    def names(self) -> frozenset[tuple[str, str | None]]:
        """All that its texts and conditions refer to, those of globals.env too: `("params", "host")`, the key None for all of it."""
        return frozenset(names_in((self._code, self._shared.global_env)))

    def view(self, scope: Scope) -> View:
        """What a condition of the step sees, with its whole environment."""
        return surroundings_view(self._code, self._shared, scope)

    def should_skip(self, scope: Scope) -> SkipDecision | None:
        """Whether the step is left out: because of a decision, then any `skip_if`, then the condition.

        Never raises; a missing value is null.
        """
        code = self._code
        for branch in code.branches:
            if (passed_over := _not_chosen(branch, scope)) is not None:
                return passed_over
        if not code.skip_if and code.condition is None:
            return None
        view = condition_view(code, self._shared, scope)
        for expression in code.skip_if:
            if expression.holds(view):
                return SkipDecision(Reason.SKIP_IF, f"skip_if holds: {expression.text}")
        if code.condition is not None and not code.condition.holds(view):
            return SkipDecision(Reason.CONDITION_FALSE, f"the condition does not hold: {code.condition.text}")
        return None

    def expand(self, scope: Scope) -> list[Json]:
        """The items that the step runs for, in order; none for a step without `for_each`.

        Raises MissingReferenceError, or BadItemsError for what is no list or too long.
        """
        return items_of(self._code, self._shared, scope) if self.has_items else []

    def bind(self, scope: Scope, *, item: Item | None = None) -> BoundStep:
        """The step, for one item where it runs for items, with everything filled in. Raises MissingReferenceError."""
        return bind_step(self.step, self._code, self._shared, scope, item)

    def until_holds(
        self, scope: Scope, outcome: AttemptOutcome, item: Item | None = None, *, attempts: int = 0
    ) -> bool:
        """Whether a step with `repeat` is done after this attempt; true without `repeat`. Never raises."""
        until = self._code.until
        if until is None:
            return True
        return until.holds(until_view(self._code, self._shared, scope, _as_item(outcome, attempts), item))


def _not_chosen(branch: Branch, scope: Scope) -> SkipDecision | None:
    result = scope.results.get(branch.decision)
    choice = result.data.get("choice") if result is not None and isinstance(result.data, dict) else None
    if choice in branch.names:
        return None
    chosen = f"chose {choice}" if isinstance(choice, str) else "chose nothing"
    return SkipDecision(Reason.BRANCH_NOT_CHOSEN, f"{branch.decision} {chosen}, not {' or '.join(branch.names)}")


def _as_item(outcome: AttemptOutcome, attempts: int) -> JsonObject:
    """An attempt as `repeat.until` sees it: like the result that it would be."""
    return {
        "status": outcome.status.value,
        "reason": outcome.reason.value if outcome.reason else None,
        "message": outcome.message,
        "exit_code": outcome.exit_code,
        "data": outcome.data,
        "stdout": outcome.stdout.text,
        "stderr": outcome.stderr.text,
        "attempts": attempts,
        "counts": dict(outcome.counts),
        "error": outcome.error,
    }


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """A checked plan.

    `source` is the text that was read, `document` the canonical JSON of what it sets, `plan_hash` the identity of what it
    does. `strategy` is never AUTO. `steps` is in execution order, without `finally_steps`, which are in theirs; `groups`
    has the groups of `steps`. `warnings` are faults that do not stop it. `asset_uses` are all its references to assets.
    """

    plan: Plan
    plan_hash: str
    source: str
    document: str
    strategy: Strategy
    steps: Mapping[str, CompiledStep]
    groups: tuple[tuple[str, ...], ...]
    warnings: tuple[Fault, ...]
    implied_dependencies: int = 0
    asset_uses: tuple[AssetUse, ...] = ()
    finally_steps: Mapping[str, CompiledStep] = field(default_factory=dict)
    _texts: Mapping[str, Template | str] = field(default_factory=dict, repr=False, compare=False)
    _shared: Shared = field(default_factory=Shared, repr=False, compare=False)

    @property
    def all_steps(self) -> Mapping[str, CompiledStep]:
        """Every step in execution order, those of `finally` last."""
        return {**self.steps, **self.finally_steps} if self.finally_steps else self.steps

    def finally_plan(self) -> CompiledPlan:
        """The `finally` steps as a plan of their own, one after the other."""
        groups = (tuple(self.finally_steps),)
        return replace(self, steps=self.finally_steps, finally_steps={}, strategy=Strategy.SERIAL, groups=groups)

    def bind_value(self, template: Json, scope: Scope) -> Json:
        """A value of `compose` or `present` with everything filled in. Raises MissingReferenceError.

        A text that is one whole reference becomes its value; null inside a longer text reads `null`. What an asset of type
        template holds is filled in as if it stood there.
        """
        view = View(scope, plan=self._shared.plan)
        compiled = self._compile(template)
        if self.plan.assets:
            compiled = self._with_templates(compiled, scope.assets)
        filled: Json = fill_value(compiled, view)
        return filled

    @property
    def screen(self) -> str | None:
        """The alias of the asset that has what present shows, if it is an asset."""
        shown = self._texts.get(self.plan.present) if isinstance(self.plan.present, str) else None
        whole = shown.whole if isinstance(shown, Template) else None
        return None if whole is None else str(whole.keys[0])

    def blocks(self, assets: JsonObject) -> tuple[Block, ...]:
        """What present shows, before anything is filled in: the plan's own blocks or those of its screen."""
        if isinstance(self.plan.present, str):
            return screen_blocks(assets.get(self.screen or ""))
        return self.plan.present

    def _with_templates(self, value: Compiled, assets: JsonObject) -> Compiled:
        """With the parts of a template in the place of the reference to it. One level deep: templates hold no others."""
        if isinstance(value, dict):
            return {name: self._with_templates(item, assets) for name, item in value.items()}
        if isinstance(value, list):
            return [self._with_templates(item, assets) for item in value]
        if not isinstance(value, Template):
            return value
        parts: list[Part] = []
        for part in value.parts:
            alias = template_alias(part, self.plan.assets)
            text = None if alias is None else assets.get(alias)
            parsed = parse_text(text, self.all_steps).value if isinstance(text, str) else None
            parts.extend([part] if parsed is None else [parsed] if isinstance(parsed, str) else parsed.parts)
        return replace(value, parts=tuple(parts))

    def _compile(self, value: Json) -> Compiled:
        if isinstance(value, str):
            if "{" not in value:
                return value
            known = self._texts.get(value)
            return parse_text(value, self.all_steps).value if known is None else known
        if isinstance(value, dict):
            return {name: self._compile(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._compile(item) for item in value]
        return value
