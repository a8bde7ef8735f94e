"""The Compare screen by its keys, on files of real records: what is read, shown, opened, moved, exported, copied."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

import pytest

from engine.errors import StoreError
from engine.regression.verdict import Verdict
from store.analyses import analyses_page
from store.reader import Reader
from tests.tui import compared_samples as compared
from tests.tui.conftest import opened, press, rest
from tests.tui.samples import run_id
from tests.tui.screens.inspectors import inspector
from tui.commands import main
from tui.places import ComparePlace, RunPlace
from tui.screens.compare import CompareScreen
from tui.screens.comparing.kept import KeptList, KeptScreen
from tui.screens.comparing.reading import StoppedError, read_comparison
from tui.screens.run import RunScreen
from tui.viewmodel.comparing.rows import View
from tui.viewmodel.tabs import Tab
from tui.widgets.dialogue import Question, Reply
from tui.widgets.edit_line import EditLine

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot
    from textual.screen import Screen

    from tui.app import Inspector

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

THREE = tuple(run_id(number) for number in (13, 14, 15))


@pytest.fixture(scope="module")
def slower_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slower") / "runs.db"
    asyncio.run(compared.write(path, compared.slower()))
    return path


@pytest.fixture
def slower(slower_file: Path, tmp_path: Path) -> Path:
    """Twelve runs, then three with a slow version of an asset."""
    import shutil

    shutil.copy(slower_file, tmp_path / "runs.db")
    return tmp_path / "runs.db"


async def compare(pilot: Pilot[int], place: ComparePlace) -> CompareScreen:
    """Go there and wait until it is shown."""
    app: Inspector = pilot.app  # type: ignore[assignment]
    app.go(place)
    await pilot.pause()
    await rest(pilot)
    assert isinstance(app.screen, CompareScreen)
    return app.screen


def now(pilot: Pilot[int]) -> Screen[object]:
    """The screen that is shown by now."""
    return pilot.app.screen


def text(pilot: Pilot[int]) -> str:
    """What is on the screen."""
    app: Inspector = pilot.app  # type: ignore[assignment]
    return app.export_text()


def columns(pilot: Pilot[int]) -> str:
    """The line over the rows of the evidence."""
    [line] = [line for line in text(pilot).splitlines() if line.strip().startswith("PART ")]
    return line


def kept(path: Path) -> list[str]:
    """The ids of the kept analyses, the newest first."""
    with Reader.open(path) as reader:
        return [head.analysis_id for head in reader.run(analyses_page())]


async def test_verdict_score_and_what_they_rest_on_come_first(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        await compare(pilot, ComparePlace(THREE))
        shown = text(pilot)
        assert "✗ REGRESSED  score 1 of 100" in shown
        assert "CRITICAL  confidence MEDIUM  12 v 3 runs" in shown
        assert "execute/rank takes 13.4s, before 6.02s" in shown
        assert "asset weights  query/weights@2 → @3" in shown
        assert len(kept(slower)) == 1


async def test_the_same_runs_are_kept_once_however_often_they_are_looked_at(slower: Path) -> None:
    async with opened(inspector(slower)) as pilot:
        for _ in range(2):
            await compare(pilot, ComparePlace(THREE))
            await press(pilot, "escape")
    assert len(kept(slower)) == 1


async def test_sections_are_walked_by_number_and_by_arrow(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        seen = []
        await press(pilot, "2")
        seen.append(screen.view)
        assert "✗ SLOWER" in text(pilot)
        assert "exact rank test, 12 runs" in text(pilot)
        await press(pilot, "right")
        seen.append(screen.view)
        assert "? weights" in text(pilot)
        await press(pilot, "left", "left", "left")
        seen.append(screen.view)
        assert seen == [View.EVIDENCE, View.DIFFERENCES, View.VERDICT]


async def test_the_columns_follow_the_width_of_their_list(slower: Path) -> None:
    """Whenever it gets one: the first one can come after the rows are there."""
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE, section=2))
        assert "CANDIDATES" in columns(pilot)
        screen.query_one("#listed").styles.width = 30
        await rest(pilot)
        assert "CANDIDATES" not in columns(pilot)
        screen.query_one("#listed").styles.width = 90
        await rest(pilot)
        assert "CANDIDATES" in columns(pilot)


async def test_a_section_that_is_asked_for_while_runs_are_read_is_the_first_one_shown(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        app: Inspector = pilot.app  # type: ignore[assignment]
        screen = CompareScreen(ComparePlace(THREE))
        await app.push_screen(screen)
        assert screen.compared is None
        screen.perform("view_evidence")
        await rest(pilot)
        assert screen.view is View.EVIDENCE
        assert "✗ SLOWER" in text(pilot)


async def test_data_of_the_pair_hide_what_varies_and_show_texts_as_texts(slower: Path) -> None:
    async with opened(inspector(slower), (140, 40)) as pilot:
        await compare(pilot, ComparePlace(THREE))
        await press(pilot, "4")
        shown = text(pilot)
        assert "rank" in shown
        assert "varies anyway" in shown  # fetch: nothing but its time stamps
        assert "~ weight: 1 → 2  (+100%)" in shown
        assert "hidden in 1 place where runs of the baseline differ too" in shown
        await press(pilot, "j")
        shown = text(pilot)
        assert "- The slowest took 4 s." in shown
        assert "+ The slowest took 9 s." in shown
        await press(pilot, "i")
        assert "INPUT execute/render" in text(pilot)
        assert "both are the same" in text(pilot)


async def test_enter_opens_the_candidate_there_and_back_returns_to_the_same_row(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        await compare(pilot, ComparePlace(THREE))
        await press(pilot, "4", "j", "enter")
        assert isinstance(shown := now(pilot), RunScreen)
        assert shown.run_id == THREE[-1]
        assert "render" in text(pilot)
        await press(pilot, "left_square_bracket")
        assert isinstance(shown := now(pilot), CompareScreen)
        assert shown.view is View.DATA
        assert "OUTPUT execute/render" in text(pilot)
        await press(pilot, "B")
        assert isinstance(shown := now(pilot), RunScreen)
        assert shown.run_id == run_id(12)
        assert len(kept(slower)) == 1


async def test_a_run_is_moved_left_out_and_taken_in_again(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        await press(pilot, "5", "x")
        assert screen.compared is not None
        assert screen.compared.analysis.candidates == THREE[1:]
        assert "LEFT OUT  1 run" in text(pilot)
        assert screen.run_chosen == THREE[0]
        assert "1 more run needed for a verdict" in text(pilot) or "SUSPECT" in text(pilot)
        await press(pilot, "s")
        assert screen.compared.analysis.candidates == THREE
        assert "LEFT OUT" not in text(pilot)
        await press(pilot, "g", "s")
        assert THREE[0] in screen.compared.analysis.baseline
        assert len(screen.compared.analysis.baseline) == compared.BASELINE + 1


async def test_the_last_candidate_stays(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE[:1]))
        await press(pilot, "5", "x")
        assert screen.compared is not None
        assert screen.compared.analysis.candidates == THREE[:1]


async def test_one_run_is_suspect_and_what_is_missing_is_said(slower: Path) -> None:
    async with opened(inspector(slower)) as pilot:
        await compare(pilot, ComparePlace(THREE[:1]))
        shown = " ".join(text(pilot).split())
        assert "! SUSPECT" in shown
        assert "the longest of 13 runs" in shown
        assert "One run proves nothing yet: c confirms it with 3 fresh runs." in shown


async def test_what_cannot_be_compared_says_why_and_what_helps(slower: Path) -> None:
    async with opened(inspector(slower)) as pilot:
        app: Inspector = pilot.app  # type: ignore[assignment]
        app.go(ComparePlace(("0" * 32,)))
        await pilot.pause()
        await rest(pilot)
        shown = text(pilot)
        assert "✗ NOT COMPARED" in shown
        assert "there is no run" in shown
        assert "esc   back" in shown


async def test_a_single_stage_is_compared_alone(slower: Path) -> None:
    from engine.model.states import Stage

    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE, stage=Stage.COMPOSE))
        assert screen.compared is not None
        assert {row.part.stage for row in screen.compared.analysis.times} == {Stage.COMPOSE}
        assert "compare › nightly_report › compose" in text(pilot)


@pytest.mark.parametrize(
    ("form", "name"),
    [(0, "txt"), (1, "md"), (2, "json"), (3, "xml")],
)
async def test_export_writes_each_form(slower: Path, tmp_path: Path, form: int, name: str) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        await press(pilot, "e", *["j"] * form, "enter")
        edited = screen.query_one(EditLine)
        assert edited.text.endswith(f".{name}")
        target = tmp_path / f"out.{name}"
        edited.open("export", "write to", str(target), "")
        await press(pilot, "enter")
        written = target.read_text()
        assert "REGRESSED" in written or "regressed" in written
        if name == "json":
            assert json.loads(written)["analysis_id"] == kept(slower)[0]
        if name == "xml":
            assert Xml.fromstring(written).get("failures") == "1"
        assert "written to" in text(pilot)


async def test_export_asks_before_it_writes_over_a_file(slower: Path, tmp_path: Path) -> None:
    target = tmp_path / "there.md"
    target.write_text("mine")
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        for answer, expected in (("n", "mine"), ("y", "## nightly")):
            await press(pilot, "e", "j", "enter")
            screen.query_one(EditLine).open("export", "write to", str(target), "")
            await press(pilot, "enter")
            assert screen.query_one(Question).is_open
            assert target.read_text() == "mine"
            await press(pilot, answer)
            assert target.read_text().startswith(expected)


async def test_export_into_a_folder_that_is_not_there_says_so(slower: Path, tmp_path: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        await press(pilot, "e", "enter")
        screen.query_one(EditLine).open("export", "write to", str(tmp_path / "no" / "where.txt"), "")
        await press(pilot, "enter")
        assert screen.query_one(Reply).is_open
        assert "cannot write" in text(pilot)


async def test_export_into_a_home_that_nobody_has_says_so(
    slower: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        await press(pilot, "e", "enter")
        screen.query_one(EditLine).open("export", "write to", "~nobody-has-this-name/x.txt", "")
        await press(pilot, "enter")
        assert screen.query_one(Reply).is_open
        assert "cannot write" in text(pilot)


async def test_the_data_shown_can_be_exported_as_a_patch(slower: Path, tmp_path: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        await press(pilot, "4", "j", "e", "G", "enter")
        target = tmp_path / "out.patch.json"
        screen.query_one(EditLine).open("export", "write to", str(target), "")
        await press(pilot, "enter")
        [change] = json.loads(target.read_text())
        assert (change["op"], change["path"]) == ("replace", "/data")


async def test_copies_are_a_sentence_and_a_command(slower: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy", lambda said, what: copied.append(said))
        await compare(pilot, ComparePlace(THREE))
        await press(pilot, "2", "y", "Y")
        assert copied[0].startswith("execute/rank takes 13.4s, before 6.02s: +7.39s (+123%")
        assert copied[1] == f"opscope compare --show {kept(slower)[0][:8]}"


async def test_kept_analyses_are_listed_and_opened(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        await compare(pilot, ComparePlace(THREE))
        await press(pilot, "escape")
        await compare(pilot, ComparePlace(THREE[:1]))
        await press(pilot, "L")
        assert isinstance(now(pilot), KeptScreen)
        assert "2 analyses" in text(pilot)
        assert "✗ REGRESSED" in text(pilot)
        verdicts = [head.verdict for head in now(pilot).query_one(KeptList).heads]
        await press(pilot, *["j"] * verdicts.index(Verdict.REGRESSED), "enter")
        assert isinstance(now(pilot), CompareScreen)
        assert "✗ REGRESSED  score 1" in text(pilot)
        await press(pilot, "escape")
        assert isinstance(now(pilot), KeptScreen)


async def test_without_an_analysis_the_list_says_how_to_make_one(slower: Path) -> None:
    async with opened(inspector(slower)) as pilot:
        app: Inspector = pilot.app  # type: ignore[assignment]
        app.go(ComparePlace())
        await pilot.pause()
        await rest(pilot)
        assert "No analysis has been kept yet" in text(pilot)
        assert "press c" in text(pilot)


async def test_read_only_nothing_is_kept_and_keys_say_why(slower: Path) -> None:
    app = inspector(slower)
    app.read_only = True
    async with opened(app, (120, 40)) as pilot:
        await compare(pilot, ComparePlace(THREE))
        assert "not kept" in text(pilot)
        await press(pilot, "c")
        assert "nothing is changed from here" in text(pilot)
    assert kept(slower) == []


async def test_each_experiment_asks_first_and_says_how_much_it_starts(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        await press(pilot, "c")
        assert screen.query_one(Question).is_open
        assert f"Run nightly_report 3 times more as {THREE[-1][:6]} was" in text(pilot)
        assert "About 1m 05s" in text(pilot)
        await press(pilot, "n", "o")
        assert "with only weights put back to query/weights@2?" in text(pilot)
        await press(pilot, "n", "b")
        assert "there are no two possible causes to tell apart" in text(pilot)
        assert not screen.is_experimenting


async def test_two_things_that_changed_together_are_bisected(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    await compared.write(path, compared.confounded())
    async with opened(inspector(path), (120, 40)) as pilot:
        await compare(pilot, ComparePlace(THREE))
        assert "confounded" in text(pilot)
        await press(pilot, "b")
        assert "some of the 2 possible causes put back" in " ".join(text(pilot).split())


async def test_assets_that_differ_open_the_assets_of_the_run(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        app: Inspector = pilot.app  # type: ignore[assignment]
        await compare(pilot, ComparePlace(THREE))
        await press(pilot, "3", "enter")
        assert isinstance(now(pilot), RunScreen)
        place = app.history.place
        assert isinstance(place, RunPlace)
        assert place.tab is Tab.ASSETS


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 45), (300, 80)])
async def test_nothing_is_wider_than_the_terminal(slower: Path, size: tuple[int, int]) -> None:
    async with opened(inspector(slower, ascii_only=True), size) as pilot:
        await compare(pilot, ComparePlace(THREE))
        for key in "12345":
            await press(pilot, key)
            lines = text(pilot).splitlines()
            assert all(len(line) <= size[0] for line in lines)
            assert text(pilot).isascii()


async def test_a_verdict_is_shown_though_it_cannot_be_kept(slower: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise StoreError("the disk is full")

    monkeypatch.setattr("tui.screens.comparing.reading.save_analysis", full)
    async with opened(inspector(slower), (120, 40)) as pilot:
        await compare(pilot, ComparePlace(THREE))
        shown = text(pilot)
        assert "✗ REGRESSED" in shown
        assert "not kept" in shown
        assert "the disk is full" in shown


async def test_nothing_that_a_run_holds_reaches_the_terminal_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "hostile.db"
    hostile = "\x1b]52;c;aGk=\x07[@click=app.quit]x[/]\u202e\x9b2J"
    runs = compared.slower()
    for run in runs:
        run.params = {"region": hostile + ("a" if run.number > compared.BASELINE else "b")}
        run.steps[3].data = {hostile: [hostile, run.number > compared.BASELINE]}
    await compared.write(path, runs)
    async with opened(inspector(path), (120, 40)) as pilot:
        await compare(pilot, ComparePlace(THREE))
        for key in "12345":
            await press(pilot, key)
            shown = text(pilot)
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)
        await press(pilot, "3")
        assert "[@click=app.quit]" in text(pilot)


def test_the_command_draws_it_without_writing_anything(slower: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--db", str(slower), "screenshot", *(one[:8] for one in THREE), "--screen", "compare"]
    assert main([*words, "--section", "2", "--format", "text", "--size", "100x30"]) == 0
    shown = capsys.readouterr().out
    assert "[2 Evidence 1]" in shown
    assert "✗ SLOWER" in shown
    assert kept(slower) == []
    assert main(["--db", str(slower), "screenshot", THREE[0][:8], THREE[1][:8], "--screen", "why"]) == 2


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_a_section_that_is_opened_at_once_has_its_columns(
    slower: Path, capsys: pytest.CaptureFixture[str], size: str
) -> None:
    """Before its list has a width nothing can be said of the columns: they are there as soon as it has."""
    words = ["--db", str(slower), "screenshot", *(one[:8] for one in THREE), "--screen", "compare"]
    assert main([*words, "--section", "2", "--format", "text", "--size", size]) == 0
    [columns] = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("PART ")]
    assert "BASELINE" in columns


def test_reading_stops_after_the_run_it_is_at(slower: Path) -> None:
    heard: list[int] = []
    with pytest.raises(StoppedError):
        read_comparison(
            slower, ComparePlace(THREE), now_us=0, keeps=True, tell=heard.append, stopped=lambda: len(heard) == 2
        )
    assert heard == [1, 2]
    assert kept(slower) == []


def first_text(pilot: Pilot[int]) -> str:
    """All that is shown, in one line of single blanks."""
    return " ".join(text(pilot).split())


async def test_trying_sides_keeps_nothing_until_somebody_says_so(slower: Path) -> None:
    """Of two runs `s` changes the sides about wherever one is; which is which stands at the top, even on a small terminal."""
    one, other = run_id(12), run_id(13)
    async with opened(inspector(slower), (120, 24)) as pilot:
        screen = await compare(pilot, ComparePlace((other,), (one,)))
        before = kept(slower)
        assert len(before) == 1
        assert f"CANDIDATES ✓ {other[:6]}" in first_text(pilot)
        assert "s switches sides" in text(pilot)
        for candidate in (one, other, one):
            await press(pilot, "s")
            assert screen.compared is not None
            assert screen.compared.analysis.candidates == (candidate,)
            assert f"CANDIDATES ✓ {candidate[:6]}" in first_text(pilot)
        assert kept(slower) == before
        assert "not kept: K keeps it" in text(pilot)
        await press(pilot, "K")
        assert len(kept(slower)) == 2
        assert "not kept" not in text(pilot)
        await press(pilot, "K")
        assert "it is kept already" in text(pilot)
        assert len(kept(slower)) == 2


async def test_other_runs_that_fit_are_listed_marked_and_taken_in_together(slower: Path) -> None:
    async with opened(inspector(slower), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace((run_id(12),), (run_id(11),)))
        rows = screen.list.rows
        assert rows is not None
        said = "4 more runs in the baseline: run it as it was, or take others in (5, then a)"
        assert said in [rows.sentence(index) for index in range(len(rows))]
        await press(pilot, "a")
        assert screen.view is View.RUNS
        shown = first_text(pilot)
        assert "OTHER RUNS 13 runs, those that fit first" in shown
        assert screen.run_chosen == run_id(10)  # the newest that shares everything; 15 to 13 have another asset
        assert "another weights" in shown
        await press(pilot, "space", "space", "space", "space")
        assert text(pilot).count("▌") >= 4
        await press(pilot, "x")
        assert screen.compared is not None
        assert screen.compared.analysis.baseline == tuple(run_id(number) for number in range(7, 12))
        assert "OTHER RUNS 9 runs" in first_text(pilot)
        await press(pilot, "5", "G", "s")
        assert len(screen.compared.analysis.candidates) == 2


async def test_runs_of_two_plans_are_not_compared_and_one_sentence_says_why(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    other = compared.report_run(2)
    other.plan_id = "slow_batch"
    await compared.write(path, [compared.report_run(1), other])
    async with opened(inspector(path), (120, 30)) as pilot:
        app: Inspector = pilot.app  # type: ignore[assignment]
        app.go(ComparePlace((run_id(2),), (run_id(1),)))
        await pilot.pause()
        await rest(pilot)
        shown = first_text(pilot)
        assert "the runs are of two different plans: slow_batch" in shown
        assert "CRITICAL ISSUES" not in shown
    assert kept(path) == []


async def test_a_run_without_a_baseline_says_which_there_is_to_compare_with(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    near = compared.report_run(1)
    near.refs = {"weights": "query/weights@1", "page": "template/page@9"}
    await compared.write(path, [near, compared.report_run(2)])
    async with opened(inspector(path), (120, 40)) as pilot:
        screen = await compare(pilot, ComparePlace((run_id(2),)))
        shown = first_text(pilot)
        assert "There is nothing to compare with" in shown
        assert f"opscope compare {run_id(1)[:6]} --with {run_id(2)[:6]}" in shown
        await press(pilot, "a", "x")
        assert screen.compared is not None
        assert screen.compared.analysis.baseline == (run_id(1),)


async def test_the_cursor_of_the_data_begins_at_what_failed(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    await compared.write(path, [compared.report_run(1), compared.report_run(2, failed="send")])
    async with opened(inspector(path), (160, 45)) as pilot:
        await compare(pilot, ComparePlace((run_id(2),), (run_id(1),)))
        await press(pilot, "4")
        shown = text(pilot)
        assert "OUTPUT execute/send" in shown
        assert shown.count("succeeded → failed") >= 2
        assert not [line for line in shown.splitlines() if line.startswith(" = ") and "→" in line[:60]]


@pytest.mark.parametrize(("size", "is_whole"), [((160, 45), True), ((80, 24), False)])
async def test_rows_are_broken_where_there_is_room(slower: Path, size: tuple[int, int], is_whole: bool) -> None:
    async with opened(inspector(slower), size) as pilot:
        screen = await compare(pilot, ComparePlace(THREE))
        rows, cells = screen.list.rows, screen.list.scrollable_content_region.width
        assert rows is not None
        fits = [sum(len(piece.text) for piece in rows.line(index, cells)) <= cells for index in range(len(rows))]
        assert all(fits) is is_whole
        await pilot.resize_terminal(100, 60)
        await rest(pilot)
        assert screen.list.chosen is not None
