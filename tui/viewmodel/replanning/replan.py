"""One replan as screens show it, and the signs of its trigger, severity and decision. Where they stand is not decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from engine.model.replan import ReplanDecision, Severity, Trigger, safe_parse_trigger
from engine.model.states import Stage
from tui.viewmodel.palette import Role
from tui.viewmodel.words import Mark

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.queries.replans import ReplanRow


@dataclass(frozen=True, slots=True)
class Replan:
    """One replan. `before` and `after` hold what of each touched step differs, by step id; `cause` is what had happened."""

    event_id: str
    pass_index: int
    trigger: Trigger
    severity: Severity
    decision: ReplanDecision
    at_us: int
    stage: Stage = Stage.EXECUTE
    step_id: str | None = None
    reason: str = ""
    cause: str = ""
    decided_by: str = ""
    decision_reason: str = ""
    decided_at_us: int | None = None
    before: JsonObject = field(default_factory=dict)
    after: JsonObject = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Of what it is: a step, or the plan."""
        return "the plan" if self.step_id is None else self.step_id

    @property
    def is_pending(self) -> bool:
        """True while nobody has decided."""
        return self.decision is ReplanDecision.PENDING

    @property
    def is_approved(self) -> bool:
        """True if the next pass begins with it."""
        return self.decision in (ReplanDecision.APPROVED, ReplanDecision.AUTO_APPROVED)


def replan_of(row: ReplanRow) -> Replan:
    """A replan as the file keeps it. What a newer opscope may have written is taken as unknown, never refused."""
    asked, said = row.requested, row.decided
    # An operator may have put another patch in the place of the one that was asked for.
    told = said if isinstance(said.get("after"), dict) else asked
    return Replan(
        event_id=row.event_id,
        pass_index=row.pass_index,
        trigger=safe_parse_trigger(asked.get("trigger")),
        severity=next((one for one in Severity if one.value == asked.get("severity")), Severity.WARNING),
        decision=next((one for one in ReplanDecision if one.value == said.get("decision")), ReplanDecision.PENDING),
        at_us=row.requested_at_us,
        stage=row.stage or Stage.EXECUTE,
        step_id=row.step_id,
        reason=_text(asked.get("reason")),
        cause=_text(_object(asked.get("cause")).get("message")),
        decided_by=_text(said.get("decided_by")),
        decision_reason=_text(said.get("decision_reason")),
        decided_at_us=row.decided_at_us,
        before=_object(told.get("before")),
        after=_object(told.get("after")),
    )


def trigger_mark(trigger: Trigger) -> Mark:
    """What made somebody want another plan."""
    word = trigger.value.upper().replace("_", " ")
    match trigger:
        case Trigger.STEP_FAILED:
            return Mark("✗", word, Role.FAILED)
        case Trigger.STEP_TIMEOUT:
            return Mark("!", word, Role.WARNING)
        case Trigger.EMPTY_RESULT:
            return Mark("○", word, Role.VALIDATE)
        case Trigger.LOW_CONFIDENCE:
            return Mark("?", word, Role.COMPOSE)
        case Trigger.MISSING_REFERENCE:
            return Mark("→", word, Role.ROUTE_PLAN)
        case Trigger.POLICY_VIOLATION:
            return Mark("◆", word, Role.QUARANTINED)
        case Trigger.BREAKER_OPEN:
            return Mark("■", word, Role.FAILED)
        case Trigger.OPERATOR:
            return Mark("●", word, Role.RUNNING)
        case Trigger.UNKNOWN:
            return Mark("·", word, Role.DIM)
        case _:
            assert_never(trigger)


def decision_mark(decision: ReplanDecision) -> Mark:
    """What became of it."""
    word = decision.value.upper().replace("_", " ")
    match decision:
        case ReplanDecision.APPROVED | ReplanDecision.AUTO_APPROVED:
            return Mark("✓", word, Role.SUCCEEDED)
        case ReplanDecision.DENIED:
            return Mark("⊘", word, Role.DIM)
        case ReplanDecision.PENDING:
            return Mark("‖", word, Role.WARNING)
        case _:
            assert_never(decision)


def severity_role(severity: Severity) -> Role:
    """How much it matters."""
    match severity:
        case Severity.INFO:
            return Role.DIM
        case Severity.WARNING:
            return Role.WARNING
        case Severity.CRITICAL:
            return Role.FAILED
        case _:
            assert_never(severity)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
