"""How a finished run stands in its baseline, and how well its end was predicted, as a person reads it. Text only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import duration

if TYPE_CHECKING:
    from engine.regression.standing import Standing
    from store.queries.predictions import Prediction
    from store.rankings import Ranked
    from tui.viewmodel.text import Line

_MOST: Final = 3


def standing_text(one: Standing) -> str:
    """`execute/ping +3.1s (rank 31 of 31)`."""
    return f"{one.part} +{duration(round(one.delta_sec * 1_000_000))} (rank {one.rank} of {one.of})"


def suspect_lines(ranked: Ranked | None) -> list[Line]:
    """`suspect: execute/ping +3.1s (rank 31 of 31)`, a line each; nothing of a run that stands in its baseline as others do."""
    if ranked is None:
        return []
    told = [standing_text(one) for one in ranked.suspects] + list(ranked.issues)
    lines: list[Line] = [(Span("! suspect: ", Role.WARNING), span(text)) for text in told[:_MOST]]
    if len(told) > _MOST:
        lines.append((Span(f"  and {len(told) - _MOST} more", Role.DIM),))
    return lines


def prediction_text(one: Prediction) -> str:
    """`expected 12.4s, took 13.1s (+6%)`."""
    expected = f"expected {duration(one.predicted_us)}"
    if one.actual_us is None:
        return expected
    error = "" if one.error is None else f" ({one.error:+.0%})"
    return f"{expected}, took {duration(one.actual_us)}{error}"
