"""The document of a routing policy: what is answered at once, what is refused, and which words lead to which plan."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from engine.model.asset import AssetName, AssetType
from engine.plan.model_faults import DocumentError, Finding, findings_of
from engine.routing.phrases import Phrase, SlotKind, parse_phrase

if TYPE_CHECKING:
    from engine.model.json import Json

ROUTING: Final = AssetName(AssetType.POLICY, "routing")
"""The asset that routes questions, whatever else there is."""

_HINT: Final = "a routing policy has kind: routing, threshold, reject, direct and plans"


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
    """The policy that a document describes; `place` names the asset. Raises DocumentError with everything that is wrong."""
    try:
        policy = RoutingPolicy.model_validate(document)
    except ValidationError as error:
        raise DocumentError(findings_of(error, RoutingPolicy), place=place, hint=_HINT) from None
    if findings := _meaning(policy):
        raise DocumentError(findings, place=place)
    return policy


def _meaning(policy: RoutingPolicy) -> list[Finding]:
    ids = {
        "reject": [rule.id for rule in policy.reject],
        "direct": [rule.id for rule in policy.direct],
        "plans": [rule.id for rule in policy.plans],
    }
    placed = [(section, number, rule_id) for section, some in ids.items() for number, rule_id in enumerate(some)]
    counts, seen = Counter(rule_id for _, _, rule_id in placed), set[str]()
    found = []
    for section, number, rule_id in placed:
        if rule_id in seen:
            message = f"{counts[rule_id]} rules are called {rule_id}"
            found.append(Finding((section, number, "id"), message, "give each a name of its own"))
        seen.add(rule_id)
    for number, direct in enumerate(policy.direct):
        if not direct.whole and not direct.within:
            found.append(Finding(("direct", number), f"{direct.id}: it has no phrase", "give whole or within"))
        for field, texts in (("whole", direct.whole), ("within", direct.within)):
            for index, slots in _slots(texts):
                message = f"{direct.id}: an answer takes no parameter, and {{{slots[0]}}} is one"
                found.append(Finding(("direct", number, field, index), message, "write the words, or *"))
    for number, plan in enumerate(policy.plans):
        for index, slots in _slots(plan.phrases):
            for slot in (slot for slot in slots if slot not in plan.params):
                message = f"{plan.id}: {{{slot}}} is not among its params"
                found.append(Finding(("plans", number, "phrases", index), message, f"add it: params: {{{slot}: {{}}}}"))
    return found


def _slots(texts: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    """The parameters in each phrase that has any, with the number of the phrase."""
    found = ((index, [*parse_phrase(text).slots]) for index, text in enumerate(texts))
    return [(index, slots) for index, slots in found if slots]


def phrases_of(texts: tuple[str, ...]) -> list[Phrase]:
    """The phrases, ready to be matched."""
    return [parse_phrase(text) for text in texts]
