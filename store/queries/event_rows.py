"""An event as the file has it: its columns, and a row of them read. Which events are asked for is in events.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.model.event import EventKind
from engine.model.states import Stage
from store.queries.query import optional_word, word
from store.rows import EventRow

if TYPE_CHECKING:
    from store.queries.query import Rows

EVENT_COLUMNS: Final = (
    "event_no, v, run_id, seq, at_us, kind, pass_index, stage, step_id, item_index, attempt, actor, "
    "data, prev_hash, hash"
)


def event_row(row: tuple[Any, ...]) -> EventRow:
    """One row in EVENT_COLUMNS. Raises NewerDatabaseError for a kind or stage that this version does not know.

    Where something else has written the file, anything may stand in a column: then ValueError, AttributeError, TypeError.
    """
    (
        event_no, v, run_id, seq, at_us, kind, pass_index, stage, step_id, item_index, attempt, actor, data,
        prev_hash, event_hash,
    ) = row  # fmt: skip
    return EventRow(
        event_no=event_no,
        v=v,
        run_id=run_id,
        seq=seq,
        at_us=at_us,
        kind=word(EventKind, kind),
        pass_index=pass_index,
        stage=optional_word(Stage, stage),
        step_id=step_id,
        item_index=item_index,
        attempt=attempt,
        actor=actor,
        data=data,
        prev_hash=prev_hash.hex(),
        hash=event_hash.hex(),
    )


def event_rows(rows: Rows) -> list[EventRow]:
    """Many of them, in the same order."""
    return [event_row(row) for row in rows]
