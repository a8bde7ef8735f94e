"""How fast a run goes and when it may end, as far as that can be said honestly. Numbers and their words; no layout."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from tui.viewmodel.words import count, duration

if TYPE_CHECKING:
    from store.queries.monitoring import Pulse

MINUTE_US: Final = 60_000_000
_SECOND: Final = 1_000_000
_LEAST_SPAN_US: Final = 5_000_000
"""A pace is told when it has been watched for so long."""
_LEAST_RUNS: Final = 3
"""An end is foretold from so many runs of the same plan that went well."""


def steps_a_minute(pulse: Pulse, started_at_us: int | None, now_us: int) -> int | None:
    """Steps that ended in the last minute or so, as a pace; None where that says nothing yet."""
    span = now_us - max(pulse.counted_from_us, started_at_us or 0)
    if started_at_us is None or span < _LEAST_SPAN_US:
        return None
    return round(pulse.ended * MINUTE_US / span)


def pace_words(a_minute: int | None, *, is_short: bool = False) -> str:
    """`18 steps/min`, in short `18/min`; nothing where it is not known, or nothing has ended."""
    return f"{count(a_minute)}{'' if is_short else ' steps'}/min" if a_minute else ""


def left_words(pulse: Pulse, taken_us: int | None, *, is_short: bool = False) -> str:
    """`about 1m 20s left`, by the last runs of the plan that went well; how long they took, where that says no more; or nothing."""
    if taken_us is None or len(pulse.usual_us) < _LEAST_RUNS:
        return ""
    usual = int(median(pulse.usual_us))
    left_sec = (usual - taken_us) // _SECOND
    if taken_us > max(pulse.usual_us) and not is_short:
        return f"longer than usual ({duration(usual)})"
    # A plan whose runs differ by more than they last has no usual end.
    if left_sec <= 0 or max(pulse.usual_us) > 2 * min(pulse.usual_us):
        return f"usually {duration(usual)}"
    return f"about {whole_seconds(left_sec)} left"


def whole_seconds(seconds: int) -> str:
    """`16s`, `1m 20s`, `2h 05m`: what is foretold has no tenths."""
    return f"{seconds}s" if seconds < 60 else duration(seconds * _SECOND)
