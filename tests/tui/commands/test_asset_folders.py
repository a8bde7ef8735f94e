"""`asset import` and `asset export`: a folder in, a folder out, and nothing by halves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli

NARROW = "SELECT 1\n"


@pytest.fixture
def folder(home: Path) -> Path:
    """Two assets, as a person keeps them beside their plans."""
    place = home / "assets"
    (place / "query").mkdir(parents=True)
    (place / "query" / "mine.sql").write_text(NARROW)
    (place / "policy" / "gates").mkdir(parents=True)
    (place / "policy" / "gates" / "1.yaml").write_text("kind: gates\n")
    (place / "README.md").write_text("what this is")
    return place


def of_json(cli: Cli, *words: str, code: int = 0) -> Any:
    answer = cli(*words, "--json")
    assert answer.code == code
    return json.loads(answer.out)


def contents_of(folder: Path) -> dict[str, bytes]:
    return {str(place.relative_to(folder)): place.read_bytes() for place in folder.rglob("*") if place.is_file()}


def test_what_is_new_and_what_is_the_same_is_told(cli: Cli, folder: Path) -> None:
    answer = cli("asset", "import", "assets")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "+ new   policy/gates@1  · DRAFT       policy/gates/1.yaml\n"
        "+ new   query/mine@1    · DRAFT       query/mine.sql\n"
        "passed over: README.md\n"
        "2 versions imported, 0 there already\n"
    )
    assert cli("asset", "publish", "query/mine@1").code == 0
    again = cli("asset", "import", "assets").out.splitlines()
    assert again[1] == "· same  query/mine@1    ✓ PUBLISHED   query/mine.sql"
    assert again[-1] == "0 versions imported, 2 there already"


def test_the_same_for_a_program(cli: Cli, folder: Path) -> None:
    document = of_json(cli, "asset", "import", "assets")
    assert document["imported"] is True
    assert document["passed_over"] == ["README.md"]
    assert document["assets"][1] == {
        "file": "query/mine.sql",
        "ref": "query/mine@1",
        "outcome": "new",
        "status": "draft",
    }


def test_every_fault_is_told_and_nothing_is_taken(cli: Cli, folder: Path, database: Path) -> None:
    (folder / "policy" / "gates" / "2.yaml").write_text("kind: gates\na: [\n")
    (folder / "qurey").mkdir()
    answer = cli("asset", "import", "assets")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("opscope: 2 faults in the folder, so nothing was imported\n  assets\n")
    assert "\nassets/policy/gates/2.yaml:3:1: this is not valid YAML" in answer.err
    assert "\nassets/qurey: there is no type of asset 'qurey'\n" in answer.err
    document = of_json(cli, "asset", "import", "assets", code=2)
    assert (document["imported"], len(document["faults"]), document["assets"]) == (False, 2, [])
    assert not database.exists()


def test_a_version_that_says_something_else_is_refused(cli: Cli, folder: Path) -> None:
    cli("asset", "import", "assets")
    (folder / "policy" / "gates" / "1.yaml").write_text("kind: gates\nother: 1\n")
    (folder / "query" / "mine.sql").write_text("SELECT 2\n")
    answer = cli("asset", "import", "assets")
    assert answer.code == 2
    assert "policy/gates@1 is there already, with another content" in answer.err
    assert [one["version"] for one in of_json(cli, "asset", "show", "query/mine")["versions"]] == [1]


@pytest.mark.parametrize("place", ["nowhere", "README.md", "empty"])
def test_nothing_to_import(cli: Cli, folder: Path, place: str) -> None:
    (folder / "empty").mkdir()
    answer = cli("asset", "import", f"assets/{place}")
    assert (answer.code, answer.out) == (2, "")
    assert "a folder of assets holds TYPE/NAME.EXT" in answer.err


def test_out_and_in_again(cli: Cli, folder: Path, home: Path) -> None:
    cli("asset", "import", "assets")
    cli("asset", "publish", "policy/gates@1")
    answer = cli("asset", "export", "out", "--all")
    assert (answer.code, answer.out) == (0, "2 versions in out: 4 files written\n")
    other = ("--db", str(home / "other.db"))
    assert cli(*other, "asset", "import", "out").code == 0
    assert cli(*other, "asset", "export", "again", "--all").code == 0
    assert contents_of(home / "again") == contents_of(home / "out")
    assert cli("asset", "export", "out", "--all").out == (
        "2 versions in out: 0 files written\n4 files there already, the same\n"
    )


def test_files_are_overwritten_only_when_told(cli: Cli, folder: Path, home: Path) -> None:
    cli("asset", "import", "assets")
    cli("asset", "export", "out", "--all")
    (home / "out" / "query" / "mine" / "1.sql").write_text("mine")
    answer = cli("asset", "export", "out", "--all")
    assert answer.code == 2
    assert "would be changed: query/mine/1.sql" in answer.err
    assert (home / "out" / "query" / "mine" / "1.sql").read_text() == "mine"
    assert of_json(cli, "asset", "export", "out", "--all", "--force")["files"][2] == {
        "file": "query/mine/1.sql",
        "written": True,
    }
    assert (home / "out" / "query" / "mine" / "1.sql").read_text() == NARROW


def test_some_of_them(cli: Cli, folder: Path, home: Path) -> None:
    cli("asset", "import", "assets")
    document = of_json(cli, "asset", "export", "out", "query/mine", "policy/routing@1", "query/mine@1")
    assert document["versions"] == ["query/mine@1", "policy/routing@1"]
    assert sorted(contents_of(home / "out")) == [
        "policy/routing/1.yaml",
        "policy/routing/versions.json",
        "query/mine/1.sql",
        "query/mine/versions.json",
    ]


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["out"], "nothing says which assets"),
        (["out", "query/mine", "--all"], "--all means all assets"),
        (["out", "query/none"], "there is no asset query/none"),
        (["out", "query/mine@2"], "there is no version 2 of query/mine"),
        (["assets/README.md", "query/mine"], "the folder cannot be written: not a directory"),
    ],
)
def test_what_cannot_be_exported(cli: Cli, folder: Path, words: list[str], cause: str) -> None:
    cli("asset", "import", "assets")
    answer = cli("asset", "export", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"opscope: {cause}")


def test_an_empty_registry_has_nothing_to_export(cli: Cli) -> None:
    answer = cli("asset", "export", "out", "--all")
    assert (answer.code, answer.err.splitlines()[0]) == (2, "opscope: the registry has no assets")


def test_a_flood_of_faults_is_cut_short_and_counted(cli: Cli, folder: Path) -> None:
    for number in range(60):
        (folder / "query" / f"bad {number}.sql").write_text(NARROW)
    answer = cli("asset", "import", "assets")
    assert answer.code == 2
    assert answer.err.count("cannot name an asset") == 50
    assert answer.err.splitlines()[-1] == "and 10 more faults"
    assert len(of_json(cli, "asset", "import", "assets", code=2)["faults"]) == 60
