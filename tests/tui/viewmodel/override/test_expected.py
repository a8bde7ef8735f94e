"""What a change comes to, as it is told beside it."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.pipeline.forking import Change
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.override.samples import LOOKUP, made
from tui.viewmodel.override.draft import Draft
from tui.viewmodel.override.expected import error_lines, expected_lines, standing_words
from tui.viewmodel.palette import Role
from tui.viewmodel.rerun import question
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import Line, plain, width

if TYPE_CHECKING:
    from engine.model.json import JsonObject

NOON = Moment(NOW_US, UTC)


def text(lines: list[Line]) -> list[str]:
    return [plain(line) for line in lines]


def test_it_says_what_runs_again_and_why_what_is_reused_and_when_it_ends() -> None:
    assert text(expected_lines(made(Change(params={"host": "db-04"})), NOON, 90)) == [
        " 2 steps run again, 1 is reused",
        " ends about 12:00:02 if it starts now: 2.0s, as its steps took before",
        ' • params.host: "db-03" → "db-04"',
        " ↻ ci      params.host changed",
        " ↻ owners  it depends on ci, which runs again",
        " = reused: brief",
    ]


def test_nothing_is_cut_where_there_is_little_room() -> None:
    """Neither the sentence at the top nor why a step runs again."""
    lines = text(expected_lines(made(Change(params={"host": "db-04"})), NOON, 25))
    assert lines[:2] == [" 2 steps run again, 1 is", " reused"]
    assert lines[-5:-1] == [
        " ↻ ci      params.host",
        "           changed",
        " ↻ owners  it depends on",
        "           ci",
    ]


def test_nothing_changed_runs_everything_again_and_says_so() -> None:
    assert text(expected_lines(made(Change()), NOON, 40)) == [
        " all 3 steps run again, nothing is",
        " reused",
        " ends about 12:00:02 if it starts now:",
        " 2.0s, as its steps took before",
        " nothing is changed, so nothing is taken",
        " over: every step runs once more",
    ]


def test_what_is_not_known_of_the_time_is_said() -> None:
    """When it ends at the earliest, and why it is no more than that."""
    new: JsonObject = {"build": {"command": "x"}, "check": {"command": "x"}}
    assert text(expected_lines(made(Change(patch=new)), NOON, 90))[1] == (
        " it is not known when it ends: build and check never came to their end"
    )
    assert text(expected_lines(made(Change(patch=new, from_steps=("ci",))), NOON, 120))[1] == (
        " at least 2.0s; not known: build, check; ends 12:00:02 at the earliest if it starts now"
    )
    stopped = made(Change(), stopped=("owners",))
    assert text(expected_lines(stopped, NOON, 120))[1] == (
        " at least 2.0s: owners was stopped before its end; ends 12:00:02 at the earliest if it starts now"
    )


def test_an_error_stands_where_the_answer_would_with_what_helps() -> None:
    error = InputError("the folder it ran in /gone is not there", hint="run the plan anew with opscope run")
    lines = error_lines(error, 30)
    assert text(lines) == [
        " ✗ the folder it ran in /gone",
        "   is not there",
        "   run the plan anew with",
        "   opscope run",
    ]
    assert lines[0][0].role is Role.FAILED
    assert all(width(line) <= 30 for line in lines)


def test_the_question_says_all_that_a_yes_starts() -> None:
    assert question(made(Change(params={"host": "db-04"})), "7f3a91") == (
        'Run 7f3a91 ci-lookup again, with params.host: "db-03" → "db-04"? 2 steps run again, 1 is reused, about 2.0s.'
    )
    other_path = made(Change(), host_env={"PATH": "/other"})
    assert question(other_path, "7f3a91") == (
        "Run 7f3a91 ci-lookup again? All 3 steps run again, nothing is reused, about 2.0s."
        " Note: the environment is not what it was then: PATH."
    )


def test_the_title_counts_what_is_changed_and_says_test_run() -> None:
    assert plain(standing_words(Draft(), None)) == "nothing changed yet"
    assert plain(standing_words(Draft(params={"host": "x"}), made(Change(params={"host": "x"})))) == "1 change"
    as_test = made(Change(overrides=Draft(versions={LOOKUP: 3}).overrides))
    assert plain(standing_words(Draft(versions={LOOKUP: 3}, params={"host": "x"}), as_test)) == "TEST RUN  2 changes"
    assert any("TEST RUN, marked as a test" in line for line in text(expected_lines(as_test, NOON, 90)))
