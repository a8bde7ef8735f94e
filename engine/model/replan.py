"""Replans: why a plan was changed on the way, what was decided, and what it was before and after. Deciding happens elsewhere."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from pydantic import Field
from pydantic import JsonValue as Json

from engine.model.stage import Contract
from engine.model.states import Stage  # noqa: TC001  pydantic reads it at run time


class Trigger(StrEnum):
    """What made somebody, or a policy, want another plan."""

    STEP_FAILED = "step_failed"
    STEP_TIMEOUT = "step_timeout"
    EMPTY_RESULT = "empty_result"
    LOW_CONFIDENCE = "low_confidence"
    MISSING_REFERENCE = "missing_reference"
    POLICY_VIOLATION = "policy_violation"
    BREAKER_OPEN = "breaker_open"
    OPERATOR = "operator"
    UNKNOWN = "unknown"


_ALIASES: Final = {
    "failed": Trigger.STEP_FAILED,
    "failure": Trigger.STEP_FAILED,
    "error": Trigger.STEP_FAILED,
    "step_error": Trigger.STEP_FAILED,
    "step_failure": Trigger.STEP_FAILED,
    "tool_failed": Trigger.STEP_FAILED,
    "tool_error": Trigger.STEP_FAILED,
    "timeout": Trigger.STEP_TIMEOUT,
    "timed_out": Trigger.STEP_TIMEOUT,
    "step_timed_out": Trigger.STEP_TIMEOUT,
    "empty": Trigger.EMPTY_RESULT,
    "empty_results": Trigger.EMPTY_RESULT,
    "no_results": Trigger.EMPTY_RESULT,
    "no_data": Trigger.EMPTY_RESULT,
    "nothing_found": Trigger.EMPTY_RESULT,
    "confidence": Trigger.LOW_CONFIDENCE,
    "confidence_low": Trigger.LOW_CONFIDENCE,
    "uncertain": Trigger.LOW_CONFIDENCE,
    "missing": Trigger.MISSING_REFERENCE,
    "reference_missing": Trigger.MISSING_REFERENCE,
    "invalid_reference": Trigger.MISSING_REFERENCE,
    "violation": Trigger.POLICY_VIOLATION,
    "policy": Trigger.POLICY_VIOLATION,
    "policy_violated": Trigger.POLICY_VIOLATION,
    "breaker": Trigger.BREAKER_OPEN,
    "circuit_open": Trigger.BREAKER_OPEN,
    "circuit_breaker_open": Trigger.BREAKER_OPEN,
    "manual": Trigger.OPERATOR,
    "user": Trigger.OPERATOR,
    "human": Trigger.OPERATOR,
}
_BETWEEN_WORDS: Final = re.compile(r"[\s_.\-/]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def safe_parse_trigger(said: object) -> Trigger:
    """The trigger that a word means, in any case, with any marks between its parts; UNKNOWN for anything else. Never raises."""
    if isinstance(said, Trigger):
        return said
    if not isinstance(said, str):
        return Trigger.UNKNOWN
    word = _BETWEEN_WORDS.sub("_", _CAMEL.sub("_", said[:200].strip())).strip("_").lower()
    try:
        return Trigger(word)
    except ValueError:
        return _ALIASES.get(word, Trigger.UNKNOWN)


class Severity(StrEnum):
    """How much a replan matters to who reads of it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class ReplanMode(StrEnum):
    """What a policy says to a trigger."""

    AUTO = "auto"
    APPROVAL = "approval"
    NEVER = "never"


class ReplanDecision(StrEnum):
    """What became of a replan."""

    AUTO_APPROVED = "auto_approved"
    APPROVED = "approved"
    DENIED = "denied"
    PENDING = "pending"


class ReplanPatchDiff(Contract):
    """What a replan changes: by step id, the fields that differ, before and after. None for a step that is not there on that side."""

    before: dict[str, Json] = Field(default_factory=dict)
    after: dict[str, Json] = Field(default_factory=dict)


class ReplanEvent(Contract):
    """One replan as it is shown: the two events `replan.requested` and `replan.decided` put together.

    `at` is when it was requested, RFC 3339 in UTC. `decided_by` is `policy`, `engine` or `operator:NAME`.
    """

    event_id: str
    run_id: str
    pass_index: int
    trigger: Trigger
    stage: Stage | None = None
    step_id: str | None = None
    severity: Severity = Severity.WARNING
    reason: str = ""
    decision: ReplanDecision = ReplanDecision.PENDING
    decided_by: str = ""
    decision_reason: str = ""
    patch: ReplanPatchDiff = ReplanPatchDiff()
    at: str
