"""What reruns of an experiment say of themselves is understood again, and only of the analysis that it was for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.comparing.experiment_parts import Kind, Part, parts_made

if TYPE_CHECKING:
    from store.rows import RunRow

ANALYSIS = "1f2e3d4c5b6a7980"


def made(*parts: Part) -> list[RunRow]:
    """Runs of these parts, the newest first, among others."""
    rows = [run_row(run_id=f"{number:x}" * 32, reason=part.reason(ANALYSIS)) for number, part in enumerate(parts, 1)]
    other = run_row(run_id="e" * 32, reason=Part(Kind.CONFIRM, 1, 9).reason("ab" * 8))
    return [run_row(run_id="f" * 32, reason="is it the query"), *reversed(rows), other]


def test_how_far_it_came_is_said_while_reruns_are_missing() -> None:
    first, second, third = (Part(Kind.CONFIRM, number, 3) for number in (1, 2, 3))
    assert parts_made(made(first), ANALYSIS) == ["of 3 reruns that were to confirm it 1 is there: 111111"]
    assert parts_made(made(first, second), ANALYSIS) == [
        "of 3 reruns that were to confirm it 2 are there: 111111, 222222"
    ]
    assert parts_made(made(first, second, third), ANALYSIS) == []
    assert parts_made(made(first), "ab" * 8) == ["of 9 reruns that were to confirm it 1 is there: eeeeee"]


def test_of_two_attempts_the_newer_one_is_told() -> None:
    first, second = (Part(Kind.MORE, number, 4) for number in (1, 2))
    assert parts_made(made(first, second, first), ANALYSIS) == [
        "of 4 reruns that were to be added to it 1 is there: 333333"
    ]


def test_what_may_end_at_any_rerun_is_not_counted() -> None:
    assert parts_made(made(Part(Kind.PUT_BACK, 1, 1, ("sec",)), Part(Kind.BISECT, 1, 4, ("a", "b"))), ANALYSIS) == []
    assert Part(Kind.BISECT, 1, 4, ("a", "b")).reason(ANALYSIS) == (
        "bisects analysis 1f2e3d: 1 of 4, with a and b put back"
    )
