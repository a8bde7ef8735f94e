"""Going through the tree: which documents there are, which have no id, which share one, and which cannot be judged. Only reads."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from .front_matter import Id, read_id
from .saying import counted, refuse, say, shown

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_SKIPPED = ("node_modules", "venv", "__pycache__")
_LARGEST = 16 << 20
_MOST_AT_ONCE = 2000
"""How many documents one run takes on; a result has a limit, and the next run goes on."""


class Document(NamedTuple):
    """A document by its path below the folder, `/` between the parts."""

    path: str
    id: Id
    digest: str


def look(folder: str, field: str, suffixes: list[str]) -> dict[str, Any]:
    """What is there, and what is wrong with it."""
    root = Path(folder).absolute()
    if not root.is_dir():
        refuse(f"there is no folder {shown(folder)}; name the documents' with -p folder=FOLDER")
    if not _FIELD.fullmatch(field):
        refuse(f"{shown(field)} cannot be the name of a field")
    documents, left = read_tree(root, field, suffixes)
    missing = [document.path for document in documents if document.id.state == "missing"]
    shared = [{"id": text, "paths": paths} for text, paths in by_id(documents).items() if len(paths) > 1]
    troubled = len(missing) + sum(len(one["paths"]) - 1 for one in shared)
    say(
        f"{counted(len(documents), 'document')} with front matter, {len(missing)} without an id, {counted(len(shared), 'shared id')}"
    )
    taken_on = missing[:_MOST_AT_ONCE]
    groups = _some(shared, _MOST_AT_ONCE - len(taken_on))
    later = troubled - len(taken_on) - sum(len(one["paths"]) - 1 for one in groups)
    return {
        "folder": str(root),
        "documents": len(documents),
        "missing": taken_on,
        "shared": groups,
        "note": f"{counted(later, 'document')} more for the next run." if later else "",
        "troubled": troubled,
        "left": left[:200],
        "left_count": len(left),
    }


def read_tree(root: Path, field: str, suffixes: list[str]) -> tuple[list[Document], list[dict[str, str]]]:
    """Every document with front matter in the order of their paths, and those that are left to a person, with the reason."""
    documents: list[Document] = []
    left: list[dict[str, str]] = []
    for path, name in _files(root, suffixes):
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            left.append({"path": os.fsencode(name).decode("utf-8", "backslashreplace"), "why": "its name is not UTF-8"})
            continue
        try:
            content = path.read_bytes() if path.stat().st_size <= _LARGEST else None
        except OSError as error:
            left.append({"path": name, "why": f"it cannot be read: {error.strerror}"})
            continue
        if content is None:
            left.append({"path": name, "why": "it is too large for a document"})
            continue
        found = read_id(content, field)
        if found.state == "unreadable":
            left.append({"path": name, "why": found.why})
        elif found.state != "none":
            documents.append(Document(name, found, digest(content)))
    return documents, left


def by_id(documents: list[Document]) -> dict[str, list[str]]:
    """The paths of the documents that have an id, by their ids."""
    found: dict[str, list[str]] = {}
    for document in documents:
        if document.id.state == "present":
            found.setdefault(document.id.text, []).append(document.path)
    return found


def digest(content: bytes) -> str:
    """What tells two contents apart."""
    return hashlib.sha256(content).hexdigest()


def _some(shared: list[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """As many of the shared ids as there is room for their documents, whole where that can be."""
    found = []
    for one in shared:
        if room < 2:
            break
        found.append({"id": one["id"], "paths": one["paths"][:room]})
        room -= len(one["paths"])
    return found


def _files(root: Path, suffixes: list[str]) -> list[tuple[Path, str]]:
    """Files of the tree, links not followed, hidden folders left out."""
    found = []
    endings = tuple(suffix.lower() for suffix in suffixes)
    for folder, folders, names in os.walk(root, onerror=_refuse_folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in names:
            path = Path(folder) / name
            if name.lower().endswith(endings) and path.is_file() and not path.is_symlink():
                found.append((path, path.relative_to(root).as_posix()))
    return sorted(found, key=lambda file: file[1])


def _refuse_folder(error: OSError) -> None:
    refuse(f"the folder {shown(str(error.filename))} cannot be read: {error.strerror}")
