"""Who and where: new run ids and the description of this host that makes runs comparable. Nothing of a run's own."""

from __future__ import annotations

import hashlib
import platform
import secrets
from typing import TYPE_CHECKING

from engine.model.json import canonical_json

if TYPE_CHECKING:
    from engine.model.json import JsonObject


def new_run_id() -> str:
    """32 random hex digits."""
    return secrets.token_hex(16)


def describe_host() -> JsonObject:
    """Host name, operating system and architecture, with a hash by which runs of equal surroundings are found."""
    described: JsonObject = {"host": platform.node(), "os": platform.system(), "arch": platform.machine()}
    return {**described, "hash": hashlib.sha256(canonical_json(described).encode()).hexdigest()[:16]}
