"""The numbered SQL migrations as package data, and what identifies a file of ours. Opening files lives in store.database."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

APPLICATION_ID: Final = 0x4F505343
"""`OPSC`: what `PRAGMA application_id` says in every file of ours."""

SCHEMA_VERSION: Final = 1
"""What `PRAGMA user_version` says in a file of this version."""

_NUMBERED = re.compile(r"^(\d{3})_[a-z0-9_]+\.sql$")


def migrations() -> list[tuple[int, str]]:
    """Every migration as (the version it leads to, its SQL), in order."""
    found: list[tuple[int, str]] = []
    for entry in files(__name__).iterdir():
        match = _NUMBERED.match(entry.name)
        if match:
            found.append((int(match[1]), entry.read_text(encoding="utf-8")))
    return sorted(found)
