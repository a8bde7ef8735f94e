"""Phrases of a routing policy and how well a question fits one. Matching only; what a match means is the router's business.

A phrase is words with spaces between them. `what|which` is one of several words, `[please]` may be missing, `*` stands for
up to four words, `{host}` takes the value of a parameter. Case and punctuation at the ends of words do not matter. There
are no regular expressions: the cost of a match is bounded by the lengths of phrase and question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_WORDS: Final = 200
"""Words of a question that are looked at."""

MAX_PHRASE_WORDS: Final = 24
_WILD_WORDS: Final = 4
_EDGES: Final = " \t\r\n.,;:!?\"'`()[]{}<>…“”‘’"
_TOKEN: Final = re.compile(r"\[([^\[\]{}*\s]+)\]|\{([A-Za-z_]\w*)\}|(\*)|([^\[\]{}*\s]+)")


class SlotKind(Enum):
    """What the value of a parameter in a phrase may look like."""

    WORD = re.compile(r"\S{1,200}")
    NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,200}")
    HOST = re.compile(r"(?=.{0,200}[-.0-9])[A-Za-z0-9](?:[A-Za-z0-9.-]{0,200}[A-Za-z0-9])?")
    NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?")
    PATH = re.compile(r"[~.]?/\S{0,500}|\S{1,200}/\S{0,300}")

    def takes(self, word: str) -> bool:
        """True if the word can be such a value."""
        pattern: re.Pattern[str] = self.value
        return pattern.fullmatch(word) is not None


@dataclass(frozen=True, slots=True)
class Token:
    """One place of a phrase: some words, or a slot, or anything for a while."""

    words: frozenset[str] = frozenset()
    slot: str | None = None
    is_wild: bool = False
    may_miss: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase as it is matched."""

    text: str
    tokens: tuple[Token, ...]

    @property
    def slots(self) -> tuple[str, ...]:
        """The parameters that it takes values for."""
        return tuple(token.slot for token in self.tokens if token.slot is not None)


def parse_phrase(text: str) -> Phrase:
    """The phrase that a text describes. Raises ValueError with a sentence for one that cannot be matched."""
    tokens: list[Token] = []
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        if stripped[position].isspace():
            position += 1
            continue
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise ValueError(f"{stripped[position]!r} stands alone; a phrase has words, a|b, [maybe], * and {{param}}")
        optional, slot, wild, plain = match.groups()
        if slot:
            tokens.append(Token(slot=slot))
        elif wild:
            tokens.append(Token(is_wild=True))
        else:
            words = frozenset(word for word in (_fold(part) for part in (optional or plain).split("|")) if word)
            if not words:
                raise ValueError(f"{match[0]!r} has no word in it")
            tokens.append(Token(words=words, may_miss=optional is not None))
        position = match.end()
    if not any(token.words and not token.may_miss for token in tokens) and not any(token.slot for token in tokens):
        raise ValueError("a phrase needs a word that must be there")
    if len(tokens) > MAX_PHRASE_WORDS:
        raise ValueError(f"a phrase has at most {MAX_PHRASE_WORDS} parts")
    return Phrase(stripped, tuple(tokens))


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is matched: each word as it was written and folded."""

    words: tuple[str, ...]
    folded: tuple[str, ...]


def read_question(text: str) -> Question:
    """The words of a question; marks at their ends are left out."""
    found = [word for word in (part.strip(_EDGES) for part in text.split()[:MAX_WORDS]) if word]
    return Question(tuple(found), tuple(_fold(word) for word in found))


@dataclass(frozen=True, slots=True)
class Match:
    """How well a question fits: 1 is word for word, below it the share of either's words that found one in the other."""

    score: float
    values: Mapping[str, str] = field(default_factory=dict)


NO_MATCH: Final = Match(0.0)


def match_whole(phrase: Phrase, question: Question, slots: Mapping[str, SlotKind]) -> Match:
    """The phrase as the whole question."""
    values = _align(phrase.tokens, question, 0, slots, to_end=True)
    return NO_MATCH if values is None else Match(1.0, values)


def match_within(phrase: Phrase, question: Question, slots: Mapping[str, SlotKind]) -> Match:
    """The phrase anywhere in the question, its words in their order and next to each other but for `*`."""
    for start in range(len(question.words)):
        values = _align(phrase.tokens, question, start, slots, to_end=False)
        if values is not None:
            return Match(1.0, values)
    return NO_MATCH


def match_loosely(phrase: Phrase, question: Question, slots: Mapping[str, SlotKind]) -> Match:
    """How much of the phrase is in the question in the phrase's order, and of the question in the phrase.

    The score is the harmonic mean of both shares, as recall and precision are joined elsewhere; a slot counts as a word.
    """
    whole = match_whole(phrase, question, slots)
    if whole.score:
        return whole
    wanted = [token for token in phrase.tokens if not token.is_wild and not token.may_miss]
    values: dict[str, str] = {}
    matched = 0
    taken = 0
    position = 0
    for token in wanted:
        for at in range(position, len(question.words)):
            if _fits(token, question, at, slots):
                matched += 1
                taken += 1
                position = at + 1
                if token.slot is not None:
                    values[token.slot] = question.words[at]
                break
    extra = {word for token in phrase.tokens if token.may_miss for word in token.words}
    taken += sum(1 for word in question.folded if word in extra)
    said_word = any(token.words & set(question.folded) for token in wanted if token.words)
    if not matched or not said_word or not question.words:
        return NO_MATCH
    recall, precision = matched / len(wanted), min(1.0, taken / len(question.words))
    # Not word for word, so never quite sure.
    return Match(round(0.95 * 2 * recall * precision / (recall + precision), 4), values)


def _align(
    tokens: Sequence[Token], question: Question, start: int, slots: Mapping[str, SlotKind], *, to_end: bool
) -> dict[str, str] | None:
    """The values of the slots if the tokens fit from `start` on, the first way that is found; None if there is none.

    Breadth first over the positions that can be reached after each token, so the work is tokens times words.
    """
    reached: dict[int, dict[str, str]] = {start: {}}
    for token in tokens:
        following: dict[int, dict[str, str]] = {}
        for position, values in reached.items():
            if token.is_wild:
                for end in range(position, min(position + _WILD_WORDS, len(question.words)) + 1):
                    following.setdefault(end, values)
                continue
            if token.may_miss:
                following.setdefault(position, values)
            if position < len(question.words) and _fits(token, question, position, slots):
                taken = values if token.slot is None else {**values, token.slot: question.words[position]}
                following.setdefault(position + 1, taken)
        if not following:
            return None
        reached = following
    if to_end:
        return reached.get(len(question.words))
    return next(iter(reached.values()))


def _fits(token: Token, question: Question, at: int, slots: Mapping[str, SlotKind]) -> bool:
    if token.slot is not None:
        return slots.get(token.slot, SlotKind.WORD).takes(question.words[at])
    return question.folded[at] in token.words


def _fold(word: str) -> str:
    return word.strip(_EDGES).casefold()
