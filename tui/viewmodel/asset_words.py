"""How the status of an asset version is shown: glyph, word and colour. What an asset is comes from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from tui.viewmodel.palette import Role
from tui.viewmodel.words import Mark, ascii_glyph

if TYPE_CHECKING:
    from engine.model.asset import AssetStatus


def asset_mark(status: AssetStatus, *, ascii_only: bool = False) -> Mark:
    """A version's status."""
    from engine.model.asset import AssetStatus  # whoever has one has imported it, and who has none does without

    match status:
        case AssetStatus.DRAFT:
            glyph, role = "·", Role.WARNING
        case AssetStatus.PUBLISHED:
            glyph, role = "✓", Role.SUCCEEDED
        case AssetStatus.DEPRECATED:
            glyph, role = "⊘", Role.DIM
        case _:
            assert_never(status)
    return Mark(ascii_glyph(glyph) if ascii_only else glyph, status.value.upper(), role)
