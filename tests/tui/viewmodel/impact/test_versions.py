"""The versions as lines: the lanes of the timeline, and that everything keeps to its width."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from engine.model.asset import AssetStatus
from engine.regression.impact import Share
from engine.regression.impact_report import Impact, Slot, Timeline
from tests.engine.regression.test_impact_risk import sampled, told
from tui.viewmodel.impact.versions import columns_for, header, lane, legend, percent, version_line
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import plain, width

MOMENT = Moment(1_767_268_800_000_000, UTC)
SLOTS = (Slot(1, 0, 1, 0, 0), Slot(1, 9, 40, 1, 0), Slot(1, 5, 0, 0, 2), Slot(2, 9, 40, 0, 0), Slot(2, 8, 1, 0, 0))


def example() -> Impact:
    statuses = {1: AssetStatus.PUBLISHED, 2: AssetStatus.PUBLISHED, 3: AssetStatus.DRAFT}
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 30.0), statuses=statuses)
    first = MOMENT.now_us - 3 * 86_400_000_000
    return replace(found, record=replace(found.record, timeline=Timeline(first, MOMENT.now_us, 10, SLOTS)))


def test_a_lane_shows_when_how_many_and_that_one_failed() -> None:
    found = example()
    assert plain(lane(found, 1, 10)) == "▂····○···✗"
    assert plain(lane(found, 2, 10)) == "········▂█"
    assert plain(lane(found, 3, 10)) == "·" * 10
    failed = lane(found, 1, 10)[9]
    assert failed.role is Role.FAILED


def test_narrower_than_its_places_it_draws_several_as_one() -> None:
    assert plain(lane(example(), 1, 5)) == "▂·○·✗"


@pytest.mark.parametrize("cells", [40, 60, 79, 99, 119, 159, 299])
def test_nothing_is_wider_than_its_place_and_lanes_stand_under_the_axis(cells: int) -> None:
    found = example()
    lines = [version_line(found, one, cells, MOMENT) for one in found.versions]
    lane_cells = columns_for(cells).lane
    if cells >= 79:
        assert lane_cells >= 8
        assert all(width(line) == width(lines[0]) <= cells for line in lines)
        assert width(header(found, cells, MOMENT)) == width(lines[0])
        assert width(legend(found, cells)) <= cells


def test_what_each_line_says() -> None:
    found = example()
    draft, after, before = (plain(version_line(found, one, 79, MOMENT)) for one in found.versions)
    assert draft.split()[:4] == ["@3", "·", "DRAFT", "–"]
    assert after.split()[:6] == ["after", "@2", "✓", "PUBLISHED", "8", "100%"]
    assert before.startswith(" before  @1")


def test_all_is_said_of_nothing_less() -> None:
    assert [percent(rate) for rate in (1.0, 0.9999, 0.5, 0.0001, 0.0, 1 - 1e-15)] == [
        "100%", "99%", "50%", "1%", "0%", "100%",
    ]  # fmt: skip
    assert percent(Share(42, 42).interval[1]) == "100%"
