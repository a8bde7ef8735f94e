"""The numbered SQL migrations as package data, and what identifies a file of ours. Opening files lives in store.database."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

APPLICATION_ID: Final = 0x4F505343
"""`OPSC`: what `PRAGMA application_id` says in every file of ours."""

SCHEMA_VERSION: Final = 2
"""What `PRAGMA user_version` says in a file of this version."""

_MADE: Final = re.compile(r"^CREATE (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER) (\w+)", re.MULTILINE)
_NUMBERED = re.compile(r"^(\d{3})_[a-z0-9_]+\.sql$")


def migrations(*, above: int = 0, up_to: int = SCHEMA_VERSION) -> list[tuple[int, str]]:
    """The migrations as (the version it leads to, its SQL), in order: all, or what leads from one version to another."""
    found: list[tuple[int, str]] = []
    for entry in Path(__file__).parent.iterdir():
        match = _NUMBERED.match(entry.name)
        if match and above < int(match[1]) <= up_to:
            found.append((int(match[1]), entry.read_text(encoding="utf-8")))
    return sorted(found)


@cache
def made_by_schema(version: int = SCHEMA_VERSION) -> frozenset[str]:
    """The names of all tables, indexes and triggers of a file of that version."""
    return frozenset(name for _, sql in migrations(up_to=version) for name in _MADE.findall(sql))
