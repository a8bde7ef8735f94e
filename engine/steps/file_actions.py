"""What a file step does, as work that blocks: copy, move, write, checksum. All or nothing. Time limits and outcomes are the runner's."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from engine.model.step_defs import FileAction
from engine.steps.file_copy import Copied, copy_file, copy_tree, sum_file, write_file
from engine.steps.file_draft import (
    PREFIX,
    FileError,
    discard,
    draft_path,
    give_name,
    rename_to_free,
    sweep,
    sync_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import JsonObject
    from engine.steps.blocking import Stopper


@dataclass(frozen=True, slots=True)
class FileRequest:
    """An action, ready to be done, with full paths. `mark` names drafts; `may_have_left` says that an attempt came before."""

    action: FileAction
    path: Path
    to: Path | None
    content: bytes
    overwrite: bool
    mode: int | None
    algorithm: str
    expect: str | None
    mark: str
    may_have_left: bool


@dataclass(frozen=True, slots=True)
class FileDone:
    """What has been done, as the data of the step, and counts."""

    data: JsonObject
    counts: dict[str, int]


def perform(request: FileRequest, stopper: Stopper) -> FileDone:
    """Do it. Raises FileError, and WorkStoppedError where nothing has been changed."""
    try:
        match request.action:
            case FileAction.CHECKSUM:
                copied = sum_file(request.path, request.algorithm, stopper)
                _check_sum(copied.checksum, request, request.path)
            case FileAction.WRITE:
                copied = _write(request, stopper)
            case FileAction.COPY:
                copied = _copy(request, _target(request), stopper)
            case FileAction.MOVE:
                copied = _move(request, _target(request), stopper)
            case _:
                assert_never(request.action)
    except OSError as error:
        raise FileError(error_words(error, request)) from None
    except ValueError:
        raise FileError("a path has a NUL character in it, which none can have; remove it") from None
    return _done(request, copied)


def _done(request: FileRequest, copied: Copied) -> FileDone:
    data: JsonObject = {"path": str(request.path)}
    if request.to is not None:
        data["to"] = str(request.to)
    data["bytes"] = copied.size
    counts = {"bytes": copied.size}
    if copied.checksum is not None:
        data[request.algorithm] = copied.checksum
    elif copied.files:
        data["files"] = counts["files"] = copied.files
    return FileDone(data, counts)


def _write(request: FileRequest, stopper: Stopper) -> Copied:
    checksum = hashlib.new(request.algorithm, request.content, usedforsecurity=False).hexdigest()
    _check_sum(checksum, request, request.path)
    with _drafted(request.path, request) as draft:
        write_file(draft, request.content, stopper, mode=request.mode)
        _publish(draft, request.path, request, stopper)
    return Copied(len(request.content), 1, checksum)


def _copy(request: FileRequest, target: Path, stopper: Stopper) -> Copied:
    if not request.path.is_dir():
        with _drafted(target, request) as draft:
            copied = copy_file(request.path, draft, request.algorithm, stopper, mode=request.mode)
            _check_sum(copied.checksum, request, request.path)
            _publish(draft, target, request, stopper)
        return copied
    _check_tree(request, target)
    with _drafted(target, request) as draft:
        copied = copy_tree(request.path, draft, request.algorithm, stopper)
        if request.mode is not None:
            draft.chmod(request.mode)
        _publish(draft, target, request, stopper)
    return copied


def _move(request: FileRequest, target: Path, stopper: Stopper) -> Copied:
    before = request.path.lstat()
    if stat.S_ISDIR(before.st_mode):
        _check_tree(request, target)
    _check_target(target, request)
    checksum = None
    if request.expect is not None:
        checksum = sum_file(request.path, request.algorithm, stopper).checksum
        _check_sum(checksum, request, request.path)
    try:
        with stopper.commit():
            if request.overwrite and not stat.S_ISDIR(before.st_mode):
                os.rename(request.path, target)  # noqa: PTH104 - replaces, which Path.rename only does on some systems
            else:
                rename_to_free(request.path, target)
            if request.mode is not None and not stat.S_ISLNK(before.st_mode):
                target.chmod(request.mode)
            sync_folder(target.parent)
            sync_folder(request.path.parent)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _move_across(request, target, before, stopper)
    return Copied(before.st_size if stat.S_ISREG(before.st_mode) else 0, 0, checksum)


def _move_across(request: FileRequest, target: Path, before: os.stat_result, stopper: Stopper) -> Copied:
    """To another disk: a copy takes the name there before anything is removed here."""
    with _drafted(target, request) as draft:
        if stat.S_ISLNK(before.st_mode):
            draft.symlink_to(os.readlink(request.path))  # noqa: PTH115 - as it stands, not cleaned up
            copied = Copied()
        elif stat.S_ISDIR(before.st_mode):
            copied = copy_tree(request.path, draft, request.algorithm, stopper)
        else:
            copied = copy_file(request.path, draft, request.algorithm, stopper, mode=request.mode)
        with stopper.commit():
            give_name(draft, target, overwrite=request.overwrite and not stat.S_ISDIR(before.st_mode))
            try:
                if stat.S_ISDIR(before.st_mode):
                    shutil.rmtree(request.path)
                else:
                    request.path.unlink()
            except OSError as error:
                raise FileError(
                    f"{target} is there now, but {error.filename or request.path} could not be removed: {error.strerror}; remove it"
                ) from None
            sync_folder(request.path.parent)
    return copied


@contextlib.contextmanager
def _drafted(target: Path, request: FileRequest) -> Iterator[Path]:
    """A place beside the target to make it in; gone afterwards, whatever happened."""
    _check_target(target, request)
    if request.may_have_left:
        sweep(target, request.mark)
    draft = draft_path(target, request.mark)
    try:
        yield draft
    finally:
        discard(draft)


def _publish(draft: Path, target: Path, request: FileRequest, stopper: Stopper) -> None:
    if request.overwrite:
        _take_over(draft, target, request.mode)
    with stopper.commit():
        give_name(draft, target, overwrite=request.overwrite)


def _take_over(draft: Path, target: Path, mode: int | None) -> None:
    """Give the draft the owner of the file that it replaces, and its permissions where the plan says none, as far as allowed."""
    with contextlib.suppress(OSError):
        before = target.lstat()
        if stat.S_ISREG(before.st_mode):
            with contextlib.suppress(PermissionError):
                os.chown(draft, before.st_uid, before.st_gid)
            draft.chmod(stat.S_IMODE(before.st_mode) if mode is None else mode)


def _check_target(target: Path, request: FileRequest) -> None:
    try:
        found = target.lstat()
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise FileError(f"there is no folder {target.parent}; create it first") from None
        return
    if stat.S_ISDIR(found.st_mode):
        raise FileError(f"{target} is a folder, which is never replaced; name the file in it, or remove it first")
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        raise FileError(f"{target} is a device, a pipe or a socket, which is never replaced; name another place")
    if not request.overwrite:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    if request.to is not None and os.path.samestat(request.path.lstat(), found):
        raise FileError(f"{request.path} and {target} are the same file; name another place")


def _check_tree(request: FileRequest, target: Path) -> None:
    if request.expect is not None:
        raise FileError(f"{request.path} is a folder, and only a file has a checksum; leave expect out")
    if os.path.lexists(target):
        raise FileError(
            f"{target} is there already, and a folder replaces nothing; name another place, or remove it first"
        )
    if target.parent.resolve().is_relative_to(request.path.resolve()):
        raise FileError(f"{target} is inside of {request.path}; name a place outside")


def _check_sum(found: str | None, request: FileRequest, path: Path) -> None:
    if request.expect is not None and found != request.expect.strip().lower():
        raise FileError(
            f"{path} has the {request.algorithm} {found}, expected {request.expect.strip()}; it is not the file that was meant"
        )


def _target(request: FileRequest) -> Path:
    if request.to is None:
        raise FileError(f"where to {request.action.value} it is missing; name it under to")
    return request.to


def error_words(error: OSError, request: FileRequest) -> str:
    """What the system refused, for a person."""
    place = Path(error.filename2 or error.filename or request.to or request.path)
    if place.name.startswith(PREFIX):
        place = place.parent
    folder = (request.to or request.path).parent
    match error.errno:
        case errno.ENOENT:
            return f"there is no {place}; correct the path"
        case errno.EEXIST:
            return f"{place} is there already; set overwrite: true if it is to be replaced"
        case errno.EACCES | errno.EPERM:
            return f"{place} may not be used so by this user; change its permissions, or those of its folder"
        case errno.ENOSPC | errno.EDQUOT:
            return f"the disk of {folder} is full; nothing was changed, so make room and try again"
        case errno.EROFS:
            return f"the disk of {folder} can only be read; name another place"
        case errno.EFBIG:
            return f"the file is too large for {folder}; nothing was changed"
        case errno.ENOTDIR | errno.ELOOP | errno.ENAMETOOLONG | errno.EISDIR:
            return f"{place} is no path that can be used: {error.strerror}; correct it"
        case _:
            return f"{place}: {error.strerror or error}"
