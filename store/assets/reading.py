"""What is known of assets: versions, their history, the runs that used them; those that come with opscope beside the registry's.

Nothing is written here. An asset of the registry hides a shipped one of its name as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from engine.model.asset import AssetName, AssetStatus, AssetType, AssetVersion
from engine.model.states import RunStatus
from engine.shipped.assets import SHIPPED, shipped_names, shipped_versions
from store.errors import NoDatabaseError
from store.queries.query import Query, word
from store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from store.queries.query import Rows

MOST_VERSIONS: Final = 100_000
MOST_USES: Final = 20

_COLUMNS: Final = "v.type, v.name, v.version, v.status, v.media_type, v.sha256, v.author, v.note, v.created_at_us"
# An imported run may have used another content under the same name, so the hash has to agree as well.
_RUNS_OF: Final = (
    "(SELECT count(DISTINCT a.run_id) FROM applied_assets AS a "
    "WHERE a.ref = v.type || '/' || v.name || '@' || v.version AND a.sha256 = v.sha256)"
)
_OF_ONE: Final = "WHERE v.type = ? AND v.name = ?"


@dataclass(frozen=True, slots=True)
class VersionHead:
    """A version without its content. `runs` is how many runs used it; `is_shipped` says that the registry does not have it."""

    name: AssetName
    version: int
    status: AssetStatus
    media_type: str
    sha256: str
    author: str
    note: str
    created_at_us: int
    runs: int
    is_shipped: bool = False

    @property
    def ref(self) -> str:
        """`query/ci-lookup@3`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class AssetHistory:
    """All versions of an asset, the oldest first; never none."""

    name: AssetName
    versions: tuple[VersionHead, ...]

    @property
    def newest(self) -> VersionHead:
        """The last one that was added."""
        return self.versions[-1]

    @cached_property
    def in_force(self) -> VersionHead | None:
        """The one that runs use that do not name one: the newest published."""
        return next((one for one in reversed(self.versions) if one.status is AssetStatus.PUBLISHED), None)

    @property
    def is_shipped(self) -> bool:
        """It comes with opscope, and the registry does not have it."""
        return self.newest.is_shipped

    @property
    def runs(self) -> int:
        """Uses of its versions by runs; a run that used two counts twice."""
        return sum(one.runs for one in self.versions)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What was done with a version: added, imported, installed, published or deprecated."""

    version: int
    action: str
    at_us: int
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class AssetUse:
    """A run that used a version. `source` says why that version."""

    run_id: str
    plan_id: str
    status: RunStatus
    created_at_us: int
    version: int
    source: str


def heads(name: AssetName | None = None) -> Query[list[VersionHead]]:
    """The versions of all assets, or of one, in order."""
    sql = f"SELECT {_COLUMNS}, {_RUNS_OF} FROM asset_versions AS v {_OF_ONE if name else ''} ORDER BY 1, 2, 3 LIMIT ?"  # noqa: S608
    of_one = (name.type.value, name.name) if name else ()
    return Query(sql, (*of_one, MOST_VERSIONS), lambda rows: [_head(row) for row in rows])


def versions_of(name: AssetName, version: int | None = None) -> Query[list[AssetVersion]]:
    """Whole versions of an asset, all or one, in order."""
    sql = f"SELECT {_COLUMNS}, v.content FROM asset_versions AS v {_OF_ONE} AND (? IS NULL OR v.version = ?) ORDER BY 3"  # noqa: S608
    return Query(sql, (name.type.value, name.name, version, version), _whole)


def uses_of(name: AssetName, version: int | None = None, limit: int = MOST_USES) -> Query[list[AssetUse]]:
    """The runs that used an asset, or one version of it, the newest first; each once a version."""
    sql = (
        "SELECT r.run_id, r.plan_id, r.status, r.created_at_us, v.version, min(a.source) FROM asset_versions AS v "  # noqa: S608
        "JOIN applied_assets AS a ON a.ref = v.type || '/' || v.name || '@' || v.version AND a.sha256 = v.sha256 "
        f"JOIN runs AS r ON r.run_id = a.run_id {_OF_ONE} AND (? IS NULL OR v.version = ?) "
        "GROUP BY r.run_id, v.version ORDER BY r.created_at_us DESC, r.run_id, v.version DESC LIMIT ?"
    )
    return Query(sql, (name.type.value, name.name, version, version, limit), _uses)


def uses_of_ref(ref: str, sha256: str, limit: int = MOST_USES) -> Query[list[AssetUse]]:
    """The runs that used a version which is not in the registry, but comes with opscope."""
    version = int(ref.rpartition("@")[2])
    sql = (
        "SELECT r.run_id, r.plan_id, r.status, r.created_at_us, ?, min(a.source) FROM applied_assets AS a "
        "JOIN runs AS r ON r.run_id = a.run_id WHERE a.ref = ? AND a.sha256 = ? "
        "GROUP BY r.run_id ORDER BY r.created_at_us DESC, r.run_id LIMIT ?"
    )
    return Query(sql, (version, ref, sha256, limit), _uses)


def _count_of_ref(ref: str, sha256: str) -> Query[int]:
    sql = "SELECT count(DISTINCT run_id) FROM applied_assets WHERE ref = ? AND sha256 = ?"
    return Query(sql, (ref, sha256), lambda rows: int(rows[0][0]))


def log_of(name: AssetName) -> Query[list[LogEntry]]:
    """What was done with an asset, the first thing first. Not to be asked of a file of schema 1."""
    sql = "SELECT version, action, at_us, author, note FROM asset_log WHERE type = ? AND name = ? ORDER BY log_no"
    return Query(sql, (name.type.value, name.name), lambda rows: [LogEntry(*row) for row in rows])


_HAS_LOG: Final = Query(
    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'asset_log'", (), lambda rows: bool(rows[0][0])
)


def _head(row: tuple[object, ...]) -> VersionHead:
    asset_type, name, version, status, media_type, sha256, author, note, created_at_us, runs = row
    return VersionHead(
        AssetName(word(AssetType, str(asset_type)), str(name)),
        int(str(version)),
        word(AssetStatus, str(status)),
        str(media_type),
        str(sha256),
        str(author),
        str(note),
        int(str(created_at_us)),
        int(str(runs)),
    )


def _whole(rows: Rows) -> list[AssetVersion]:
    return [
        AssetVersion(
            type=word(AssetType, asset_type),
            name=name,
            version=version,
            status=word(AssetStatus, status),
            media_type=media_type,
            sha256=sha256,
            author=author,
            note=note,
            created_at_us=created_at_us,
            content=content,
        )
        for asset_type, name, version, status, media_type, sha256, author, note, created_at_us, content in rows
    ]


def _uses(rows: Rows) -> list[AssetUse]:
    return [
        AssetUse(run_id, plan_id, word(RunStatus, status), at_us, version, source)
        for run_id, plan_id, status, at_us, version, source in rows
    ]


class AssetLibrary:
    """The assets of a file and of this installation, as a reader sees them. Use it with `with`.

    A file that is not there yet is an empty one. Every call raises StoreError if the file cannot be read.
    """

    def __init__(self, path: Path, shipped: Path = SHIPPED) -> None:
        self._shipped = shipped
        try:
            self._reader: Reader | None = Reader.open(path)
        except NoDatabaseError:
            self._reader = None

    def __enter__(self) -> AssetLibrary:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.close()

    def histories(self) -> list[AssetHistory]:
        """Every asset, by name."""
        kept = self._reader.run(heads()) if self._reader is not None else []
        found = _grouped(kept)
        known = {history.name for history in found}
        for name in shipped_names(self._shipped):
            if name not in known:
                found += _grouped(self._shipped_heads(name))
        return sorted(found, key=lambda history: history.name)

    def names(self) -> list[AssetName]:
        """The names of all assets, in order."""
        return [history.name for history in self.histories()]

    def history(self, name: AssetName) -> AssetHistory | None:
        """One asset; None if there is none of that name."""
        found = self._reader.run(heads(name)) if self._reader is not None else []
        return next(iter(_grouped(found or self._shipped_heads(name))), None)

    def version(self, name: AssetName, version: int) -> AssetVersion | None:
        """One version, whole; None if there is none."""
        if self._reader is not None:
            if found := self._reader.run(versions_of(name, version)):
                return found[0]
            if self._reader.run(heads(name)):
                return None
        return next((one for one in shipped_versions(name, self._shipped) if one.version == version), None)

    def versions(self, name: AssetName) -> list[AssetVersion]:
        """All versions of an asset, whole; none if there is no such asset."""
        found = self._reader.run(versions_of(name)) if self._reader is not None else []
        return found or list(shipped_versions(name, self._shipped))

    def log(self, name: AssetName) -> list[LogEntry]:
        """What was done with an asset. Empty where the file is of the schema before, which kept none."""
        if self._reader is None or not self._reader.run(_HAS_LOG):
            return []
        return self._reader.run(log_of(name))

    def uses(self, history: AssetHistory, version: int | None = None, limit: int = MOST_USES) -> list[AssetUse]:
        """The runs that used an asset, or one version of it, the newest first."""
        if self._reader is None:
            return []
        if not history.is_shipped:
            return self._reader.run(uses_of(history.name, version, limit))
        found: list[AssetUse] = []
        for one in history.versions:
            if version in (None, one.version):
                used = self._reader.run(uses_of_ref(one.ref, one.sha256, limit))
                found.extend(used)
        return sorted(found, key=lambda use: use.created_at_us, reverse=True)[:limit]

    def _shipped_heads(self, name: AssetName) -> list[VersionHead]:
        return [
            VersionHead(
                name,
                one.version,
                one.status,
                one.media_type,
                one.sha256,
                one.author,
                one.note,
                one.created_at_us,
                self._reader.run(_count_of_ref(one.ref, one.sha256)) if self._reader is not None else 0,
                is_shipped=True,
            )
            for one in shipped_versions(name, self._shipped)
        ]


def _grouped(found: Iterable[VersionHead]) -> list[AssetHistory]:
    by_name: dict[AssetName, list[VersionHead]] = {}
    for head in found:
        by_name.setdefault(head.name, []).append(head)
    return [AssetHistory(name, tuple(versions)) for name, versions in by_name.items()]
