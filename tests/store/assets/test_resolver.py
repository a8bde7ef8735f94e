"""Which version a run uses (A1): the override, then the plan's pin, then the newest published; and the same one again later."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExitCode, InputError, StoreError
from engine.model.asset import AssetSource, AssetStatus, parse_reference
from store.assets.content import digest_of
from store.assets.reading import AssetLibrary
from store.assets.registry import Registry
from store.assets.resolver import StoreAssets
from tests.store.assets.building import LOOKUP, NARROW, WIDE, ship, sql

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.asset import ResolvedAsset
    from engine.ports import AssetResolver

SLOW = "SELECT 3 -- slow\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return ship(tmp_path / "shipped")


@pytest.fixture
def registry(path: Path, folder: Path) -> Registry:
    """`query/ci-lookup`: 1 published, 2 published and deprecated, 3 a draft."""
    registry = Registry(path, "kim", shipped=folder)
    registry.add(sql(NARROW), publish=True)
    registry.add(sql(WIDE), publish=True)
    registry.add(sql(SLOW))
    registry.deprecate(parse_reference("query/ci-lookup@2"))
    return registry


async def resolved(path: Path, folder: Path, text: str, override: str | None = None) -> ResolvedAsset:
    resolver: AssetResolver = StoreAssets(path, shipped=folder)
    return await resolver.resolve(parse_reference(text), override=parse_reference(override) if override else None)


@pytest.mark.parametrize(
    ("text", "override", "version", "source", "status"),
    [
        ("query/ci-lookup", None, 1, AssetSource.PUBLISHED, AssetStatus.PUBLISHED),
        ("query/ci-lookup@1", None, 1, AssetSource.PIN, AssetStatus.PUBLISHED),
        ("query/ci-lookup@2", None, 2, AssetSource.PIN, AssetStatus.DEPRECATED),
        ("query/ci-lookup", "query/ci-lookup@3", 3, AssetSource.OVERRIDE, AssetStatus.DRAFT),
        ("query/ci-lookup@1", "query/ci-lookup@2", 2, AssetSource.OVERRIDE, AssetStatus.DEPRECATED),
        ("query/ci-lookup@9", "query/ci-lookup@1", 1, AssetSource.OVERRIDE, AssetStatus.PUBLISHED),
        ("query/shipped", None, 2, AssetSource.PUBLISHED, AssetStatus.PUBLISHED),
        ("query/shipped@1", None, 1, AssetSource.PIN, AssetStatus.PUBLISHED),
        ("query/shipped", "query/shipped@3", 3, AssetSource.OVERRIDE, AssetStatus.DRAFT),
    ],
)
async def test_the_order_of_resolution(
    path: Path,
    folder: Path,
    registry: Registry,
    text: str,
    override: str | None,
    version: int,
    source: AssetSource,
    status: AssetStatus,
) -> None:
    found = await resolved(path, folder, text, override)
    assert (found.version, found.source, found.status) == (version, source, status)
    assert found.sha256 == digest_of(found.content)
    assert found.media_type == "application/sql"
    again = await StoreAssets(path, shipped=folder).exact(found.ref, found.sha256)
    assert (again.ref, again.content) == (found.ref, found.content)


@pytest.mark.parametrize(
    ("text", "override", "cause", "hint"),
    [
        ("query/ci-lookup@3", None, "query/ci-lookup@3 is a draft, and a plan cannot name one", "--override"),
        (
            "query/ci-lookup@9",
            None,
            "there is no version 9 of query/ci-lookup",
            "@1 published, @2 deprecated, @3 draft",
        ),
        ("query/ci-lookup", "query/ci-lookup@9", "there is no version 9 of query/ci-lookup", "@3 draft"),
        ("query/ci-lookup", "query/ci-lookup", "query/ci-lookup names no version", "say which"),
        ("query/ci-lokup", None, "there is no asset query/ci-lokup", "did you mean query/ci-lookup?"),
        ("tool/xyzzy", None, "there is no asset tool/xyzzy", "opscope asset add FILE --as tool/xyzzy"),
    ],
)
async def test_what_cannot_be_resolved_is_bad_input(
    path: Path, folder: Path, registry: Registry, text: str, override: str | None, cause: str, hint: str
) -> None:
    with pytest.raises(InputError) as refused:
        await resolved(path, folder, text, override)
    assert refused.value.cause == cause
    assert hint in refused.value.hint


async def test_where_nothing_is_published_the_versions_are_named(path: Path, folder: Path) -> None:
    registry = Registry(path, "kim", shipped=folder)
    registry.add(sql(NARROW))
    with pytest.raises(InputError, match=r"no published version: there is @1 draft") as draft:
        await resolved(path, folder, "query/ci-lookup")
    assert "opscope asset publish query/ci-lookup@1" in draft.value.hint
    registry.publish(parse_reference("query/ci-lookup@1"))
    registry.deprecate(parse_reference("query/ci-lookup@1"))
    with pytest.raises(InputError, match=r"no published version: there is @1 deprecated") as deprecated:
        await resolved(path, folder, "query/ci-lookup")
    assert "--override query/ci-lookup@1" in deprecated.value.hint
    assert "opscope asset publish query/ci-lookup@1" in deprecated.value.hint


async def test_resolving_makes_no_file(path: Path, folder: Path) -> None:
    assert (await resolved(path, folder, "query/shipped")).content == "SELECT 2\n"
    with pytest.raises(InputError):
        await resolved(path, folder, "query/ci-lookup")
    assert not path.exists()


async def test_what_a_run_used_comes_back_whatever_became_of_it(path: Path, folder: Path, registry: Registry) -> None:
    used = await resolved(path, folder, "query/ci-lookup")
    registry.deprecate(parse_reference(used.ref))
    again = await StoreAssets(path, shipped=folder).exact(used.ref, used.sha256)
    assert (again.content, again.status) == (NARROW, AssetStatus.DEPRECATED)


@pytest.mark.parametrize(
    ("ref", "digest", "cause"),
    [
        ("query/ci-lookup@1", digest_of(WIDE), "is not what the run used"),
        ("query/ci-lookup@9", digest_of(NARROW), "is not there any more"),
        ("query/gone@1", digest_of(NARROW), "is not there any more"),
        ("query/ci-lookup", digest_of(NARROW), "is not there any more"),
        ("odd", "", "cannot be one"),
    ],
)
async def test_another_content_is_never_used_for_it(
    path: Path, folder: Path, registry: Registry, ref: str, digest: str, cause: str
) -> None:
    with pytest.raises(StoreError, match=cause) as refused:
        await StoreAssets(path, shipped=folder).exact(ref, digest)
    assert refused.value.exit_code is ExitCode.INFRASTRUCTURE
    assert ref in str(refused.value)


async def test_a_content_that_was_changed_behind_our_back_is_found(
    path: Path, folder: Path, registry: Registry
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER asset_versions_stay")
        connection.execute("UPDATE asset_versions SET content = 'DROP TABLE ci'")
        connection.commit()
    resolver = StoreAssets(path, shipped=folder)
    with pytest.raises(StoreError, match="damaged"):
        await resolver.resolve(parse_reference("query/ci-lookup"))
    with pytest.raises(StoreError, match="is not what the run used"):
        await resolver.exact("query/ci-lookup@1", digest_of(NARROW))


async def test_what_a_run_uses_can_be_kept(path: Path, folder: Path) -> None:
    """Once taken in it does not depend on what a later installation ships."""
    resolver = StoreAssets(path, shipped=folder)
    used = await resolver.resolve(parse_reference("query/shipped"))
    await resolver.keep([used, used], "kim")
    await resolver.keep([used], "kim")
    (folder / "query" / "shipped" / "versions.json").unlink()
    assert (await resolver.exact(used.ref, used.sha256)).content == "SELECT 2\n"
    with AssetLibrary(path, folder) as library:
        assert [entry.action for entry in library.log(used.name)] == ["installed"] * 3
        assert LOOKUP not in library.names()


async def test_nothing_shipped_means_nothing_to_keep(path: Path, folder: Path, registry: Registry) -> None:
    resolver = StoreAssets(path, shipped=folder)
    before = path.stat().st_mtime_ns
    await resolver.keep([await resolver.resolve(parse_reference("query/ci-lookup"))], "kim")
    await resolver.keep([], "kim")
    assert path.stat().st_mtime_ns == before
