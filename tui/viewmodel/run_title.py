"""What the title line says of a run at its right end: state, time, strategy, each where it stood before. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import PauseReason, RunStatus
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import run_duration_us, run_state
from tui.viewmodel.text import Span, fit, joined, span, width
from tui.viewmodel.words import duration

if TYPE_CHECKING:
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.text import Line

_WIDE_TIME = 7
_LONG_STATE = 11
_STRATEGY = 8


_GAP = 4
"""Cells between the two ends of the line."""


def fitted_title(picture: RunPicture, moment: Moment, cells: int, *, leaving: str = "") -> Line:
    """The right end of the title line in the cells that its left end leaves. `leaving`: the key that leaves a run that goes on."""
    # Where one is matters more than what leaving does, which the last line says too.
    hints = (f"{leaving} detaches, the run goes on", f"{leaving} detaches", "") if leaving else ("",)
    ends = [*(title_right(picture, moment, hint=hint) for hint in hints), title_right(picture, moment, brief=True)]
    return next((end for end in ends if width(end) + _GAP <= cells), ends[-1])


def title_right(picture: RunPicture, moment: Moment, *, hint: str = "", brief: bool = False) -> Line:
    """State, pass, time and strategy of the run, for the title line, and what else has to be said there.

    It stands at the end of the line, so what comes and goes is on its left and all else has a fixed width. `brief`, for
    where there is no room: state and time alone.
    """
    run = picture.run
    mark = run_state(run, engine_lost=picture.engine_lost)
    state = str(mark)
    # What waits for a person stands out, wherever else a pause is calm.
    role = Role.WARNING if run.status is RunStatus.PAUSED and run.pause_reason is PauseReason.APPROVAL else mark.role
    taken = duration(run_duration_us(run, moment, engine_lost=picture.engine_lost))
    if brief:
        return joined(((Span(state, role, bold=True),), (Span(taken),)))
    strategy = picture.strategy.upper()
    if run.imported_at_us is None:  # else nothing of it changes any more
        state = fit(state, max(_LONG_STATE, width((Span(state),))))
        taken = fit(taken, _WIDE_TIME, right=True)
        strategy = fit(strategy, _STRATEGY, right=True) if strategy or picture.goes_on else ""
    parts: list[Line] = [
        (Span(hint, Role.DIM),) if hint else (),
        (Span("imported", Role.DIM),) if run.imported_at_us is not None else (),
        (Span(state, role, bold=True),),
        (Span(f"pass {run.pass_index}"),) if run.pass_index else (),
        (Span(taken),),
        (span(strategy, Role.DIM),) if strategy else (),
    ]
    return joined(parts)
