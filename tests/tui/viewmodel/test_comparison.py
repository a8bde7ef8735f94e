"""An analysis as text: the verdict first, figures that a person can read, nothing that a terminal or a parser takes for its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

import pytest

from engine.regression.analysis import analyse
from tests.engine.regression.building import runs_of
from tui.viewmodel.comparison import (
    TITLES,
    evidence_rows,
    head_lines,
    percent,
    probability,
    seconds,
    sections,
    signed_seconds,
    told_rows,
    verdict_line,
)
from tui.viewmodel.comparison_formats import junit, markdown, title
from tui.viewmodel.text import plain

if TYPE_CHECKING:
    from engine.regression.verdict import Analysis

STEPS = {"fetch": 4.0, "sort": 2.0, "send": 6.0}


@pytest.fixture(scope="module")
def slower() -> Analysis:
    baseline = runs_of(STEPS, 30, assets={"lookup": "query/ci@2"})
    return analyse(baseline, runs_of({**STEPS, "sort": 8.0}, 3, seed=2, assets={"lookup": "query/ci@3"}))


def text_of(analysis: Analysis) -> str:
    lines = [verdict_line(analysis), *head_lines(analysis)]
    for name, section in sections(analysis):
        lines += [(), *section]
        assert name
    return "\n".join(plain(line) for line in lines)


def test_the_verdict_comes_first_with_score_severity_and_confidence(slower: Analysis) -> None:
    assert plain(verdict_line(slower)).startswith("✗ REGRESSED  score ")
    assert plain(verdict_line(slower)).endswith("  confidence medium  30 v 3 runs")


def test_every_row_shows_all_its_evidence(slower: Analysis) -> None:
    rows, more = evidence_rows(slower)
    cells = dict(zip(TITLES, (cell if isinstance(cell, str) else cell.text for cell in rows[0]), strict=True))
    assert (cells["PART"], cells["FINDING"], cells["n v m"], cells["METHOD"]) == (
        "execute/sort",
        "slower",
        "30 v 3",
        "exact rank test",
    )
    assert cells["Δ"].startswith("+")
    assert " to " in cells["INTERVAL"]
    assert cells["q"].startswith(".00")
    assert len(rows) + more == len(slower.times)


def test_what_it_costs_and_what_may_have_done_it(slower: Analysis) -> None:
    said = text_of(slower)
    assert "execute/sort" in said
    assert "asset lookup query/ci@2 → query/ci@3: it concerns the whole run  (--override query/ci@2)" in said
    assert "rerun with only this one as it was" in said
    assert "~ asset lookup: query/ci@2 → query/ci@3" in said


def test_without_a_verdict_it_says_how_many_runs_are_missing() -> None:
    few = analyse(runs_of(STEPS, 2), runs_of({**STEPS, "sort": 8.0}, 1, seed=2))
    assert plain(verdict_line(few)) == "· NO VERDICT  2 v 1 runs"
    assert "for a verdict 3 more runs in the baseline and 4 more runs to compare are needed" in text_of(few)
    assert told_rows(few)[0].part.step_id in ("", "sort")
    lacking_one = analyse(runs_of(STEPS, 12), runs_of(STEPS, 2, seed=2))
    assert "1 more run to compare is needed" in text_of(lacking_one)


def test_nothing_changed_is_short() -> None:
    runs = runs_of(STEPS, 6)
    same = analyse(runs, runs)
    assert plain(verdict_line(same)) == "✓ UNCHANGED  score 100 of 100  confidence low  6 v 6 runs"
    assert evidence_rows(same) == ([], 4)
    assert sections(same) == []


def test_junit_can_be_parsed_and_fails_where_it_counts(slower: Analysis) -> None:
    suite = Xml.fromstring(junit(slower, "ci & lookup\x1b[31m"))
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["execute", "execute/sort"]
    assert (suite.get("failures"), suite.get("tests")) == ("2", str(len(slower.times) + 1))
    assert "\x1b" not in str(suite.get("name"))
    few = Xml.fromstring(junit(analyse(runs_of(STEPS, 2), runs_of(STEPS, 1, seed=2)), "few"))
    assert few.get("failures") == "0"
    assert few[0].find("skipped") is not None


def test_markdown_is_not_broken_by_what_it_quotes(slower: Analysis) -> None:
    hostile = replace(slower, notes=("a|b <script> `x`\nnext",))
    said = markdown(hostile, title(hostile, "ci-lookup", "1f2e"))
    assert said.startswith("## ci-lookup, 30 v 3 runs, analysis 1f2e\n")
    assert "<script>" not in said.replace("\\<script\\>", "")
    table = [line for line in said.splitlines() if line.startswith("| ")]
    assert len(table) == len(evidence_rows(hostile)[0]) + 1
    assert {line.replace("\\|", "").count("|") for line in table} == {len(TITLES) + 1}


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0125, "12.5ms"), (0.9996, "1s"), (12.44, "12.4s"), (99.96, "100s"), (612.4, "612s")]
)
def test_seconds(value: float, shown: str) -> None:
    assert seconds(value) == shown


def test_figures() -> None:
    assert (signed_seconds(-0.5), signed_seconds(2)) == ("-500ms", "+2s")
    assert (percent(0.805), percent(-0.1), percent(250)) == ("+80%", "-10%", "×251")
    assert [probability(value) for value in (None, 0.00001, 0.0123, 0.5, 1.0)] == ["–", "<.0001", ".0123", ".5", "1"]
