"""Typed words are found in a sentence as words before they are found in parts, and never in letters gathered from all of it."""

from __future__ import annotations

import pytest

from tui.viewmodel.word_search import found_in


def ranked(typed: str, *texts: str) -> list[str]:
    """Those in which it is found, the best first."""
    found = [(one.score, text) for text in texts if (one := found_in(text, typed)) is not None]
    return [text for _, text in sorted(found, reverse=True)]


def test_words_come_before_beginnings_before_parts_before_letters() -> None:
    whole, begun, part, letters = "Deny the replan", "Show the replans", "Answer prereplanning", "Run every plan now"
    assert ranked("replan", letters, part, begun, whole) == [whole, begun, part]
    assert ranked("cncl", "Cancel the run", "Compare and call") == ["Cancel the run"]


@pytest.mark.parametrize(
    "text",
    [
        "Filter: status:failed plan:safe* dur:>10s since:2h and words; tab completes",
        "Mark the run, to compare, cancel or pause several at once",
    ],
)
def test_letters_of_a_whole_sentence_are_no_word(text: str) -> None:
    assert found_in(text, "replan") is None


def test_every_word_has_to_be_there_and_the_earlier_one_wins() -> None:
    assert found_in("Use the light theme", "light missing") is None
    assert found_in("Use the light theme", "") is None
    assert ranked("run", "Cancel the run", "Run it again") == ["Run it again", "Cancel the run"]


def test_the_places_are_those_of_the_letters() -> None:
    text = "İ: Cancel the Run"
    found = found_in(text, "cncl RUN")
    assert found is not None
    assert "".join(text[place] for place in found.places) == "CnclRun"
