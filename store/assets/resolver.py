"""Which version of an asset a run uses: the override, else the one that the plan names, else the newest published."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, assert_never

from engine.errors import InputError, StoreError
from engine.model.asset import AssetReference, AssetSource, AssetStatus, ResolvedAsset, parse_reference
from engine.shipped.assets import SHIPPED
from store.assets.content import digest_of
from store.assets.reading import AssetLibrary
from store.assets.registry import Registry, chosen, described, install, nothing_there
from store.errors import MissingAssetError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from engine.model.asset import AssetName
    from store.assets.reading import AssetHistory


class StoreAssets:
    """The assets of the file at `path`, and those that come with opscope. Implements `engine.ports.AssetResolver`.

    Resolving writes nothing: there may be no file yet, and no run. `keep` makes what a run uses last as long as the file.
    """

    def __init__(self, path: Path, *, shipped: Path = SHIPPED) -> None:
        self._path = path
        self._shipped = shipped

    async def resolve(self, reference: AssetReference, *, override: AssetReference | None = None) -> ResolvedAsset:
        """See `AssetResolver.resolve`."""
        return await asyncio.to_thread(self._resolve, reference, override)

    async def exact(self, ref: str, sha256: str) -> ResolvedAsset:
        """See `AssetResolver.exact`."""
        return await asyncio.to_thread(self._exact, ref, sha256)

    async def keep(self, used: Iterable[ResolvedAsset], author: str) -> None:
        """Take those into the registry, whole, that came with opscope: a later one may not have them. Raises StoreError."""
        names = sorted({asset.name for asset in used})
        if names:
            await asyncio.to_thread(self._keep, names, author)

    def _resolve(self, reference: AssetReference, override: AssetReference | None) -> ResolvedAsset:
        wanted, source = (reference, AssetSource.PIN) if override is None else (override, AssetSource.OVERRIDE)
        with AssetLibrary(self._path, self._shipped) as library:
            history = library.history(wanted.name)
            if history is None:
                raise nothing_there(wanted.name, library.names())
            if source is AssetSource.PIN and wanted.version is None:
                return _read(library, history.name, _newest_published(history), AssetSource.PUBLISHED)
            head = chosen(wanted, history.versions)
            if source is AssetSource.PIN:
                _require_pinnable(head.ref, head.status)
            return _read(library, head.name, head.version, source)

    def _exact(self, ref: str, sha256: str) -> ResolvedAsset:
        place = str(self._path)
        try:
            reference = parse_reference(ref)
        except ValueError as error:
            raise StoreError(f"a run names an asset that cannot be one: {error}", place=place) from None
        with AssetLibrary(self._path, self._shipped) as library:
            found = None if reference.version is None else library.version(reference.name, reference.version)
        if found is None:
            raise MissingAssetError(
                f"the asset {ref} that the run used is not there any more",
                place=place,
                hint="take it back with opscope asset import, or run the plan again",
            )
        if found.sha256 != sha256 or digest_of(found.content) != sha256:
            raise StoreError(
                f"the asset {ref} is not what the run used: its content is another",
                place=place,
                hint="run the plan again, which uses the assets as they are now",
            )
        # What was resolved stays resolved, whatever became of its status; why is in the run's own event.
        return ResolvedAsset(
            reference.name, found.version, found.media_type, found.content, sha256, AssetSource.PIN, found.status
        )

    def _keep(self, names: list[AssetName], author: str) -> None:
        with AssetLibrary(self._path, self._shipped) as library:
            missing = [name for name in names if (found := library.history(name)) is not None and found.is_shipped]
        if not missing:
            return

        def work(connection: sqlite3.Connection) -> None:
            now_us = time.time_ns() // 1000
            for name in missing:
                install(connection, name, author=author, now_us=now_us, shipped=self._shipped)

        Registry(self._path, author).change(work)


def _newest_published(history: AssetHistory) -> int:
    if history.in_force is not None:
        return history.in_force.version
    newest = history.newest
    match newest.status:
        case AssetStatus.DRAFT:
            hint = f"publish it with: opscope asset publish {newest.ref}\nor try it with: --override {newest.ref}"
        case AssetStatus.DEPRECATED:
            hint = f"use it for this run with: --override {newest.ref}\nor take it back with: opscope asset publish {newest.ref}"
        case AssetStatus.PUBLISHED:
            hint = ""  # then it would be in force
        case _:
            assert_never(newest.status)
    raise InputError(f"{history.name} has no published version: there {described(history.versions)}", hint=hint)


def _require_pinnable(ref: str, status: AssetStatus) -> None:
    if status is AssetStatus.DRAFT:
        raise InputError(
            f"{ref} is a draft, and a plan cannot name one",
            hint=f"publish it with: opscope asset publish {ref}\nor try it with: --override {ref}",
        )


def _read(library: AssetLibrary, name: AssetName, version: int, source: AssetSource) -> ResolvedAsset:
    found = library.version(name, version)
    if found is None:  # it was there a moment ago, and no version is ever removed
        raise StoreError(f"the asset {name}@{version} cannot be read", hint="try again")
    if digest_of(found.content) != found.sha256:
        raise StoreError(
            f"the asset {found.ref} is damaged: its content is not what was added",
            hint="add it anew, or restore the file from a backup",
        )
    return ResolvedAsset(name, version, found.media_type, found.content, found.sha256, source, found.status)
