"""Assets for tests: a folder as opscope ships it, and runs that say they used one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from engine.model.asset import AssetName, AssetType
from engine.model.event import Event, EventKind
from store.assets.content import digest_of, media_type_of
from store.assets.registry import NewContent
from store.writer import open_writer
from tests.store.building import NOW_US, creation, run_finished

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import Json

LOOKUP = AssetName(AssetType.QUERY, "ci-lookup")
GATES = AssetName(AssetType.POLICY, "gates")
NARROW = "SELECT 1 -- narrow\n"
WIDE = "SELECT 2 -- wide\n"


def sql(content: str, name: AssetName = LOOKUP, note: str = "") -> NewContent:
    """A query that is about to be added."""
    return NewContent(name, media_type_of("x.sql"), content, note)


def ship(folder: Path) -> Path:
    """`query/shipped` with a published version, another, and a draft."""
    place = folder / "query" / "shipped"
    place.mkdir(parents=True)
    entries: list[Json] = []
    for version, status in ((1, "published"), (2, "published"), (3, "draft")):
        (place / f"{version}.sql").write_text(f"SELECT {version}\n")
        entries.append(
            {
                "version": version,
                "status": status,
                "media_type": "application/sql",
                "file": f"{version}.sql",
                "note": f"number {version}",
            }
        )
    (place / "versions.json").write_text(json.dumps(entries))
    return folder


def use(path: Path, ref: str, content: str, *, source: str = "pin", at_us: int = NOW_US) -> str:
    """A finished run that used an asset; its id."""

    async def written() -> str:
        async with open_writer(path) as writer:
            made = creation(writer.engine_id, at_us=at_us)
            await writer.create_run(made)
            data: dict[str, Json] = {"alias": "lookup", "ref": ref, "sha256": digest_of(content), "source": source}
            await writer.append(made.run_id, [Event(EventKind.ASSET_RESOLVED, at_us, data), run_finished()])
            return made.run_id

    return asyncio.run(written())
