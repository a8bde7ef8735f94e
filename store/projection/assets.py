"""Which assets a pass was given, as rows. How they are found and read is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.projection import sql
from store.projection.recorded import text

if TYPE_CHECKING:
    from store.projection.recorded import Recorded
    from store.statements import Statements


def resolved(into: Statements, r: Recorded) -> None:
    """An alias stands for this asset in this pass. The last one said is the one that counts."""
    data = r.data
    alias = text(data.get("alias")) or ""
    key = (r.run_id, r.event.pass_index, alias)
    ref, digest, source = (text(data.get(name)) or "" for name in ("ref", "sha256", "source"))
    into.add("applied_assets", key, 0, sql.ASSET_RESOLVED, (*key, ref, digest, source, r.event_no))
