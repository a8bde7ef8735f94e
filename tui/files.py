"""Files that are written for people: whole or not at all, and never over another one unasked. What stands in them is the caller's."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_BUFFER: Final = 64 * 1024


@contextmanager
def buffered(take: Callable[[bytes], object]) -> Iterator[Callable[[str], None]]:
    """Small pieces of text as large pieces of bytes."""
    pieces: list[str] = []
    held = 0

    def write(piece: str) -> None:
        nonlocal held
        pieces.append(piece)
        held += len(piece)
        if held >= _BUFFER:
            flush()

    def flush() -> None:
        nonlocal held
        take("".join(pieces).encode())
        pieces.clear()
        held = 0

    yield write
    flush()


@contextmanager
def whole_file(target: Path, *, replaces: bool = True) -> Iterator[Callable[[bytes], object]]:
    """A file, written beside its place and moved there; what is no regular file (`/dev/full`, a pipe) is written to as it is.

    Raises InputError for a folder, FileExistsError if something is there and it `replaces` nothing, OSError.
    """
    if target.is_dir():
        raise InputError("this is a folder", place=str(target), hint="name a file in it")
    if not replaces and os.path.lexists(target):
        raise FileExistsError(target)
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        with target.open("wb") as file:
            yield file.write
        return
    fresh = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file.write
        if replaces:
            fresh.replace(target)
        else:
            _put_in_place(fresh, target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def named_file(typed: str) -> Path:
    """The file that somebody has typed, whole, with `~` for a home."""
    from pathlib import Path

    try:
        return Path(typed).expanduser().absolute()
    except RuntimeError:  # a home that nobody has
        return Path(typed).absolute()


def write_text(target: Path, text: str, *, replaces: bool) -> None:
    """A text as a whole file. Raises InputError that says why it cannot be written, FileExistsError as `whole_file` does."""
    try:
        with whole_file(target, replaces=replaces) as take:
            take(text.encode("utf-8", "backslashreplace"))
    except FileExistsError:
        raise
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}", hint="choose another file") from error


def _put_in_place(fresh: Path, target: Path) -> None:
    try:
        os.link(fresh, target)  # unlike a move, this replaces nothing that came there meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        fresh.replace(target)
    else:
        fresh.unlink()
