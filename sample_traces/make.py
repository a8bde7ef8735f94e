"""Makes the sample traces: real runs of the shipped plans on a small host that exists only while this runs.

`python sample_traces/make.py [FOLDER]` (default: this folder). Linux with unprivileged user namespaces, or root. The host is a
root folder of its own with a name, a home, file systems and logs that are always the same, so that no trace tells of the
machine it was made on; memory, load and processes are as they were. What a run looks like is the engine's, what is written
the store's.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

HOST: Final = "app-13"
HOME: Final = "/home/operator"
PLANS: Final = "/opt/opscope/plans"
COPIED: Final = "/srv/plans"
OUTSIDE: Final = "/run/outside"
TOOLS: Final = ("awk", "cat", "cut", "df", "du", "find", "getconf", "grep", "head", "sed", "sh", "sort", "tr")
ENVIRONMENT: Final = {
    "HOME": HOME,
    "LANG": "C.UTF-8",
    "LOGNAME": "operator",
    "PATH": "/usr/bin:/bin",
    "SHELL": "/bin/sh",
    "TZ": "UTC",
    "USER": "operator",
}
LOGS: Final = {
    "/var/log/payments/payments-api.log": 29,
    "/var/log/payments/payments-api.log.1": 9,
    "/var/log/ledger/ledger-api.log": 4,
    "/var/log/auth.log": 1,
}
UNAME: Final = f"""\
#!/bin/sh
case $1 in -n) echo {HOST} ;; *) echo Linux 6.8.0-51-generic ;; esac
"""
MEGABYTE: Final = 1 << 20


class Sample(NamedTuple):
    """One run: the file it goes to, what is run where, when it says it was, and the exit code it must have."""

    file: str
    plan: str
    params: tuple[str, ...]
    at: datetime
    exit_code: int = 0


# A night on call. The third plan was copied away from the database it reads, which is how such copies fail.
SAMPLES: Final = (
    Sample("host-triage.json", f"{PLANS}/host_triage.yaml", (), datetime(2026, 1, 12, 3, 2, 11, tzinfo=UTC)),
    Sample("ci-lookup-app-13.json", f"{PLANS}/ci_lookup.yaml", (), datetime(2026, 1, 12, 3, 4, 27, tzinfo=UTC)),
    Sample(
        "ci-lookup-failed.json",
        f"{COPIED}/ci_lookup.yaml",
        ("host=db-03",),
        datetime(2026, 1, 12, 3, 6, 2, tzinfo=UTC),
        1,
    ),
    Sample(
        "ci-lookup-db-03.json", f"{PLANS}/ci_lookup.yaml", ("host=db-03",), datetime(2026, 1, 12, 3, 7, 40, tzinfo=UTC)
    ),
)


def main(words: list[str]) -> None:
    """Called three times: by a person, then in namespaces of its own, then in the root of the sample host."""
    here = Path(__file__).resolve()
    if words[:1] == ["--build"]:
        build_and_enter(Path(words[1]), Path(words[2]), here)
    elif words[:1] == ["--record"]:
        record(Path(words[1]))
    else:
        out = Path(words[0]).resolve() if words else here.parent
        with tempfile.TemporaryDirectory() as root:
            apart = ["unshare", "--map-root-user", "--mount", "--uts", "--pid", "--fork"]
            subprocess.run([*apart, sys.executable, str(here), "--build", root, str(out)], check=True)


def build_and_enter(root: Path, out: Path, here: Path) -> None:
    """Make the host in the empty folder `root`, then run this program again inside it."""
    socket.sethostname(HOST)
    mount("-t", "tmpfs", "-o", "size=96m", "/dev/vda1", str(root))
    for folder in ("dev", "etc", "proc", "tmp", "var/log", "run/outside", HOME[1:], PLANS[1:], COPIED[1:]):
        (root / folder).mkdir(parents=True)
    mount("-t", "tmpfs", "-o", "size=48m", "/dev/vdb1", str(root / "var/log"))
    mount("-t", "proc", "proc", str(root / "proc"))
    (root / "dev/null").touch()
    mount("--bind", "/dev/null", str(root / "dev/null"))
    mount("--rbind", "/", str(root / OUTSIDE[1:]))
    (root / "etc/os-release").write_text('PRETTY_NAME="Ubuntu 24.04.1 LTS"\n')
    (root / "etc/passwd").write_text(f"operator:x:0:0:Operator:{HOME}:/bin/sh\n")
    for name, megabytes in LOGS.items():
        path = root / name[1:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0" * megabytes * MEGABYTE)
    shipped = here.parents[1] / "engine" / "shipped"
    for name in ("ci_lookup.yaml", "host_triage.yaml", "inventory.db"):
        shutil.copyfile(shipped / name, root / PLANS[1:] / name)
    shutil.copyfile(shipped / "ci_lookup.yaml", root / COPIED[1:] / "ci_lookup.yaml")
    for tool in TOOLS:
        copy_tool(tool, root)
    (root / "usr/bin/uname").write_text(UNAME)
    (root / "usr/bin/uname").chmod(0o755)
    (root / "bin").symlink_to("usr/bin")
    enter(root, out, here)


def enter(root: Path, out: Path, here: Path) -> None:
    """Run this program in the root of the host, with the interpreter and the packages of the machine outside."""
    seen = [
        OUTSIDE + str(Path(name).resolve()) for name in (str(here.parents[1]), *sys.path[1:]) if Path(name).is_dir()
    ]
    environment = {
        **ENVIRONMENT,
        "LD_LIBRARY_PATH": ":".join(OUTSIDE + folder for folder in library_folders()),
        "PYTHONPATH": ":".join(seen),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # Not through a shim or a virtual environment, whose links lead out of the root.
    interpreter = OUTSIDE + str(Path(sys.executable).resolve())
    os.chroot(root)
    os.chdir("/")
    os.execve(interpreter, [interpreter, OUTSIDE + str(here), "--record", OUTSIDE + str(out)], environment)  # noqa: S606


def mount(*arguments: str) -> None:
    """Mount something; only the namespace of this process sees it."""
    subprocess.run(["mount", *arguments], check=True)


def copy_tool(name: str, root: Path) -> None:
    """Copy a program and the libraries it needs to the same places under `root`."""
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed here, and the plans need it")
    target = root / "usr/bin" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(found).resolve(), target)
    listed = subprocess.run(["ldd", found], capture_output=True, text=True, check=False).stdout
    for word in listed.split():
        library = root / word[1:]
        if word.startswith("/") and not library.exists():
            library.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(word, library)


def library_folders() -> list[str]:
    """Where this machine keeps shared libraries."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    places = [line.rpartition(" => ")[2] for line in listed.splitlines() if " => " in line]
    return list(dict.fromkeys(str(Path(place).parent) for place in places))


def record(out: Path) -> None:
    """In the host: run every sample as an operator would, and export it."""
    from engine.pipeline.clock import SystemClock
    from store import queries
    from store.exchange.exporting import export_run, snapshot
    from tui.commands import main as opscope

    # The program sees only what the operator's shell would give it.
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    os.chdir(HOME)
    database = Path(HOME, "runs.db")
    for sample in SAMPLES:
        shift_us = time.time_ns() // 1000 - round(sample.at.timestamp() * 1_000_000)
        SystemClock.now_us = lambda _self, by=shift_us: time.time_ns() // 1000 - by  # type: ignore[method-assign,misc]
        params = [word for param in sample.params for word in ("-p", param)]
        code = opscope(["--db", str(database), "run", "--quiet", "--no-ui", sample.plan, *params])
        if code != sample.exit_code:
            raise SystemExit(f"{sample.file}: the run ended with {code}, not {sample.exit_code}")
        with snapshot(database) as reader, Path(out, sample.file).open("w", encoding="utf-8") as file:
            run = reader.run(queries.last_run())
            assert run is not None
            export_run(reader, run.run_id, file.write)


if __name__ == "__main__":
    main(sys.argv[1:])
