"""What a policy of each kind has to be. Reading one is the business of whoever follows it; this only knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from engine.model.asset import PolicyKind
from engine.pipeline.guard import parse_validation_policy
from engine.pipeline.replan.policy import parse_replan_policy
from engine.routing.policy import parse_routing_policy

if TYPE_CHECKING:
    from engine.model.json import JsonObject


def check_policy(document: JsonObject, *, place: str) -> None:
    """Whether a policy can be followed; its `kind` is a known one. Raises InputError with everything that is wrong."""
    match PolicyKind(str(document.get("kind"))):
        case PolicyKind.ROUTING:
            parse_routing_policy(document, place=place)
        case PolicyKind.REPLAN:
            parse_replan_policy(document, place=place)
        case PolicyKind.VALIDATION:
            parse_validation_policy(document, place=place)
        case PolicyKind.GATES:
            pass
        case kind:
            assert_never(kind)
