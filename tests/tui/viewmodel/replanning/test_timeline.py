"""Replans on a line: what stands where, what is chosen, what lies beyond the ends."""

from __future__ import annotations

import pytest

from engine.model.replan import ReplanDecision, Severity, Trigger
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.replanning.replans import NOW, replan
from tui.viewmodel.glyphs import TO_ASCII
from tui.viewmodel.replanning.replan import Replan, decision_mark, trigger_mark
from tui.viewmodel.replanning.timeline import LINES, timeline
from tui.viewmodel.text import plain, width


def three() -> list[Replan]:
    """One approved by the policy, one denied in the pass after it, one that waits."""
    return [
        replan(decision=ReplanDecision.AUTO_APPROVED, severity=Severity.INFO),
        replan(event_id="r1.1", pass_index=1, trigger=Trigger.MISSING_REFERENCE, severity=Severity.CRITICAL,
               decision=ReplanDecision.DENIED, step_id=None, at_us=NOW_US - 9 * SECOND),
        replan(event_id="r1.2", pass_index=1, trigger=Trigger.STEP_TIMEOUT, step_id="ping", at_us=NOW_US),
    ]  # fmt: skip


def test_the_line_tells_when_why_of_what_and_what_was_decided() -> None:
    """The pass that an approved one led to stands on the line behind it; the chosen one has a heavy rule."""
    lines, places = timeline(three(), 1, 80, NOW, 1)
    assert [plain(line).rstrip() for line in lines] == [
        "  11:59:00 INFO            11:59:51 CRITICAL        12:00:00 WARNING",
        "  ○ ─────── pass 1 ─────── → ────────────────────── ! ╌╌╌╌",
        "  EMPTY RESULT             MISSING REFERENCE        STEP TIMEOUT",
        "  ci                       the plan                 ping",
        "  ✓ AUTO APPROVED          ⊘ DENIED                 ‖ PENDING",
        "─" * 26 + "━" * 25 + "─" * 29,
    ]
    assert [(place.start, place.stop) for place in places] == [(2, 27), (27, 52), (52, 77)]
    last = [replan(decision=ReplanDecision.APPROVED)]
    assert plain(timeline(last, 0, 80, NOW, 1)[0][1]).rstrip() == "  ○ ─── pass 1"
    assert plain(timeline(last, 0, 80, NOW, 0)[0][1]).rstrip() == "  ○ ────"


@pytest.mark.parametrize("cells", [40, 80, 160])
@pytest.mark.parametrize("chosen", [0, 4, 8])
def test_the_chosen_one_is_in_sight_and_the_ends_say_that_there_is_more(cells: int, chosen: int) -> None:
    """However many there are."""
    many = [replan(event_id=f"r0.{number}", step_id=f"step{number}") for number in range(9)]
    lines, places = timeline(many, chosen, cells, NOW, 0)
    assert len(lines) == LINES
    assert chosen in [place.index for place in places]
    assert all(width(line) <= cells for line in lines)
    assert plain(lines[1]).startswith("‹") is (places[0].index > 0)
    assert ("›" in plain(lines[1])) is (places[-1].index < 8)


def test_every_trigger_and_decision_has_a_sign_of_its_own_in_ascii_too() -> None:
    """Sign and word, so that colour is never needed."""
    triggers = [trigger_mark(trigger) for trigger in Trigger]
    assert len({mark.glyph for mark in triggers}) == len(Trigger)
    assert len({mark.glyph.translate(TO_ASCII) for mark in triggers}) == len(Trigger)
    assert all(str(mark).translate(TO_ASCII).isascii() for mark in triggers)
    assert [mark.word for mark in map(trigger_mark, Trigger)] == [
        one.value.upper().replace("_", " ") for one in Trigger
    ]
    assert str(decision_mark(ReplanDecision.PENDING)) == "‖ PENDING"
