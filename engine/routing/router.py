"""Decides what a question leads to: a refusal, an answer, a plan with its parameters, or what is missing for one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.model.states import RouteKind
from engine.routing.phrases import (
    NO_MATCH,
    Match,
    SlotKind,
    match_loosely,
    match_whole,
    match_within,
    parse_phrase,
    read_question,
)
from engine.routing.policy import phrases_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json, JsonObject
    from engine.routing.phrases import Question
    from engine.routing.policy import PlanRule, RoutingPolicy

_EXAMPLES: Final = 5
_CANDIDATES: Final = 3
_NEAR: Final = 0.35  # below it, naming the nearest plan would only be odd
_DENIALS: Final = frozenset(
    ["not", "no", "never", "without", "except", "don't", "dont", "doesn't", "isn't", "nicht", "kein", "keine", "ohne"]
)
_TELLING: Final = frozenset({SlotKind.HOST, SlotKind.NUMBER, SlotKind.PATH})
"""Kinds of values that a word does not have by chance."""

NOT_UNDERSTOOD: Final = "not-understood"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a question leads. `rule` is the id of the rule that decided, NOT_UNDERSTOOD where none was sure enough.

    `text` is the answer of a direct route, and the reason of a refusal. `plan` and `params` are those of a plan.
    `candidates` are the plans that came nearest, with their scores.
    """

    kind: RouteKind
    confidence: float
    reasoning: str
    rule: str
    text: str = ""
    plan: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    candidates: tuple[tuple[str, float], ...] = ()

    @property
    def is_understood(self) -> bool:
        """False for an answer that only says what is missing."""
        return self.rule != NOT_UNDERSTOOD

    def metadata(self) -> JsonObject:
        """What of this goes into the metadata of a `PlanOutput`."""
        nearest: list[Json] = [{"rule": rule, "score": score} for rule, score in self.candidates]
        return {"rule": self.rule, "understood": self.is_understood, "candidates": nearest}


@dataclass(frozen=True, slots=True)
class _Candidate:
    rule: PlanRule
    match: Match
    phrase: str

    @property
    def missing(self) -> list[str]:
        """The parameters that have no value."""
        return [
            name
            for name, param in self.rule.params.items()
            if param.default is None and name not in self.match.values and param.ask
        ]


def route(words: str, policy: RoutingPolicy) -> Route:
    """What the policy makes of the question."""
    question = read_question(words)
    if not question.words:
        return _unsure(policy, [], "there are no words to go by")
    for reject in policy.reject:
        for phrase in phrases_of(reject.within):
            if match_within(phrase, question, {}).score:
                reasoning = f"the words fit {phrase.text!r} of the rule {reject.id}"
                return Route(RouteKind.REJECT, 1.0, reasoning, reject.id, text=reject.reason)
    if (direct := _direct(question, policy)) is not None:
        return direct
    return _plan(question, policy)


def _direct(question: Question, policy: RoutingPolicy) -> Route | None:
    for rule in policy.direct:
        for phrase in phrases_of(rule.whole):
            if match_whole(phrase, question, {}).score:
                return Route(RouteKind.DIRECT, 1.0, f"the question is {phrase.text!r}", rule.id, text=rule.answer)
        for phrase in phrases_of(rule.within):
            if match_within(phrase, question, {}).score:
                return Route(RouteKind.DIRECT, 0.9, f"the words fit {phrase.text!r}", rule.id, text=rule.answer)
    return None


def _plan(question: Question, policy: RoutingPolicy) -> Route:
    candidates = [_best(rule, question) for rule in policy.plans]
    # The first of equals is the one that the policy names first.
    ranked = sorted((one for one in candidates if one.match.score), key=lambda one: -one.match.score)
    if not ranked:
        return _unsure(policy, [], "no rule has anything in common with the words")
    best = ranked[0]
    if best.match.score < policy.threshold:
        reasoning = (
            f"the nearest is {best.rule.id} with {best.match.score:.2f}, below the threshold of {policy.threshold:g}"
        )
        return _unsure(policy, ranked, reasoning)
    if best.missing:
        return _unsure(policy, ranked, f"the words fit {best.rule.id}, but {_listed(best.missing)} is missing")
    if doubt := _doubt(best, question):
        return _unsure(policy, ranked, f"the words fit {best.rule.id}, but {doubt}", doubt=doubt)
    values = {name: param.default for name, param in best.rule.params.items() if param.default is not None}
    return Route(
        RouteKind.PLAN,
        best.match.score,
        f"the words fit {best.phrase!r} of the rule {best.rule.id}",
        best.rule.id,
        plan=best.rule.plan,
        params={**values, **best.match.values},
        candidates=_scores(ranked),
    )


def _doubt(best: _Candidate, question: Question) -> str:
    """What of the question the plan would leave out although it changes the meaning; nothing if it can be run."""
    of_phrase = {word for token in parse_phrase(best.phrase).tokens for word in token.words}
    denied = next((word for word in question.folded if word in _DENIALS and word not in of_phrase), None)
    if denied is not None:
        return f"{denied!r} turns it round, and the plan knows nothing of that"
    for name, value in best.match.values.items():
        kind = best.rule.params[name].slot if name in best.rule.params else SlotKind.WORD
        if kind in _TELLING:
            others = [word for word in dict.fromkeys(question.words) if word != value and _is_value(word, kind)]
            if others:
                return f"it is about one {name} at a time, and {_listed([value, *others])} are named"
    return ""


def _is_value(word: str, kind: SlotKind) -> bool:
    """True for a word that is such a value and hardly anything else: `on-call` could be a host, but it has no number."""
    return kind.takes(word) and (kind is not SlotKind.HOST or any(char.isdigit() for char in word))


def _best(rule: PlanRule, question: Question) -> _Candidate:
    slots = {name: param.slot for name, param in rule.params.items()}
    best = _Candidate(rule, NO_MATCH, "")
    for phrase in phrases_of(rule.phrases):
        match = match_loosely(phrase, question, slots)
        if match.score > best.match.score:
            best = _Candidate(rule, match, phrase.text)
    return best


def _unsure(policy: RoutingPolicy, ranked: list[_Candidate], reasoning: str, *, doubt: str = "") -> Route:
    """An answer that says what would be needed: the nearest plan's missing words, else what there is to ask.

    `doubt` is what of the words the plan would leave out.
    """
    nearest = ranked[0] if ranked and ranked[0].match.score >= _NEAR else None
    lines: list[str] = []
    if nearest is not None:
        rule = nearest.rule
        about = f" ({rule.description})" if rule.description else ""
        lines.append(f"I am not sure what is meant. The nearest is the plan {rule.plan}{about}.")
        lines += [f"It would need {rule.params[name].ask}." for name in nearest.missing]
        lines += [f"But {doubt}."] if doubt else []
    else:
        lines.append("I do not know how to do that.")
    examples = list(dict.fromkeys(rule.example for rule in policy.plans if rule.example))
    if nearest is not None and nearest.rule.example:
        examples = [nearest.rule.example, *(one for one in examples if one != nearest.rule.example)]
    if examples:
        lines.append("What can be asked, for example:")
        lines += [f"- {example}" for example in examples[:_EXAMPLES]]
    confidence = 0.0
    if ranked:
        wanted = len(ranked[0].rule.params)
        confidence = ranked[0].match.score * (1 - len(ranked[0].missing) / (wanted + 1))
    return Route(
        RouteKind.DIRECT,
        round(min(confidence, policy.threshold), 4),
        reasoning,
        NOT_UNDERSTOOD,
        text="\n".join(lines),
        candidates=_scores(ranked),
    )


def helpful_answer(
    words: str,
    policy: RoutingPolicy,
    reasoning: str,
    *,
    nearest: PlanRule | None = None,
    values: Mapping[str, str] | None = None,
) -> Route:
    """What to answer where somebody else than the rules was not sure; `nearest` is the plan that came to their mind."""
    question = read_question(words)
    ranked = sorted((_best(rule, question) for rule in policy.plans), key=lambda one: -one.match.score)
    ranked = [one for one in ranked if one.match.score]
    if nearest is not None:
        ranked = [_Candidate(nearest, Match(1.0, values or {}), ""), *(one for one in ranked if one.rule != nearest)]
    return _unsure(policy, ranked, reasoning)


def _scores(ranked: list[_Candidate]) -> tuple[tuple[str, float], ...]:
    return tuple((one.rule.id, one.match.score) for one in ranked[:_CANDIDATES])


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
