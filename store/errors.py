"""What can be wrong with the file of runs, as types for callers that must tell them apart. All are StoreError: exit code 4."""

from __future__ import annotations

from engine.errors import StoreError


class NoDatabaseError(StoreError):
    """There is no file yet: nothing has been run with it."""


class ForeignDatabaseError(StoreError):
    """Something else is in its place: another program's database, or no database at all."""


class NewerDatabaseError(StoreError):
    """A newer version of this program wrote the file, or a word in it."""


class MigrationRefusedError(StoreError):
    """The file has an older schema, and an engine is alive that goes by it."""


class DamagedDatabaseError(StoreError):
    """The file is truncated or its structure is broken."""


class ReadOnlyDatabaseError(StoreError):
    """The place of the file cannot be written."""


class NetworkFileSystemError(StoreError):
    """The file would lie where locks and shared memory cannot be trusted."""


class BusyDatabaseError(StoreError):
    """Another process kept the file for longer than was worth waiting. Nothing of what was asked has been written."""


class MissingAssetError(StoreError):
    """A version of an asset that a run used is not in the file, as where only the run was imported."""


class DiskFullError(StoreError):
    """There is no room. Nothing of what was asked has been written; it may be tried again."""


class FencedError(StoreError):
    """The run belongs to another engine now, so this one may not write to it any more."""


class OwnedElsewhereError(StoreError):
    """The run cannot be taken over: engine `engine_id` owns it, in process `pid` (0 if it cannot be seen, None if it is dead)."""

    def __init__(self, cause: str, *, engine_id: str, pid: int | None, place: str = "", hint: str = "") -> None:
        super().__init__(cause, place=place, hint=hint)
        self.engine_id = engine_id
        self.pid = pid


class EngineAliveError(OwnedElsewhereError):
    """The engine that owns the run is alive."""


class TakeoverLostError(OwnedElsewhereError):
    """Somebody else has taken the run over since its owner was found dead."""


class RefusedEventError(StoreError):
    """The database refused an event of one run; other runs are not touched by it."""


class WriterBrokenError(StoreError):
    """The disk failed in the middle of a write: what is in the file is unknown, so nothing more is acknowledged."""


class WriterClosedError(StoreError):
    """The writer has been closed."""
