"""Writing the changes: everything is backed up before the first is written, each is replaced whole, all can be put back."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

from .front_matter import with_id
from .looking import by_id, digest, read_tree
from .saying import counted, listed, refuse, say, shown

FOLDER = ".opscope-doc-ids"


def backup_folder(root: Path, run_id: str) -> Path:
    """Where the documents of one run are as they were."""
    return root / FOLDER / run_id


def apply(folder: str, run_id: str, field: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Write every change. Safe to repeat: what is written already is left as it is."""
    root = Path(folder)
    backup = backup_folder(root, run_id)
    if not (backup / "manifest.json").exists():
        _refuse_touched(root, changes)
        _back_up(root, backup, changes)
    written = 0
    for number, change in enumerate(changes):
        place = root / change["path"]
        content = place.read_bytes()
        now = digest(content)
        if now == change["after"]:
            continue
        if now != change["before"]:
            refuse(f"{shown(change['path'])} was changed by somebody else meanwhile; run the plan again")
        _replace(place, with_id(content, field, change["raw"]), _draft(place, run_id, number))
        if digest(place.read_bytes()) != change["after"]:
            refuse(f"{shown(change['path'])} is not as it was written; is the disk in order?")
        written += 1
        say(f"{change['id']}  {shown(change['path'])}")
    return {"written": len(changes), "now": written}


def verify(folder: str, field: str, suffixes: list[str], changes: list[dict[str, Any]]) -> dict[str, Any]:
    """See that every change is there, that nothing else of the documents changed, and that no two have the same id."""
    documents, _ = read_tree(Path(folder), field, suffixes)
    found = {document.path: document for document in documents}
    wrong = [
        change["path"]
        for change in changes
        if change["path"] not in found or found[change["path"]].digest != change["after"]
    ]
    if wrong:
        refuse(f"{counted(len(wrong), 'document')} not as written: {listed([shown(path) for path in wrong])}")
    written = {change["id"] for change in changes}
    shared = [text for text, paths in by_id(documents).items() if len(paths) > 1 and text in written]
    if shared:
        refuse(f"{counted(len(shared), 'id')} came to be shared by several documents meanwhile: {listed(shared)}")
    return {"documents": len(documents), "changed": len(changes)}


def settle(folder: str, run_id: str, state: str, keep_backup: bool) -> dict[str, Any]:
    """Put back what a run wrote that did not succeed, and remove the backup. Safe to repeat."""
    root = Path(folder).absolute()
    backup = backup_folder(root, run_id)
    if not backup.is_dir():
        return {"result": "untouched", "words": "nothing was written", "backup": None}
    manifest = backup / "manifest.json"
    entries = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else []
    if state == "succeeded" and entries:
        if keep_backup:
            return {
                "result": "kept",
                "words": f"the documents as they were are in {shown(str(backup))}",
                "backup": str(backup),
            }
        _remove(backup)
        return {"result": "kept", "words": f"{counted(len(entries), 'document')} changed", "backup": None}
    left = []
    count = 0
    for number, entry in enumerate(entries):
        place = root / entry["path"]
        _draft(place, run_id, number).unlink(missing_ok=True)
        now = digest(place.read_bytes()) if place.is_file() else ""
        if now == entry["after"]:
            _replace(
                place, (backup / str(number)).read_bytes(), _draft(place, run_id, number), like=backup / str(number)
            )
            count += 1
        elif now != entry["before"]:
            left.append(shown(entry["path"]))
    if left:
        words = f"{counted(len(left), 'document')} changed by somebody else and left as found"
        refuse(f"{words}: {listed(left)}; as they were they are in {shown(str(backup))}")
    _remove(backup)
    say(f"put back {counted(count, 'document')}")
    return {
        "result": "put back" if count else "untouched",
        "words": f"{counted(count, 'document')} put back",
        "backup": None,
    }


def _refuse_touched(root: Path, changes: list[dict[str, Any]]) -> None:
    """Everything that can be known to stand in the way, before anything is written."""
    changed, locked = [], []
    for change in changes:
        place = root / change["path"]
        if not place.is_file() or digest(place.read_bytes()) != change["before"]:
            changed.append(shown(change["path"]))
        elif not place.stat().st_mode & 0o222 or not os.access(place.parent, os.W_OK):
            locked.append(shown(change["path"]))
    if changed:
        refuse(
            f"{counted(len(changed), 'document')} changed by somebody else meanwhile: {listed(changed)}; run the plan again"
        )
    if locked:
        refuse(f"{counted(len(locked), 'document')} may not be written: {listed(locked)}; nothing was changed")


def _back_up(root: Path, backup: Path, changes: list[dict[str, Any]]) -> None:
    """Copies first, then the list of them: where there is a list, there is everything."""
    try:
        backup.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number, change in enumerate(changes):
            shutil.copy2(root / change["path"], backup / str(number))
            with (backup / str(number)).open("rb") as file:
                os.fsync(file.fileno())
        entries = [{name: change[name] for name in ("path", "before", "after")} for change in changes]
        _replace(backup / "manifest.json", json.dumps(entries).encode("ascii"), backup / "manifest.draft")
    except OSError as error:
        refuse(f"there can be no backup in {shown(str(backup))}: {error.strerror}; nothing was changed")


def _replace(place: Path, content: bytes, draft: Path, like: Path | None = None) -> None:
    """Put new content in the place of a file, whole or not at all, with its permissions and owner."""
    model = like or place
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if model.exists():
            found = model.stat()
            draft.chmod(stat.S_IMODE(found.st_mode))
            if os.geteuid() == 0:
                os.chown(draft, found.st_uid, found.st_gid)
            if like is not None:
                os.utime(draft, ns=(found.st_atime_ns, found.st_mtime_ns))
        draft.replace(place)
    except OSError as error:
        draft.unlink(missing_ok=True)
        refuse(f"{shown(str(place))} cannot be written: {error.strerror}")
    descriptor = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft(place: Path, run_id: str, number: int) -> Path:
    """Where the new content of a document is until it takes its place; hidden, so that nobody takes it for a document."""
    return place.with_name(f".opscope-{run_id[:12]}-{number}")


def _remove(backup: Path) -> None:
    shutil.rmtree(backup)
    if not any(backup.parent.iterdir()):
        backup.parent.rmdir()
