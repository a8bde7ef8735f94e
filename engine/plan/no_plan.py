"""What stands in the place of the plan in a run that has none: a question that is answered or refused at once. It has no steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.json import canonical_json
from engine.model.plan import Plan
from engine.model.states import Strategy
from engine.plan.compiled import CompiledPlan
from engine.plan.load import plan_hash

if TYPE_CHECKING:
    from engine.model.json import JsonObject

_ID: Final = "ask"
_DESCRIPTION: Final = "a question that is answered, or refused, without a plan"
_DOCUMENT: Final[JsonObject] = {"plan_id": _ID, "description": _DESCRIPTION, "steps": []}

# No plan file may be without steps, so that nobody's own plan can be taken for this one.
NO_PLAN: Final = CompiledPlan(
    plan=Plan.model_construct(plan_id=_ID, description=_DESCRIPTION, steps=()),
    plan_hash=plan_hash(_DOCUMENT),
    source=canonical_json(_DOCUMENT),
    document=canonical_json(_DOCUMENT),
    strategy=Strategy.SERIAL,
    steps={},
    groups=(),
    warnings=(),
)
