"""Which kind of file system a path lies on, and which kinds a database must not lie on. Linux only, and only asked, never written."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Final

from store.errors import NetworkFileSystemError

FUSE_MAGIC: Final = 0x65735546

# From linux/magic.h and the file systems' own headers. On all of them locks or shared memory of another machine,
# or of another process, cannot be trusted.
NETWORK_FILE_SYSTEMS: Final[dict[int, str]] = {
    0x00006969: "NFS",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x0000517B: "SMB",
    0x01021997: "9p",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x01161970: "GFS2",
    0x7461636F: "OCFS2",
    0x73757245: "Coda",
    0x0000564C: "NCP",
    0x786F4256: "a VirtualBox shared folder",
    FUSE_MAGIC: "FUSE",
}

# The one FUSE file system that is local through and through: the root of rootless containers on older kernels.
_LOCAL_FUSE: Final = frozenset(["fuse.fuse-overlayfs"])


def file_system_magic(path: Path) -> int:
    """The type that statfs reports for `path`, as in linux/magic.h. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    answer = (ctypes.c_long * 32)()  # struct statfs is 120 bytes on 64-bit Linux; its first word is f_type
    if libc.statfs(os.fsencode(path), ctypes.byref(answer)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return int(answer[0]) & 0xFFFFFFFF


def mounted_type(path: Path, mountinfo: str) -> str:
    """The file system's name for `path` in the text of /proc/self/mountinfo (`fuse.sshfs`), or nothing if it is not there."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if before.split(" ")[2:3] == [wanted]:
            return after.split(" ")[0]
    return ""


def refuse_network(magic: int, mounted_as: str, place: Path) -> None:
    """Raise NetworkFileSystemError if a database must not lie on such a file system."""
    name = NETWORK_FILE_SYSTEMS.get(magic)
    if name is None or mounted_as in _LOCAL_FUSE:
        return
    shown = f"{name} ({mounted_as})" if mounted_as and magic == FUSE_MAGIC else name
    raise NetworkFileSystemError(
        f"the folder is on {shown}, where a database that several processes use would break",
        place=str(place),
        hint="choose a folder on a local disk with --db or OPSCOPE_DB",
    )


def require_local(folder: Path, place: Path) -> None:
    """Raise NetworkFileSystemError if `folder` is not on a local file system; `place` is named in the message."""
    magic = file_system_magic(folder)
    if magic not in NETWORK_FILE_SYSTEMS:
        return
    mountinfo = Path("/proc/self/mountinfo")
    mounted_as = mounted_type(folder, mountinfo.read_text(errors="replace")) if mountinfo.exists() else ""
    refuse_network(magic, mounted_as, place)
