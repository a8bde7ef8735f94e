"""What a change comes to, as it is told beside it: which steps run again and why, which are reused, when it ends. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from tui.viewmodel.palette import Role
from tui.viewmodel.rerun import (
    is_everything,
    is_test,
    never_ended,
    not_known,
    step_lines,
    summary,
    takes,
    were_stopped,
)
from tui.viewmodel.text import Line, Span, span, width, wrapped
from tui.viewmodel.words import clock, duration, plural

if TYPE_CHECKING:
    from engine.errors import OpscopeError
    from engine.pipeline.forking import Fork
    from tui.viewmodel.override.draft import Draft
    from tui.viewmodel.runs import Moment

_MOST_STEPS: Final = 500
_SAID_ABOVE: Final = ", which runs again"
"""Of a step that others wait for; it stands in the list itself, so this goes first where there is little room."""
TEST: Final = "marked as a test: baselines and breakers of other runs leave it out"


def expected_lines(fork: Fork, moment: Moment, cells: int) -> list[Line]:
    """All of it, the most telling first."""
    lines = _told(summary(fork), cells, bold=True)
    lines += _told(ends(fork, moment), cells)
    if is_test(fork):
        lines += _told(f"TEST RUN, {TEST}", cells, Role.WARNING)
    for said in fork.changes:
        lines += _told(said, cells, glyph="•", glyph_role=Role.WARNING)
    for said in fork.notes:
        lines += _told(said, cells, Role.WARNING, glyph="!")
    if is_everything(fork):
        lines += _told("nothing is changed, so nothing is taken over: every step runs once more", cells, Role.DIM)
    else:
        for line in step_lines(fork, _MOST_STEPS):
            lines += _folded((Span(" "), *_outdented(line)), cells)
    return lines


def more_below(number: int, keys: tuple[str, ...]) -> Line:
    """How many lines are below the edge, and the keys that lead to them; nothing where there are none."""
    if number <= 0:
        return ()
    return (Span(f"{plural(number, 'more line')}: {', then '.join(keys)}", Role.WARNING),)


def error_lines(error: OpscopeError, cells: int) -> list[Line]:
    """Why it cannot be run as it is set now, and what helps."""
    lines = _told(error.cause, cells, Role.FAILED, glyph="✗", bold=True)
    lines += _told(error.hint, cells, Role.DIM, indent=3) if error.hint else []
    return lines


def ends(fork: Fork, moment: Moment) -> str:
    """`ends about 03:12:40 if it starts now: 12.4s, as its steps took before`, or when at the earliest and what is not known."""
    ahead = fork.forecast
    if not ahead.steps:
        return "nothing to wait for"
    if len(ahead.unknown) == len(ahead.steps):
        return f"it is not known when it ends: {never_ended(ahead)}"
    at = clock(moment.now_us + ahead.duration_us, now_us=moment.now_us, zone=moment.zone)
    if ahead.is_known:
        return f"ends about {at} if it starts now: {duration(ahead.duration_us)}, as its steps took before"
    why = f": {were_stopped(ahead)}" if ahead.stopped else ""
    return f"{takes(ahead)}{why}{not_known(ahead)}; ends {at} at the earliest if it starts now"


def standing_words(draft: Draft, fork: Fork | None) -> Line:
    """What the title says of the draft."""
    if not draft.number:
        return (Span("nothing changed yet", Role.DIM),)
    changed = Span(plural(draft.number, "change"), bold=True)
    if fork is not None and is_test(fork):
        return (Span("TEST RUN", Role.WARNING, bold=True), Span("  "), changed)
    return (changed,)


def _told(
    text: str,
    cells: int,
    role: Role = Role.TEXT,
    *,
    glyph: str = "",
    glyph_role: Role | None = None,
    bold: bool = False,
    indent: int = 1,
) -> list[Line]:
    """A sentence, folded; its further lines stand under its first word."""
    indent += 2 if glyph else 0
    lines: list[Line] = []
    for number, part in enumerate(wrapped(text, max(12, cells - indent))):
        first = number == 0 and glyph
        lead: Line = (Span(f" {glyph} ", glyph_role or role, bold=True),) if first else (Span(" " * indent),)
        lines.append((*lead, span(part, role, bold=bold)))
    return lines


def _folded(line: Line, cells: int) -> list[Line]:
    """What is said last goes on under its first word where it is too long."""
    *lead, said = line
    words = said.text.lstrip()
    indent = width(tuple(lead)) + len(said.text) - len(words)
    room = max(12, cells - indent)
    if cell_len(words) > room:
        words = words.removesuffix(_SAID_ABOVE)
    first, *others = wrapped(words, room)
    gap = " " * (len(said.text) - len(said.text.lstrip()))
    further = [(Span(" " * indent), said._replace(text=part)) for part in others]
    return [(*lead, said._replace(text=gap + first)), *further]


def _outdented(line: Line) -> Line:
    """Without the two cells that the command indents by."""
    first, *rest = line
    return (first._replace(text=first.text.removeprefix("  ")), *rest)
