"""Documents with a chain that fits whatever was put into them: what a malicious author could make."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from engine.model.event import EventKind
from engine.model.states import Stage
from store.encoding import row_hash
from store.rows import EventRow

_US = 1_000_000


def forged(document: dict[str, Any]) -> str:
    """The document with every hash made anew."""
    previous = "0" * 64
    for event in document["events"]:
        at = datetime.fromisoformat(event["at"])
        row = EventRow(
            event_no=0,
            v=event["v"],
            run_id=event["run_id"],
            seq=event["seq"],
            at_us=int(at.replace(microsecond=0).timestamp()) * _US + at.microsecond,
            kind=EventKind(event["kind"]),
            pass_index=event["pass_index"],
            stage=Stage(event["stage"]) if event.get("stage") else None,
            step_id=event.get("step_id"),
            item_index=event.get("item_index"),
            attempt=event.get("attempt"),
            actor=event["actor"],
            data=json.dumps(event["data"], separators=(",", ":"), ensure_ascii=False),
            prev_hash=previous,
            hash="",
        )
        event["prev_hash"] = previous
        event["hash"] = previous = row_hash(row).hex()
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
