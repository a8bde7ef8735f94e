"""Calling git, saying what it said, and refusing in one sentence. What is done with it lives in the other modules."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

OLDEST = (2, 17)
"""The first version that can remove a worktree."""

_QUIET = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.fsmonitor=false")
_VERSION = re.compile(rb"git version ([0-9]+)\.([0-9]+)")
_BATCH = 200
_ADVICE = ("hint:", "Not committing merge;")
_IN_PROGRESS = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or git am",
    "BISECT_LOG": "a bisect",
}


def refuse(message: str, *details: str) -> NoReturn:
    """End the step with this sentence as its cause; the details stand above it in the error stream."""
    for detail in details:
        sys.stderr.write(f"{detail}\n")
    raise SystemExit(message)


def say(text: str) -> None:
    """A line for the log of the step."""
    sys.stdout.write(f"{shown_text(text)}\n")
    sys.stdout.flush()


def shown(name: str) -> str:
    """A file's name as one readable word: quoted where it has spaces, quotes or anything that does not show."""
    text = shown_text(name)
    return (
        text
        if text.isprintable() and not re.search(r"[\s\"',\\]", text) and text
        else json.dumps(text, ensure_ascii=False)
    )


def shown_text(text: str) -> str:
    """Text that may come from a file's name, without what cannot be written as UTF-8."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def listed(names: list[str], most: int = 8) -> str:
    """`a.txt, "b c.txt" and 3 more`."""
    words = ", ".join(names[:most])
    return f"{words} and {len(names) - most} more" if len(names) > most else words


def counted(number: int, word: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def find_git() -> str:
    """Where git is and that it is new enough; refuses otherwise."""
    program = shutil.which("git")
    if program is None:
        refuse("git is not installed, or not on the PATH of this run")
    said = subprocess.run([program, "--version"], capture_output=True, stdin=subprocess.DEVNULL, check=False).stdout
    found = _VERSION.search(said)
    if found is None:
        refuse(f"{program} does not say that it is git")
    if (int(found[1]), int(found[2])) < OLDEST:
        refuse(f"git {int(found[1])}.{int(found[2])} is too old; {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return said.decode("utf-8", "replace").strip()


class Git:
    """A folder in which git is called. Nothing of it waits for a person."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def call(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        """Call git and see how it ended."""
        surroundings = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_MERGE_AUTOEDIT": "no"}
        return subprocess.run(
            ["git", *_QUIET, "-C", str(self.folder), *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={**surroundings, **(env or {})},
            check=False,
        )

    def bytes(self, *words: str) -> bytes:
        """What git printed; refuses with its own words if it failed."""
        done = self.call(*words)
        if done.returncode:
            fail(done, f"git {words[0]}")
        return done.stdout

    def text(self, *words: str) -> str:
        """The same as text, without the last line end."""
        return os.fsdecode(self.bytes(*words)).rstrip("\n")

    def ok(self, *words: str) -> bool:
        """True if git ended with 0."""
        return self.call(*words).returncode == 0

    def commit(self, name: str) -> str | None:
        """The commit of a full ref or an object name, None if there is none."""
        done = self.call("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return done.stdout.decode("ascii").strip() if done.returncode == 0 else None

    def is_ancestor(self, older: str, newer: str) -> bool:
        """True if `newer` has all that `older` has."""
        return self.ok("merge-base", "--is-ancestor", older, newer)

    def paths(self, *words: str) -> list[str]:
        """File names that git printed with NUL between them."""
        return [os.fsdecode(name) for name in self.bytes(*words).split(b"\0") if name]

    def in_batches(self, words: tuple[str, ...], names: list[str]) -> None:
        """Call git with many file names, taken as they are and not as patterns."""
        for start in range(0, len(names), _BATCH):
            done = self.call(*words, "--", *names[start : start + _BATCH], env={"GIT_LITERAL_PATHSPECS": "1"})
            if done.returncode:
                fail(done, f"git {words[0]}")


class Repository(Git):
    """A repository, by any folder of its tree. Refuses what is none."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        if not self.folder.is_dir():
            refuse(f"there is no folder {shown(folder)}; name the repository with -p repository=FOLDER")
        done = self.call("rev-parse", "--git-common-dir")
        if done.returncode:
            fail(done, f"{shown(str(self.folder.absolute()))} is no git repository")
        self.common = (self.folder / os.fsdecode(done.stdout.rstrip(b"\n"))).resolve()
        self.is_bare = self.text("rev-parse", "--is-bare-repository") == "true"
        if not self.is_bare and self.text("rev-parse", "--is-inside-work-tree") == "true":
            self.folder = Path(self.text("rev-parse", "--show-toplevel"))

    def trees(self) -> dict[str, Path]:
        """Which branch, by its full name, is checked out in which folder."""
        done = self.call("worktree", "list", "--porcelain", "-z")
        fields = done.stdout.split(b"\0")
        if (
            done.returncode
        ):  # a version that cannot put NULs there; then a folder with a line end in its name is not found
            fields = self.bytes("worktree", "list", "--porcelain").split(b"\n")
        found: dict[str, Path] = {}
        folder = b""
        for field in fields:
            if field.startswith(b"worktree "):
                folder = field[len(b"worktree ") :]
            elif field.startswith(b"branch ") and Path(os.fsdecode(folder)).is_dir():
                found[os.fsdecode(field[len(b"branch ") :])] = Path(os.fsdecode(folder))
        return found


def in_progress(tree: Git) -> str:
    """What somebody has begun in this tree and not ended, or nothing."""
    for name, what in _IN_PROGRESS.items():
        if (tree.folder / tree.text("rev-parse", "--git-path", name)).exists():
            return what
    return ""


def changed_files(tree: Git) -> list[str]:
    """Files that git knows and that are not as the last commit has them. New files that git does not know do not count."""
    found: list[str] = []
    fields = tree.paths("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=none")
    skip = False
    for field in fields:
        if not skip:
            found.append(field[3:])
        skip = not skip and "R" in field[:2]  # the next field is the old name
    return found


def fail(done: subprocess.CompletedProcess[bytes], what: str) -> NoReturn:
    """Refuse with what git said last."""
    said = os.fsdecode(done.stderr).splitlines() or os.fsdecode(done.stdout).splitlines()
    lines = [shown_text(line) for line in said if line.strip() and not line.startswith(_ADVICE)]
    telling = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "")
    refuse(f"{what}: {telling.partition(': ')[2] or telling or f'exit {done.returncode}'}", *lines[-20:])
