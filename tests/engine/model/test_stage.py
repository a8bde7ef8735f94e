"""The routing contract: the payload of the kind is required and the others are forbidden."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from engine.model.stage import DirectAnswerPayload, PlanOutput, RejectPayload, StageInput, StageOutput
from engine.model.states import RouteKind, Stage


def test_a_direct_answer_needs_its_payload() -> None:
    """P1: kind and payload belong together."""
    with pytest.raises(ValidationError, match="needs the payload direct"):
        PlanOutput(kind=RouteKind.DIRECT, confidence=1.0)


def test_a_payload_of_another_kind_is_refused() -> None:
    """P1: a reject that also answers would leave a reader guessing."""
    with pytest.raises(ValidationError, match="forbids the payload direct"):
        PlanOutput(
            kind=RouteKind.REJECT,
            confidence=1.0,
            reject=RejectPayload(reason="it deletes data"),
            direct=DirectAnswerPayload(text="done"),
        )


@pytest.mark.parametrize("confidence", [-0.01, 1.01])
def test_confidence_is_a_share(confidence: float) -> None:
    """P1: confidence is between 0 and 1."""
    with pytest.raises(ValidationError):
        PlanOutput(kind=RouteKind.DIRECT, confidence=confidence, direct=DirectAnswerPayload(text="hi"))


def test_defaults_stand_where_nothing_is_said() -> None:
    """P2: lists and objects are empty rather than null, and words are snake_case."""
    said = StageOutput(stage=Stage.ROUTE_PLAN).model_dump(mode="json")
    assert said["diagnostics"] == {"status": "ok", "warnings": [], "errors": [], "empty_flags": {}, "counts": {}}
    assert said["references"] == []
    assert StageInput(stage=Stage.ROUTE_PLAN).model_dump(mode="json")["applied_assets"] == {}


def test_an_unknown_field_is_refused() -> None:
    """A contract is closed: a misspelt field is an error, not a surprise later."""
    with pytest.raises(ValidationError, match="Extra inputs"):
        StageInput.model_validate({"stage": "validate", "pass_idx": 1})
