"""Trees of assets: read whole or refused whole, with every fault at once; and what was exported comes back as it was."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from engine.model.asset import AssetName, AssetReference, AssetStatus, AssetType
from store.assets.exporting import OverwriteError, export_folder
from store.assets.folder import read_folder
from store.assets.importing import AssetFolderError, ImportedFolder, import_folder
from store.assets.reading import AssetLibrary
from store.assets.registry import NewContent, Registry
from store.errors import DamagedDatabaseError
from tests.store.assets.building import GATES, LOOKUP, NARROW, WIDE, ship, sql

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.asset import AssetVersion

SHIPPED = AssetName(AssetType.QUERY, "shipped")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return ship(tmp_path / "shipped")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "tree"


def put(tree: Path, name: str, content: str | bytes) -> None:
    place = tree / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content if isinstance(content, bytes) else content.encode())


def taken(tree: Path, path: Path, shipped: Path) -> ImportedFolder:
    return import_folder(tree, path, "kim", shipped=shipped)


def outcomes(done: ImportedFolder) -> list[tuple[str, str, str]]:
    return [(one.place, one.ref, one.outcome.value) for one in done.assets]


def all_versions(path: Path, shipped: Path) -> list[AssetVersion]:
    with AssetLibrary(path, shipped) as library:
        return [one for name in library.names() for one in library.versions(name)]


def contents_of(folder: Path) -> dict[str, bytes]:
    return {str(place.relative_to(folder)): place.read_bytes() for place in folder.rglob("*") if place.is_file()}


def test_a_tree_of_single_files_becomes_drafts(tree: Path, path: Path, shipped: Path) -> None:
    put(tree, "query/ci-lookup.sql", NARROW)
    put(tree, "policy/gates.yaml", "kind: gates\nmin_rows: 3\n")
    put(tree, "template/a.b.md", "# {params.host}\n")
    put(tree, "README.md", "what this is")
    put(tree, ".git/config", "not looked at")
    done = taken(tree, path, shipped)
    assert outcomes(done) == [
        ("policy/gates.yaml", "policy/gates@1", "new"),
        ("query/ci-lookup.sql", "query/ci-lookup@1", "new"),
        ("template/a.b.md", "template/a.b@1", "new"),
    ]
    assert done.passed_over == ("README.md",)
    assert {one.status for one in done.assets} == {AssetStatus.DRAFT}
    with AssetLibrary(path, shipped) as library:
        version = library.version(GATES, 1)
        assert [entry.action for entry in library.log(GATES)] == ["imported"]
    assert version is not None
    assert (version.media_type, version.author, version.content) == (
        "application/yaml",
        "kim",
        "kind: gates\nmin_rows: 3\n",
    )


def test_what_is_there_already_is_the_same_and_the_rest_is_new(tree: Path, path: Path, shipped: Path) -> None:
    put(tree, "query/ci-lookup.sql", NARROW)
    taken(tree, path, shipped)
    put(tree, "query/other.sql", NARROW)
    assert outcomes(taken(tree, path, shipped)) == [
        ("query/ci-lookup.sql", "query/ci-lookup@1", "same"),
        ("query/other.sql", "query/other@1", "new"),
    ]
    put(tree, "query/ci-lookup.sql", WIDE)
    assert outcomes(taken(tree, path, shipped))[0] == ("query/ci-lookup.sql", "query/ci-lookup@2", "new")
    before = path.read_bytes()
    assert {outcome for _, _, outcome in outcomes(taken(tree, path, shipped))} == {"same"}
    assert path.read_bytes() == before


def test_numbered_versions_keep_their_numbers(tree: Path, path: Path, shipped: Path) -> None:
    put(tree, "query/ci-lookup/2.sql", WIDE)
    put(tree, "query/ci-lookup/10.sql", NARROW)
    assert [ref for _, ref, _ in outcomes(taken(tree, path, shipped))] == ["query/ci-lookup@2", "query/ci-lookup@10"]
    assert Registry(path, "kim", shipped=shipped).add(sql("SELECT 11\n")).version == 11


def test_another_content_under_a_number_is_refused_and_nothing_is_taken(tree: Path, path: Path, shipped: Path) -> None:
    registry = Registry(path, "kim", shipped=shipped)
    registry.add(sql(NARROW), publish=True)
    registry.add(sql(WIDE))
    put(tree, "query/ci-lookup/1.sql", NARROW)
    put(tree, "query/ci-lookup/2.sql", "SELECT 'other'\n")
    put(tree, "query/ci-lookup/3.sql", "SELECT 'new'\n")
    before = all_versions(path, shipped)
    with pytest.raises(AssetFolderError) as refused:
        taken(tree, path, shipped)
    (fault,) = refused.value.faults
    assert fault.place == "query/ci-lookup/2.sql"
    assert fault.fault.message == "query/ci-lookup@2 is there already, with another content"
    assert fault.fault.hint == "a version never changes: as 4 it could be added"
    assert all_versions(path, shipped) == before


def test_every_fault_is_told_at_once_and_nothing_is_written(tree: Path, path: Path, shipped: Path) -> None:
    put(tree, "query/good.sql", NARROW)
    put(tree, "queries/a.sql", NARROW)
    put(tree, "query/_bad name.sql", NARROW)
    put(tree, "query/empty.sql", " \n")
    put(tree, "query/binary.sql", b"\xff\xfe\x00")
    put(tree, "query/twice.sql", NARROW)
    put(tree, "query/twice.txt", NARROW)
    put(tree, "query/both.sql", NARROW)
    put(tree, "query/both/1.sql", NARROW)
    put(tree, "query/numbers/one.sql", NARROW)
    put(tree, "query/numbers/1.sql", NARROW)
    put(tree, "query/numbers/1.txt", NARROW)
    put(tree, "query/numbers/deeper/1.sql", NARROW)
    put(tree, "policy/broken.yaml", "kind: gates\na: [1\n")
    put(tree, "policy/plain.txt", "kind: gates")
    put(tree, "query/dir.sql/x", "")
    with pytest.raises(AssetFolderError, match="faults in the folder, so nothing was imported") as refused:
        taken(tree, path, shipped)
    told = [(fault.place, fault.fault.line, fault.fault.message) for fault in refused.value.faults]
    assert told == [
        ("policy/broken.yaml", 3, told[0][2]),
        ("policy/plain.txt", None, "a policy is YAML or JSON, not text/plain"),
        ("queries", None, "there is no type of asset 'queries'"),
        ("query/_bad name.sql", None, "'_bad name' cannot name an asset"),
        ("query/binary.sql", None, "the content is in UTF-16"),
        ("query/both.sql", None, "query/both has numbered versions as well"),
        ("query/dir.sql/x", None, "'x' is no number of a version"),
        ("query/empty.sql", None, "the content is empty"),
        ("query/numbers/1.txt", None, "query/numbers@1 is in query/numbers/1.sql as well"),
        ("query/numbers/deeper", None, "there is a folder where a version's file should be"),
        ("query/numbers/one.sql", None, "'one' is no number of a version"),
        ("query/twice.txt", None, "query/twice is in query/twice.sql as well"),
    ]
    assert "not valid YAML" in told[0][2]
    assert not path.exists()


@pytest.mark.parametrize("what", ["nowhere", "a file", "empty"])
def test_where_there_is_nothing_to_take(tmp_path: Path, what: str) -> None:
    place = tmp_path / what
    if what == "a file":
        place.write_text("x")
    elif what == "empty":
        place.mkdir()
    with pytest.raises(InputError, match=r"no such folder|is no folder|no asset in this folder") as refused:
        read_folder(place)
    assert "query/ci-lookup/3.sql" in refused.value.hint


VERSION = {"version": 1, "status": "published", "media_type": "application/sql", "file": "a.sql"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("[", "expected"),
        ("{}", "expected a list of versions"),
        ("[]", "expected a list of versions"),
        ("[1]", "expected an object"),
        (json.dumps([{**VERSION, "statsu": "x"}]), "there is no field 'statsu'"),
        (json.dumps([{**VERSION, "version": 0}]), "version is no number from 1"),
        (json.dumps([{**VERSION, "version": True}]), "version is no number from 1"),
        (json.dumps([{**VERSION, "version": "1"}]), "version is no number from 1"),
        (json.dumps([VERSION, {**VERSION, "file": "b.sql"}]), "version 1 is given twice"),
        (json.dumps([VERSION, {**VERSION, "version": 2}]), "a.sql is given twice"),
        (json.dumps([{**VERSION, "file": "../../a.sql"}]), "file is not the name of a file in the same folder"),
        (json.dumps([{**VERSION, "file": "versions.json"}]), "file is not the name of a file in the same folder"),
        (json.dumps([{**VERSION, "status": "final"}]), "there is no status 'final'"),
        (json.dumps([{**VERSION, "status": 1}]), "status is no text"),
        (json.dumps([{**VERSION, "media_type": "sql"}]), "is no media type"),
        (json.dumps([{**VERSION, "note": None}]), "note is no text"),
        (json.dumps([{**VERSION, "created_at": "yesterday"}]), "'yesterday' is no time"),
        (json.dumps([{**VERSION, "created_at": "2026-01-01T00:00:00"}]), "is no time"),
        (json.dumps([{**VERSION, "file": "gone.sql"}]), "does not list this file"),
    ],
)
def test_a_list_of_versions_is_checked(tree: Path, said: str, message: str) -> None:
    put(tree, "query/q/a.sql", NARROW)
    put(tree, "query/q/versions.json", said)
    found = read_folder(tree)
    assert message in " | ".join(fault.fault.message for fault in found.faults)
    assert all(fault.place.startswith("query/q/") for fault in found.faults)


def test_a_file_that_is_listed_and_missing(tree: Path) -> None:
    put(tree, "query/q/versions.json", json.dumps([VERSION]))
    (fault,) = read_folder(tree).faults
    assert (fault.place, fault.fault.message) == ("query/q/a.sql", "it cannot be read: no such file or directory")


def test_the_layout_is_that_of_what_comes_with_opscope(path: Path, shipped: Path, tmp_path: Path) -> None:
    done = import_folder(shipped, path, "kim", shipped=tmp_path / "nothing")
    assert [(one.ref, one.status.value) for one in done.assets] == [
        ("query/shipped@1", "published"),
        ("query/shipped@2", "published"),
        ("query/shipped@3", "draft"),
    ]


def test_what_is_shipped_is_the_same_and_what_is_beside_it_is_new(tree: Path, path: Path, shipped: Path) -> None:
    put(tree, "query/shipped/2.sql", "SELECT 2\n")
    assert outcomes(taken(tree, path, shipped)) == [("query/shipped/2.sql", "query/shipped@2", "same")]
    assert not path.exists()
    put(tree, "query/shipped/4.sql", "SELECT 4\n")
    assert [outcome for _, _, outcome in outcomes(taken(tree, path, shipped))] == ["same", "new"]
    assert [one.version for one in all_versions(path, shipped)] == [1, 2, 3, 4]


# Out again


@pytest.fixture
def filled(path: Path, shipped: Path) -> list[AssetVersion]:
    """A registry with all there can be; its versions."""
    registry = Registry(path, "kim", shipped=shipped)
    registry.add(sql(NARROW, note="größer\nund weiter"), publish=True)
    registry.add(sql(WIDE + "\r\n"), publish=True)
    registry.deprecate(AssetReference(LOOKUP, 1))
    registry.add(NewContent(GATES, "text/yaml", "kind: gates\n"), publish=True)
    registry.add(NewContent(AssetName(AssetType.TEMPLATE, "a.b"), "text/x-jinja", "no newline at the end"))
    registry.publish(AssetReference(SHIPPED, 3))
    return all_versions(path, shipped)


def test_a_round_trip_keeps_everything(filled: list[AssetVersion], tree: Path, tmp_path: Path, shipped: Path) -> None:
    written = export_folder(filled, tree)
    assert all(file.is_written for file in written)
    other = tmp_path / "other.db"
    done = taken(tree, other, tmp_path / "nothing shipped")
    assert {one.outcome.value for one in done.assets} == {"new"}
    again = all_versions(other, tmp_path / "nothing shipped")
    assert again == filled
    export_folder(again, tmp_path / "tree2")
    assert contents_of(tmp_path / "tree2") == contents_of(tree)
    assert {outcome for _, _, outcome in outcomes(taken(tree, other, tmp_path / "nothing shipped"))} == {"same"}


def test_files_that_are_there_stay_unless_they_are_the_same(filled: list[AssetVersion], tree: Path) -> None:
    export_folder(filled, tree)
    assert not any(file.is_written for file in export_folder(filled, tree))
    (tree / "query" / "ci-lookup" / "1.sql").write_text("mine")
    before = contents_of(tree)
    with pytest.raises(OverwriteError, match=r"would be changed: query/ci-lookup/1.sql$") as refused:
        export_folder(filled, tree)
    assert "--force" in refused.value.hint
    assert contents_of(tree) == before
    written = [file.place for file in export_folder(filled, tree, force=True) if file.is_written]
    assert written == ["query/ci-lookup/1.sql"]


def test_a_list_of_versions_grows_and_does_not_change(
    filled: list[AssetVersion], tree: Path, path: Path, shipped: Path
) -> None:
    first, second = [one for one in filled if one.name == LOOKUP.name]
    export_folder([first], tree)
    written = [file.place for file in export_folder([second], tree) if file.is_written]
    assert written == ["query/ci-lookup/2.sql", "query/ci-lookup/versions.json"]
    assert [entry.version for entry in read_folder(tree).entries] == [1, 2]
    Registry(path, "kim", shipped=shipped).publish(AssetReference(LOOKUP, 1))
    with AssetLibrary(path, shipped) as library, pytest.raises(OverwriteError, match=r"versions\.json"):
        export_folder(library.versions(LOOKUP), tree)


def test_a_place_that_cannot_be_written(filled: list[AssetVersion], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="the folder cannot be written: not a directory"):
        export_folder(filled, tmp_path / "file")


def test_a_name_that_leads_out_of_the_folder(filled: list[AssetVersion], tmp_path: Path) -> None:
    """Not from us, but a database may come from anywhere."""
    bad = filled[0].model_copy(update={"name": "../../outside"})
    with pytest.raises(DamagedDatabaseError, match="which none can have"):
        export_folder([*filled, bad], tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("name", ["query/q.sql", "query/q/1.sql", "query/q/versions.json"])
def test_a_pipe_is_not_waited_for(tree: Path, name: str) -> None:
    put(tree, "query/other.sql", NARROW)
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tree / name)
    (fault,) = read_folder(tree).faults
    assert (fault.place, fault.fault.message) == (name, "this is no regular file")


@pytest.mark.parametrize(
    ("link", "to"),
    [
        ("template/pw.txt", "secret.txt"),
        ("template/pw/1.txt", "secret.txt"),
        ("template", "elsewhere"),
        ("template/far", "elsewhere"),
        ("query/mine/versions.json", "secret.txt"),
        ("template/gone.txt", "nowhere/at-all"),
    ],
)
def test_a_link_that_leads_out_of_the_folder_is_not_followed(
    tree: Path, path: Path, shipped: Path, tmp_path: Path, link: str, to: str
) -> None:
    (tmp_path / "secret.txt").write_text("a password\n")
    put(tmp_path / "elsewhere", "1.txt", "not ours")
    put(tree, "query/mine/1.sql", NARROW)
    (tree / link).parent.mkdir(parents=True, exist_ok=True)
    (tree / link).symlink_to(tmp_path / to)
    with pytest.raises(AssetFolderError) as refused:
        taken(tree, path, shipped)
    assert [(one.place, one.fault.message) for one in refused.value.faults] == [
        (link, "this link leads out of the folder")
    ]
    assert not path.exists()


def test_a_link_inside_the_folder_is_followed(tree: Path, path: Path, shipped: Path, tmp_path: Path) -> None:
    put(tree, "query/mine.sql", NARROW)
    (tree / "query" / "other.sql").symlink_to("mine.sql")
    (tmp_path / "link").symlink_to(tree)
    done = taken(tmp_path / "link", path, shipped)
    assert [ref for _, ref, _ in outcomes(done)] == ["query/mine@1", "query/other@1"]


def test_a_link_that_leads_to_itself_is_a_fault(tree: Path, path: Path, shipped: Path) -> None:
    put(tree, "query/mine.sql", NARROW)
    (tree / "query" / "round.sql").symlink_to("round.sql")
    with pytest.raises(AssetFolderError) as refused:
        taken(tree, path, shipped)
    assert [one.place for one in refused.value.faults] == ["query/round.sql"]
