"""Pictures of the Compare screen: each docstring says what a person should see."""

from __future__ import annotations

import asyncio
import shutil
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.tui import compared_samples as compared
from tests.tui.conftest import press, rest
from tests.tui.samples import run_id
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_snapshots import LARGE, SMALL
from tui.places import ComparePlace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.tui.screens.test_snapshots import SnapCompare

THREE = tuple(run_id(number) for number in (13, 14, 15))
_FILES: dict[str, Callable[[], list[compared.Recorded]]] = {
    "slower": compared.slower,
    "confounded": compared.confounded,
    "few": lambda: compared.slower(1, 3),
    "same": lambda: [compared.report_run(number) for number in range(1, 16)],
    "failing": lambda: [
        *(compared.report_run(number) for number in range(1, 13)),
        *(compared.report_run(number, failed="send") for number in range(13, 16)),
    ],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every file, written once."""
    folder = tmp_path_factory.mktemp("compared")
    for name, runs in _FILES.items():
        asyncio.run(compared.write(folder / f"{name}.db", runs()))
    return {name: folder / f"{name}.db" for name in _FILES}


@pytest.fixture
def file(made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A copy of a file, in which analyses have ids that are known."""
    numbers = count(1)
    monkeypatch.setattr("store.analyses.secrets.token_hex", lambda _: f"{next(numbers)}f2e3d4c5b6a7980")

    def copy(name: str) -> Path:
        shutil.copy(made[name], tmp_path / f"{name}.db")
        return tmp_path / f"{name}.db"

    return copy


def comparing(place: ComparePlace, *pressed: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Go there, wait for rest, then press."""

    async def run_before(pilot: Pilot[int]) -> None:
        await rest(pilot)
        pilot.app.go(place)  # type: ignore[attr-defined]
        await pilot.pause()
        await rest(pilot)
        await press(pilot, *pressed)

    return run_before


SLOWER = ComparePlace(THREE)


def test_a_verdict_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """Red REGRESSED with score 1 and its bar, CRITICAL, MEDIUM; the sentence with the figures; the lost points, the suspected
    asset in amber and what to do about it; below, every figure of the chosen part with its interval."""
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(SLOWER))


def test_a_verdict_at_160x45(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """The same with room: each candidate with its duration, the list at the left, the figures at the right."""
    assert snap_compare(inspector(file("slower")), terminal_size=LARGE, run_before=comparing(SLOWER))


def test_evidence_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """A table: the one change that counts in red, then nine parts that did not change in grey; figures at the right edge."""
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(SLOWER, "2"))


def test_evidence_at_160x45(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """The same with intervals on one axis, q and n against m; the stages in their colours."""
    assert snap_compare(inspector(file("slower")), terminal_size=LARGE, run_before=comparing(SLOWER, "2"))


def test_differences_of_confounded_runs_at_160x45(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """A parameter and an asset, both with an amber question mark; behind them both values with their runs; what is the same."""
    assert snap_compare(inspector(file("confounded")), terminal_size=LARGE, run_before=comparing(SLOWER, "3"))


def test_data_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """Parts above, those that differ in amber; below, what differs in the rows of rank, the rest folded and counted."""
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(SLOWER, "4"))


def test_data_at_160x45(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """The text of the report line by line: one line in two versions, the word that changed red and green."""
    assert snap_compare(inspector(file("slower")), terminal_size=LARGE, run_before=comparing(SLOWER, "4", "j"))


def test_runs_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """Three candidates with long blue bars, twelve of the baseline with shorter grey ones; diamonds at the two whose data are shown."""
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(SLOWER, "5"))


def test_a_run_left_out_at_160x45(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """SUSPECT in amber, as two candidates are too few; the third stands at the end under LEFT OUT. Which is which comes
    first, with the keys that switch it; it is not kept before somebody says so."""
    assert snap_compare(inspector(file("slower")), terminal_size=LARGE, run_before=comparing(SLOWER, "5", "x"))


def test_failing_runs_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """CRITICAL ISSUES first, each with a red cross, then what they cost."""
    assert snap_compare(inspector(file("failing")), terminal_size=SMALL, run_before=comparing(SLOWER))


def test_nothing_changed_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """A green UNCHANGED with a full green bar, and one calm sentence that says on what it rests."""
    assert snap_compare(inspector(file("same")), terminal_size=SMALL, run_before=comparing(SLOWER))


def test_one_run_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """An amber SUSPECT without a score, what is suspected, and that c confirms it."""
    place = ComparePlace(THREE[:1])
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(place))


def test_too_few_runs_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """NO VERDICT YET, calm and grey; how many runs are missing on either side, and the key that runs them. What differs most so
    far is there all the same, said not to be tested, and the asset that may be why."""
    place = ComparePlace((run_id(4),))
    assert snap_compare(inspector(file("few")), terminal_size=SMALL, run_before=comparing(place))


def test_a_question_before_runs_are_started_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """Above the keys: what would run, how often, what is tested, about how long; y and esc."""
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(SLOWER, "c"))


def test_the_forms_of_an_export_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """A small frame at the right: text, markdown, JSON, JUnit, each with what it is for."""
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(SLOWER, "e"))


def test_kept_analyses_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """One line: verdict in its colour, score, severity, id, plan, runs, when."""
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(SLOWER, "L"))


def test_kept_analyses_at_160x45(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """The same with the score as a bar and the candidates."""
    assert snap_compare(inspector(file("slower")), terminal_size=LARGE, run_before=comparing(SLOWER, "L"))


def test_in_ascii_at_80x24(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """The evidence drawn with ASCII alone."""
    app = inspector(file("slower"), ascii_only=True)
    assert snap_compare(app, terminal_size=SMALL, run_before=comparing(SLOWER, "2"))


def test_in_light_at_160x45(file: Callable[[str], Path], snap_compare: SnapCompare) -> None:
    """Dark on cream, the same meaning in each colour."""
    app = inspector(file("slower"), light=True)
    assert snap_compare(app, terminal_size=LARGE, run_before=comparing(SLOWER, "2"))


def test_without_colour_at_80x24(
    file: Callable[[str], Path], snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No colour at all; verdict, findings and the chosen row can still be told."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(inspector(file("slower")), terminal_size=SMALL, run_before=comparing(SLOWER))
