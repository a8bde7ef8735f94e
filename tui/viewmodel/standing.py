"""What has to be said of a run before anything else: it waits for somebody, it is being canceled, it came from elsewhere. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import PauseReason, RunStatus
from tui.viewmodel.answers import answer_of
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, wrapped
from tui.viewmodel.words import clock

if TYPE_CHECKING:
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.runs import Moment

_MOST_LINES = 3


def standing_lines(picture: RunPicture, moment: Moment, cells: int) -> list[Line]:
    """A sentence with the key that helps, on a few lines at most; nothing where the run just goes on or is over."""
    said = _said(picture, moment)
    if said is None:
        return []
    glyph, role, sentence, keys = said
    parts = wrapped(sentence, max(20, cells - 4))
    lines: list[Line] = [
        (Span(f" {glyph} " if number == 0 else "   ", role, bold=True), Span(part))
        for number, part in enumerate(parts[:_MOST_LINES])
    ]
    helping: list[Span] = []
    for key, does in keys:
        helping += [Span("   "), Span(key, bold=True), Span(f" {does}", Role.DIM)]
    last = lines[-1]
    room = cells - sum(len(piece.text) for piece in (*last, *helping))
    if room >= 0:
        lines[-1] = (*last, *helping)
    elif helping:
        lines.append(tuple(helping))
    return lines


def _said(picture: RunPicture, moment: Moment) -> tuple[str, Role, str, tuple[tuple[str, str], ...]] | None:
    run = picture.run
    if run.status.is_final:
        return None
    if run.imported_at_us is not None:
        sentence = f"imported: it was {run.status.value} when it was exported, and nothing of it goes on here"
        return "·", Role.DIM, sentence, ()
    if picture.waits is not None:
        answer = answer_of(picture.waits, moment)
        if run.status is RunStatus.PAUSED and run.pause_reason is PauseReason.APPROVAL:
            keys = (("a", "approve"), ("d", "deny"), ("3", "what changes"))
            return answer.mark.glyph, Role.WARNING, answer.sentence, keys
        does = "decide" if run.status is RunStatus.QUARANTINED else "resume"
        return answer.mark.glyph, answer.mark.role, answer.sentence, (("p", does), ("w", "why"))
    if picture.cancel is not None:
        who = picture.cancel.actor.removeprefix("operator:")
        at = clock(picture.cancel.at_us, now_us=moment.now_us, zone=moment.zone)
        by_force = " by force" if picture.cancel.data.get("force") is True else ""
        return "⊘", Role.WARNING, f"being canceled{by_force}: {who} asked for it at {at}", (("x", "force"),)
    return None
