"""The registry of assets: what is added stays as it is, what is published is used, what is told is what was done (A1)."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from engine.model.asset import AssetName, AssetReference, AssetStatus, AssetType
from engine.shipped.assets import shipped_names, shipped_versions
from store.assets.content import digest_of
from store.assets.reading import AssetLibrary
from store.assets.registry import NewContent, Registry
from store.integrity.findings import Check
from store.integrity.verify import verify
from tests.store.assets.building import LOOKUP, NARROW, WIDE, ship, sql, use

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE = Path(__file__).parents[1] / "fixtures" / "schema-1.db"
SHIPPED = AssetName(AssetType.QUERY, "shipped")
DRAFT, PUBLISHED, DEPRECATED = AssetStatus.DRAFT, AssetStatus.PUBLISHED, AssetStatus.DEPRECATED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return ship(tmp_path / "shipped")


@pytest.fixture
def registry(path: Path, folder: Path) -> Registry:
    clock: Iterator[int] = iter(range(1_000, 100_000, 1_000))
    return Registry(path, "kim", shipped=folder, now_us=lambda: next(clock))


def library(path: Path, folder: Path) -> AssetLibrary:
    return AssetLibrary(path, folder)


def at(version: int, name: AssetName = LOOKUP) -> AssetReference:
    return AssetReference(name, version)


def test_versions_are_numbered_from_one_and_start_as_drafts(path: Path, folder: Path, registry: Registry) -> None:
    first, second = registry.add(sql(NARROW)), registry.add(sql(WIDE, note="wider"))
    assert (first.ref, first.is_new, first.status, first.in_force) == ("query/ci-lookup@1", True, DRAFT, None)
    assert (second.version, second.status) == (2, DRAFT)
    with library(path, folder) as known:
        one, two = known.versions(LOOKUP)
    assert (one.content, one.sha256, one.media_type) == (NARROW, digest_of(NARROW), "application/sql")
    assert (two.author, two.note, two.status) == ("kim", "wider", DRAFT)
    assert one.created_at_us < two.created_at_us


def test_it_may_be_published_at_once(path: Path, folder: Path, registry: Registry) -> None:
    assert registry.add(sql(NARROW), publish=True).in_force == 1
    assert registry.add(sql(WIDE)).in_force == 1
    with library(path, folder) as known:
        assert [entry.action for entry in known.log(LOOKUP)] == ["added", "published", "added"]


def test_the_content_of_the_newest_version_is_not_added_again(registry: Registry) -> None:
    registry.add(sql(NARROW))
    again = registry.add(sql(NARROW, note="another note"))
    assert (again.version, again.is_new, again.is_change, again.status) == (1, False, False, DRAFT)
    published = registry.add(sql(NARROW), publish=True)
    assert (published.version, published.before, published.status, published.in_force) == (1, DRAFT, PUBLISHED, 1)
    assert registry.add(sql(WIDE)).version == 2
    assert registry.add(sql(NARROW)).version == 3  # back to what it was: that is a new version
    assert registry.add(NewContent(LOOKUP, "text/plain", NARROW)).version == 4  # another kind of content


def test_publish_and_deprecate_say_what_is_in_force_now(path: Path, folder: Path, registry: Registry) -> None:
    for content in (NARROW, WIDE, "SELECT 3\n"):
        registry.add(sql(content))
    assert registry.publish(at(2), "reviewed").in_force == 2
    older = registry.publish(at(1))
    assert (older.before, older.status, older.in_force) == (DRAFT, PUBLISHED, 2)
    again = registry.publish(at(2))
    assert (again.is_change, again.before) == (False, PUBLISHED)
    gone = registry.deprecate(at(2), "too slow")
    assert (gone.before, gone.status, gone.in_force) == (PUBLISHED, DEPRECATED, 1)
    assert registry.publish(at(2)).in_force == 2
    with library(path, folder) as known:
        said = [(entry.version, entry.action, entry.author, entry.note) for entry in known.log(LOOKUP)][3:]
    assert said == [
        (2, "published", "kim", "reviewed"),
        (1, "published", "kim", ""),
        (2, "deprecated", "kim", "too slow"),
        (2, "published", "kim", ""),
    ]


def test_a_draft_is_not_deprecated(registry: Registry) -> None:
    registry.add(sql(NARROW))
    with pytest.raises(InputError, match="query/ci-lookup@1 is a draft, and only what was published is deprecated"):
        registry.deprecate(at(1))


def test_what_is_not_there_is_told_with_what_is(path: Path, registry: Registry) -> None:
    with pytest.raises(InputError, match="there is no asset query/ci-lookup"):
        registry.publish(at(1))
    assert not path.exists()
    registry.add(sql(NARROW), publish=True)
    registry.add(sql(WIDE))
    with pytest.raises(InputError, match="there is no version 3 of query/ci-lookup") as missing:
        registry.publish(at(3))
    assert missing.value.hint == "there are @1 published, @2 draft"
    with pytest.raises(InputError, match="names no version") as unnamed:
        registry.deprecate(AssetReference(LOOKUP))
    assert unnamed.value.hint == "say which: query/ci-lookup@2; there are @1 published, @2 draft"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE asset_versions SET content = 'other'",
        "UPDATE asset_versions SET sha256 = 'other'",
        "UPDATE asset_versions SET media_type = 'text/plain'",
        "UPDATE asset_versions SET note = 'other'",
        "UPDATE asset_versions SET author = 'other'",
        "UPDATE asset_versions SET version = 7",
        "UPDATE asset_versions SET status = 'draft' WHERE version = 1",
        "UPDATE asset_versions SET status = 'deprecated' WHERE version = 2",
        "UPDATE asset_versions SET status = 'published', content = 'other' WHERE version = 2",
        "DELETE FROM asset_versions",
        "INSERT OR REPLACE INTO asset_versions SELECT type, name, version, status, media_type, 'other', sha256, author, note, "
        "created_at_us FROM asset_versions WHERE version = 1",
    ],
)
def test_no_statement_changes_a_version(path: Path, folder: Path, registry: Registry, change: str) -> None:
    """Published (1) or draft (2): the file itself refuses, whoever asks."""
    registry.add(sql(NARROW), publish=True)
    registry.add(sql(WIDE))
    with library(path, folder) as known:
        before = known.versions(LOOKUP)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="an asset version"):
        connection.execute(change)
    with library(path, folder) as known:
        assert known.versions(LOOKUP) == before


def test_uses_are_counted_by_run_and_by_content(path: Path, folder: Path, registry: Registry) -> None:
    registry.add(sql(NARROW), publish=True)
    registry.add(sql(WIDE))
    first = use(path, "query/ci-lookup@1", NARROW)
    second = use(path, "query/ci-lookup@1", NARROW, source="published", at_us=1_800_000_000_000_000)
    third = use(path, "query/ci-lookup@2", WIDE, source="override", at_us=1_700_000_000_000_000)
    use(path, "query/ci-lookup@1", "another content, of another host")
    with library(path, folder) as known:
        history = known.history(LOOKUP)
        assert history is not None
        assert [head.runs for head in history.versions] == [2, 1]
        assert [(use.run_id, use.version, use.source) for use in known.uses(history)] == [
            (second, 1, "published"),
            (first, 1, "pin"),
            (third, 2, "override"),
        ]
        assert [use.run_id for use in known.uses(history, 2)] == [third]
        assert [use.run_id for use in known.uses(history, 1, limit=1)] == [second]


def test_what_is_shipped_is_there_without_a_file(path: Path, folder: Path) -> None:
    with library(path, folder) as known:
        (history,) = known.histories()
        assert (history.name, history.is_shipped, history.newest.version) == (SHIPPED, True, 3)
        assert history.in_force is not None
        assert history.in_force.version == 2
        version = known.version(SHIPPED, 2)
        assert known.version(SHIPPED, 4) is None
        assert known.history(LOOKUP) is None
        assert (known.log(SHIPPED), known.uses(history)) == ([], [])
    assert version is not None
    assert (version.content, version.sha256) == ("SELECT 2\n", digest_of("SELECT 2\n"))
    assert not path.exists()


def test_uses_of_what_is_shipped_are_counted_too(path: Path, folder: Path) -> None:
    run_id = use(path, "query/shipped@2", "SELECT 2\n")
    with library(path, folder) as known:
        (history,) = known.histories()
        assert [head.runs for head in history.versions] == [0, 1, 0]
        assert [use.run_id for use in known.uses(history)] == [run_id]
        assert known.uses(history, 1) == []


def test_whatever_changes_a_shipped_asset_takes_it_in_whole_first(path: Path, folder: Path, registry: Registry) -> None:
    with library(path, folder) as known:
        before = known.versions(SHIPPED)
    assert registry.add(sql("SELECT 4\n", SHIPPED)).version == 4
    with library(path, folder) as known:
        history = known.history(SHIPPED)
        after = known.versions(SHIPPED)
        actions = [(entry.version, entry.action) for entry in known.log(SHIPPED)]
    assert history is not None
    assert not history.is_shipped
    assert [(one.ref, one.content, one.status, one.note) for one in after[:3]] == [
        (one.ref, one.content, one.status, one.note) for one in before
    ]
    assert actions == [(1, "installed"), (2, "installed"), (3, "installed"), (4, "added")]


def test_a_shipped_version_can_be_deprecated(path: Path, registry: Registry) -> None:
    assert registry.deprecate(at(2, SHIPPED)).in_force == 1
    assert path.exists()


def test_the_registry_hides_what_is_shipped_under_the_same_name(path: Path, folder: Path, registry: Registry) -> None:
    registry.add(sql("SELECT 4\n", SHIPPED))
    later = folder / "query" / "shipped" / "versions.json"
    later.write_text("[]")
    with library(path, folder) as known:
        assert len(known.versions(SHIPPED)) == 4
        assert known.version(SHIPPED, 5) is None


def test_a_file_of_schema_1_is_read_and_brought_up_by_the_first_change(path: Path, folder: Path) -> None:
    shutil.copyfile(FIXTURE, path)
    with library(path, folder) as known:
        assert [history.name for history in known.histories()] == [SHIPPED]
        assert known.log(SHIPPED) == []
    told: list[str] = []
    Registry(path, "kim", shipped=folder, on_wait=told.append).add(sql(NARROW))
    assert "from schema 1 to 2" in told[0]
    with library(path, folder) as known:
        assert known.version(LOOKUP, 1) is not None


def test_a_file_with_assets_is_sound(path: Path, registry: Registry) -> None:
    registry.add(sql(NARROW), publish=True)
    registry.deprecate(at(1))
    registry.publish(at(1, SHIPPED))
    assert verify(path).findings == ()


def test_a_content_that_is_not_what_its_hash_says_is_found(path: Path, registry: Registry) -> None:
    registry.add(sql(NARROW), publish=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO asset_versions SELECT type, name, 2, status, media_type, 'other', sha256, author, note, created_at_us "
            "FROM asset_versions"
        )
        connection.commit()
    (finding,) = verify(path).findings
    assert (finding.check, finding.place) == (Check.ASSETS, "asset query/ci-lookup@2")


def test_who_adds_at_once_gets_numbers_of_their_own(path: Path, folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from store.assets.registry import *; from engine.model.asset import *\n"
        "registry = Registry(Path(sys.argv[1]), 'kim')\n"
        "for number in range(5):\n"
        "    name = AssetName(AssetType.QUERY, 'many')\n"
        "    registry.add(NewContent(name, 'text/plain', f'{sys.argv[2]} {number}'))\n"
    )
    root = Path(__file__).parents[3]
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(one)], cwd=root) for one in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with library(path, folder) as known:
        versions = known.versions(AssetName(AssetType.QUERY, "many"))
    assert [one.version for one in versions] == list(range(1, 16))
    assert len({one.content for one in versions}) == 15


def test_what_comes_with_opscope_is_whole() -> None:
    names = shipped_names()
    assert AssetName(AssetType.POLICY, "routing") in names
    for name in names:
        versions = shipped_versions(name)
        assert [one.version for one in versions] == list(range(1, len(versions) + 1)), name
