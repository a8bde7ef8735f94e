"""Which document gets which id: its own from before where nobody else has it, else one made from its path. Changes nothing."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Any

from .front_matter import with_id
from .looking import by_id, digest, read_tree
from .saying import refuse, say, shown

_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,31}")
_NEVER = float("inf")


def choose_changes(
    folder: str, field: str, suffixes: list[str], prefix: str, look: dict[str, Any], history: dict[str, Any]
) -> list[dict[str, Any]]:
    """What has to be changed, each with the digests of the document before and after. The same tree gives the same changes."""
    if not _PREFIX.fullmatch(prefix):
        refuse(f"{shown(prefix)} cannot begin an id; use letters, digits, dots and dashes, a letter first")
    root = Path(folder)
    documents, _ = read_tree(root, field, suffixes)
    ids: dict[str, list[dict[str, Any]]] = history["ids"]
    holders = by_id(documents)
    keepers = {one["id"]: _oldest(one["id"], one["paths"], ids) for one in look["shared"]}
    used = set(holders)
    in_question = {*look["missing"], *(path for one in look["shared"] for path in one["paths"])}
    changes: list[dict[str, Any]] = []
    for document in documents:
        if document.path not in in_question:
            continue
        text = document.id.text
        if document.id.state == "present" and keepers.get(text, document.path) == document.path:
            continue
        why = f"shares {text} with {shown(keepers[text])}" if text else "has no id"
        before = next((one for one in ids.get(document.path, []) if one["id"] not in used), None)
        made = before or {"id": _generated(document.path, prefix, used)}
        used.add(made["id"])
        raw = made.get("raw", made["id"])
        content = (root / document.path).read_bytes()
        changes.append(
            {
                "path": document.path,
                "action": "restore" if before else "generate",
                "id": made["id"],
                "raw": raw,
                "why": why + (f"; had this one until {before['commit'][:12]}" if before else ""),
                "before": digest(content),
                "after": digest(with_id(content, field, raw)),
            }
        )
        say(f"{changes[-1]['action']:8} {made['id']}  {shown(document.path)}  {changes[-1]['why']}")
    return changes


def _oldest(text: str, paths: list[str], ids: dict[str, list[dict[str, Any]]]) -> str:
    """The document that has had the id for the longest time; one without a history comes last, then paths decide."""

    def since(path: str) -> tuple[float, float, str]:
        had = next((one for one in ids.get(path, []) if one["id"] == text), None)
        return (had["since"], had["depth"], path) if had else (_NEVER, _NEVER, path)

    return min(paths, key=since)


def _generated(path: str, prefix: str, used: set[str]) -> str:
    """The same for the same path on every host and at any time."""
    number = 0
    while True:
        seed = unicodedata.normalize("NFC", path) + (f"\0{number}" if number else "")
        made = prefix + hashlib.sha256(seed.encode("utf-8")).hexdigest()[:12]
        if made not in used:
            return made
        number += 1
