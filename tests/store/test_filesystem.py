"""Which file systems are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ExitCode
from store.errors import NetworkFileSystemError
from store.filesystem import FUSE_MAGIC, file_system_magic, mounted_type, refuse_network, require_local

MOUNTINFO = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /mnt/files rw,nosuid - fuse.sshfs host:/files rw,user_id=0
"""


@pytest.mark.parametrize("magic", [0x6969, 0xFF534D42, 0xFE534D42, 0x01021997, FUSE_MAGIC])
def test_network_file_systems_are_refused_with_a_hint(magic: int) -> None:
    with pytest.raises(NetworkFileSystemError) as caught:
        refuse_network(magic, "", Path("/mnt/runs.db"))
    assert caught.value.place == "/mnt/runs.db"
    assert "--db" in caught.value.hint
    assert caught.value.exit_code is ExitCode.INFRASTRUCTURE


def test_the_kind_of_fuse_is_named() -> None:
    with pytest.raises(NetworkFileSystemError, match=r"fuse\.sshfs"):
        refuse_network(FUSE_MAGIC, "fuse.sshfs", Path("/mnt/runs.db"))


def test_a_local_fuse_is_taken() -> None:
    refuse_network(FUSE_MAGIC, "fuse.fuse-overlayfs", Path("/runs.db"))


@pytest.mark.parametrize("magic", [0xEF53, 0x01021994, 0x58465342, 0x9123683E])
def test_local_file_systems_are_taken(magic: int) -> None:
    refuse_network(magic, "", Path("/runs.db"))


def test_statfs_answers_with_the_kernels_own_numbers() -> None:
    assert file_system_magic(Path("/proc")) == 0x9FA0
    assert file_system_magic(Path("/sys")) == 0x62656572


def test_what_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_system_magic(tmp_path / "nothing")


def test_this_machines_temporary_folder_is_taken(tmp_path: Path) -> None:
    require_local(tmp_path, tmp_path / "runs.db")


def test_a_mount_is_found_by_its_device(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    line = f"40 22 {device >> 8 & 0xFFF}:{device & 0xFF} / / rw - xfs /dev/x rw\n"
    assert mounted_type(tmp_path, line) == "xfs"
    assert mounted_type(tmp_path, "1 1 999:999 / / rw - nfs x rw\n") == ""
