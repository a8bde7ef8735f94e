"""The document of a routing policy: what is answered at once, what is refused, and which words lead to which plan."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from engine.errors import InputError
from engine.plan.faults import path_text
from engine.routing.phrases import Phrase, SlotKind, parse_phrase

if TYPE_CHECKING:
    from engine.model.json import Json

_MOST_FAULTS: Final = 20


def _readable(text: str) -> str:
    parse_phrase(text)
    return text


PhraseText = Annotated[str, Field(max_length=500), AfterValidator(_readable)]
Phrases = Annotated[tuple[PhraseText, ...], Field(min_length=1, max_length=200)]
RuleId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class PolicyModel(BaseModel):
    """Frozen and closed: what is not known is refused, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DirectRule(PolicyModel):
    """An answer that needs no plan. `whole` phrases are the question itself, `within` may stand anywhere in it."""

    id: RuleId
    whole: tuple[PhraseText, ...] = ()
    within: tuple[PhraseText, ...] = ()
    answer: str = Field(min_length=1)


class RejectRule(PolicyModel):
    """What is not carried out, and why."""

    id: RuleId
    within: Phrases
    reason: str = Field(min_length=1)


class RouteParam(PolicyModel):
    """Where the value of a plan's parameter comes from: a word of that kind in the question, else `default`.

    `ask` is what to ask for where the words do not have it.
    """

    kind: Literal["word", "name", "host", "number", "path"] = "word"
    default: str | None = None
    ask: str = ""

    @property
    def slot(self) -> SlotKind:
        """How a value is recognised."""
        return SlotKind[self.kind.upper()]


class PlanRule(PolicyModel):
    """Words that lead to a plan. Several rules may lead to the same plan."""

    id: RuleId
    plan: str = Field(min_length=1)
    phrases: Phrases
    params: dict[str, RouteParam] = Field(default_factory=dict)
    description: str = ""
    example: str = ""


class RoutingPolicy(PolicyModel):
    """Rules in the order in which they are tried: what is refused first, then answers, then plans by the best score.

    Below `threshold` a question is not carried out; it is said what is missing instead.
    """

    kind: Literal["routing"]
    threshold: float = Field(default=0.6, ge=0, le=1)
    reject: tuple[RejectRule, ...] = ()
    direct: tuple[DirectRule, ...] = ()
    plans: tuple[PlanRule, ...] = ()


def parse_routing_policy(document: Json, *, place: str) -> RoutingPolicy:
    """The policy that a document describes; `place` names the asset. Raises InputError with everything that is wrong."""
    try:
        policy = RoutingPolicy.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False)
        said = [f"{path_text(tuple(one['loc']))}: {_message(one)}" for one in found[:_MOST_FAULTS]]
        more = len(found) - len(said)
        raise InputError(
            "; ".join(said) + (f"; and {more} more" if more > 0 else ""),
            place=place,
            hint="a routing policy has kind: routing, threshold, reject, direct and plans",
        ) from None
    if faults := _meaning(policy):
        raise InputError("; ".join(faults), place=place)
    return policy


def _message(found: Any) -> str:
    message = str(found["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _meaning(policy: RoutingPolicy) -> list[str]:
    ids = Counter(
        [rule.id for rule in policy.reject] + [rule.id for rule in policy.direct] + [rule.id for rule in policy.plans]
    )
    faults = [f"{number} rules are called {rule_id}" for rule_id, number in ids.items() if number > 1]
    for direct in policy.direct:
        if not direct.whole and not direct.within:
            faults.append(f"{direct.id}: it has no phrase; give whole or within")
        if slots := [slot for text in (*direct.whole, *direct.within) for slot in parse_phrase(text).slots]:
            faults.append(f"{direct.id}: an answer takes no parameter, and {{{slots[0]}}} is one")
    for plan in policy.plans:
        slots = [slot for text in plan.phrases for slot in parse_phrase(text).slots]
        faults += [f"{plan.id}: {{{slot}}} is not among its params" for slot in slots if slot not in plan.params]
    return faults


def phrases_of(texts: tuple[str, ...]) -> list[Phrase]:
    """The phrases, ready to be matched."""
    return [parse_phrase(text) for text in texts]
