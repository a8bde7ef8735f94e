"""Calling a tool of a project and refusing in one sentence when it cannot be used. What its output means is not here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

_GRACE_SEC = 5.0
MOST_ROWS = 200
"""How many findings are kept one by one; all of them are counted."""


def refuse(message: str, *details: str) -> NoReturn:
    """End the step with this sentence as its cause; the details stand above it in the error stream."""
    for detail in details:
        sys.stderr.write(f"{detail}\n")
    raise SystemExit(message)


def say(text: str) -> None:
    """Text for the log of the step, in front of what a tool writes next."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def counted(number: int, word: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def listed(names: list[str], most: int = 8) -> str:
    """`a, b and 3 more`."""
    words = ", ".join(names[:most])
    return f"{words} and {len(names) - most} more" if len(names) > most else words


def scratch_folder(run_id: str) -> Path:
    """Where a run keeps what nobody needs afterwards."""
    return Path(tempfile.gettempdir()).absolute() / f"opscope-gate-{run_id}"


def quiet_environment(**more: str) -> dict[str, str]:
    """For a tool that is to leave nothing in the project."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **more}


def ask(argv: list[str], project: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Call a tool and have what it says, which goes to the log too."""
    say("$ " + " ".join(argv))
    try:
        done = subprocess.run(
            argv,
            cwd=project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            env=quiet_environment(**env),
            check=False,
        )
    except OSError as error:
        refuse(f"{argv[0]} cannot be started: {error.strerror}")
    sys.stderr.write(done.stderr)
    return done


def watch(argv: list[str], project: str, timeout_sec: float, **env: str) -> int:
    """Call a tool whose output goes straight to the log; its exit code."""
    say("$ " + " ".join(argv))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell without job control has what it starts in the background ignore Ctrl-C, and the tool would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(argv, cwd=project, stdin=subprocess.DEVNULL, env=quiet_environment(**env))
    except OSError as error:
        refuse(f"{argv[0]} cannot be started: {error.strerror}")
    try:
        return process.wait(timeout_sec)
    except subprocess.TimeoutExpired:
        _end(process)
        refuse(f"the tests did not end within {timeout_sec:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """As with Ctrl-C, on which pytest says where it is and clears up; what does not end by that is killed."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE_SEC)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def not_usable(name: str, done: subprocess.CompletedProcess[str]) -> NoReturn:
    """Refuse with what the tool said last."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    how = f"exit {done.returncode}" if done.returncode >= 0 else f"signal {-done.returncode}"
    refuse(f"{name} could not do its work ({how}): {lines[-1] if lines else 'it does not say why'}")
