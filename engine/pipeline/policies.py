"""What a policy of each kind has to be. Reading one is the business of whoever follows it; this only knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from engine.model.asset import PolicyKind
from engine.pipeline.guard import parse_validation_policy
from engine.pipeline.replan.policy import parse_replan_policy
from engine.plan.model_faults import DocumentError
from engine.routing.policy import parse_routing_policy

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.plan.document import Document


def check_policy(document: Document, *, place: str, is_new: bool = False) -> None:
    """Whether a policy can be followed; `document` is an object whose `kind` is a known one, as it was read.

    One that is new must not have what nobody here knows, such as a trigger; one that is recorded may be another version's.
    Raises PlanError, which names `place`, with each fault and its line.
    """
    try:
        _check(document.value, place, is_new=is_new)
    except DocumentError as error:
        raise error.placed(document) from None


def _check(value: Json, place: str, *, is_new: bool) -> None:
    match PolicyKind(str(value.get("kind") if isinstance(value, dict) else None)):
        case PolicyKind.ROUTING:
            parse_routing_policy(value, place=place)
        case PolicyKind.REPLAN:
            policy = parse_replan_policy(value, place=place)
            if is_new and policy.doubts:
                raise DocumentError(policy.doubts, place=place)
        case PolicyKind.VALIDATION:
            parse_validation_policy(value, place=place)
        case PolicyKind.GATES:
            pass
        case kind:
            assert_never(kind)
