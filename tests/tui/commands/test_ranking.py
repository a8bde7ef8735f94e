"""A run that has ended is ranked in its baseline by itself: what is kept and printed of it, and that nothing depends on it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from store.integrity.verify import rebuild, verify
from store.prune import prune
from tests.tui.commands.hosts import ROOT
from tui.commands import main, ranking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Answer, Cli

PLAN = """\
plan_id: timed
description: takes as long as it is asked to, and ends as it is asked to
params: {sec: {type: number, default: 0}, end: {type: integer, default: 0}}
steps:
  - {id: work, command: sh, args: [-c, 'sleep "$1"; exit "$2"', sh, "{params.sec}", "{params.end}"]}
"""


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan and a database with six quick runs of it."""
    folder = tmp_path_factory.mktemp("timed")
    (folder / "timed.yaml").write_text(PLAN)
    for _ in range(6):
        assert main(["--db", str(folder / "runs.db"), "run", "-q", str(folder / "timed.yaml")]) == 0
    return folder


@pytest.fixture
def file(six: Path, database: Path) -> Path:
    """The user's database with the six runs."""
    database.parent.mkdir(parents=True)
    shutil.copy(six / "runs.db", database)
    return database


@pytest.fixture
def run(cli: Cli, six: Path, file: Path) -> Any:
    """Run the plan once more."""

    def call(*words: str) -> Answer:
        return cli("run", str(six / "timed.yaml"), *words)

    return call


def newest(cli: Cli) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli("runs", "--json", "--limit", "1").out)[0]
    return found


def test_a_run_that_stands_out_is_suspect_and_no_more(cli: Cli, run: Any, file: Path) -> None:
    answer = run("-p", "sec=1.5")
    assert answer.code == 0
    [line] = [line for line in answer.err.splitlines() if "suspect" in line]
    assert re.fullmatch(r"  ! suspect: execute/work \+1\.\d+s \(rank 7 of 7\)", line)
    head = newest(cli)
    assert head["score"] < 100
    first = head["suspects"][0]
    assert (first["part"], first["rank"], first["of"]) == ("execute/work", 7, 7)
    assert 1000 < first["delta_ms"] < 3000
    shown = json.loads(cli("show", "last", "--json").out)
    assert (shown["score"], shown["suspects"]) == (head["score"], head["suspects"])
    assert line.strip() in cli("show", "last").out
    kept = json.loads(cli("compare", "--show", head["run_id"], "--format", "json").out)
    assert (kept["verdict"], kept["severity"], kept["confidence"], kept["score"]) == ("suspect", "none", "none", None)
    assert (kept["kind"], kept["ranking"]["score"]) == ("ranking", head["score"])
    assert kept["ranking"]["losses"][0]["name"] == "execute/work"
    assert cli("compare", "--list").out == "no analysis has been kept\n"  # nobody asked for one


def test_what_does_not_stand_out_is_a_hundred(cli: Cli, run: Any, file: Path) -> None:
    said = "suspect" in run().err
    head = newest(cli)
    # On a host that is busy with something else just then, a run of a few milliseconds may stand out.
    assert said is bool(head["suspects"])
    assert (head["score"] == 100) is not said


def test_one_that_fails_for_the_first_time_is_suspect(cli: Cli, run: Any, file: Path) -> None:
    answer = run("-p", "end=3")
    assert answer.code == 1
    assert "! suspect: execute/work fails in 1 of 1 runs, before in 0 of 6" in answer.err
    assert newest(cli)["score"] == 0


def test_the_first_runs_of_a_plan_are_not_ranked(cli: Cli, home: Path) -> None:
    (home / "timed.yaml").write_text(PLAN)
    for _ in range(2):
        assert "suspect" not in cli("run", str(home / "timed.yaml"), "-p", "sec=0.1").err
    assert newest(cli)["score"] is None


def test_verify_takes_a_score_for_what_it_is(cli: Cli, run: Any, file: Path) -> None:
    run("-p", "sec=0.5")
    score = newest(cli)["score"]
    assert verify(file).findings == ()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE runs SET score = 99 - score")
        connection.commit()
    [finding, *_] = verify(file).findings
    assert "score is" in finding.message
    rebuild(file)
    assert verify(file).findings == ()
    assert newest(cli)["score"] == score


def test_a_ranking_goes_with_its_run(cli: Cli, run: Any, file: Path) -> None:
    run("-p", "sec=0.3")
    run_id = newest(cli)["run_id"]
    prune(file, now_us=2**60)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM analyses WHERE analysis_id = ?", (run_id,)).fetchone() == (0,)


def test_what_goes_wrong_with_it_is_said_and_changes_nothing(
    cli: Cli, run: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(database: Path, run_id: str) -> None:
        raise ZeroDivisionError(f"{database.name} {len(run_id)}")

    monkeypatch.setattr(ranking, "_ranked", broken)
    answer = run()
    assert answer.code == 0
    assert "the run was not ranked in its baseline: opscope.db 32" in answer.err
    assert newest(cli)["status"] == "succeeded"
    assert newest(cli)["score"] is None


def test_a_host_has_all_that_it_needs_for_it_before_the_run(file: Path) -> None:

    code = (
        "import sys; from pathlib import Path; from importlib import import_module\n"
        "from tui.commands.host import NEEDED\n"
        "for name in NEEDED: import_module(name)\n"
        "assert 'numpy' not in sys.modules\n"
        "from tui.commands.ranking import _ranked, prepare_ranking\n"
        "prepare_ranking(Path(sys.argv[1]), 'unheard-of'); assert 'numpy' not in sys.modules\n"
        "prepare_ranking(Path(sys.argv[1]), 'timed'); before = set(sys.modules)\n"
        "assert _ranked(Path(sys.argv[1]), sys.argv[2]) is not None\n"
        "print(sorted(set(sys.modules) - before))"
    )
    with closing(sqlite3.connect(file)) as connection:
        [(run_id,)] = connection.execute("SELECT run_id FROM runs ORDER BY created_at_us DESC LIMIT 1").fetchall()
    done = subprocess.run(
        [sys.executable, "-c", code, str(file), run_id], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_lists_of_ranked_runs_need_nothing_of_comparing(cli: Cli, run: Any, file: Path) -> None:
    run("-p", "sec=0.3")
    code = (
        "import sys; from tui.commands import main\n"
        "for words in (['runs'], ['runs', '--json'], ['show', 'last', '--json'], ['show', 'last']): assert main(words) == 0\n"
        "sys.stderr.write(' '.join(name for name in ('numpy', 'textual', 'networkx') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"rank": 7' in done.stdout
