"""`screenshot`: both screens, both formats, to a file and to stdout, without a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tui.preferences import LIBRARY_THEMES, OUR_THEMES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--screen", "runs"], ["breaks", "works", "FAILED"]),
        (["--screen", "monitor"], ["runs › monitor", "All is quiet", "breaks"]),
        (["last"], ["execute", "FAILED"]),
        (["--screen", "stages"], ["execute", "FAILED"]),
        (["last/stage/validate"], ["validate"]),
        (["last", "--screen", "logs"], ["[4 Logs]", "line"]),
        (["last", "--screen", "events"], ["[5 Events]", "run.failed"]),
        (["last", "--screen", "why"], ["› why", "FAILED"]),
        (["last/logs"], ["[4 Logs]", "line"]),
        (["last/events", "--screen", "events"], ["[5 Events]", "run.failed"]),
        (["last/stage/execute?step=break_it"], ["▾ break_it", "exit 7"]),
        (["last?step=break_it", "--screen", "override"], ["› run again", "from break_it on"]),
        (["last", "--now", "2031-01-01T00:00:00Z"], ["started 20"]),
    ],
)
def test_a_screen_as_text(cli: Cli, recorded: Path, words: list[str], said: list[str]) -> None:
    answer = cli("screenshot", *words, "--format", "text", "--size", "100x30")
    assert (answer.code, answer.err) == (0, "")
    assert all(text in answer.out for text in said), answer.out
    assert len(answer.out.splitlines()) <= 30
    assert max(map(len, answer.out.splitlines())) <= 100


def test_a_picture_in_a_file(cli: Cli, home: Path, recorded: Path) -> None:
    answer = cli("screenshot", "-o", "runs.svg")
    assert (answer.code, answer.out, answer.err) == (0, "", "wrote runs.svg\n")
    assert "<svg" in (home / "runs.svg").read_text()
    assert cli("screenshot", "-o", "runs.txt").code == 0
    assert "<svg" not in (home / "runs.txt").read_text()


def test_a_file_that_cannot_be_written(cli: Cli, recorded: Path) -> None:
    answer = cli("screenshot", "-o", "no/such/folder/runs.svg")
    assert answer.code == 2
    assert answer.err.startswith("opscope: cannot write the picture: No such file or directory\n")


def test_no_name_is_no_file(cli: Cli, recorded: Path) -> None:
    answer = cli("screenshot", "-o", "")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("opscope: this is a folder\n")


def test_a_picture_that_is_there_is_replaced_whole_or_not_at_all(cli: Cli, home: Path, recorded: Path) -> None:
    (home / "runs.svg").write_text("before")
    (home / "other.svg").hardlink_to(home / "runs.svg")
    assert cli("screenshot", "-o", "runs.svg").code == 0
    assert "<svg" in (home / "runs.svg").read_text()
    assert (home / "other.svg").read_text() == "before"


def test_a_time_without_its_zone_is_refused(cli: Cli, recorded: Path) -> None:
    answer = cli("screenshot", "--now", "2026-01-01T00:00:00")
    assert answer.code == 2
    assert "is not a time with its zone, such as 2026-01-12T03:00:00Z" in answer.err


def test_before_anything_has_run(cli: Cli, database: Path) -> None:
    answer = cli("screenshot", "-o", "runs.svg")
    assert answer.code == 2
    assert not database.parent.exists()


@pytest.mark.parametrize("theme", ["opscope-light", "nord", "solarized-light"])
def test_a_theme_is_another_picture_and_the_same_every_time(cli: Cli, recorded: Path, theme: str) -> None:
    words = ("screenshot", "--screen", "runs", "--now", "2031-01-01T00:00:00Z")
    plain, one, two = cli(*words), cli(*words, "--theme", theme), cli(*words, "--theme", theme)
    assert (one.code, one.err) == (0, "")
    assert one.out == two.out != plain.out
    assert cli(*words, "--theme", "opscope-dark").out == plain.out


def test_every_theme_of_the_configuration_is_known_and_no_other(cli: Cli, recorded: Path) -> None:
    from tui.commands.screenshot import parse_theme

    themes = (*OUR_THEMES, *LIBRARY_THEMES)
    assert [parse_theme(name) for name in themes] == [*themes]
    answer = cli("screenshot", "--theme", "norq")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines()[0] == "opscope: there is no theme 'norq'"
    said = " ".join(answer.err.split())
    assert "did you mean nord?" in said
    assert f"There are {', '.join(themes)}" in said
    assert "--theme nord" in cli("screenshot", "--help").out


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (("last", "--screen", "runs"), "the screen runs is of no single run", "leave RUN out"),
        (("last", "--screen", "monitor"), "the screen monitor is of no single run", "leave RUN out"),
        (("last", "last"), "several runs are for --screen compare", "name one run"),
        (("last", "--section", "2"), "--section does nothing with the screen stages", "it goes with --screen compare"),
        (("--theme", "nord", "--format", "text"), "--theme does nothing for text", "--format svg"),
        (("--theme", "nord", "-o", "a.txt"), "--theme does nothing for text", "--format svg"),
        (("last/logs", "--screen", "events"), "the link is to logs, --screen events is another", "give one of them"),
        (("last/stage/validate", "--screen", "logs"), "'last/stage/validate' is a part of a run", "--screen stages"),
        (("last?step=greet", "--screen", "groups"), "'last?step=greet' is a part of a run", "--screen stages"),
        (("last/stage/validate", "--screen", "compare"), "whole runs are compared", ""),
        (("last?step=nope",), "the run has no step 'nope'", "its steps: greet, break_it, after"),
        (("last/stage/validate?step=greet",), "steps are of the stage execute", "last/stage/execute?step=greet"),
        (("query/ci-lookup", "query/x", "--screen", "impact"), "the screen impact is of one asset", "name one"),
    ],
)
def test_nothing_that_is_asked_for_is_left_out_silently(
    cli: Cli, recorded: Path, words: tuple[str, ...], cause: str, hint: str
) -> None:
    answer = cli("screenshot", *words)
    assert (answer.code, answer.out) == (2, "")
    first, *rest = answer.err.splitlines()
    assert first == f"opscope: {cause}"
    assert hint in " ".join(" ".join(rest).split())
