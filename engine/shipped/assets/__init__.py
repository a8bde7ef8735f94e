"""The assets that come with opscope: which there are, read as package data. What overrides them is the registry's, in the store.

A folder `TYPE/NAME` has `versions.json`, a list of `{version, status, media_type, file, note}`, and the files that it names.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from engine.errors import InfrastructureError
from engine.model.asset import AssetName, AssetType, AssetVersion

SHIPPED: Final = Path(__file__).parent
VERSIONS: Final = "versions.json"


def shipped_names(folder: Path = SHIPPED) -> list[AssetName]:
    """Every shipped asset, in order."""
    found = [
        AssetName(asset_type, entry.parent.name)
        for asset_type in AssetType
        for entry in (folder / asset_type.value).glob(f"*/{VERSIONS}")
    ]
    return sorted(found)


def shipped_versions(name: AssetName, folder: Path = SHIPPED) -> tuple[AssetVersion, ...]:
    """All versions of a shipped asset, the oldest first; none where nothing is shipped under the name.

    Raises InfrastructureError if the installation is not whole.
    """
    place = folder / name.type.value / name.name / VERSIONS
    try:
        entries = json.loads(place.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise _broken(place) from error
    try:
        versions = [_version(name, entry, place.parent) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise _broken(place) from error
    return tuple(sorted(versions, key=lambda version: version.version))


def _version(name: AssetName, entry: dict[str, object], folder: Path) -> AssetVersion:
    content = (folder / str(entry["file"])).read_bytes()
    return AssetVersion.model_validate(
        {
            "type": name.type,
            "name": name.name,
            "version": entry["version"],
            "status": entry["status"],
            "media_type": entry["media_type"],
            "content": content.decode(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "author": "opscope",
            "note": entry.get("note", ""),
        }
    )


def _broken(place: Path) -> InfrastructureError:
    return InfrastructureError(
        "an asset that comes with opscope cannot be read", place=str(place), hint="install opscope again"
    )
