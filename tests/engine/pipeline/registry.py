"""A registry of assets in memory for tests, as the store's is seen from the engine."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import InputError, StoreError
from engine.model.asset import AssetSource, AssetStatus, ResolvedAsset, parse_reference

if TYPE_CHECKING:
    from engine.model.asset import AssetName, AssetReference

_MEDIA = {"yaml": "application/yaml", "json": "application/json", "sql": "application/sql", "md": "text/markdown"}


class Registry:
    """Versions by name, numbered as they were added. `asked` holds what was looked for. Implements `engine.ports.AssetResolver`."""

    def __init__(self) -> None:
        self.versions: dict[AssetName, list[ResolvedAsset]] = {}
        self.asked: list[str] = []

    def add(
        self, name: str, content: str, ending: str = "sql", status: AssetStatus = AssetStatus.PUBLISHED
    ) -> ResolvedAsset:
        """The next version of an asset; `ending` says what its content is, as a file's does."""
        key = parse_reference(name).name
        listed = self.versions.setdefault(key, [])
        digest = hashlib.sha256(content.encode()).hexdigest()
        version = ResolvedAsset(
            key, len(listed) + 1, _MEDIA[ending], content, digest, AssetSource.PUBLISHED, status=status
        )
        listed.append(version)
        return version

    async def resolve(self, reference: AssetReference, *, override: AssetReference | None = None) -> ResolvedAsset:
        """See the port."""
        wanted = override or reference
        self.asked.append(str(wanted))
        listed = self.versions.get(wanted.name, [])
        if wanted.version is not None:
            source = AssetSource.PIN if override is None else AssetSource.OVERRIDE
            found = [
                one
                for one in listed
                if one.version == wanted.version and (override is not None or one.status is not AssetStatus.DRAFT)
            ]
        else:
            source = AssetSource.PUBLISHED
            found = [one for one in listed if one.status is AssetStatus.PUBLISHED]
        if not found:
            there_are = ", ".join(f"{one.version} ({one.status})" for one in listed)
            raise InputError(f"there is no {wanted}", hint=f"versions: {there_are or 'none'}")
        return replace(found[-1], source=source)

    async def exact(self, ref: str, sha256: str) -> ResolvedAsset:
        """See the port."""
        self.asked.append(f"exactly {ref}")
        reference = parse_reference(ref)
        for one in self.versions.get(reference.name, []):
            if one.version == reference.version:
                if one.sha256 != sha256:
                    raise StoreError(f"{ref} is not what it was")
                return one
        raise StoreError(f"{ref} is not there any more")
