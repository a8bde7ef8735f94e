"""The policy that says when another plan is needed and which: its document, read and checked. Judging by it is rules.py's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic import JsonValue as Json

from engine.model.replan import ReplanMode, Severity, Trigger, safe_parse_trigger
from engine.pipeline.replan.patching import FAILED
from engine.plan.expressions import Expression, ExpressionError, compile_expression
from engine.plan.faults import did_you_mean, shorten
from engine.plan.fields import step_fields
from engine.plan.model_faults import DocumentError, Finding, findings_of

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.plan.faults import Path

_STEP: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
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

    `doubts` are what another version of opscope may know, such as a trigger: a rule with one is of no use here, and does no harm.
    """

    rules: tuple[ReplanRule, ...] = ()
    limit: int = 3
    cooling_sec: float = 0.0
    doubts: tuple[Finding, ...] = ()
    place: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The doubts as sentences for people."""
        return tuple(f"{self.place}: {doubt}" for doubt in self.doubts)


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
    """The policy that a document describes; `place` names the asset. Raises DocumentError with everything that is wrong in it."""
    try:
        read = _Policy.model_validate(document)
    except ValidationError as error:
        raise DocumentError(findings_of(error, _Policy), place=place, hint=_EXAMPLE) from None
    rules: list[ReplanRule] = []
    faults: list[Finding] = []
    doubts: list[Finding] = []
    for index, rule in enumerate(read.rules):
        at: Path = ("rules", index)
        trigger = safe_parse_trigger(rule.trigger)
        if trigger is Trigger.UNKNOWN:
            known = [str(one) for one in Trigger if one not in (Trigger.UNKNOWN, Trigger.OPERATOR)]
            hint = did_you_mean(rule.trigger, known) or f"there are {', '.join(known)}"
            doubts.append(Finding((*at, "trigger"), f"nothing triggers {shorten(rule.trigger)!r}", hint))
        doubts += _unknown_fields(rule, at)
        faults += _faults(rule, trigger, at)
        rules.append(
            ReplanRule(
                trigger=trigger,
                mode=rule.mode,
                steps=frozenset(rule.steps),
                severity=rule.severity,
                reason=rule.reason,
                when=_compiled(rule.when, (*at, "when"), faults),
                min_confidence=rule.min_confidence,
                patch=None if rule.patch is None else {**rule.patch},
            )
        )
    if faults:
        raise DocumentError(faults, place=place, hint=_EXAMPLE)
    return ReplanPolicy(tuple(rules), read.limit, read.cooling_sec, tuple(doubts), place)


def _unknown_fields(rule: _Rule, at: Path) -> list[Finding]:
    """What a patch would change that no step has."""
    found = []
    known = step_fields()
    for step_id, change in (rule.patch or {}).items():
        for name in (change or {}).keys() - known:
            hint = did_you_mean(name, known) or "opscope schema plan prints what a step may have"
            found.append(
                Finding((*at, "patch", step_id, name), f"a step has no field {shorten(name)!r}", hint, at_key=True)
            )
    return sorted(found, key=lambda one: str(one.path))


def _faults(rule: _Rule, trigger: Trigger, at: Path) -> list[Finding]:
    """What does not go together in a rule."""
    found = []

    def note(field: str, message: str, *below: str) -> None:
        found.append(Finding((*at, field, *below), message))

    if rule.mode is not ReplanMode.NEVER and not rule.patch:
        note("patch", "it says what the other plan is, and is missing")
    if trigger is Trigger.LOW_CONFIDENCE and rule.min_confidence is None:
        note("min_confidence", "low_confidence needs the confidence below which it is low")
    if trigger is not Trigger.LOW_CONFIDENCE and rule.min_confidence is not None:
        note("min_confidence", "only low_confidence looks at it")
    if trigger is Trigger.POLICY_VIOLATION and FAILED in (rule.patch or {}):
        note("patch", "a violation is found before any step has run, so that none has failed", FAILED)
    if trigger is Trigger.POLICY_VIOLATION and (rule.steps or rule.when is not None):
        message = "a violation is found in the plan as a whole, so that neither steps nor when can be said of it"
        note("steps" if rule.steps else "when", message)
    if trigger is Trigger.OPERATOR:
        note("trigger", "an operator brings a patch of their own, and no rule")
    return found


def _compiled(when: str | None, at: Path, faults: list[Finding]) -> Expression | None:
    if when is None:
        return None
    try:
        return compile_expression(when)
    except ExpressionError as error:
        faults.append(Finding(at, str(error)))
        return None
