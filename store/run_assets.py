"""The assets that runs of one engine use: found in the registry, and kept there for whoever takes such a run up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.shipped.assets import SHIPPED
from store.assets.resolver import StoreAssets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.model.asset import AssetReference, ResolvedAsset


class RunAssets:
    """Like `StoreAssets`, but what is found is in the file from then on. Implements `engine.ports.AssetResolver`.

    The file is there already: an engine writes to it. `author` is who takes assets that come with opscope into the registry.
    """

    def __init__(self, path: Path, author: str, *, shipped: Path = SHIPPED) -> None:
        self._assets = StoreAssets(path, shipped=shipped)
        self._author = author

    async def resolve(self, reference: AssetReference, *, override: AssetReference | None = None) -> ResolvedAsset:
        """See `AssetResolver.resolve`. Raises StoreError if it cannot be kept."""
        found = await self._assets.resolve(reference, override=override)
        await self.keep([found])
        return found

    async def exact(self, ref: str, sha256: str) -> ResolvedAsset:
        """See `AssetResolver.exact`."""
        return await self._assets.exact(ref, sha256)

    async def keep(self, used: Iterable[ResolvedAsset]) -> None:
        """See `StoreAssets.keep`."""
        await self._assets.keep(used, self._author)
