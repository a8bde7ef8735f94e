"""Writes assets as a tree of files that an import takes back as they were. Existing files are never changed unasked."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.model.asset import parse_reference
from engine.shipped.assets import VERSIONS
from store.assets.content import ending_of
from store.errors import DamagedDatabaseError
from store.moments import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engine.model.asset import AssetVersion
    from engine.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of the tree, and whether it had to be written: otherwise it was there, the same."""

    place: str
    is_written: bool


class OverwriteError(InputError):
    """Files are in the way that hold something else; nothing was written. `places` are their paths below the folder."""

    def __init__(self, folder: Path, places: Sequence[str]) -> None:
        shown = ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
        super().__init__(
            f"files are there already that would be changed: {shown}",
            place=str(folder),
            hint="choose another folder, or overwrite them with --force; nothing was written",
        )
        self.places = tuple(places)


def export_folder(versions: Iterable[AssetVersion], folder: Path, *, force: bool = False) -> list[ExportedFile]:
    """Write the versions below `folder`, which is made if there is none; every file whole or not at all.

    Of an asset of which other versions are there already, those stay. Raises OverwriteError before anything is written,
    InputError where it cannot be, StoreError for a name that would lead elsewhere.
    """
    try:
        wanted = _wanted(versions, folder)
        changed = {place: content for place, content in wanted.items() if _read(folder / place) != content}
        in_the_way = [place for place, content in changed.items() if _would_lose(folder / place, content)]
        if in_the_way and not force:
            raise OverwriteError(folder, in_the_way)
        for place, content in changed.items():
            _write(folder / place, content)
    except OSError as error:
        raise InputError(
            f"the folder cannot be written: {(error.strerror or str(error)).lower()}",
            place=str(error.filename or folder),
            hint="choose another folder",
        ) from error
    return [ExportedFile(place, place in changed) for place in wanted]


def _wanted(versions: Iterable[AssetVersion], folder: Path) -> dict[str, bytes]:
    """Every file by its path below the folder, in order."""
    by_name: dict[str, list[AssetVersion]] = {}
    for version in versions:
        _require_name(version)
        by_name.setdefault(f"{version.type}/{version.name}", []).append(version)
    wanted: dict[str, bytes] = {}
    for name, some in sorted(by_name.items()):
        entries = _others(folder / name / VERSIONS)
        for version in some:
            file = f"{version.version}{ending_of(version.media_type)}"
            wanted[f"{name}/{file}"] = version.content.encode()
            entries[version.version] = _entry(version, file)
        listed = ",\n".join(f"  {json.dumps(entries[number], ensure_ascii=False)}" for number in sorted(entries))
        wanted[f"{name}/{VERSIONS}"] = f"[\n{listed}\n]\n".encode()
    return wanted


def _require_name(version: AssetVersion) -> None:
    """A name becomes a path: what no command of ours would have added must not lead out of the folder."""
    try:
        parse_reference(version.ref)
    except ValueError:
        raise DamagedDatabaseError(
            f"an asset has the name {version.name!r}, which none can have",
            hint="opscope did not put it there; nothing was written",
        ) from None


def _entry(version: AssetVersion, file: str) -> JsonObject:
    entry: JsonObject = {
        "version": version.version,
        "status": version.status.value,
        "media_type": version.media_type,
        "file": file,
        "note": version.note,
        "author": version.author,
    }
    if version.created_at_us:  # what comes with opscope has no such time
        entry["created_at"] = rfc3339(version.created_at_us)
    return entry


def _others(place: Path) -> dict[int, JsonObject]:
    """What is listed there already, by version; nothing where it cannot be understood, so that it is in the way."""
    content = _read(place)
    if content is None:
        return {}
    try:
        listed: Json = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    found: dict[int, JsonObject] = {}
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and isinstance(number := entry.get("version"), int):
            found[number] = entry
    return found


def _would_lose(place: Path, content: bytes) -> bool:
    """True if something is there that the new content does not have: a list of versions may grow, nothing else may change."""
    if not os.path.lexists(place):
        return False
    if place.name != VERSIONS:
        return True
    before = _others(place)
    after: list[JsonObject] = json.loads(content)
    return not before or any(before.get(int(str(entry["version"])), entry) != entry for entry in after)


def _read(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return None


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f".{secrets.token_hex(8)}.part")
    try:
        fresh.write_bytes(content)
        fresh.replace(place)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
