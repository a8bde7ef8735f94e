"""Phrases: what fits whole, within and loosely, and that no phrase or question costs more than its length allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.routing.phrases import (
    MAX_PHRASE_WORDS,
    SlotKind,
    match_loosely,
    match_whole,
    match_within,
    parse_phrase,
    read_question,
)

HOST = {"host": SlotKind.HOST}


@pytest.mark.parametrize(
    ("phrase", "question", "values"),
    [
        ("hello", "Hello!", {}),
        ("hello [there]", "hello", {}),
        ("hello [there]", "hello there", {}),
        ("hi|hey opscope", "HEY, opscope.", {}),
        ("what depends on {host}", "What depends on db-01?", {"host": "db-01"}),
        ("what depends on {host}", "what depends on 10.10.40.13", {"host": "10.10.40.13"}),
        ("what * {host}", "what on earth runs on db-01", {"host": "db-01"}),
        ("find {host}", "find “db-01”", {"host": "db-01"}),
    ],
)
def test_a_phrase_that_is_the_whole_question(phrase: str, question: str, values: dict[str, str]) -> None:
    match = match_whole(parse_phrase(phrase), read_question(question), HOST)
    assert match.score == 1
    assert match.values == values


@pytest.mark.parametrize(
    ("phrase", "question"),
    [
        ("hello", "hello and drop it"),
        ("hello", "othello"),
        ("what depends on {host}", "what depends on databases"),
        ("drop * tables", "tables drop"),
    ],
)
def test_what_is_not_the_whole_question(phrase: str, question: str) -> None:
    assert match_whole(parse_phrase(phrase), read_question(question), HOST).score == 0


@pytest.mark.parametrize(
    ("phrase", "question", "fits"),
    [
        ("drop * table|tables", "could you drop the old user tables for me", True),
        ("drop * table|tables", "drop a b c d e tables", False),
        ("drop * table|tables", "raindrop tables", False),
        ("rm -rf", "sudo rm -rf /", True),
    ],
)
def test_a_phrase_within_a_question(phrase: str, question: str, *, fits: bool) -> None:
    assert bool(match_within(parse_phrase(phrase), read_question(question), {}).score) is fits


def test_more_words_in_common_score_higher_and_only_word_for_word_is_sure() -> None:
    phrase = parse_phrase("what depends on {host}")
    scores = [
        match_loosely(phrase, read_question(question), HOST).score
        for question in ("what depends on db-01", "tell me what depends on db-01", "what about db-01", "a sandwich")
    ]
    assert scores[0] == 1
    assert scores == sorted(scores, reverse=True)
    assert 0.6 < scores[1] < 1
    assert scores[3] == 0


def test_a_value_alone_is_no_match() -> None:
    """A slot takes almost any word, so that words of the phrase have to be there too."""
    assert match_loosely(parse_phrase("{host} owner"), read_question("db-01"), HOST).score == 0


@pytest.mark.parametrize(
    "text", ["", "*", "[please]", "what [depends on", "{1x}", "a " * (MAX_PHRASE_WORDS + 1), "?! ..."]
)
def test_a_phrase_that_can_never_match_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"phrase|word"):
        parse_phrase(text)


@given(st.text(max_size=400), st.lists(st.sampled_from(["a", "b|c", "[d]", "*", "{host}"]), min_size=1, max_size=20))
def test_no_question_breaks_a_phrase(question: str, parts: list[str]) -> None:
    phrase = parse_phrase(" ".join(["a", *parts]))
    asked = read_question(question)
    for match in (match_whole, match_within, match_loosely):
        assert 0 <= match(phrase, asked, HOST).score <= 1


def test_a_phrase_made_to_be_slow_is_not() -> None:
    """Twenty-three wild places and a question of two hundred words: positions are counted once, not ways to reach them."""
    phrase = parse_phrase("* " * (MAX_PHRASE_WORDS - 1) + "never")
    assert match_within(phrase, read_question("word " * 10_000), {}).score == 0
