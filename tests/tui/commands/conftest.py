"""Commands called in process, each test with a home, a database and an environment of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.tui.commands.hosts import Hosts
from tui.commands import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILING_PLAN = """\
plan_id: breaks
version: "2"
description: fails in its second step
params: {who: {type: string, default: nobody}}
steps:
  - {id: greet, command: sh, args: [-c, "echo hello; echo careful >&2"]}
  - {id: break_it, depends_on: [greet], command: sh, args: [-c, "echo broken >&2; exit 7"]}
  - {id: after, depends_on: [break_it], command: "true"}
"""
GOOD_PLAN = """\
plan_id: works
description: does a little
steps:
  - {id: greet, command: echo, args: [hello]}
compose: {said: "{greet.stdout}"}
present:
  - {type: markdown, text: "# Said: {compose.said}"}
"""


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Cli(Protocol):
    """`cli("runs", "--json")`."""

    def __call__(self, *words: str) -> Answer: ...


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder that is also the current folder; no variable leads out of it."""
    for name in ("NO_COLOR", "OPSCOPE_DB", "OPSCOPE_PLANS", "OPSCOPE_DEBUG", "XDG_CONFIG_HOME", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs one command line in this process."""

    def call(*words: str) -> Answer:
        capsys.readouterr()
        code = main(list(words))
        said = capsys.readouterr()
        return Answer(int(code), said.out, said.err)

    return call


@pytest.fixture
def database(home: Path) -> Path:
    """Where the user's runs are kept."""
    return home / "state" / "opscope" / "opscope.db"


@pytest.fixture
def hosts(home: Path, database: Path) -> Iterator[Hosts]:
    """Engine hosts of this home; whatever is left of them is ended after the test."""
    made = Hosts(home, database)
    try:
        yield made
    finally:
        made.end_everything()


@pytest.fixture(scope="session")
def recorded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a run that works and, after it, one that breaks. Read it through `recorded`."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "works.yaml").write_text(GOOD_PLAN)
    (folder / "breaks.yaml").write_text(FAILING_PLAN)
    path = folder / "runs.db"
    assert main(["--db", str(path), "run", "-q", str(folder / "works.yaml")]) == 0
    assert main(["--db", str(path), "run", "-q", str(folder / "breaks.yaml"), "-p", "who=me"]) == 1
    return path


@pytest.fixture
def recorded(recorded_file: Path, database: Path) -> Path:
    """The user's database, with a run that works and, after it, one that breaks."""
    database.parent.mkdir(parents=True)
    shutil.copy(recorded_file, database)
    return database
