"""Starting one process in a session of its own, or saying in plain words why not. Following it is the supervisor's."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SpawnError(Exception):
    """The process was not started; the text says why and what to do."""


@dataclass(slots=True)
class SpawnedProcess:
    """A running process and the ends of its pipes that are read, both non-blocking. Who has it closes and reaps it."""

    handle: subprocess.Popen[bytes]
    stdout: int
    stderr: int

    @property
    def pid(self) -> int:
        """Its pid, which is also the number of its session and its group."""
        return self.handle.pid


def spawn(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    plan_folder: Path,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> SpawnedProcess:
    """Start `argv` with exactly this environment and nothing on its input, or the descriptor `stdin`. Raises SpawnError.

    The process inherits the descriptors `pass_fds` under their own numbers, and no others. A program named with a slash
    is a file, relative to the plan's folder; any other is looked up on the PATH of `environment`. The call blocks
    until the program runs or is known not to, which takes about a millisecond.
    """
    _refuse_nul(argv, cwd, environment)
    program = str(plan_folder / argv[0]) if "/" in argv[0] else argv[0]
    pipes: list[int] = []
    try:
        for _ in range(2):
            pipes += os.pipe2(os.O_CLOEXEC)
        handle = subprocess.Popen(
            [program, *argv[1:]],
            stdin=stdin,
            stdout=pipes[1],
            stderr=pipes[3],
            cwd=cwd,
            env=environment,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    except (OSError, ValueError) as error:
        _close(pipes)
        raise SpawnError(_explain(error, program, argv, cwd, environment)) from None
    _close([pipes[1], pipes[3]])
    os.set_blocking(pipes[0], False)
    os.set_blocking(pipes[2], False)
    return SpawnedProcess(handle, pipes[0], pipes[2])


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _refuse_nul(argv: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> None:
    for index, argument in enumerate(argv):
        if "\0" in argument:
            where = "the command" if index == 0 else f"argument {index}"
            raise SpawnError(f"{where} has a NUL character in it, which no program can be given; remove it")
    if "\0" in str(cwd):
        raise SpawnError("cwd has a NUL character in it; remove it")
    for name, value in environment.items():
        if not name or "=" in name or "\0" in name:
            raise SpawnError(f"{name!r} cannot be the name of an environment variable; rename it")
        if "\0" in value:
            raise SpawnError(f"the environment variable {name} has a NUL character in it; remove it")


def _explain(
    error: OSError | ValueError,
    program: str,
    argv: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
) -> str:
    if isinstance(error, ValueError):
        return (
            f"cannot start {argv[0]!r}: an argument or variable cannot be encoded for this system; remove the character"
        )
    problem = _explain_folder(cwd)
    if problem:
        return problem
    shown = f"cannot start {argv[0]!r}"
    match error.errno:
        case errno.E2BIG:
            size = sum(len(os.fsencode(text)) + 1 for text in [*argv, *environment, *environment.values()])
            return (
                f"{shown}: its arguments and environment are too long for this system ({size // 1024} KiB); "
                "hand the data over in a file"
            )
        case errno.EAGAIN:
            return (
                f"{shown}: the system allows no more processes now; raise the limit (ulimit -u) or run fewer at a time"
            )
        case errno.ENOMEM:
            return f"{shown}: the system has no memory for another process; run fewer at a time"
        case errno.EMFILE | errno.ENFILE:
            return f"{shown}: too many files are open; raise the limit (ulimit -n) or run fewer steps at a time"
        case (
            errno.ENOENT | errno.EACCES | errno.ENOTDIR | errno.EPERM | errno.ENOEXEC | errno.ELOOP | errno.ENAMETOOLONG
        ):
            return f"{shown}: {_explain_program(error, program, argv[0], cwd, environment)}"
        case _:
            return f"{shown}: {error.strerror or 'the system refused'}"


def _explain_folder(cwd: Path) -> str:
    try:
        mode = cwd.stat().st_mode
    except FileNotFoundError:
        return f"the step's folder {cwd} is not there; create it or correct cwd"
    except OSError as error:
        return f"the step's folder {cwd} cannot be used: {error.strerror}; correct cwd or its permissions"
    if not stat.S_ISDIR(mode):
        return f"the step's folder {cwd} is not a folder; correct cwd"
    if not os.access(cwd, os.X_OK):
        return f"the step's folder {cwd} may not be entered by this user; change its permissions"
    return ""


def _explain_program(error: OSError, program: str, name: str, cwd: Path, environment: Mapping[str, str]) -> str:
    path = _found(program, environment)
    if path is None:
        if "/" not in name:
            searched = environment.get("PATH")
            where = (
                f"on the step's PATH ({searched})" if searched else "in the system's folders, and the step has no PATH"
            )
            return f"there is no such program {where}; install it or name its full path"
        elsewhere = f"; there is one in {cwd}, so name its full path" if _exists(cwd / name) else ""
        return f"there is no file {program}{elsewhere or '; a relative path is looked up in the folder of the plan'}"
    if path.is_dir():
        return f"{path} is a folder; name the program in it"
    if not os.access(path, os.X_OK):
        return f"{path} is not executable; make it so with chmod +x, or name its interpreter as the command"
    return _explain_file(error, path)


def _explain_file(error: OSError, path: Path) -> str:
    try:
        with path.open("rb") as file:
            first = file.readline(256)
    except OSError:
        first = b""
    interpreter = first[2:].decode("utf-8", "replace").strip() if first.startswith(b"#!") else ""
    if interpreter and error.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR):
        return f"the interpreter in the first line of {path} cannot be run: {interpreter!r}; correct that line"
    if error.errno == errno.ENOEXEC:
        return f"{path} is no program for this system; a script needs a first line such as #!/bin/sh"
    return f"{path}: {error.strerror}"


def _found(program: str, environment: Mapping[str, str]) -> Path | None:
    if "/" in program:
        path = Path(program)
        return path if _exists(path) else None
    candidates = [Path(folder) / program for folder in os.get_exec_path(environment)]
    present = [path for path in candidates if _exists(path)]
    # What could have been run comes first, since that is what the system failed on last.
    runnable = [path for path in present if not path.is_dir() and os.access(path, os.X_OK)]
    return next(iter([*runnable, *present]), None)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
