"""How long runs are kept and when the disk is worth a warning: rules and figures, pure but for asking. Removing is store.prune's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from store.amounts import readable
from store.location import Neighbours

if TYPE_CHECKING:
    from pathlib import Path

DAY_US: Final = 86_400_000_000
DEFAULT_AGE_US: Final = 30 * DAY_US
DEFAULT_SIZE_BYTES: Final = 2_000_000_000

_FULL_PERCENT: Final = 80
_LARGE_SHARE_PERCENT: Final = 20
_LARGE_LOG_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept: runs that ended no longer than `age_us` ago, as many of the newest as fit in `size_bytes`. None: no limit."""

    age_us: int | None = DEFAULT_AGE_US
    size_bytes: int | None = DEFAULT_SIZE_BYTES


DEFAULT_RETENTION: Final = Retention()


@dataclass(frozen=True, slots=True)
class DiskState:
    """The file system that the file is on, and the file's share of it, in bytes. `log_bytes` is the write-ahead log alone."""

    total_bytes: int
    free_bytes: int
    file_bytes: int
    log_bytes: int

    @property
    def used_percent(self) -> int:
        """Of the whole file system, rounded down; what only root may still use counts as used."""
        return 100 * (self.total_bytes - self.free_bytes) // self.total_bytes if self.total_bytes else 0


class DiskTrouble(Enum):
    """What is worth a warning."""

    NEARLY_FULL = "nearly_full"
    LARGE_FILE = "large_file"
    LARGE_SHARE = "large_share"
    LARGE_LOG = "large_log"


@dataclass(frozen=True, slots=True)
class DiskWarning:
    """One warning as a sentence, and what to do about it."""

    trouble: DiskTrouble
    message: str
    hint: str


def disk_state(database: Path) -> DiskState:
    """What the file system says now. Raises OSError. Nothing is opened."""
    neighbours = Neighbours.of(database)
    usage = shutil.disk_usage(neighbours.database.parent)
    return DiskState(usage.total, usage.free, _size(neighbours.database), _size(neighbours.wal))


def disk_warnings(state: DiskState, retention: Retention = DEFAULT_RETENTION) -> tuple[DiskWarning, ...]:
    """What is worth telling whoever looks at the runs; nothing on an ordinary day."""
    found: list[DiskWarning] = []
    whole = state.file_bytes + state.log_bytes
    prune = "opscope prune removes old runs; --dry-run says which"
    if state.used_percent >= _FULL_PERCENT:
        message = f"the disk is {state.used_percent}% full: runs pause when it is full"
        # Removing runs helps where they are what fills it; else the room has to be found elsewhere.
        is_ours = whole * 10 >= state.total_bytes - state.free_bytes
        found.append(DiskWarning(DiskTrouble.NEARLY_FULL, message, prune if is_ours else "make room on it"))
    if retention.size_bytes is not None and whole > retention.size_bytes:
        message = f"the file of runs has {readable(whole)}, more than the {readable(retention.size_bytes)} to be kept"
        found.append(DiskWarning(DiskTrouble.LARGE_FILE, message, prune))
    elif state.total_bytes and 100 * whole >= _LARGE_SHARE_PERCENT * state.total_bytes:
        share = 100 * whole // state.total_bytes
        found.append(DiskWarning(DiskTrouble.LARGE_SHARE, f"the file of runs takes {share}% of the disk", prune))
    if state.log_bytes > _LARGE_LOG_BYTES:
        message = f"the write-ahead log has grown to {readable(state.log_bytes)}: somebody keeps reading an old state"
        found.append(DiskWarning(DiskTrouble.LARGE_LOG, message, "close programs that have the file open"))
    return tuple(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
