"""`opscope impact` on runs of the shipped plan with two versions of its query."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tui.commands import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

ASSET = "query/ci-lookup"


@pytest.fixture(scope="module")
def lookups_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with five runs of version 1 and then three of version 2."""
    path = tmp_path_factory.mktemp("lookups") / "runs.db"
    for version in (1, 1, 1, 1, 1, 2, 2, 2):
        assert main(["--db", str(path), "run", "-q", "ci_lookup", "--override", f"{ASSET}@{version}"]) == 0
    return path


@pytest.fixture
def lookups(lookups_file: Path, database: Path) -> None:
    database.parent.mkdir(parents=True)
    shutil.copy(lookups_file, database)


@pytest.mark.usefixtures("lookups")
def test_versions_and_the_newest_two_compared(cli: Cli) -> None:
    answer = cli("impact", ASSET)
    head, newest, older, *_ = answer.out.splitlines()
    assert head.split()[:3] == ["VERSION", "RUNS", "SUCCEEDED"]
    assert newest.split()[:5] == ["@2", "3", "3", "of", "3"]
    assert older.split()[:5] == ["@1", "5", "5", "of", "5"]
    assert f"{ASSET} @1 → @2" in answer.out
    assert "5 v 3 runs  ci-lookup" in answer.out
    assert f"asset lookup: {ASSET}@1 → {ASSET}@2" in answer.out
    assert "kept as" not in answer.out


@pytest.mark.usefixtures("lookups")
def test_the_other_way_round_as_a_document(cli: Cli) -> None:
    found = json.loads(cli("impact", ASSET, "2", "1", "--json").out)
    assert [(one["version"], one["runs"], one["rate"]) for one in found["versions"]] == [(2, 3, 1.0), (1, 5, 1.0)]
    assert (len(found["analysis"]["baseline"]), len(found["analysis"]["candidates"])) == (3, 5)
    assert found["analysis"]["plan_id"] == "ci-lookup"


@pytest.mark.usefixtures("lookups")
def test_nothing_to_tell(cli: Cli) -> None:
    assert cli("impact", "query/other").out == "no run has used query/other\n"


@pytest.mark.usefixtures("lookups")
@pytest.mark.parametrize("words", [(ASSET, "1"), (ASSET, "1", "9"), (f"{ASSET}@1",), ("nonsense",), (ASSET, "x", "y")])
def test_bad_input(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli("impact", *words)
    assert (answer.code, answer.out) == (2, "")
