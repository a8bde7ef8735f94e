"""Which results of an earlier pass or run still hold for a plan, and why the others do not. Pure: shared by replans and reruns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from engine.model.json import canonical_json
from engine.model.states import OnFailure, Reason, StepStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult
    from engine.model.stage import AssetRef
    from engine.plan.compiled import CompiledPlan, CompiledStep

_WORDS: Final = frozenset(["description", "metadata"])
"""Fields of a step that change nothing of what it does."""

_LEFT_OUT: Final = frozenset(
    [
        Reason.CONDITION_FALSE,
        Reason.SKIP_IF,
        Reason.BRANCH_NOT_CHOSEN,
        Reason.NOT_NEEDED,
        Reason.OPERATOR,
        Reason.REUSED,
    ]
)
"""Skips that were decided; any other is the consequence of a failure."""


class WhyAgain(StrEnum):
    """What keeps a result from being used again."""

    NEW_STEP = "new_step"
    ASKED_FOR = "asked_for"
    DEFINITION_CHANGED = "definition_changed"
    PARAMS_CHANGED = "params_changed"
    ASSETS_CHANGED = "assets_changed"
    ENV_CHANGED = "env_changed"
    SECRETS_CHANGED = "secrets_changed"
    OTHER_RUN = "other_run"
    NEVER_RAN = "never_ran"
    NOT_FINAL = "not_final"
    FAILED_BEFORE = "failed_before"
    DEPENDS_ON = "depends_on"


@dataclass(frozen=True, slots=True)
class Why:
    """Why a step runs again; `detail` is what it is about, as a person says it."""

    kind: WhyAgain
    detail: str = ""

    def __str__(self) -> str:
        match self.kind:
            case WhyAgain.NEW_STEP:
                return "it is new"
            case WhyAgain.ASKED_FOR:
                return "asked for"
            case WhyAgain.DEFINITION_CHANGED:
                return f"its {self.detail or 'definition'} changed"
            case WhyAgain.PARAMS_CHANGED | WhyAgain.ASSETS_CHANGED | WhyAgain.SECRETS_CHANGED:
                subject, space, versions = self.detail.partition(" ")
                return f"{subject} changed{space}{versions}"
            case WhyAgain.ENV_CHANGED:
                return f"the environment changed: {self.detail}"
            case WhyAgain.OTHER_RUN:
                return f"it uses {self.detail}, which is another one now"
            case WhyAgain.NEVER_RAN:
                return "it did not run"
            case WhyAgain.NOT_FINAL:
                return "it did not come to its end"
            case WhyAgain.FAILED_BEFORE:
                return "it failed"
            case WhyAgain.DEPENDS_ON:
                return f"it depends on {self.detail}, which runs again"


@dataclass(frozen=True, slots=True)
class Changed:
    """What differs between before and after beside the plans, and what is to run again whatever differs.

    `assets_*` are the versions by alias. `base_env` names the variables that come from outside the plan and differ.
    `other_run` says that the results go to another run than the one they are of. `from_steps` run again with all that
    depends on them; with `from_failed` that is every step that failed, also where the failure was let pass.
    """

    params_before: JsonObject = field(default_factory=dict)
    params_after: JsonObject = field(default_factory=dict)
    assets_before: Mapping[str, AssetRef] = field(default_factory=dict)
    assets_after: Mapping[str, AssetRef] = field(default_factory=dict)
    base_env: tuple[str, ...] = ()
    other_run: bool = False
    from_steps: frozenset[str] = frozenset()
    from_failed: bool = False


@dataclass(frozen=True, slots=True)
class Reuse:
    """`reused` are the results that hold, as they were given and in that order; `again` the other steps, in execution order."""

    reused: Mapping[str, StepResult]
    again: Mapping[str, Why]


def plan_reuse(before: CompiledPlan, after: CompiledPlan, results: Mapping[str, StepResult], changed: Changed) -> Reuse:
    """Which of these results of `before` hold for `after`. Steps of `finally` are never among them.

    A result holds if the step is set up as before, nothing that it refers to differs, it succeeded, was left out by its
    own conditions or failed and was let pass, and the same is true of everything that it depends on.
    """
    own = _Comparison(before, after, changed)
    again: dict[str, Why] = {}
    todo: list[str] = []

    def run_again(step_id: str, why: Why) -> None:
        if step_id not in again:
            again[step_id] = why
            todo.append(step_id)

    for step_id, step in after.steps.items():
        why = own.difference(step_id) or _unfinished(step, results.get(step_id), from_failed=changed.from_failed)
        if why is not None:
            run_again(step_id, why)
    while todo:
        step_id = todo.pop()
        depends = Why(WhyAgain.DEPENDS_ON, step_id)
        step = after.steps[step_id]
        for dependent in step.dependents:
            run_again(dependent, depends)
        if step.step.fallback_step is not None:
            run_again(step.step.fallback_step, depends)  # whether it is needed will be seen
        first = step.is_fallback_for
        if first is not None and (taken := results.get(first)) is not None and taken.is_fallback:
            run_again(first, depends)
    return Reuse(
        reused={
            step_id: result for step_id, result in results.items() if step_id in after.steps and step_id not in again
        },
        again={step_id: again[step_id] for step_id in after.steps if step_id in again},
    )


def as_reused(result: StepResult, *, run_id: str, pass_index: int) -> StepResult:
    """The result as another pass or run has it, which says where it comes from: where the step really ran."""
    source: JsonObject = {"run_id": run_id, "pass_index": pass_index, "step_id": result.step_id}
    return replace(result, reason=Reason.REUSED, reused_from=result.reused_from or source)


def _unfinished(step: CompiledStep, result: StepResult | None, *, from_failed: bool) -> Why | None:
    """Why this end does not hold, whatever is the same."""
    if result is None:
        return Why(WhyAgain.NEVER_RAN)
    match result.status:
        case StepStatus.SUCCEEDED:
            return None
        case StepStatus.SKIPPED:
            return None if result.reason in _LEFT_OUT else Why(WhyAgain.NEVER_RAN)
        case StepStatus.FAILED:
            passes = step.step.on_failure is OnFailure.CONTINUE and not step.step.critical
            return None if passes and not from_failed else Why(WhyAgain.FAILED_BEFORE)
        case _:
            return Why(WhyAgain.NOT_FINAL)


class _Comparison:
    """Two plans side by side, step by step."""

    def __init__(self, before: CompiledPlan, after: CompiledPlan, changed: Changed) -> None:
        self._before, self._after, self._changed = before, after, changed
        one, other = json.loads(before.document), json.loads(after.document)
        self._steps_before, self._steps_after = _steps(one), _steps(other)
        self._secrets_before, self._secrets_after = one.get("secrets") or {}, other.get("secrets") or {}
        self._env = ", ".join(changed.base_env) or _changed_env(one.get("globals"), other.get("globals"))
        names = set(changed.params_before) | set(changed.params_after)
        self._params = {
            name for name in names if not _same(changed.params_before.get(name), changed.params_after.get(name))
        }

    def difference(self, step_id: str) -> Why | None:
        """What the step itself does otherwise; not what those before it do."""
        if step_id in self._changed.from_steps:
            return Why(WhyAgain.ASKED_FOR)
        if step_id not in self._steps_before or step_id not in self._before.steps:
            return Why(WhyAgain.NEW_STEP)
        one, other = self._steps_before[step_id], self._steps_after[step_id]
        fields = [name for name in {**one, **other} if not _same(one.get(name), other.get(name))]
        if fields:
            return Why(WhyAgain.DEFINITION_CHANGED, " and ".join(fields))
        if set(self._before.steps[step_id].depends_on) != set(self._after.steps[step_id].depends_on):
            return Why(WhyAgain.DEFINITION_CHANGED, "dependencies")
        if self._env:
            return Why(WhyAgain.ENV_CHANGED, self._env)
        return next(self._changed_names(self._after.steps[step_id]), None)

    def _changed_names(self, step: CompiledStep) -> Iterator[Why]:
        """What the step refers to and is another one now."""
        for head, key in sorted(step.names, key=str):
            match head:
                case "params":
                    for name in sorted(self._params if key is None else self._params & {key}):
                        yield Why(WhyAgain.PARAMS_CHANGED, f"params.{name}")
                case "assets":
                    yield from self._changed_assets(key)
                case "secrets" if not _same(self._secrets_before.get(key), self._secrets_after.get(key)):
                    yield Why(WhyAgain.SECRETS_CHANGED, f"secrets.{key}")
                case "run" if self._changed.other_run:
                    yield Why(WhyAgain.OTHER_RUN, "run" if key is None else f"run.{key}")
                case "plan" if self._before.plan.version != self._after.plan.version:
                    yield Why(WhyAgain.PARAMS_CHANGED, f"plan.{key}")
                case _:
                    pass

    def _changed_assets(self, key: str | None) -> Iterator[Why]:
        one, other = self._changed.assets_before, self._changed.assets_after
        for alias in sorted({**one, **other}) if key is None else [key]:
            first, second = one.get(alias), other.get(alias)
            if (first and first.sha256) != (second and second.sha256):
                versions = f" {_version(first)} → {_version(second)}" if first and second else ""
                yield Why(WhyAgain.ASSETS_CHANGED, f"assets.{alias}{versions}")


def _version(ref: AssetRef) -> str:
    return f"@{ref.ref.rpartition('@')[2]}"


def _steps(document: JsonObject) -> dict[str, JsonObject]:
    """What the plan sets of each step, without what is only said of it."""
    steps = document.get("steps")
    return {
        str(step["id"]): {name: value for name, value in step.items() if name not in _WORDS}
        for step in (steps if isinstance(steps, list) else ())
        if isinstance(step, dict)
    }


def _changed_env(one: Json, other: Json) -> str:
    """Which of the settings for all steps differ that their processes see."""
    first, second = (value if isinstance(value, dict) else {} for value in (one, other))
    return ", ".join(
        f"globals.{name}" for name in ("env", "env_from_host") if not _same(first.get(name), second.get(name))
    )


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON: 1 is not true, and a number stays what it is."""
    return one is other or canonical_json(one) == canonical_json(other)
