"""What references and expressions see: parameters, environment and results of the steps before. It holds values and finds none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.model.bound import SecretText
from engine.plan.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult

EnvValue: TypeAlias = "str | SecretText | None"

ATTEMPT_FIELDS = ("status", "reason", "message", "exit_code", "data", "stdout", "stderr", "attempts", "counts", "error")
"""What `repeat.until` can name of the attempt that it looks at."""

RESULT_FIELDS = (*ATTEMPT_FIELDS, "items", "fallback")
"""What a dependent can name of a step: the fields of its result."""

_RARE_FIELDS: JsonObject = {"error": None, "items": None, "fallback": False}


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the list that a step with `for_each` runs over; `index` counts from 0."""

    index: int
    value: Json


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run knows at the moment. `env` is the base environment, before anything the plan adds.

    `results` holds the steps that are settled; `run` has `id`, `workdir` and what else the run says of itself; `assets` has
    by alias what the plan's assets hold (see `engine.plan.asset_values`).
    """

    params: JsonObject
    env: Mapping[str, str]
    results: Mapping[str, StepResult]
    compose: JsonObject = field(default_factory=dict)
    run: JsonObject = field(default_factory=dict)
    assets: JsonObject = field(default_factory=dict)


class View:
    """A scope as one step sees it: with its environment, its inputs, and the plan's own name. Made for one use."""

    __slots__ = ("_results", "_roots", "scope")

    def __init__(
        self,
        scope: Scope,
        *,
        env: Mapping[str, EnvValue] | None = None,
        inputs: Mapping[str, Any] | None = None,
        plan: JsonObject | None = None,
        item: Item | None = None,
        attempt: JsonObject | None = None,
    ) -> None:
        """`item` is that of a `for_each`; `attempt` is what stands as `item` in `repeat.until`."""
        self.scope = scope
        self._roots: dict[str, Any] = {
            "params": scope.params,
            "env": scope.env if env is None else env,
            "run": scope.run,
            "compose": scope.compose,
            "inputs": inputs or {},
            "plan": plan or {},
            "assets": scope.assets,
        }
        if item is not None:
            self._roots["item"] = item.value
            self._roots["index"] = item.index
        if attempt is not None:
            self._roots["item"] = attempt
        self._results: dict[str, JsonObject] = {}

    def start(self, head: str) -> Any:
        """The object that a path begins at, or MISSING for a step that has no result."""
        root = self._roots.get(head, MISSING)
        if root is not MISSING:
            return root
        fields = self._results.get(head)
        if fields is None:
            result = self.scope.results.get(head)
            if result is None:
                return MISSING
            fields = self._results[head] = {**_RARE_FIELDS, **result.to_json()}
        return fields


def without_secrets(env: Mapping[str, EnvValue]) -> dict[str, EnvValue]:
    """The environment for expressions: what holds a secret reads as null there."""
    return {name: None if isinstance(value, SecretText) else value for name, value in env.items()}
