"""Merge and gates: both in a throw-away tree, so that nobody's own tree is ever half merged."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from .git import Git, Repository, counted, fail, listed, refuse, say, shown
from .hold import run_refs

_LAST_WORDS_SEC = 1.0
_MOST_CAUSE = 150
_MOST_COMMAND = 40
_CONFLICTS = {
    "DD": "deleted by both",
    "AU": "added here",
    "UD": "changed here, deleted there",
    "UA": "added there",
    "DU": "deleted here, changed there",
    "AA": "added by both, differently",
    "UU": "changed by both",
}


def scratch_folder(run_id: str, scratch: str | None) -> Path:
    """Where the throw-away tree of a run is."""
    return Path(scratch or tempfile.gettempdir()).absolute() / f"opscope-merge-{run_id}"


def merge(
    repository: str,
    run_id: str,
    scratch: str | None,
    base: str,
    source: str,
    source_name: str,
    target: str,
    message: str | None,
) -> dict[str, Any]:
    """Make the merge commit in a tree of its own. Safe to repeat: what an earlier try left is thrown away."""
    repo = Repository(repository)
    folder = scratch_folder(run_id, scratch)
    remove_tree(repo, folder)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        refuse(
            f"there can be no throw-away tree in {shown(str(folder.parent))}: {error.strerror}; name another folder with -p scratch=FOLDER"
        )
    tree = Git(folder / "tree")
    done = repo.call("worktree", "add", "--detach", str(tree.folder), base)
    if done.returncode:
        fail(done, "the target cannot be checked out into a throw-away tree")
    words = message or f"Merge branch '{source_name}' into {target}"
    done = tree.call("merge", "--no-ff", "--no-edit", "-m", words, source)
    if done.returncode:
        _refuse_conflicts(tree, source_name, target)
        fail(done, f"{shown(source_name)} cannot be merged into {shown(target)}")
    commit = tree.text("rev-parse", "HEAD")
    repo.bytes("update-ref", f"{run_refs(run_id)}/merged", commit)
    files = len(tree.paths("diff", "--name-only", "-z", base, commit))
    say(f"merged as {commit[:12]}: {counted(files, 'file')}")
    return {"tree": str(tree.folder), "commit": commit, "files": files}


def run_gate(argv: list[str], tree: str, timeout_sec: float) -> dict[str, Any]:
    """Run one gate in the merged tree; what it writes goes to the log."""
    whole = " ".join(shown(word) for word in argv)
    shown_argv = whole if len(whole) <= _MOST_COMMAND else f"{whole[:_MOST_COMMAND]}…"
    if not Path(tree).is_dir():
        refuse(f"the merged tree {shown(tree)} is gone; run the plan again")
    began = time.monotonic()
    try:
        process = subprocess.Popen(argv, cwd=tree, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        refuse(f"the gate {shown_argv} cannot be started: {error.strerror}")
    last = _PassedOn(process)
    try:
        code = process.wait(timeout_sec)
    except subprocess.TimeoutExpired:
        process.kill()
        refuse(f"the gate {shown_argv} did not end within {timeout_sec:g} s; nothing was merged")
    if code:
        words = last.line()
        refuse(f"the gate {shown_argv} failed: {_ending(code)}{f': {words}' if words else ''}; nothing was merged")
    return {"command": whole, "result": "passed", "seconds": round(time.monotonic() - began, 1)}


class _PassedOn:
    """The error stream of a process: goes on to the log at once, and its last line is kept for the cause."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        self._source = process.stderr.fileno()
        self._tail = b""
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def line(self) -> str:
        """The last line that says something. What the process has left behind may hold the stream open: it is not waited for long."""
        self._thread.join(_LAST_WORDS_SEC)
        if self._tail[-1:] not in (b"", b"\n"):
            sys.stderr.write("\n")
        lines = [line.strip() for line in self._tail.decode("utf-8", "backslashreplace").splitlines()]
        line = next((line for line in reversed(lines) if line), "")
        return line if len(line) <= _MOST_CAUSE else f"{line[:_MOST_CAUSE]}…"

    def _pass_on(self) -> None:
        while True:
            piece = os.read(self._source, 65536)
            if not piece:
                return
            sys.stderr.buffer.write(piece)
            sys.stderr.flush()
            self._tail = (self._tail + piece)[-4096:]


def remove_tree(repo: Repository, folder: Path) -> bool:
    """Throw the tree away. Refuses to touch a folder of somebody else's."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        repo.bytes("worktree", "prune")
        return False
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        refuse(f"{shown(str(folder))} is somebody else's; remove it or name another folder with -p scratch=FOLDER")
    try:
        shutil.rmtree(folder)
    except PermissionError:  # a gate has made folders read-only
        for inside, _, _ in os.walk(folder):
            Path(inside).chmod(0o700)
        shutil.rmtree(folder)
    repo.bytes("worktree", "prune")
    return True


def _refuse_conflicts(tree: Git, source: str, target: str) -> None:
    """End the step with the names of the files, if there are conflicts."""
    found: dict[str, str] = {}
    for field in tree.paths("status", "--porcelain=v2", "-z", "--untracked-files=no"):
        if field.startswith("u "):
            parts = field.split(" ", 10)
            found[shown(parts[10])] = _CONFLICTS.get(parts[1], "in conflict")
    if found:
        details = [f"conflict: {name} ({how})" for name, how in found.items()]
        words = f"{source} and {target} conflict in {counted(len(found), 'file')}"
        refuse(f"{words}: {listed(list(found))}", *details[:200])


def _ending(code: int) -> str:
    return f"exit {code}" if code > 0 else f"signal {-code}"
