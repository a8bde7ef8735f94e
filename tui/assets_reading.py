"""What the registry of a file knows of the assets that a run applied, and what is in them. Called in a thread; nothing is shown here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import OpscopeError
from engine.model.asset import AssetReference, parse_reference
from engine.plan.json_reader import read_json
from store.assets.reading import AssetLibrary
from tui.viewmodel.applied_assets import AppliedAsset

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.model.asset import AssetVersion
    from engine.model.json import Json, JsonObject
    from engine.model.states import Stage


@dataclass(frozen=True, slots=True)
class AssetContent:
    """What an asset holds: `text` for a text, `value` for JSON; `why` says why it cannot be shown."""

    text: str = ""
    value: Json = None
    is_json: bool = False
    why: str = ""


def read_applied(database: Path, found: JsonObject, uses: Sequence[tuple[str, Stage]]) -> list[AppliedAsset]:
    """What the registry of this file knows of the assets. Raises StoreError."""
    assets: list[AppliedAsset] = []
    with AssetLibrary(database) as library:
        for alias, said in found.items():
            told = said if isinstance(said, dict) else {}
            ref = str(told.get("ref") or "")
            name = reference_of(ref)
            assets.append(
                AppliedAsset(
                    alias,
                    ref,
                    str(told.get("sha256") or ""),
                    str(told.get("source") or ""),
                    tuple(stage for used, stage in uses if used == alias),
                    library.history(name.name) if name is not None else None,
                )
            )
    return assets


def read_content(database: Path, asset: AppliedAsset) -> AssetContent:
    """What the version holds. Raises StoreError."""
    name = reference_of(asset.ref)
    found: AssetVersion | None = None
    if name is not None and name.version is not None:
        with AssetLibrary(database) as library:
            found = library.version(name.name, name.version)
    if found is None:
        return AssetContent(why="the content is not in this file: the run was imported, or the asset was removed")
    if found.sha256 != asset.sha256:
        return AssetContent(why=f"{asset.ref} is another content here than the one that the run used")
    if found.media_type.partition(";")[0].strip().casefold() in ("application/json", "text/json"):
        try:
            return AssetContent(found.content, read_json(found.content).value, is_json=True)
        except OpscopeError:  # shown as the text that it is
            pass
    return AssetContent(found.content)


def reference_of(ref: str) -> AssetReference | None:
    """What is written as `query/find@2`; None for what is no reference."""
    try:
        return parse_reference(ref)
    except ValueError:
        return None
