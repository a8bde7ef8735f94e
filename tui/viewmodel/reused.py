"""Results that a step did not make itself: what is said of them. Where they come from is read elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import Reason
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from store.queries.groups import Source
    from store.rows import StepRow

_WORDS: Final = {Reason.REUSED: "reused", Reason.CACHE_HIT: "cached"}


def reused_word(step: StepRow) -> str | None:
    """`reused` or `cached`; None for a step that made its own result."""
    return _WORDS.get(step.reason) if step.reason else None


def reused_words(source: Source | None, run_id: str) -> str:
    """`reused from 7f3a91`, or `reused from pass 0` of the same run."""
    if source is None:
        return _WORDS[Reason.REUSED]
    whence = f"pass {source.pass_index}" if source.run_id == run_id else short_id(source.run_id)
    return f"{_WORDS[Reason.REUSED]} from {whence}"
