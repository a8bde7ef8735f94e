"""Takes a tree of assets into the registry: all of it or nothing, and never a version that says something else already."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.errors import Fault, InputError
from engine.model.asset import AssetVersion
from engine.shipped.assets import SHIPPED
from store.assets.content import digest_of
from store.assets.folder import FolderFault, read_folder
from store.assets.reading import AssetLibrary, heads
from store.assets.registry import Action, Registry, insert, install

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from engine.model.asset import AssetName, AssetStatus
    from store.assets.folder import AssetFolder, FolderEntry
    from store.assets.reading import VersionHead


class AssetFolderError(InputError):
    """A tree of assets with faults, all of them at once. Nothing of it has been taken."""

    def __init__(self, folder: Path, faults: Sequence[FolderFault]) -> None:
        count = len(faults)
        super().__init__(
            f"{count} fault{'' if count == 1 else 's'} in the folder, so nothing was imported", place=str(folder)
        )
        self.faults = tuple(faults)


class ImportOutcome(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class ImportedAsset:
    """A file, the version that it is, and whether that was there already; `status` is the version's in the registry."""

    place: str
    name: AssetName
    version: int
    outcome: ImportOutcome
    status: AssetStatus

    @property
    def ref(self) -> str:
        """`query/ci-lookup@3`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class ImportedFolder:
    """What became of a tree: each of its files, and those that mean nothing in one."""

    assets: tuple[ImportedAsset, ...]
    passed_over: tuple[str, ...]


def import_folder(
    folder: Path,
    path: Path,
    author: str,
    *,
    shipped: Path = SHIPPED,
    on_wait: Callable[[str], None] | None = None,
) -> ImportedFolder:
    """Take the assets of a tree into the file at `path`, in one transaction.

    Raises AssetFolderError with all that is wrong with it, InputError where there is nothing to take, StoreError if the file
    refuses.
    """
    found = read_folder(folder)
    names = sorted({entry.name for entry in found.entries})
    with AssetLibrary(path, shipped) as library:
        histories = {name: library.history(name) for name in names}
    planned = _plan(found, {name: history.versions if history else () for name, history in histories.items()}, folder)
    answer: list[ImportedAsset] = []

    def work(connection: sqlite3.Connection) -> None:
        # Planned again: what is decided has to hold in the transaction that does it.
        now_us = time.time_ns() // 1000
        adding = {one.name for one in planned if one.outcome is ImportOutcome.NEW}
        for name in sorted(adding):
            install(connection, name, author=author, now_us=now_us, shipped=shipped)
        known = {name: _heads(connection, name) or (h.versions if (h := histories[name]) else ()) for name in names}
        answer[:] = _plan(found, known, folder)
        by_place = {entry.place: entry for entry in found.entries}
        new = [_version(by_place[one.place], one, author, now_us) for one in answer if one.outcome is ImportOutcome.NEW]
        insert(connection, new, Action.IMPORTED, author=author, now_us=now_us)

    if any(one.outcome is ImportOutcome.NEW for one in planned):
        Registry(path, author, on_wait=on_wait).change(work)
    else:
        answer[:] = planned
    return ImportedFolder(tuple(answer), tuple(found.passed_over))


def _plan(found: AssetFolder, known: Mapping[AssetName, Sequence[VersionHead]], folder: Path) -> list[ImportedAsset]:
    """What becomes of every file. Raises AssetFolderError with the faults of the tree and what the registry says against it."""
    faults = list(found.faults)
    planned: list[ImportedAsset] = []
    for entry in sorted(found.entries, key=lambda entry: (entry.name, entry.version or 0)):
        there = known[entry.name]
        same = (digest_of(entry.content), entry.media_type)
        head: VersionHead | None
        if entry.version is None:
            head = there[-1] if there and (there[-1].sha256, there[-1].media_type) == same else None
            version = there[-1].version + (0 if head else 1) if there else 1
        else:
            version = entry.version
            head = next((one for one in there if one.version == version), None)
            if head is not None and (head.sha256, head.media_type) != same:
                what = "content" if head.sha256 != same[0] else "media type"
                free = max(
                    [there[-1].version, *(other.version or 0 for other in found.entries if other.name == entry.name)]
                )
                hint = f"a version never changes: as {free + 1} it could be added"
                message = f"{head.ref} is there already, with another {what}"
                faults.append(FolderFault(entry.place, Fault(message, hint=hint)))
                continue
        outcome = ImportOutcome.SAME if head else ImportOutcome.NEW
        planned.append(ImportedAsset(entry.place, entry.name, version, outcome, head.status if head else entry.status))
    if faults:
        raise AssetFolderError(folder, sorted(faults, key=lambda fault: (fault.place, fault.fault.line or 0)))
    return planned


def _version(entry: FolderEntry, planned: ImportedAsset, author: str, now_us: int) -> AssetVersion:
    return AssetVersion(
        type=entry.name.type,
        name=entry.name.name,
        version=planned.version,
        status=entry.status,
        media_type=entry.media_type,
        content=entry.content,
        sha256=digest_of(entry.content),
        author=entry.author or author,
        note=entry.note,
        created_at_us=now_us if entry.created_at_us is None else entry.created_at_us,
    )


def _heads(connection: sqlite3.Connection, name: AssetName) -> list[VersionHead]:
    query = heads(name)
    return query.read(connection.execute(query.sql, query.parameters).fetchall())
