"""Numbers, times and states as a person reads them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from engine.model.states import DiagnosticsStatus, RunStatus, StageStatus, StepStatus
from tests.tui.samples import NOW_US, SECOND
from tui.viewmodel import words
from tui.viewmodel.palette import DARK, LIGHT, Palette, Role, contrast


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, "–"),
        (0, "<1ms"),
        (4_000, "4ms"),
        (812_999, "812ms"),
        (12_400_000, "12.4s"),
        (59_999_999, "59.9s"),
        (63_000_000, "1m 03s"),
        (7_500_000_000, "2h 05m"),
        (273_600_000_000, "3d 04h"),
    ],
)
def test_durations_are_short_and_never_ahead(us: int | None, text: str) -> None:
    """As the looks ask for; cut, not rounded."""
    assert words.duration(us) == text


def test_times_say_the_day_only_where_it_is_another_one() -> None:
    """Today: the time. Within half a year: day and time. Before: the date."""
    day = 86_400 * SECOND
    assert words.clock(NOW_US, now_us=NOW_US, zone=UTC) == "12:00:00"
    assert words.clock(NOW_US - day, now_us=NOW_US, zone=UTC) == "Dec 31 12:00"
    assert words.clock(NOW_US - 400 * day, now_us=NOW_US, zone=UTC) == "2024-11-27"
    assert words.clock(NOW_US, now_us=NOW_US, zone=timezone(timedelta(hours=1))) == "13:00:00"
    assert words.clock(None, now_us=NOW_US) == "–"
    assert words.iso(NOW_US + 5, zone=UTC) == "2026-01-01T12:00:00.000005+00:00"


def test_sizes_counts_and_ids() -> None:
    """Decimal units, thousands apart, ids as long as they must be."""
    assert [words.size(n) for n in (0, 999, 1_200_000, 34_000_000)] == ["0 B", "999 B", "1.2 MB", "34 MB"]
    assert words.count(12_304) == "12,304"
    assert words.plural(1, "step") == "1 step"
    assert words.plural(2, "entry", "entries") == "2 entries"
    assert words.unique_length(["7f3a9100", "7f3a9111", "aa"]) == 7
    assert words.unique_length(["7f3a9100"]) == 6


def test_every_state_has_glyph_word_and_ascii_stand_in() -> None:
    """No state without a word; no two words of one kind the same; the stand-in is one ASCII character."""
    kinds = (
        ([words.run_mark(s) for s in RunStatus], [words.run_mark(s, ascii_only=True) for s in RunStatus]),
        ([words.stage_mark(s) for s in StageStatus], [words.stage_mark(s, ascii_only=True) for s in StageStatus]),
        ([words.step_mark(s) for s in StepStatus], [words.step_mark(s, ascii_only=True) for s in StepStatus]),
        (
            [words.diagnostics_mark(s) for s in DiagnosticsStatus],
            [words.diagnostics_mark(s, ascii_only=True) for s in DiagnosticsStatus],
        ),
    )
    for marks, stand_ins in kinds:
        assert len({mark.word for mark in marks}) == len(marks)
        assert all(mark.word.isupper() for mark in marks)
        assert all(mark.glyph.isascii() and len(mark.glyph) == 1 for mark in stand_ins)
        assert [mark.word for mark in marks] == [mark.word for mark in stand_ins]
    assert str(words.run_mark(RunStatus.RUNNING, engine_lost=True)) == "✗ ENGINE LOST"
    assert words.run_mark(RunStatus.FAILED, engine_lost=True).word == "FAILED"


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_every_colour_can_be_read(palette: Palette) -> None:
    """Contrast of at least 5 on the background, 4.5 on the chosen row."""
    for role in set(Role) - {Role.BORDER}:
        assert contrast(palette.colour(role), palette.background) >= 5, role
        assert contrast(palette.colour(role), palette.cursor) >= 4.5, role
