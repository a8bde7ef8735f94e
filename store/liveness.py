"""Whether an engine is alive: it is exactly as long as somebody holds its lock file. Asking takes nothing and needs no write access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import StoreError
from store.location import Neighbours
from store.posix_locks import holder_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def is_engine_alive(path: Path, engine_id: str) -> bool:
    """True while a process, this one included, holds the lock of `engine_id` beside the database at `path`."""
    return _is_held(Neighbours.of(path), engine_id)


def lost_engines(path: Path, engine_ids: Iterable[str]) -> frozenset[str]:
    """Those of `engine_ids` that are dead."""
    neighbours = Neighbours.of(path)
    return frozenset(engine_id for engine_id in set(engine_ids) if not _is_held(neighbours, engine_id))


def engine_pid(path: Path, engine_id: str) -> int | None:
    """The process of a living engine, 0 if it cannot be named from here; None if the engine is dead."""
    return _holder(Neighbours.of(path), engine_id)


def _is_held(neighbours: Neighbours, engine_id: str) -> bool:
    return _holder(neighbours, engine_id) is not None


def _holder(neighbours: Neighbours, engine_id: str) -> int | None:
    lock_path = neighbours.engine_lock(engine_id)
    try:
        return holder_of(lock_path)
    except OSError as error:
        raise StoreError(
            f"cannot ask whether engine {engine_id} is alive: {error.strerror}",
            place=str(lock_path),
            hint="look as the user who started the run, or as root",
        ) from error
