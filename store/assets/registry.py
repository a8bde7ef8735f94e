"""Changes of the registry of assets: versions are added, published and deprecated, each in one write transaction.

What is known of assets is store.assets.reading's, what a run uses store.assets.resolver's. A version never changes once it is
there, which the schema enforces; so a draft is not edited either: what was changed in it is the next version.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from engine.errors import InputError
from engine.model.asset import AssetName, AssetReference, AssetStatus, AssetVersion
from engine.shipped.assets import SHIPPED, shipped_names, shipped_versions
from store.assets.content import digest_of
from store.assets.reading import VersionHead, heads
from store.errors import NoDatabaseError
from store.exclusive import run_exclusively

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")

_ADD_ASSET: Final = (
    "INSERT INTO assets (type, name, created_at_us) VALUES (?, ?, ?) ON CONFLICT (type, name) DO NOTHING"
)
_ADD_VERSION: Final = (
    "INSERT INTO asset_versions (type, name, version, status, media_type, content, sha256, author, note, created_at_us) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SET_STATUS: Final = "UPDATE asset_versions SET status = ? WHERE type = ? AND name = ? AND version = ?"
_NOTE: Final = "INSERT INTO asset_log (type, name, version, action, at_us, author, note) VALUES (?, ?, ?, ?, ?, ?, ?)"


class Action(StrEnum):
    """What is done with a version, as the log of assets says it."""

    ADDED = "added"
    IMPORTED = "imported"
    INSTALLED = "installed"
    PUBLISHED = "published"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class NewContent:
    """Content that is about to become a version, checked by store.assets.content."""

    name: AssetName
    media_type: str
    content: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a version. `before` is its status until now, None if it is new; the same as `status` if nothing changed.

    `in_force` is the version that runs use now which do not name one, None if there is none.
    """

    name: AssetName
    version: int
    before: AssetStatus | None
    status: AssetStatus
    in_force: int | None

    @property
    def ref(self) -> str:
        """`query/ci-lookup@3`."""
        return f"{self.name}@{self.version}"

    @property
    def is_new(self) -> bool:
        """True for a version that was not there before."""
        return self.before is None

    @property
    def is_change(self) -> bool:
        """False if everything was so already."""
        return self.before is not self.status


class Registry:
    """Changes the assets of the file at `path` in the name of `author`. Every call is one transaction, all or nothing.

    `shipped` is the folder of the assets that come with opscope: one of them that the registry does not have is taken into it
    whole before anything is changed about it, so that a reference means the same before and after. `on_wait` hears who holds
    the file, after two seconds. Every call raises StoreError if the file refuses.
    """

    def __init__(
        self,
        path: Path,
        author: str,
        *,
        shipped: Path = SHIPPED,
        on_wait: Callable[[str], None] | None = None,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._path = path
        self._author = author
        self._shipped = shipped
        self._on_wait = on_wait
        self._now_us = now_us

    def add(self, new: NewContent, *, publish: bool = False) -> Changed:
        """Add the next version, a draft unless it is to be published at once.

        Content that is the newest version's already is not added again; that version comes back, published where asked for.
        """

        def work(connection: sqlite3.Connection) -> Changed:
            known = self._known(connection, new.name)
            newest = known[-1] if known else None
            if newest is not None and (newest.sha256, newest.media_type) == (digest_of(new.content), new.media_type):
                if publish:
                    return self._move(connection, newest, AssetStatus.PUBLISHED, new.note)
                return Changed(new.name, newest.version, newest.status, newest.status, in_force(known))
            version = self._version(
                new, newest.version + 1 if newest else 1, AssetStatus.PUBLISHED if publish else AssetStatus.DRAFT
            )
            insert(connection, [version], Action.ADDED, author=self._author, now_us=version.created_at_us)
            if publish:
                self._log(connection, version.ref, Action.PUBLISHED, new.note)
            return Changed(new.name, version.version, None, version.status, in_force(_heads(connection, new.name)))

        return run_exclusively(self._path, lambda one: _in_transaction(one, work), make=True, on_wait=self._on_wait)

    def publish(self, reference: AssetReference, note: str = "") -> Changed:
        """Let runs use the version. Raises InputError if there is none, with those that there are."""
        return self._set(reference, AssetStatus.PUBLISHED, note)

    def deprecate(self, reference: AssetReference, note: str = "") -> Changed:
        """Let only those use the version that name it. Raises InputError if there is none, or for a draft."""
        return self._set(reference, AssetStatus.DEPRECATED, note)

    def change(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Any other change of the registry, in a transaction of its own; the file is made if there is none."""
        run_exclusively(self._path, lambda one: _in_transaction(one, work), make=True, on_wait=self._on_wait)

    def _set(self, reference: AssetReference, status: AssetStatus, note: str) -> Changed:
        def work(connection: sqlite3.Connection) -> Changed:
            known = self._known(connection, reference.name)
            if not known:
                names = [head.name for head in _heads(connection)]
                raise nothing_there(reference.name, [*names, *shipped_names(self._shipped)])
            return self._move(connection, chosen(reference, known), status, note)

        if not shipped_versions(reference.name, self._shipped):
            try:
                return run_exclusively(self._path, lambda one: _in_transaction(one, work), on_wait=self._on_wait)
            except NoDatabaseError:
                raise nothing_there(reference.name, shipped_names(self._shipped)) from None
        return run_exclusively(self._path, lambda one: _in_transaction(one, work), make=True, on_wait=self._on_wait)

    def _move(self, connection: sqlite3.Connection, head: VersionHead, status: AssetStatus, note: str) -> Changed:
        if head.status is not status:
            if head.status is AssetStatus.DRAFT and status is AssetStatus.DEPRECATED:
                raise InputError(
                    f"{head.ref} is a draft, and only what was published is deprecated",
                    hint="a draft is used by nothing but an override; leave it, or add the next version",
                )
            key = (head.name.type.value, head.name.name, head.version)
            connection.execute(_SET_STATUS, (status.value, *key))
            action = Action.PUBLISHED if status is AssetStatus.PUBLISHED else Action.DEPRECATED
            self._log(connection, head.ref, action, note)
        return Changed(head.name, head.version, head.status, status, in_force(_heads(connection, head.name)))

    def _known(self, connection: sqlite3.Connection, name: AssetName) -> list[VersionHead]:
        known = _heads(connection, name)
        if not known and install(connection, name, author=self._author, now_us=self._now_us(), shipped=self._shipped):
            known = _heads(connection, name)
        return known

    def _version(self, new: NewContent, version: int, status: AssetStatus) -> AssetVersion:
        return AssetVersion(
            type=new.name.type,
            name=new.name.name,
            version=version,
            status=status,
            media_type=new.media_type,
            content=new.content,
            sha256=digest_of(new.content),
            author=self._author,
            note=new.note,
            created_at_us=self._now_us(),
        )

    def _log(self, connection: sqlite3.Connection, ref: str, action: Action, note: str) -> None:
        name, _, version = ref.rpartition("@")
        connection.execute(_NOTE, (*name.split("/", 1), int(version), action.value, self._now_us(), self._author, note))


def insert(
    connection: sqlite3.Connection, versions: Iterable[AssetVersion], action: Action, *, author: str, now_us: int
) -> None:
    """Add whole versions, in an open write transaction. Raises sqlite3.IntegrityError for one that is there already."""
    for one in versions:
        key = (one.type.value, one.name, one.version)
        rest = (one.status.value, one.media_type, one.content, one.sha256, one.author, one.note, one.created_at_us)
        connection.execute(_ADD_ASSET, (one.type.value, one.name, now_us))
        connection.execute(_ADD_VERSION, (*key, *rest))
        connection.execute(_NOTE, (*key, action.value, now_us, author, one.note))


def install(
    connection: sqlite3.Connection, name: AssetName, *, author: str, now_us: int, shipped: Path = SHIPPED
) -> bool:
    """Take an asset that comes with opscope into the registry, whole, in an open write transaction.

    False if the registry has the asset already, or nothing of that name is shipped.
    """
    versions = shipped_versions(name, shipped)
    if not versions or _heads(connection, name):
        return False
    stamped = [one.model_copy(update={"created_at_us": now_us}) for one in versions]
    insert(connection, stamped, Action.INSTALLED, author=author, now_us=now_us)
    return True


def in_force(versions: Sequence[VersionHead]) -> int | None:
    """The newest published version."""
    return max((one.version for one in versions if one.status is AssetStatus.PUBLISHED), default=None)


def chosen(reference: AssetReference, known: Sequence[VersionHead]) -> VersionHead:
    """The version that is meant, of all that there are. Raises InputError if there is none, or none is named."""
    if not known:
        raise nothing_there(reference.name)
    if reference.version is None:
        raise InputError(
            f"{reference.name} names no version",
            hint=f"say which: {reference.name}@{known[-1].version}; there {described(known)}",
        )
    for head in known:
        if head.version == reference.version:
            return head
    raise InputError(f"there is no version {reference.version} of {reference.name}", hint=f"there {described(known)}")


def nothing_there(name: AssetName, names: Iterable[AssetName] = ()) -> InputError:
    """The error for a name that no asset has; `names` are those that there are."""
    import difflib

    near = difflib.get_close_matches(str(name), [str(other) for other in names], n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"add it with: opscope asset add FILE --as {name}"
    return InputError(f"there is no asset {name}", hint=hint)


def described(versions: Sequence[VersionHead]) -> str:
    """`is @1 published, @2 draft`, the newest ten."""
    shown = ", ".join(f"@{one.version} {one.status}" for one in versions[-10:])
    verb = "is" if len(versions) == 1 else "are"
    return f"{verb} {shown}" if len(versions) <= 10 else f"{verb} {len(versions)}, the last of them {shown}"


def _in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    answer = work(connection)
    connection.execute("COMMIT")
    return answer


def _heads(connection: sqlite3.Connection, name: AssetName | None = None) -> list[VersionHead]:
    query = heads(name)
    return query.read(connection.execute(query.sql, query.parameters).fetchall())
