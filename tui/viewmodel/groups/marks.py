"""How one step, or a fold of several, is drawn in the layered graph, at each of its heights. No places and no lines between them."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from engine.model.states import StepStatus
from tui.terminal import visible
from tui.viewmodel.palette import Role
from tui.viewmodel.reused import reused_word
from tui.viewmodel.text import Line, Span, crop, fit, width
from tui.viewmodel.words import count, duration, items_words

if TYPE_CHECKING:
    from tui.viewmodel.groups.folding import Fold
    from tui.viewmodel.groups.picture import GroupsPicture

NAME_MOST: Final = 26
INFO: Final = 8
_STATE: Final = 18
_FOLD_CELLS: Final = 20
_LOUDEST: Final = (
    StepStatus.FAILED,
    StepStatus.QUARANTINED,
    StepStatus.RUNNING,
    StepStatus.WAITING,
    StepStatus.PENDING,
    StepStatus.CANCELED,
    StepStatus.SKIPPED,
    StepStatus.SUCCEEDED,
)


class Height(Enum):
    """How much of a step is said: rows of a mark, and whether there is more in it than sign and name."""

    TALL = (4, True)
    BOX = (3, True)
    LINE = (1, True)
    BARE = (1, False)

    def __init__(self, rows: int, says_more: bool) -> None:
        self.rows = rows
        self.says_more = says_more


def mark_cells(picture: GroupsPicture, at: int, height: Height) -> int:
    """How wide the mark of a step is; the same however far it has come, but for the number of its items."""
    name = cell_len(_name(picture, at))
    match height:
        case Height.TALL:
            return max(name + 2, _STATE) + 4
        case Height.BOX:
            return name + INFO + 7
        case Height.LINE:
            return name + INFO + 5
        case Height.BARE:
            return name + 4


def fold_cells(fold: Fold, height: Height) -> int:
    """How wide the mark of a fold is."""
    text = len(_fold_name(fold)) + 4
    match height:
        case Height.TALL | Height.BOX:
            return max(_FOLD_CELLS, text) + 2
        case Height.LINE | Height.BARE:
            return text


def mark_lines(
    picture: GroupsPicture, at: int, height: Height, now_us: int, *, cells: int, is_chosen: bool, match: bool
) -> list[Line]:
    """The rows of a step's mark."""
    step = picture.steps[at]
    mark = picture.mark(step)
    name = _name(picture, at)
    loud = Role.STRONG if is_chosen else Role.DIM if mark.role is Role.DIM and height is Height.BARE else Role.TEXT
    named: Line = (Span(mark.glyph, mark.role), Span(" "), Span(name, Role.MATCH if match else loud, is_chosen, match))
    taken = reused_word(step)
    if taken is None and step.started_at_us is not None:
        taken = duration(picture.taken_us(step, now_us))
    if height is Height.TALL:
        items = items_words(picture.items.get(step.step_id, {}))
        said = f"{mark.word} {taken}" if taken else mark.word
        if items and cell_len(items) + cell_len(mark.word) + 1 <= cells - 4:
            said = f"{mark.word} {items}"
        return _boxed([named, (Span(said, mark.role),)], cells, mark.role, is_chosen=is_chosen)
    if not height.says_more:
        return [_bracketed(named, cells, is_chosen=is_chosen)]
    tells_time = step.status in (StepStatus.SUCCEEDED, StepStatus.RUNNING) and taken is not None and mark.word != "LOST"
    info = taken if tells_time and taken else "" if step.status is StepStatus.PENDING else mark.word
    role = Role.DIM if step.status is StepStatus.SUCCEEDED else mark.role
    line: Line = (*named, Span(" "), Span(fit(info, INFO, right=height is Height.BOX), role))
    if height is Height.BOX:
        return _boxed([line], cells, mark.role, is_chosen=is_chosen)
    return [_bracketed(line, cells, is_chosen=is_chosen)]


def fold_lines(picture: GroupsPicture, fold: Fold, height: Height, *, cells: int, is_chosen: bool) -> list[Line]:
    """The rows of a fold's mark: how many it stands for, and how they stand."""
    numbers = Counter(picture.steps[at].status for at in fold.members)
    loudest = next((status for status in _LOUDEST if status in numbers), StepStatus.PENDING)
    member = next(at for at in fold.members if picture.steps[at].status is loudest)
    mark = picture.mark(picture.steps[member])
    named: Line = (
        Span(mark.glyph, mark.role),
        Span(" "),
        Span(_fold_name(fold), Role.STRONG if is_chosen else Role.DIM, is_chosen),
    )
    if height.rows == 1:
        return [_bracketed(named, cells, is_chosen=is_chosen)]
    counts: list[Span] = []
    for status in _LOUDEST:
        if status in numbers:
            shown = picture.mark(next(picture.steps[at] for at in fold.members if picture.steps[at].status is status))
            counts += [Span(f"{shown.glyph}{count(numbers[status])} ", shown.role)]
    if height is Height.TALL:
        return _boxed([named, tuple(counts)], cells, mark.role, is_chosen=is_chosen)
    return _boxed([named], cells, mark.role, is_chosen=is_chosen)


def _name(picture: GroupsPicture, at: int) -> str:
    step = picture.steps[at]
    number = sum(picture.items.get(step.step_id, {}).values())
    items = f" ×{count(number)}" if number else ""
    name = visible(step.step_id)
    room = NAME_MOST - len(items)
    return (fit(name, room) if cell_len(name) > room else name) + items


def _fold_name(fold: Fold) -> str:
    return f"+{count(len(fold.members))} more"


def _bracketed(line: Line, cells: int, *, is_chosen: bool) -> Line:
    left, right = ("[", "]") if is_chosen else (" ", " ")
    return (
        Span(left, Role.STRONG, bold=is_chosen),
        *_filled(line, cells - 2),
        Span(right, Role.STRONG, bold=is_chosen),
    )


def _boxed(lines: list[Line], cells: int, status: Role, *, is_chosen: bool) -> list[Line]:
    calm = status in (Role.SUCCEEDED, Role.DIM)
    role = Role.STRONG if is_chosen else Role.BORDER if calm else status
    corners, rule, side = ("┏┓┗┛", "━", "┃") if is_chosen else ("╭╮╰╯", "─", "│")
    edge = Span(side, role)
    rows: list[Line] = [(Span(corners[0] + rule * (cells - 2) + corners[1], role),)]
    rows += [(edge, Span(" "), *_filled(line, cells - 4), Span(" "), edge) for line in lines]
    rows.append((Span(corners[2] + rule * (cells - 2) + corners[3], role),))
    return rows


def _filled(line: Line, cells: int) -> Line:
    line = crop(line, cells)
    return (*line, Span(" " * (cells - width(line))))
