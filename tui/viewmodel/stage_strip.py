"""The strip of five stages as text: the state and the time of each, and where it stands. What a stage holds is in stages.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model.states import StageStatus
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.run_picture import STAGES, mark_of_stage, stage_duration_us
from tui.viewmodel.text import Span, fit, width
from tui.viewmodel.words import duration, stage_mark

if TYPE_CHECKING:
    from engine.model.states import Stage
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.text import Line
    from tui.viewmodel.words import Mark

_ONE_LINE = 102
"""Cells from which the strip takes one line."""
_SLOT = 15
_WIDE_TIME = 7


@dataclass(frozen=True, slots=True)
class StagePlace:
    """Where a stage stands on the strip: the cells from `start` to `stop`."""

    stage: Stage
    start: int
    stop: int


def strip_height(cells: int) -> int:
    """Lines the strip takes: one where there is room, else names and states above each other."""
    return 1 if cells >= _ONE_LINE else 2


def strip_lines(picture: RunPicture, moment: Moment, cells: int) -> tuple[list[Line], list[StagePlace]]:
    """The five stages in order with state and time, each at a fixed place, and where each of them stands."""
    if strip_height(cells) == 1:
        return _strip_in_one(picture, moment)
    names: list[Span] = [Span(" ")]
    states: list[Span] = [Span(" ")]
    places: list[StagePlace] = []
    for stage in STAGES:
        last = stage is STAGES[-1]
        start = 1 + _SLOT * len(places)
        names.append(_stage_name(picture, stage))
        if not last:
            names.append(Span(f" {'─' * (_SLOT - len(stage.value) - 2)} ", Role.DIM))
        mark, taken = _stage_state(picture, stage, moment)
        states.extend((Span(mark.glyph, mark.role), Span(fit(f" {taken}", _SLOT - 1))))
        places.append(StagePlace(stage, start, start + (len(stage.value) if last else _SLOT)))
    return [tuple(names), tuple(states)], places


def _strip_in_one(picture: RunPicture, moment: Moment) -> tuple[list[Line], list[StagePlace]]:
    line: list[Span] = [Span(" ")]
    places: list[StagePlace] = []
    at = 1
    for stage in STAGES:
        mark, taken = _stage_state(picture, stage, moment)
        slot = len(stage.value) + 3 + _WIDE_TIME
        pieces = [_stage_name(picture, stage), Span(" "), Span(mark.glyph, mark.role)]
        pieces.append(Span(f" {taken} " if taken else " "))
        if stage is not STAGES[-1]:
            rest = slot + 4 - width(tuple(pieces)) - 1
            pieces.append(Span("─" * rest + " ", Role.DIM))
        places.append(StagePlace(stage, at, at + slot))
        at += width(tuple(pieces))
        line.extend(pieces)
    return [tuple(line)], places


def _stage_name(picture: RunPicture, stage: Stage) -> Span:
    chosen = stage is picture.stage
    started = stage in picture.stages and picture.stages[stage].status is not StageStatus.PENDING
    return Span(stage.value, STAGE_ROLES[stage] if started or chosen else Role.DIM, bold=chosen, underline=chosen)


def _stage_state(picture: RunPicture, stage: Stage, moment: Moment) -> tuple[Mark, str]:
    row = picture.stages.get(stage)
    if row is None:
        return stage_mark(StageStatus.PENDING), ""
    if row.status is StageStatus.RUNNING and picture.engine_lost:
        return stage_mark(StageStatus.FAILED), "lost"
    return mark_of_stage(picture, row), duration(
        stage_duration_us(row, moment)
    ) if row.started_at_us is not None else ""
