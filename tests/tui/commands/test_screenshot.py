"""`screenshot`: both screens, both formats, to a file and to stdout, without a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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


def test_a_time_without_its_zone_is_refused(cli: Cli, recorded: Path) -> None:
    answer = cli("screenshot", "--now", "2026-01-01T00:00:00")
    assert answer.code == 2
    assert "is not a time with its zone, such as 2026-01-12T03:00:00Z" in answer.err


def test_before_anything_has_run(cli: Cli, database: Path) -> None:
    answer = cli("screenshot", "-o", "runs.svg")
    assert answer.code == 2
    assert not database.parent.exists()
