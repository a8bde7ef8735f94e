"""Where the file of runs is, and the names of what lies beside it. Nothing is opened or made here."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


def default_path(env: Mapping[str, str]) -> Path:
    """`$OPSCOPE_DB`, else `opscope/opscope.db` in the user's state folder. Raises InputError where there is no home."""
    if chosen := env.get("OPSCOPE_DB"):
        return Path(chosen).expanduser().absolute()
    state = env.get("XDG_STATE_HOME", "")
    folder = Path(state) if state.startswith("/") else home_folder(env) / ".local" / "state"
    return folder / "opscope" / "opscope.db"


def home_folder(env: Mapping[str, str]) -> Path:
    """`$HOME`, else what the system knows of the user. Raises InputError where that is no absolute path."""
    home = env.get("HOME", "")
    if not home:
        with suppress(KeyError):  # a container may run as a number that nobody has
            home = pwd.getpwuid(os.getuid()).pw_dir
    if not home.startswith("/"):
        raise InputError(
            f"HOME is {home!r}, which is no absolute path" if home else "nobody says where your home folder is",
            hint="set HOME to the full path of your home folder",
        )
    return Path(home)


class Neighbours(NamedTuple):
    """The files that belong to a database, by name. `database` has its symbolic links resolved: locks must meet."""

    database: Path

    @classmethod
    def of(cls, path: Path) -> Neighbours:
        """The names for the database at `path`."""
        return cls(Path(os.path.realpath(path)))

    @property
    def write_lock(self) -> Path:
        """Held by whoever writes or checkpoints."""
        return self.database.with_name(self.database.name + ".write.lock")

    @property
    def wal(self) -> Path:
        """SQLite's write-ahead log."""
        return self.database.with_name(self.database.name + "-wal")

    @property
    def folder(self) -> Path:
        """What engines keep beside the file: their lock files, sockets and logs."""
        return self.database.with_name(self.database.name + ".d")

    @property
    def reserve(self) -> Path:
        """Room set aside for the day on which the disk is full."""
        return self.folder / "reserve"

    def engine_lock(self, engine_id: str) -> Path:
        """Held by an engine for as long as it lives."""
        return self.folder / f"engine-{engine_id}.lock"

    def engine_socket(self, engine_id: str) -> Path:
        """Where an engine can be spoken to while it lives."""
        return self.folder / f"engine-{engine_id}.sock"

    def host_log(self, run_id: str) -> Path:
        """What an engine host has to say that is not an event; there only if it said something."""
        return self.folder / f"host-{run_id}.log"
