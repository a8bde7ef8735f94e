"""The checks of `opscope doctor`, each one question with its answer. Nothing is printed and nothing is changed here."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import InputError, StoreError
from tui.commands.checks import Check, State
from tui.commands.terminal_checks import terminal_checks
from tui.viewmodel.words import plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tui.commands.context import Context

_OLDEST_SQLITE: Final = (3, 34, 0)
_LITTLE_ROOM: Final = 200_000_000
_FIXED_SQLITE: Final = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""The releases, one a branch, that mend the corruption by a checkpoint that meets a commit."""


def checkup(context: Context) -> list[Check]:
    """Every check, in the order in which they are read."""
    return [
        python_check(),
        sqlite_check(sqlite3.sqlite_version_info),
        textual_check(),
        *terminal_checks(context),
        configuration_check(context.env),
        *_known_database_checks(context),
        *session_checks(context.env),
    ]


def _known_database_checks(context: Context) -> Iterator[Check]:
    try:
        path = context.database
    except InputError:
        yield Check("database", State.NOTE, "which one it is cannot be told before the configuration is right")
        return
    yield from database_checks(path)


def python_check() -> Check:
    """The interpreter."""
    return Check("python", State.OK, f"{platform.python_version()} at {sys.executable}")


def sqlite_check(version: tuple[int, ...]) -> Check:
    """SQLite, and whether it has the fix for the corruption by a checkpoint that meets a commit."""
    shown = ".".join(map(str, version))
    if version < _OLDEST_SQLITE:
        return Check("sqlite", State.FAILED, shown, "opscope needs SQLite 3.34 or later")
    if has_wal_fix(version):
        return Check("sqlite", State.OK, shown)
    return Check(
        "sqlite",
        State.NOTE,
        f"{shown}, without the fix for a checkpoint that meets a commit",
        "opscope keeps the two apart with its write lock; do not write to its file with other programs",
    )


def has_wal_fix(version: tuple[int, ...]) -> bool:
    """True for 3.51.3 and later, and for the releases of older branches that have the fix too."""
    return version >= _FIXED_SQLITE[0] or any(
        version[:2] == fixed[:2] and version >= fixed for fixed in _FIXED_SQLITE[1:]
    )


def textual_check() -> Check:
    """The library of the screens, by its package alone: it is not imported for this."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Check("textual", State.OK, version("textual"))
    except PackageNotFoundError:
        return Check("textual", State.WARNING, "not installed", "the inspector needs it; the other commands do not")


def database_checks(database: Path) -> Iterator[Check]:
    """The file of runs: is it ours, can it be used, is there room."""
    from store.database import require_usable

    folder = _existing_parent(database)
    try:
        there = require_usable(database.resolve())
    except StoreError as error:
        yield Check("database", State.FAILED, f"{database}: {error.cause}", error.hint)
        there = False
    else:
        if there:
            yield Check("database", State.OK, f"{database} ({size(database.stat().st_size)})")
        else:
            yield Check("database", State.NOTE, f"{database} is not there yet", "the first run makes it")
    if there:
        yield _permissions(database)
    if not os.access(database if there else folder, os.W_OK):
        yield Check(
            "writable", State.FAILED, f"{database if there else folder} cannot be written", "use --db or OPSCOPE_DB"
        )
    yield _place(folder)
    yield _room(folder)
    if there:
        yield from _share(database)
        yield _engines(database)


def _existing_parent(database: Path) -> Path:
    folder = database.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _permissions(database: Path) -> Check:
    mode = stat.S_IMODE(database.stat().st_mode)
    if mode & 0o077:
        return Check(
            "permissions",
            State.WARNING,
            f"{mode:04o}: others on this host can read or change what runs recorded",
            f"chmod 600 {database}",
        )
    return Check("permissions", State.OK, f"{mode:04o}")


def _place(folder: Path) -> Check:
    from store.filesystem import mounted_type, require_local

    try:
        require_local(folder, folder)
        mountinfo = Path("/proc/self/mountinfo")
        kind = mounted_type(folder, mountinfo.read_text(errors="replace")) if mountinfo.exists() else ""
    except StoreError as error:
        return Check("file system", State.FAILED, error.cause, error.hint)
    except OSError as error:
        return Check("file system", State.WARNING, f"cannot be told: {error.strerror}")
    if kind in ("tmpfs", "ramfs"):
        return Check("file system", State.WARNING, kind, "runs are gone after a reboot")
    return Check("file system", State.OK, kind or "local")


def _room(folder: Path) -> Check:
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Check("free space", State.WARNING, f"cannot be told: {error.strerror}")
    used = 100 * (usage.total - usage.free) // usage.total if usage.total else 0
    shown = f"{size(usage.free)} free of {size(usage.total)}"
    if usage.free < _LITTLE_ROOM:
        return Check("free space", State.WARNING, shown, "a run pauses when the disk is full; make room")
    if used >= 80:
        return Check("free space", State.WARNING, f"{shown}, {used}% used", "make room before it is needed")
    return Check("free space", State.OK, shown)


def _share(database: Path) -> Iterator[Check]:
    """What of the disk the file of runs itself takes, where that is worth a word; how full the disk is stands above."""
    from store.retention import DiskTrouble, disk_state, disk_warnings

    for warning in disk_warnings(disk_state(database)):
        if warning.trouble is not DiskTrouble.NEARLY_FULL:
            yield Check("size", State.WARNING, warning.message, warning.hint)


def _engines(database: Path) -> Check:
    from store.liveness import lost_engines
    from store.location import Neighbours

    try:
        names = [path.name for path in Neighbours.of(database).folder.glob("engine-*.lock")]
        ids = {name.removeprefix("engine-").removesuffix(".lock") for name in names}
        alive = len(ids) - len(lost_engines(database, ids))
    except (StoreError, OSError) as error:
        return Check("engines", State.WARNING, f"cannot be told: {error}")
    return Check("engines", State.OK, f"{plural(alive, 'engine')} alive")


def configuration_check(env: Mapping[str, str]) -> Check:
    """Whether the configuration can be used; where there is no file there is nothing to be wrong."""
    from tui.configuration_path import configuration_path

    path = configuration_path(env)
    if not env.get("OPSCOPE_CONFIG") and not path.exists():
        return Check("configuration", State.OK, "the defaults")
    from tui.configuration import ConfigurationError, load_configuration

    try:
        load_configuration(env)
    except InputError as error:
        finding = str(error) if isinstance(error, ConfigurationError) else f"{error.place}: {error.cause}"
        return Check("configuration", State.FAILED, finding, error.hint)
    return Check("configuration", State.OK, str(path))


def session_checks(env: Mapping[str, str]) -> Iterator[Check]:
    """Whether logging out ends what this session started."""
    if not Path("/run/systemd/system").is_dir():
        yield Check("logout", State.NOTE, "no systemd here; a logout kills nothing by itself")
        return
    if not kills_user_processes(_logind_texts()):
        yield Check("logout", State.OK, "processes live on after a logout")
        return
    user = env.get("USER") or env.get("LOGNAME") or str(os.getuid())
    if Path("/var/lib/systemd/linger", user).exists():
        yield Check("logout", State.OK, "KillUserProcesses=yes, but lingering is enabled for you")
        return
    yield Check(
        "logout",
        State.WARNING,
        "KillUserProcesses=yes: a logout kills what the session started, runs too",
        f"loginctl enable-linger {user}",
    )


def _logind_texts() -> Iterator[str]:
    """logind's settings, the later ones win: the file of each folder, then what is dropped in beside it, by name."""
    folders = [Path("/usr/lib/systemd"), Path("/run/systemd"), Path("/etc/systemd")]
    dropped = {path.name: path for folder in folders for path in folder.glob("logind.conf.d/*.conf")}
    for path in [*(folder / "logind.conf" for folder in folders), *(dropped[name] for name in sorted(dropped))]:
        try:
            yield path.read_text(errors="replace")
        except OSError:  # not there, or not for us to read
            continue


def kills_user_processes(texts: Iterator[str] | list[str]) -> bool:
    """What logind's settings, in the order in which they are read, say of KillUserProcesses; its own default is no."""
    kills = False
    for text in texts:
        for line in text.splitlines():
            name, equals, value = line.strip().partition("=")
            if equals and name.strip() == "KillUserProcesses":
                kills = value.strip().lower() in ("yes", "true", "1", "on")
    return kills
