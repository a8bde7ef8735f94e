"""Which ids a document has had, from the git history of its file, under the names that it had then. Only reads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .front_matter import read_id
from .saying import counted, say, shown

_MOST_COMMITS = 1000
_ENTRY = re.compile(
    rb"\x01([0-9a-f]{40,64}) ([0-9]+)|:[0-7]{6} [0-7]{6} [0-9a-f]{40,64} ([0-9a-f]{40,64}) [A-Z][0-9]*\0"
)


def earlier_ids(folder: str, field: str, missing: list[str], shared: list[dict[str, Any]]) -> dict[str, Any]:
    """For each document in question its ids of old, the newest first, each with the first and the last commit that has it."""
    if shutil.which("git") is None:
        return _without("git is not installed, so no id can be restored from history")
    root = Path(folder)
    if _git(root, "rev-parse", "--is-inside-work-tree").stdout.strip() != b"true":
        return _without("the documents are in no git repository, so no id can be restored from history")
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        return _without("the repository has no commit yet, so there is no history to restore from")
    found: dict[str, list[dict[str, Any]]] = {}
    for path in dict.fromkeys([*missing, *(path for one in shared for path in one["paths"])]):
        ids = _ids_of(root, path, field)
        for one in ids:  # commits of one second are told apart by how many came before
            one["depth"] = (
                int(_git(root, "rev-list", "--count", one["first"]).stdout or 0) if path not in missing else 0
            )
        if ids:
            found[path] = ids
            say(f"{shown(path)} had {', '.join(one['id'] for one in ids)}")
    say(f"{counted(len(found), 'document')} had an id before")
    shallow = _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    return {"ids": found, "note": "the repository is shallow, so older ids are not known" if shallow else ""}


def _without(note: str) -> dict[str, Any]:
    say(note)
    return {"ids": {}, "note": note}


def _ids_of(root: Path, path: str, field: str) -> list[dict[str, Any]]:
    words = ["log", "--follow", f"-n{_MOST_COMMITS}", "--format=%x01%H %ct", "--raw", "--no-abbrev", "-M", "-z"]
    said = _git(root, *words, "--", path).stdout
    versions = []
    commit, at = "", 0
    for entry in _ENTRY.finditer(said):
        if entry[1]:
            commit, at = entry[1].decode("ascii"), int(entry[2])
        elif set(entry[3]) != {ord("0")}:
            versions.append((entry[3].decode("ascii"), commit, at))
    ids: dict[str, dict[str, Any]] = {}
    contents = _contents(root, [blob for blob, _, _ in versions])
    for blob, commit, at in versions:
        had = read_id(contents.get(blob, b""), field)
        if had.state == "present":
            one = ids.setdefault(had.text, {"id": had.text, "raw": had.raw, "commit": commit})
            one.update(first=commit, since=at)  # the last one seen is the oldest
    return list(ids.values())


def _contents(root: Path, blobs: list[str]) -> dict[str, bytes]:
    """The contents of objects, with one process for all."""
    wanted = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs)).encode("ascii")
    said = _git(root, "cat-file", "--batch", given=wanted).stdout
    found: dict[str, bytes] = {}
    at = 0
    while at < len(said):
        end = said.index(b"\n", at)
        words = said[at:end].split(b" ")
        at = end + 1
        if len(words) == 3:
            size = int(words[2])
            found[words[0].decode("ascii")] = said[at : at + size]
            at += size + 1
    return found


def _git(root: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "GIT_LITERAL_PATHSPECS": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    return subprocess.run(
        ["git", "-c", "core.quotePath=true", "-c", "log.showSignature=false", "-C", str(root), *words],
        input=given,
        capture_output=True,
        env=env,
        check=False,
    )
