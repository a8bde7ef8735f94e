"""Putting a branch and its tree back to exactly what they were, whatever a killed git has left of them."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from .git import Git, Repository, changed_files, counted, listed, refuse, say, shown

_LOCK_PATIENCE_SEC = 5.0


def put_back_tree(repo: Repository, tree: Git, name: str, before: str, merged: str) -> int:
    """Bring the tree and its branch from anywhere between `before` and `merged` back to `before`; how many files that took.

    A file that is neither the old nor the new nor a beginning of the new was changed by a person: then nothing is touched.
    """
    _free_index(tree)
    wanted = _entries(tree, before)
    names = tree.paths("diff", "--name-only", "--no-renames", "-z", before, merged)
    arrived = _entries(tree, merged)
    foreign = [path for path in names if not _is_ours(tree, path, wanted.get(path), arrived.get(path))]
    if foreign:
        words = f"{counted(len(foreign), 'file')} in {shown(str(tree.folder))} changed meanwhile and left as found"
        refuse(f"{words}: {listed([shown(path) for path in foreign])}; what was is {before}, the merge is {merged}")
    if repo.commit(name) == merged:
        repo.bytes("update-ref", "-m", "safe_merge: put back", name, before, merged)
    gone = [path for path in names if path not in wanted]
    for path in gone:
        _remove(tree.folder, path)
    tree.in_batches(("update-index", "--force-remove"), gone)
    tree.in_batches(("checkout", "--quiet", before), [path for path in names if path in wanted])
    left = changed_files(tree)
    if left:
        refuse(
            f"{shown(str(tree.folder))} could not be put back whole: {listed([shown(path) for path in left])}; what was is {before}"
        )
    say(f"put back {counted(len(names), 'file')}")
    return len(names)


def _entries(tree: Git, commit: str) -> dict[str, tuple[str, str]]:
    """Mode and object of every file of a commit."""
    found: dict[str, tuple[str, str]] = {}
    for line in tree.paths("ls-tree", "-r", "-z", "--full-tree", commit):
        head, _, path = line.partition("\t")
        mode, _, name = head.split(" ")
        found[path] = (mode, name)
    return found


def _is_ours(tree: Git, path: str, old: tuple[str, str] | None, new: tuple[str, str] | None) -> bool:
    """True if what lies there now is the old file, the new one, none, or one that git had begun to write."""
    place = tree.folder / path
    try:
        found = place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    if stat.S_ISDIR(found.st_mode):
        return True  # a folder in the place of a file holds files of its own, which are looked at by their names
    if stat.S_ISLNK(found.st_mode):
        content = os.fsencode(place.readlink())
        return any(entry is not None and _blob(tree, entry) == content for entry in (old, new))
    name = tree.call("hash-object", "--path", path, "--", str(place)).stdout.decode("ascii", "replace").strip()
    if any(entry is not None and entry[1] == name for entry in (old, new)):
        return True
    smudged = b"" if new is None else tree.call("cat-file", "--filters", f"--path={path}", new[1]).stdout
    return smudged.startswith(place.read_bytes())


def _blob(tree: Git, entry: tuple[str, str]) -> bytes:
    return tree.bytes("cat-file", "blob", entry[1])


def _remove(folder: Path, path: str) -> None:
    """Remove a file that was not there before, and the folders that are empty without it."""
    place = folder / path
    try:
        place.unlink()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return
    parent = place.parent
    while parent != folder and not any(parent.iterdir()):
        parent.rmdir()
        parent = parent.parent


def _free_index(tree: Git) -> None:
    """Remove the lock that a killed git has left on the index. A git that lives ends within seconds, and is waited for."""
    path = Path(tree.folder / tree.text("rev-parse", "--git-path", "index.lock"))
    if not path.exists():
        return
    deadline = time.monotonic() + _LOCK_PATIENCE_SEC
    while path.exists() and _is_open(path):
        if time.monotonic() > deadline:
            refuse(f"another git is at work in {shown(str(tree.folder))}; let it end, then resume this run")
        time.sleep(0.05)
    if path.exists():
        path.unlink()
        say(f"removed {path.name}, which a killed git had left")


def _is_open(path: Path) -> bool:
    """True if some process that may be looked at has the file open."""
    wanted = str(path.resolve())
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(entry.readlink()) == wanted:
                return True
        except OSError:  # ended, or not ours to look at
            continue
    return False
