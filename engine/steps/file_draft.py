"""Files that appear whole under their name or not at all: made beside it, written through to the disk, then given the name."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = ".opscope-"
_NO_LINKS = frozenset([errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK])


class FileError(Exception):
    """The action failed; the text is a sentence for a person."""


def draft_path(target: Path, mark: str) -> Path:
    """A name beside the target that nothing else uses. `mark` is the step's, so that a later attempt finds what a crash left."""
    return target.parent / f"{PREFIX}{mark}-{secrets.token_hex(4)}"


def sweep(target: Path, mark: str) -> None:
    """Remove what an earlier attempt of the same step left beside the target when its engine was killed."""
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if entry.name.startswith(f"{PREFIX}{mark}-"):
                discard(target.parent / entry.name)


def discard(draft: Path) -> None:
    """Remove a draft, whatever it is and as far as it goes."""
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(draft.lstat().st_mode):
            for folder, _, _ in os.walk(draft):
                os.chmod(folder, 0o700)  # noqa: PTH101 - a text, as walk gives it
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink()


def create(path: Path, permissions: int) -> int:
    """A new file to write to; one that is there already, be it a link, is an error."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, permissions)


def give_name(draft: Path, target: Path, *, overwrite: bool) -> None:
    """Make the draft the target, in one step for whoever looks. A link at the target is replaced itself, not what it leads to.

    Raises FileExistsError if there is something and it is not to be replaced. To be called within a commit.
    """
    if overwrite:
        os.rename(draft, target)  # noqa: PTH104 - replaces, which Path.rename only does on some systems
    else:
        rename_to_free(draft, target)
    sync_folder(target.parent)


def rename_to_free(source: Path, target: Path) -> None:
    """Rename a file or a link to a name that is free. Raises FileExistsError if it is not, and OSError of EXDEV like rename."""
    if not stat.S_ISDIR(source.lstat().st_mode):
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            source.unlink()
            return
    # A folder, or a disk without hard links: there is no way to rename that refuses an existing name, so look first.
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    os.rename(source, target)  # noqa: PTH104 - replaces, which Path.rename only does on some systems


def sync_folder(folder: Path) -> None:
    """Write the names in a folder through to the disk, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
