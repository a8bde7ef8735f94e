"""Why a run has no answer, or not yet, and which key helps. The answer's own lines are made in tui.answer_lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import PauseReason, RunStatus
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import cause
from tui.viewmodel.text import Line, Span, span, wrapped

if TYPE_CHECKING:
    from tui.viewmodel.run_picture import RunPicture


def no_answer(picture: RunPicture, cells: int) -> list[Line]:
    """A sentence, what it is about, and the key that leads on."""
    run = picture.run
    keys: tuple[tuple[str, str], ...] = (("w", "why"), ("1", "its stages"))
    glyph, role, said, more = "·", Role.DIM, "", ""
    match run.status:
        case RunStatus.FAILED:
            first = run.first_cause or {}
            where = first.get("step_id") or first.get("stage") or (run.stage.value if run.stage else "")
            glyph, role, said = (
                "✗",
                Role.FAILED,
                f"no answer: the run failed at {where}" if where else "no answer: the run failed",
            )
            more = cause(run)
        case RunStatus.CANCELED:
            glyph, said = "⊘", "no answer: the run was canceled before it came to one"
        case RunStatus.QUARANTINED:
            glyph, role, said = "◆", Role.QUARANTINED, "no answer yet: the run waits for a decision about a step"
        case RunStatus.PAUSED if run.pause_reason is PauseReason.APPROVAL:
            glyph, role, said = "‖", Role.WARNING, "no answer yet: the run waits for an approval"
            keys = (("3", "what it asks for"), ("w", "why"))
        case RunStatus.PAUSED:
            glyph, said = "‖", "no answer yet: the run is paused"
            keys = (("p", "resume"), ("w", "why"))
        case RunStatus.PENDING | RunStatus.RUNNING if picture.engine_lost:
            glyph, role, said = "✗", Role.FAILED, "no answer: the engine was lost before the run came to one"
            keys = (("p", "resume"), ("w", "why"))
        case RunStatus.PENDING | RunStatus.RUNNING:
            glyph, role = "●", Role.RUNNING
            said = (
                f"no answer yet: the run is at {run.stage.value}"
                if run.stage
                else "no answer yet: the run has just begun"
            )
            keys = (("1", "its stages"), ("4", "what it writes"))
        case RunStatus.SUCCEEDED:
            said = "the run succeeded and has nothing to say: its plan presents nothing"
            keys = (("1", "its stages"),)
    lines: list[Line] = [(Span(f" {glyph} ", role, bold=True), Span(said, bold=True))]
    lines += [(Span("   "), span(part)) for part in (wrapped(more, max(20, cells - 4)) if more else ())]
    lines.append(())
    lines += [(Span(f"   {key}", bold=True), Span(f"  {does}", Role.DIM)) for key, does in keys]
    return lines
