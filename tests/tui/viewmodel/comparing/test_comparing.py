"""What the Compare screen says, as text: the head, every section, what is behind a row, however few or many runs there are."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.model.states import Stage
from engine.regression.analysis import analyse
from engine.regression.document import from_document, to_document
from engine.regression.evidence import Finding
from engine.regression.json_diff import DiffOptions, diff
from engine.regression.narrowing import suspects_in, with_culprit
from engine.regression.parts import PartKey
from engine.regression.verdict import Analysis, DifferenceKind, Outcome, Tried, Verdict
from tests.engine.regression.building import runs_of
from tui.viewmodel.comparing.changes import MOST_CHANGES, MOST_LINES, diff_lines, text_lines
from tui.viewmodel.comparing.data import Alike, Compared, DataPart, DataRows, Flow, Pair
from tui.viewmodel.comparing.differing import Contents, DifferenceRows
from tui.viewmodel.comparing.evidence import EvidenceRows
from tui.viewmodel.comparing.evidence_groups import off_path
from tui.viewmodel.comparing.experiment import asked, progress_lines
from tui.viewmodel.comparing.experiment_parts import Kind
from tui.viewmodel.comparing.headline import head_lines, reading_words, rests_on, verdict_line
from tui.viewmodel.comparing.overview import overview_rows
from tui.viewmodel.comparing.plots import Axis, bar
from tui.viewmodel.comparing.rows import Rows, View
from tui.viewmodel.comparing.section_row import numbers_of, section_row
from tui.viewmodel.comparing.sides import Standing
from tui.viewmodel.comparison import head_lines as text_head_lines
from tui.viewmodel.comparison import verdict_line as text_verdict_line
from tui.viewmodel.palette import Role
from tui.viewmodel.text import plain, width

if TYPE_CHECKING:
    from engine.model.json import Json

STEPS = {"fetch": 4.0, "sort": 2.0, "send": 6.0}
BESIDE = {"fetch": (), "sort": ("fetch",), "send": ("fetch",)}


@pytest.fixture(scope="module")
def slower() -> Analysis:
    baseline = runs_of(STEPS, 30, assets={"lookup": "query/ci@2"})
    return analyse(baseline, runs_of({**STEPS, "sort": 8.0}, 3, seed=2, assets={"lookup": "query/ci@3"}))


def lines_of(rows: Rows, cells: int = 100) -> list[str]:
    return [plain(rows.line(index, cells)) for index in range(len(rows))]


def detail_of(rows: Rows, key: str, cells: int = 60) -> str:
    return "\n".join(plain(line) for line in rows.detail(rows.place_of(key), cells))


def test_the_verdict_line_fits_eighty_columns_and_says_all(slower: Analysis) -> None:
    line = verdict_line(slower, 80)
    assert width(line) <= 80
    assert plain(line).startswith(" ✗ REGRESSED  score ")
    for word in (slower.severity.value.upper(), "confidence MEDIUM", "30 v 3"):
        assert word in plain(line)


def test_what_it_rests_on_is_one_sentence_with_its_figures(slower: Analysis) -> None:
    said = rests_on(slower)
    assert said.startswith("execute/sort takes ")
    for figure in ("exact rank test", "q .00", "30 v 3"):
        assert figure in said


def test_nothing_changed_says_on_what_that_rests() -> None:
    runs = runs_of(STEPS, 6)
    same = analyse(runs, runs)
    assert rests_on(same) == "Nothing changed in a way that counts: 4 parts tested on 6 runs against 6."
    shown = lines_of(overview_rows(same))
    assert shown[0] == " WHAT WAS LOOKED AT"
    assert shown[1].startswith("   ✓ how long 4 parts take: the largest shift is ")
    assert any(line.endswith("lost references: none") for line in shown)


def test_too_few_says_which_runs_are_missing_and_the_key() -> None:
    few = analyse(runs_of(STEPS, 2), runs_of(STEPS, 1, seed=2))
    assert few.verdict is Verdict.TOO_FEW
    assert rests_on(few) == (
        "A verdict needs 5 runs in the baseline and 5 candidates: 3 more as before, 4 more like this one (c runs those)."
    )
    shown = lines_of(overview_rows(few))
    assert " WHAT IS MISSING  a verdict needs 5 v 5 runs, as 4 parts are tested" in shown
    assert any("4 more candidates: c runs them" in line for line in shown)
    no_baseline_lacks = analyse(runs_of(STEPS, 5), runs_of(STEPS, 2, seed=2))
    assert rests_on(no_baseline_lacks) == "A verdict needs 5 runs against these 5: 3 more like these, which c runs."


def test_one_run_each_is_laid_side_by_side_with_what_differs() -> None:
    one = analyse(
        runs_of(STEPS, 1, assets={"lookup": "query/ci@2"}),
        runs_of({**STEPS, "sort": 8.0}, 1, seed=2, assets={"lookup": "query/ci@3"}),
    )
    said = rests_on(one)
    assert said.startswith("One run each: no verdict. execute/sort takes ")
    assert said.endswith("4 more as before, 4 more like this one (c runs those).")
    shown = lines_of(overview_rows(one))
    assert shown[0].startswith(" SIDE BY SIDE")
    assert shown[1].startswith("   · execute/sort takes ")
    assert " WHAT MAY BE WHY" in shown
    assert "   ? asset lookup: query/ci@2 → query/ci@3" in shown
    behind = detail_of(EvidenceRows(one), "time execute/sort")
    assert "nothing: 1 run against 1 are too few" in behind
    assert "what it varies by anyway" not in behind
    same = analyse(runs_of(STEPS, 1), runs_of(STEPS, 1, seed=2))
    assert any(line.startswith(" NOTHING DIFFERS") for line in lines_of(overview_rows(same)))


def test_two_slow_runs_are_a_suspicion_in_a_sentence_without_method() -> None:
    two = analyse(runs_of(STEPS, 30), runs_of({**STEPS, "sort": 8.0}, 2, seed=2))
    assert two.verdict is Verdict.SUSPECT
    assert "), both longer than any of the 30 before. " in rests_on(two)
    assert "for a verdict" not in detail_of(EvidenceRows(two), "time execute/sort")


@pytest.mark.parametrize("cells", [34, 40, 50, 80])
def test_of_a_reference_the_version_is_always_seen(cells: int) -> None:
    found = analyse(
        runs_of(STEPS, 5, assets={"lookup": "query/ci-lookup@2"}),
        runs_of(STEPS, 3, seed=2, assets={"lookup": "query/ci-lookup@13"}),
    )
    rows = DifferenceRows(found)
    line = rows.line(rows.place_of("asset lookup"), cells)
    assert width(line) <= cells
    assert "@2 → " in plain(line)
    assert plain(line).endswith("@13")
    assert ("…" in plain(line)) == (cells < 60)


def test_one_run_is_never_more_than_a_suspicion() -> None:
    one = analyse(runs_of(STEPS, 30), runs_of({**STEPS, "sort": 8.0}, 1, seed=2))
    assert "the longest of 31 runs" in rests_on(one)
    assert "One run proves nothing yet: c confirms it with 3 fresh runs." in rests_on(one)
    assert "SUSPECT" in "\n".join(lines_of(EvidenceRows(one)))


def test_better_says_what_became_faster(slower: Analysis) -> None:
    better = analyse(runs_of({**STEPS, "sort": 8.0}, 30), runs_of(STEPS, 3, seed=2))
    assert better.verdict is Verdict.IMPROVED
    shown = "\n".join(lines_of(overview_rows(better)))
    assert "BETTER THAN BEFORE" in shown
    assert "execute/sort takes" in shown


def test_every_lost_point_is_listed_with_its_evidence_behind_it(slower: Analysis) -> None:
    rows = overview_rows(slower)
    shown = "\n".join(lines_of(rows))
    assert all(loss.name in shown and loss.why in shown for loss in slower.losses)
    behind = detail_of(rows, "lost 0")
    assert "interval" in behind
    assert "tested by" in behind


def test_a_suspect_says_both_values_and_how_to_put_it_back(slower: Analysis) -> None:
    rows = overview_rows(slower)
    suspect = next(one for one in rows.told if one.suspect is not None)
    behind = "\n".join(plain(line) for line in suspect.detail(60))
    assert "--override query/ci@2" in behind
    assert "query/ci@3" in behind
    assert any("(o)" in line for line in lines_of(rows))


def test_evidence_has_what_matters_first_and_titles_are_no_rows(slower: Analysis) -> None:
    rows = EvidenceRows(slower)
    shown = lines_of(rows)
    assert shown[0].startswith(" CHANGES THAT COUNT")
    assert "sort" in shown[1]
    assert rows.is_title(0)
    assert not rows.is_title(1)
    assert any(line.startswith(" NO CHANGE THAT COUNTS") for line in shown)
    assert sum(not rows.is_title(index) for index in range(len(rows))) >= len(slower.times)


def test_what_was_not_tested_is_not_said_to_be_unchanged() -> None:
    """One run against one: a step that takes four times as long stands under NOT TESTED."""
    few = analyse(runs_of(STEPS, 1), runs_of({**STEPS, "sort": 8.0}, 1, seed=2))
    shown = lines_of(EvidenceRows(few))
    assert any(line.startswith(" NOT TESTED (") for line in shown)
    assert not any(line.startswith(" NO CHANGE THAT COUNTS") for line in shown)


@pytest.mark.parametrize("cells", [40, 66, 78, 104, 300])
def test_columns_go_by_rank_and_line_up(slower: Analysis, cells: int) -> None:
    rows = EvidenceRows(slower)
    header = rows.header(cells)
    for index in range(len(rows)):
        if rows.key(index).startswith("time"):
            assert width(rows.line(index, cells)) == width(header)
    assert "Δ" in plain(header)
    assert width(header) <= max(cells, 50)


def test_every_figure_of_a_part_is_behind_it(slower: Analysis) -> None:
    behind = detail_of(EvidenceRows(slower), "time execute/sort")
    for name in ("finding", "takes", "Δ", "interval", "q", "tested by", "noise", "drag", "points", "suspected"):
        assert f"\n {name}" in f"\n{behind}"
    assert "exact rank test, 30 runs against 3" in behind


def test_what_nothing_waits_for_and_what_drifts_stand_apart() -> None:
    baseline = runs_of({**STEPS, "sort": 2.0, "send": 9.0}, 30, depends_on=BESIDE)
    beside = analyse(baseline, runs_of({**STEPS, "sort": 4.0, "send": 9.0}, 5, seed=2, depends_on=BESIDE))
    row = next(row for row in beside.times if row.part.step_id == "sort")
    assert row.finding is Finding.SLOWER
    assert off_path(row)
    shown = lines_of(EvidenceRows(beside))
    assert any(line.startswith(" SLOWER, BUT NOTHING WAITS FOR IT") for line in shown)
    drifting = replace(beside, times=tuple(replace(one, finding=Finding.DRIFT) for one in beside.times))
    assert lines_of(EvidenceRows(drifting))[0].startswith(" DRIFT")


def test_ten_thousand_steps_are_sorted_once_and_drawn_when_seen(scaled: object) -> None:
    steps = {f"s{number}": 1.0 for number in range(2000)}
    runs = runs_of(steps, 5)
    many = analyse(runs, runs_of(steps, 3, seed=2))
    began = time.process_time()
    rows = EvidenceRows(many)
    overview_rows(many)
    for index in range(45):
        rows.line(index, 100)
    assert rows.place_of("time execute/s1999") > 0
    assert time.process_time() - began < 0.5


def test_an_interval_is_drawn_around_its_point_on_an_axis_for_all(slower: Analysis) -> None:
    row = next(row for row in slower.times if row.part.step_id == "sort")
    axis = Axis.over([row])
    drawn = "".join(piece.text for piece in axis.plot(row, 20, Role.FAILED))
    assert len(drawn) == 20
    assert drawn.count("●") == 1
    assert drawn.index("┊") < drawn.index("●")
    same = replace(row, low=-0.1, high=0.1, effect=0.05)
    assert "┃" in "".join(piece.text for piece in axis.plot(same, 20, Role.DIM))


@pytest.mark.parametrize(
    ("share", "drawn"), [(0.0, "────"), (0.5, "██──"), (1.0, "████"), (7.0, "████"), (-1.0, "────")]
)
def test_a_bar_is_full_at_one(share: float, drawn: str) -> None:
    assert plain(bar(share, 4, Role.TEXT)) == drawn


def test_differences_say_what_can_be_the_cause_and_what_is_the_same(slower: Analysis) -> None:
    contents = {"asset lookup": Contents(texts=("SELECT 1\n", "SELECT 2\n"))}
    rows = DifferenceRows(slower, contents)
    shown = "\n".join(lines_of(rows))
    assert "? lookup" in shown
    assert "query/ci@2 → query/ci@3" in shown
    assert "THE SAME ON BOTH SIDES" in shown
    assert "plan" in shown
    behind = detail_of(rows, "asset lookup")
    assert "query/ci@2  in 30 runs" in behind
    assert "- SELECT 1" in behind
    assert "+ SELECT 2" in behind
    one = rows.difference(rows.place_of("asset lookup"))
    assert one is not None
    assert one.kind is DifferenceKind.ASSET


def test_parts_of_one_side_are_listed() -> None:
    more = analyse(runs_of(STEPS, 5), runs_of({**STEPS, "extra": 1.0}, 3, seed=2))
    assert any("+ execute/extra only in the candidates, 3 of 3 runs" in line for line in lines_of(DifferenceRows(more)))


def test_a_diff_has_its_summary_first_and_folds_what_is_the_same() -> None:
    before: Json = {"rows": [{"id": n, "v": 1} for n in range(40)], "same": [1, 2], "at": 1}
    after: Json = {"rows": [{"id": n, "v": 2 if n < 20 else 1} for n in range(40)], "same": [1, 2], "at": 2}
    shown = [plain(line) for line in diff_lines(diff(before, after, DiffOptions(volatile=("at",))))]
    assert shown[0].startswith(" 20 changes")
    assert shown[1] == "   rows[*].v: 20 changed"
    assert "1 change hidden in 1 place" in shown[2]
    assert any("= 20 the same" in line for line in shown)


def test_a_large_diff_is_capped_with_a_count() -> None:
    before: Json = {f"k{n}": n for n in range(MOST_CHANGES + 30)}
    after: Json = {f"k{n}": n + 1 for n in range(MOST_CHANGES + 30)}
    shown = [plain(line) for line in diff_lines(diff(before, after))]
    assert shown[-1] == " and 30 more changes: the export has them"
    texts = text_lines("", "".join(f"{n}\n" for n in range(MOST_LINES * 2)))
    assert len(texts) == MOST_LINES + 1
    assert plain(texts[-1]) == "and more lines"


def test_long_texts_are_compared_line_by_line_and_word_by_word() -> None:
    [changed] = [
        line for line in text_lines("a\nthe old one\nc\n", "a\nthe new one\nc\n") if plain(line).startswith("+")
    ]
    assert [piece.text for piece in changed if piece.bold] == ["new"]


def test_data_say_which_parts_gave_something_else(slower: Analysis) -> None:
    parts = [row.part for row in slower.times]
    alike = [Alike.SAME, Alike.OTHER, Alike.VARIES, Alike.UNKNOWN]
    found: dict[tuple[str, Flow], Compared] = {}
    rows = DataRows(
        [DataPart(part, one, "succeeded", "failed" if one is Alike.OTHER else "succeeded") for part, one in zip(parts, alike, strict=True)],
        Pair("b" * 32, "c" * 32),
        Flow.OUTPUT,
        found,
    )  # fmt: skip
    shown = lines_of(rows, 60)
    assert rows.first == 1
    assert shown[0].startswith(" = ")
    assert "succeeded → fai" in shown[1]
    assert "varies anyway" in shown[2]
    assert plain(rows.detail(0, 40)[0]) == " reading…"
    found[rows.key(2), Flow.OUTPUT] = Compared(diff({"a": 1}, {"a": 1}))
    assert lines_of(rows, 60)[2].startswith(" = ")
    assert rows.sentence(2).startswith("output of execute/")


def test_runs_change_sides_and_come_back() -> None:
    standing = Standing(("c", "d"), ("a", "b"))
    assert standing.switched("c") == Standing(("d",), ("a", "b", "c"))
    out = standing.left("a")
    assert out == Standing(("c", "d"), ("b",), ("a",))
    assert out.left("a").baseline == ("b", "a")
    assert out.switched("a").candidates == ("c", "d", "a")
    assert standing.left("c").left("d").why_not == "one run at least has to be in question"
    assert standing.left("a").left("b").why_not == "one run at least has to be in the baseline"


@pytest.mark.parametrize("cells", [80, 100, 160])
@pytest.mark.parametrize("view", [*View])
def test_the_row_of_sections_fits_and_knows_its_places(slower: Analysis, view: View, cells: int) -> None:
    row, places = section_row(view, numbers_of(slower), (), cells)
    assert width(row) <= cells
    shown = plain(row)
    for place in places:
        assert place.view.title in shown[place.start : place.stop]
    assert f"[{view.key} {view.title}" in shown


def test_the_head_takes_few_lines_however_long_the_sentence(slower: Analysis) -> None:
    assert len(head_lines(slower, {}, 80)) <= 5
    assert len(head_lines(slower, {}, 80, is_short=True)) < len(head_lines(slower, {}, 80))


def test_an_experiment_says_what_it_starts(slower: Analysis) -> None:
    assert "3 times more" in asked(Kind.CONFIRM, slower, {})
    few = analyse(runs_of(STEPS, 5), runs_of({**STEPS, "sort": 8.0}, 3, seed=2))
    assert "6 times more" in asked(Kind.CONFIRM, few, {})
    assert "Fewer could not confirm it against 5." in asked(Kind.CONFIRM, few, {})
    assert "with only lookup put back to query/ci@2?" in asked(Kind.PUT_BACK, slower, {})
    assert "How long that takes is not known." in asked(Kind.CONFIRM, slower, {})
    shown = [plain(line) for line in progress_lines(1, 3, "rerun 2 of 3", 80, "esc")]
    assert "1 of 3  rerun 2 of 3" in shown[1]
    assert shown[1].endswith("esc cancels ")


def test_reading_says_how_far_it_is() -> None:
    assert reading_words(0, 3, 0) == "reading"
    assert reading_words(12, 3, 0) == "reading run 12 of at most 33"
    assert reading_words(12, 3, 27) == "reading run 12 of 30"


def test_what_differs_most_stays_in_sight_while_runs_are_too_few_to_test() -> None:
    """The more one runs the more there is to see, not the less."""
    quick, slow = {**STEPS, "sort": 0.01}, {**STEPS, "sort": 1.9}
    few = analyse(
        runs_of(quick, 1, assets={"lookup": "query/ci@2"}), runs_of(slow, 6, seed=2, assets={"lookup": "query/ci@3"})
    )
    assert (few.verdict, few.runs_needed) == (Verdict.TOO_FEW, (4, 0))
    assert rests_on(few).startswith("execute/sort takes 1.")
    assert rests_on(few).endswith("); not tested, 1 v 6. A verdict needs 5 runs in the baseline: 4 more as before.")
    shown = lines_of(overview_rows(few))
    assert shown[0] == " DIFFERS MOST SO FAR  not tested, 1 v 6 runs: it can be chance"
    assert shown[1].startswith("   · execute/sort takes 1.")
    assert "×1" in shown[1]
    assert "   ? asset lookup: query/ci@2 → query/ci@3" in shown
    assert any("run it as it was, or take others in (5, then a)" in line for line in shown)


def test_where_nothing_would_count_yet_that_is_said_and_no_noise_is_listed() -> None:
    few = analyse(runs_of(STEPS, 7), runs_of(STEPS, 2, seed=2))
    assert lines_of(overview_rows(few))[:2] == [
        " SO FAR  not tested, 7 v 2 runs: it can be chance",
        "   · nothing took so much longer or shorter that it would count",
    ]


def test_what_stands_on_both_sides_too_is_no_reason_and_no_sameness() -> None:
    baseline = [*runs_of(STEPS, 2, params={"top": 1}), *runs_of(STEPS, 1, seed=3, params={"top": 2})]
    few = analyse(baseline, runs_of({**STEPS, "sort": 9.0}, 2, seed=2, params={"top": 2}))
    shown = lines_of(overview_rows(few))
    assert " NOTHING THAT MAY BE WHY  what differs stands on both sides, too (3)" in shown
    assert not any("NOTHING DIFFERS" in line for line in shown)


@pytest.mark.parametrize(("outcome", "word"), [(Outcome.GONE, "✓ GONE"), (Outcome.STILL_THERE, "! STILL THERE")])
def test_what_came_of_putting_something_back_is_the_headline(outcome: Outcome, word: str) -> None:
    said = "with lookup as it was (query/ci@2), what was found is gone"
    back = analyse(runs_of(STEPS, 5), runs_of(STEPS, 1, seed=2), notes=["a note", said])
    back = replace(back, tried=Tried(outcome, said))
    assert plain(verdict_line(back, 80)).startswith(f" {word}  5 v 1")
    assert rests_on(back) == (
        "With lookup as it was (query/ci@2), what was found is gone. One rerun is a strong hint and no proof."
    )
    shown = lines_of(overview_rows(back))
    assert sum(said in line for line in shown) == 0
    assert any(line.strip() == "a note" for line in shown)
    assert plain(text_verdict_line(back)).startswith(word)
    assert plain(text_head_lines(back)[0]).strip() == said
    assert from_document(to_document(back)).tried == back.tried


def test_the_cause_that_was_found_comes_before_what_the_verdict_rests_on(slower: Analysis) -> None:
    found = with_culprit(slower, suspects_in(slower)[0], ["tried this"])
    assert rests_on(found).startswith("Lookup explains it: with query/ci@2 it was gone. execute/sort takes ")
    assert plain(verdict_line(found, 80)).startswith(" ✗ REGRESSED")


def test_without_a_baseline_it_says_so_and_which_key_lists_runs() -> None:
    alone = analyse([], runs_of(STEPS, 1))
    assert rests_on(alone).startswith("There is nothing to compare with: ")
    assert "a in the runs (5)" in rests_on(alone)
    assert not any("WHAT MAY BE WHY" in line for line in lines_of(overview_rows(alone)))


def test_the_cursor_begins_at_the_step_that_ended_otherwise_and_it_is_never_the_same() -> None:
    stages = [PartKey(stage) for stage in (Stage.VALIDATE, Stage.EXECUTE)]
    steps = [PartKey(Stage.EXECUTE, name) for name in ("fetch", "send")]
    parts = [
        DataPart(stages[0], Alike.OTHER, "succeeded", "succeeded"),
        DataPart(stages[1], Alike.OTHER, "succeeded", "failed"),
        DataPart(steps[0], Alike.OTHER, "succeeded", "succeeded"),
        DataPart(steps[1], Alike.UNKNOWN, "succeeded", "failed"),
    ]
    pair, found = Pair("b" * 32, "c" * 32), {("data execute/send", Flow.OUTPUT): Compared(diff({"a": 1}, {"a": 1}))}
    rows = DataRows(parts, pair, Flow.OUTPUT, found)
    assert rows.first == 3
    assert lines_of(rows, 60)[3] == f" ~   {'send':<34}  succeeded → failed"
    assert "succeeded → failed" in lines_of(rows, 40)[3]
    assert DataRows(parts[:1] + parts[2:3], pair, Flow.OUTPUT).first == 1
    assert DataRows([], pair, Flow.OUTPUT).first == 0
