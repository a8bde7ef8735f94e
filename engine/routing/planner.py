"""Asks a language model what a question leads to, within the policy; where it is of no use, the policy's rules decide."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.model.asset import AssetName, AssetReference, AssetType
from engine.model.states import RouteKind
from engine.plan.faults import path_text, shorten
from engine.routing.chat import ChatError, ask_for_object
from engine.routing.router import Route, helpful_answer, route

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from engine.routing.chat import Endpoint
    from engine.routing.policy import PlanRule, RoutingPolicy

PROMPT: Final = AssetReference(AssetName(AssetType.PROMPT, "planner"))
"""The asset that tells the model what to do."""

PLANNER: Final = "planner"
"""The rule of a route that the model decided without one of the policy's."""

_MOST_CHARS: Final = 4000


@dataclass(frozen=True, slots=True)
class Planned:
    """Where the question leads. `told` is what became of asking a model, for the record; None if there is none to ask."""

    route: Route
    told: JsonObject | None = None

    @property
    def was_asked(self) -> bool:
        """True if the words were sent to a model."""
        return self.told is not None and self.told["asked"] is True


class PlannerAnswer(BaseModel):
    """What the model has to answer with. Whatever else there is makes it useless, not lenient."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["plan", "direct", "reject"]
    confidence: Annotated[float, Field(ge=0, le=1)]
    rule: str | None = None
    params: dict[str, str | int | float | None] | None = None
    reasoning: Annotated[str, Field(max_length=_MOST_CHARS)] | None = None
    text: Annotated[str, Field(max_length=_MOST_CHARS)] | None = None


async def plan_route(words: str, policy: RoutingPolicy, endpoint: Endpoint | None, prompt: str = "") -> Planned:
    """What the question leads to.

    What the policy refuses, or has an answer to, it says by itself, and nothing is sent. The model is asked for the rest.
    Never fails: an answer that cannot be used, or none, is told, and the rules decide.
    """
    by_rules = route(words, policy)
    if endpoint is None:
        return Planned(by_rules)
    if by_rules.kind is RouteKind.REJECT or (by_rules.kind is RouteKind.DIRECT and by_rules.is_understood):
        return Planned(by_rules, {"asked": False})
    told: JsonObject = {"asked": True, "model": endpoint.model}
    try:
        answer = await ask_for_object(endpoint, prompt, json.dumps(_question(words, policy), ensure_ascii=False))
        return Planned(judge(answer, words, policy), told)
    except ChatError as error:
        return Planned(by_rules, {**told, "failed": str(error)})


def judge(answer: JsonObject, words: str, policy: RoutingPolicy) -> Route:
    """The route that an answer of a model comes to within the policy. Raises ChatError for one that cannot be used."""
    try:
        said = PlannerAnswer.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = path_text(tuple(first["loc"]))
        raise ChatError(f"the model's answer does not fit: {place}: {_lower(first['msg'])}") from None
    if said.confidence < policy.threshold:
        reasoning = f"the model is not sure enough ({said.confidence:g}, the threshold is {policy.threshold:g})"
        nearest = _rule(said, policy) if said.kind == "plan" else None
        found = helpful_answer(words, policy, _with(reasoning, said), nearest=nearest)
        return replace(found, confidence=said.confidence)
    match said.kind:
        case "plan":
            return _plan(said, words, policy)
        case "direct" | "reject":
            if not (said.text or "").strip():
                raise ChatError(f"the model says {said.kind} and gives no text")
            kind = RouteKind(said.kind)
            return Route(
                kind, said.confidence, _with("the model says so", said), PLANNER, text=(said.text or "").strip()
            )
        case kind_:
            assert_never(kind_)


def _plan(said: PlannerAnswer, words: str, policy: RoutingPolicy) -> Route:
    rule = _rule(said, policy)
    values = _values(said, rule)
    missing = [
        name for name, param in rule.params.items() if name not in values and param.default is None and param.ask
    ]
    if missing:
        reasoning = _with(f"the model says {rule.id}, but {' and '.join(missing)} is missing", said)
        return helpful_answer(words, policy, reasoning, nearest=rule, values=values)
    defaults = {name: param.default for name, param in rule.params.items() if param.default is not None}
    return Route(
        RouteKind.PLAN,
        said.confidence,
        _with(f"the model says {rule.id}", said),
        rule.id,
        plan=rule.plan,
        params={**defaults, **values},
        candidates=((rule.id, said.confidence),),
    )


def _rule(said: PlannerAnswer, policy: RoutingPolicy) -> PlanRule:
    found = next((rule for rule in policy.plans if rule.id == said.rule), None)
    if found is None:
        raise ChatError(f"the model names a rule that the policy does not have: {shorten(str(said.rule))}")
    return found


def _values(said: PlannerAnswer, rule: PlanRule) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in (said.params or {}).items():
        param = rule.params.get(name)
        if param is None:
            raise ChatError(f"the model sets {shorten(name)}, which is no parameter of {rule.id}")
        if value is None:
            continue
        if not param.slot.takes(str(value)):
            raise ChatError(f"the model gives {name} a value that is no {param.kind}: {shorten(str(value))}")
        values[name] = str(value)
    return values


def _question(words: str, policy: RoutingPolicy) -> JsonObject:
    plans: list[Json] = [
        {
            "rule": rule.id,
            "description": rule.description,
            "example": rule.example,
            "params": {
                name: {"kind": param.kind, "what": param.ask, "default": param.default}
                for name, param in rule.params.items()
            },
        }
        for rule in policy.plans
    ]
    return {"question": words, "plans": plans}


def _with(said_here: str, said: PlannerAnswer) -> str:
    return f"{said_here}: {said.reasoning.strip()}" if said.reasoning and said.reasoning.strip() else said_here


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
