"""Words and commands that the answers for several states share. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.viewmodel.explanation import Next
from tui.viewmodel.words import duration, run_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.viewmodel.explanation import Evidence
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.words import Mark

MOST_NAMED: Final = 5


def person(actor: str) -> str:
    """An actor as people name it."""
    return actor.removeprefix("operator:")


def ago(at_us: int, moment: Moment) -> str:
    """`12m 03s ago`."""
    return f"{duration(max(0, moment.now_us - at_us))} ago"


def names(known: Sequence[str], number: int) -> str:
    """At most a few names, and how many more there are of `number`, which may be more than are known by name."""
    shown = ", ".join(known[:MOST_NAMED])
    more = max(number, len(known)) - min(len(known), MOST_NAMED)
    return f"{shown} and {more} more" if more > 0 else shown


def mark(e: Evidence) -> Mark:
    """The state of the run."""
    return run_mark(e.run.status, engine_lost=e.engine_lost)


def was(number: int) -> str:
    """`was` or `were`."""
    return "was" if number == 1 else "were"


def show(e: Evidence) -> Next:
    """To look at the run."""
    return Next(f"opscope show {e.short}", "the whole run")


def resume(e: Evidence, meaning: str) -> Next:
    """To let it go on."""
    return Next(f"opscope resume {e.short}", meaning, "p")


def cancel(e: Evidence) -> Next:
    """To end it."""
    return Next(f"opscope cancel {e.short}", "end it", "x")
