"""Risk, advice, figures, quality and comparison as lines, and as documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.asset import AssetStatus
from engine.model.states import RunStatus
from engine.regression.impact import Use
from engine.regression.impact_risk import RiskLevel
from tests.engine.regression.test_impact_risk import sampled, told
from tui.actions import Keymap
from tui.viewmodel.impact.compared import card_lines, metrics, profile_lines
from tui.viewmodel.impact.folding import folded
from tui.viewmodel.impact.formats import as_markdown, document
from tui.viewmodel.impact.telling import as_lines, first_sections, remark_lines, risk_mark, second_sections, title_state
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, plain, width

if TYPE_CHECKING:
    from engine.regression.impact_report import Impact

BOTH = {1: AssetStatus.PUBLISHED, 2: AssetStatus.PUBLISHED}


def text_of(impact: Impact, cells: int = 78) -> str:
    return "\n".join(
        map(plain, as_lines(first_sections(impact, cells, Keymap().shown) + second_sections(impact, cells)))
    )


def test_a_high_risk_with_its_points_and_the_keys_that_help() -> None:
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 30.0, gates=2), statuses=BOTH)
    said = text_of(found)
    assert " ✗ HIGH  of going from @1 to @2" in said
    assert "  75  runs got worse with it, critical: 30 v 8 runs, score 0 of 100" in said
    assert " o  Run the last one with @2 again with @1" in said
    assert " c  See the evidence step by step." in said
    assert "    opscope asset deprecate query/ci-lookup@2" in said
    assert " ! policy/gates" in said
    assert "REGRESSED" in said
    assert plain(title_state(found)) == "@1 → @2   ✗ HIGH RISK"


def test_too_few_runs_say_how_many_more() -> None:
    found = told(sampled(1, 20, 10.0), sampled(2, 1, 10.0))
    said = text_of(found)
    assert " ? NOT KNOWN  of going from @1 to @2: too few runs, 2 more after" in said
    assert "--override query/ci-lookup@2   2 times" in said
    assert "–  too few runs tell: 1" in said
    assert plain(title_state(found)) == "@1 → @2   ? RISK NOT KNOWN"


def test_no_common_plan() -> None:
    other = [Use(2, "x" * 32, "other", RunStatus.SUCCEEDED, 1, 1000)]
    said = text_of(told(sampled(1, 5, 10.0), [], more=other))
    assert "no plan has run with both @1 and @2, so there is nothing to compare" in said
    assert "NOT KNOWN" in said


def test_figures_say_before_after_and_of_how_many() -> None:
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 30.0))
    assert found.pair is not None
    by_title = {one.title: one for one in metrics(found.pair)}
    assert (by_title["SUCCEEDED"].before, by_title["SUCCEEDED"].after) == ("100%", "100%")
    assert by_title["SUCCEEDED"].basis == "30 of 30, 8 of 8"
    assert by_title["TYPICAL"].change.startswith("+")
    assert by_title["SLOWEST"].basis == "p90, longest of 8"
    cards = card_lines(found.pair, 78)
    assert all(width(line) <= 78 for line in cards)
    assert len({width(line) for line in cards if line}) == 1


def test_a_bar_is_as_long_as_its_value() -> None:
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 20.0))
    assert found.pair is not None
    lines = [plain(line) for line in profile_lines(found.pair, 78)]
    at = next(place for place, line in enumerate(lines) if line.startswith(" SPEED"))
    full, half = lines[at + 1].count("━"), lines[at + 2].count("━")
    assert full == 40
    assert abs(half - 20) <= 2


def test_only_a_proved_change_of_the_rate_is_coloured() -> None:
    worse = told(sampled(1, 30, 10.0), sampled(2, 12, 10.0, failed=True))
    assert worse.pair is not None
    assert metrics(worse.pair)[0].role is Role.FAILED
    one = told(sampled(1, 30, 10.0), sampled(2, 1, 10.0, failed=True))
    assert one.pair is not None
    assert metrics(one.pair)[0].role is Role.TEXT


def test_several_contents_under_one_number_are_told_first() -> None:
    found = told(sampled(1, 5, 10.0), sampled(2, 5, 10.0))
    found = replace(found, record=replace(found.record, ambiguous=(2,)))
    assert "different contents under the number @2" in plain(remark_lines(found, 200)[0])
    assert text_of(found).startswith(" ! Runs used different contents")


@pytest.mark.parametrize("level", RiskLevel)
def test_every_level_has_a_sign_and_a_word(level: RiskLevel) -> None:
    mark = risk_mark(level)
    assert mark.word == level.value.replace("_", " ").upper()
    assert len(mark.glyph) == 1


@pytest.mark.parametrize("cells", [40, 60, 76, 98, 150])
def test_folded_lines_keep_to_their_width(cells: int) -> None:
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 30.0, gates=2), statuses=BOTH)
    lines = folded(as_lines(first_sections(found, cells, Keymap().shown) + second_sections(found, cells)), cells)
    longest = max(len(word) for line in lines for word in plain(line).split())
    assert all(width(line) <= max(cells, longest + 12) for line in lines)


@given(st.lists(st.text("ab cd", max_size=30), max_size=5), st.integers(10, 60))
def test_folding_loses_no_word(texts: list[str], cells: int) -> None:
    line = tuple(Span(text) for text in texts)
    joined = " ".join(plain(part) for part in folded([line], cells))
    assert joined.replace(" ", "") == plain(line).replace(" ", "")


def test_as_one_json_document() -> None:
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 30.0, gates=2), statuses=BOTH)
    read = json.loads(json.dumps(document(found)))
    assert read["pair"]["risk"]["level"] == "high"
    assert read["related"][0] == {
        "asset": "policy/gates",
        "runs": 38,
        "steps": ["fetch"],
        "before": {"1": 30},
        "after": {"2": 8},
        "changed_at_the_same_time": True,
    }
    assert [one["kind"] for one in read["recommendations"]] == ["rerun", "separate", "pin", "deprecate", "compare"]
    alone = json.loads(json.dumps(document(replace(found, pair=None))))
    assert (alone["pair"], alone["analysis"]) == (None, None)


def test_markdown_finds_nothing_to_do_in_names() -> None:
    found = told(sampled(1, 30, 10.0), sampled(2, 8, 30.0))
    evil = replace(found.record, asset="query/[x](http://e)<b>")
    said = as_markdown(replace(found, record=evil))
    assert said.startswith("# Impact of query/\\[x\\]")
    assert "<b>" not in said
    assert "| Succeeded | 100% | 100% |" in said
