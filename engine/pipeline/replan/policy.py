"""The policy that says when another plan is needed and which: its document, read and checked. Judging by it is rules.py's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic import JsonValue as Json

from engine.errors import InputError
from engine.model.replan import ReplanMode, Severity, Trigger, safe_parse_trigger
from engine.pipeline.replan.patching import FAILED
from engine.plan.expressions import Expression, ExpressionError, compile_expression
from engine.plan.faults import describe, did_you_mean, path_text

if TYPE_CHECKING:
    from engine.model.json import JsonObject

_STEP: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MOST_SAID: Final = 50
_EXAMPLE: Final = "a rule has trigger and patch, and may have steps, mode, severity, reason, when and min_confidence"


@dataclass(frozen=True, slots=True)
class ReplanRule:
    """When a step that ended like this asks for another plan, and which: `patch` by step id, `@failed` for that step.

    Without `steps` the rule is for all of them. One whose mode is `never` keeps the rules after it from being asked.
    """

    trigger: Trigger
    mode: ReplanMode = ReplanMode.APPROVAL
    steps: frozenset[str] = frozenset()
    severity: Severity = Severity.WARNING
    reason: str = ""
    when: Expression | None = None
    min_confidence: float | None = None
    patch: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class ReplanPolicy:
    """At most `limit` replans of a run are approved, `cooling_sec` apart. The first rule that fits counts.

    `warnings` are sentences for people about rules that can never fit.
    """

    rules: tuple[ReplanRule, ...] = ()
    limit: int = 3
    cooling_sec: float = 0.0
    warnings: tuple[str, ...] = ()


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    trigger: Annotated[str, Field(min_length=1, max_length=200)]
    steps: Annotated[tuple[str, ...], Field(strict=False, max_length=1000)] = ()
    mode: Annotated[ReplanMode, Field(strict=False)] = ReplanMode.APPROVAL
    severity: Annotated[Severity, Field(strict=False)] = Severity.WARNING
    reason: Annotated[str, Field(max_length=1000)] = ""
    when: str | None = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    patch: dict[str, dict[str, Json] | None] | None = None

    @field_validator("steps", "patch")
    @classmethod
    def _names_steps(cls, value: Any) -> Any:
        wrong = [name for name in value or () if name != FAILED and not _STEP.fullmatch(name)]
        if wrong:
            raise ValueError(f"{wrong[0][:60]!r} cannot be the id of a step")
        return value


class _Policy(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["replan"]
    limit: Annotated[int, Field(ge=0, le=1000)] = 3
    cooling_sec: Annotated[float, Field(ge=0, le=31_536_000)] = 0.0
    rules: Annotated[tuple[_Rule, ...], Field(strict=False, max_length=1000)] = ()


def parse_replan_policy(document: Json, *, place: str) -> ReplanPolicy:
    """The policy that a document describes; `place` names the asset. Raises InputError with everything that is wrong in it."""
    try:
        read = _Policy.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False)
        said = [f"{path_text(tuple(one['loc']))}: {_sentence(one)}" for one in found[:_MOST_SAID]]
        if len(found) > _MOST_SAID:
            said.append(f"and {len(found) - _MOST_SAID} more")
        raise InputError("; ".join(said), place=place, hint=_EXAMPLE) from None
    rules: list[ReplanRule] = []
    faults: list[str] = []
    warnings: list[str] = []
    for index, rule in enumerate(read.rules):
        at = f"rules[{index}]"
        trigger = safe_parse_trigger(rule.trigger)
        if trigger is Trigger.UNKNOWN:
            near = did_you_mean(rule.trigger, [str(one) for one in Trigger if one is not Trigger.UNKNOWN])
            warnings.append(f"{place}: {at}.trigger: nothing triggers {rule.trigger!r}; {near}".rstrip("; "))
        faults += [f"{at}.{fault}" for fault in _faults(rule, trigger)]
        rules.append(
            ReplanRule(
                trigger=trigger,
                mode=rule.mode,
                steps=frozenset(rule.steps),
                severity=rule.severity,
                reason=rule.reason,
                when=_compiled(rule.when, f"{at}.when", faults),
                min_confidence=rule.min_confidence,
                patch=None if rule.patch is None else {**rule.patch},
            )
        )
    if faults:
        raise InputError("; ".join(faults), place=place, hint=_EXAMPLE)
    return ReplanPolicy(tuple(rules), read.limit, read.cooling_sec, tuple(warnings))


_EXPECTED: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "dict_type": "an object",
    "model_type": "an object",
    "tuple_type": "a list",
    "bool_type": "true or false",
}
_FIELDS: Final = (*_Policy.model_fields, *_Rule.model_fields)


def _sentence(found: Any) -> str:
    """What is wrong at one place, in words for a person."""
    kind, given, about = found["type"], found.get("input"), found.get("ctx", {})
    match kind:
        case "value_error":
            return str(about["error"])
        case "missing":
            return "it is missing"
        case "extra_forbidden":
            name = str(found["loc"][-1])
            return f"there is no such field; {did_you_mean(name, _FIELDS)}".rstrip("; ")
        case "enum" | "literal_error":
            return f"expected {about['expected']}, found {describe(given)}"
        case "greater_than_equal":
            return f"expected {about['ge']:g} or more, found {describe(given)}"
        case "less_than_equal":
            return f"expected {about['le']:g} or less, found {describe(given)}"
        case _ if kind in _EXPECTED:
            return f"expected {_EXPECTED[kind]}, found {describe(given)}"
        case _:
            return str(found["msg"])


def _faults(rule: _Rule, trigger: Trigger) -> list[str]:
    """What does not go together in a rule."""
    found = []
    if rule.mode is not ReplanMode.NEVER and not rule.patch:
        found.append("patch: it says what the other plan is, and is missing")
    if trigger is Trigger.LOW_CONFIDENCE and rule.min_confidence is None:
        found.append("min_confidence: low_confidence needs the confidence below which it is low")
    if trigger is not Trigger.LOW_CONFIDENCE and rule.min_confidence is not None:
        found.append("min_confidence: only low_confidence looks at it")
    if trigger is Trigger.POLICY_VIOLATION and FAILED in (rule.patch or {}):
        found.append(f"patch.{FAILED}: a violation is found before any step has run, so that none has failed")
    if trigger is Trigger.POLICY_VIOLATION and (rule.steps or rule.when is not None):
        found.append(
            "steps: a violation is found in the plan as a whole, so that neither steps nor when can be said of it"
        )
    if trigger is Trigger.OPERATOR:
        found.append("trigger: an operator brings a patch of their own, and no rule")
    return found


def _compiled(when: str | None, at: str, faults: list[str]) -> Expression | None:
    if when is None:
        return None
    try:
        return compile_expression(when)
    except ExpressionError as error:
        faults.append(f"{at}: {error}")
        return None
