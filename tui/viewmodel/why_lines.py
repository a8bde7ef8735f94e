"""An explanation as lines of text, for the command and for the screen: what stands where. The sentences come ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import StepStatus, Stream
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, wrapped
from tui.viewmodel.words import clock, count, duration, plural, step_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.viewmodel.differences import Comparison, Difference
    from tui.viewmodel.explanation import Detail, Excerpt, Explanation, Next, Try
    from tui.viewmodel.pasteable import Pasteable
    from tui.viewmodel.runs import Moment

_LONGEST_COMMAND: Final = 8000
_LONGEST_LINE: Final = 500
_MOST_TRIES: Final = 5
_MOST_STEPS: Final = 8
_WIDEST_NAME: Final = 24
_COLUMNS: Final = 80


def why_lines(explanation: Explanation, moment: Moment, width: int | None, *, short: str) -> list[Line]:
    """The whole explanation, folded to `width` cells (None: nothing is folded). The first line is the answer.

    `short` is the run's id as commands take it.
    """
    answer = explanation.answer
    lines = folded((Span(f"{answer.mark}  ", answer.mark.role, bold=True),), answer.sentence, width, bold=True)
    lines += folded((Span("  "),), explanation.about, width, role=Role.DIM)
    for remark in answer.remarks:
        lines += folded((Span("  "),), remark.text, width, role=remark.role)
    for section in (
        *(_detail(detail, width) for detail in explanation.details),
        _excerpt(explanation.excerpt, width),
        _tries(explanation.tries, moment, width),
        _comparison(explanation, moment, width),
        _command(explanation.command, width, short) or _no_command(explanation.no_command, width),
        _next(answer.next, width),
    ):
        if section:
            lines += [(), *section]
    return lines


def folded(
    head: Line, text: str, width: int | None, *, role: Role = Role.TEXT, bold: bool = False, hang: int = 2
) -> list[Line]:
    """`text` behind `head`, and its further lines indented."""
    if width is None:
        return [(*head, span(text, role, bold=bold))]
    taken = sum(len(piece.text) for piece in head)
    room = max(20, width - taken)
    first, *rest = wrapped(text, room)
    if rest and taken > hang:
        # The lines below may be longer than the first, which has the head before it.
        rest = wrapped(text[len(first) :].lstrip(" "), max(20, width - hang)) if text.startswith(first) else rest
    return [
        (*head, Span(first, role, bold)),
        *((Span(" " * hang), Span(line, role, bold)) for line in rest),
    ]


def _title(*parts: str) -> Line:
    return tuple(span(part, Role.DIM) for part in parts)


def _excerpt(excerpt: Excerpt | None, width: int | None) -> list[Line]:
    if excerpt is None:
        return []
    what = "stderr" if excerpt.stream is Stream.STDERR else "stdout, since it wrote nothing to stderr"
    number = len(excerpt.lines)
    head = (
        f"{excerpt.step_id} wrote to {what}"
        if not excerpt.left_out
        else (f"the last {plural(number, 'line')} that {excerpt.step_id} wrote to {what}")
    )
    lines = [_title(head)]
    for line in excerpt.lines:
        text = line.expandtabs(8)
        text = text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"
        lines += folded((Span("  "),), text, width, hang=4)
    return lines


def _detail(detail: Detail, width: int | None) -> list[Line]:
    lines = folded((), detail.title, width, role=Role.DIM)
    for line in detail.lines:
        # What stands before a line says how it belongs to the one above; where it is folded it goes on further in.
        text = line.expandtabs(8)
        text = text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"
        inside = len(text) - len(text.lstrip(" "))
        lines += folded((Span(" " * (2 + inside)),), text.lstrip(" "), width, hang=4 + inside)
    return lines


def _no_command(why: str, width: int | None) -> list[Line]:
    return folded((), why, width, role=Role.DIM) if why else []


def _tries(tries: Sequence[Try], moment: Moment, width: int | None) -> list[Line]:
    if len(tries) < 2:
        return []
    shown = list(tries) if len(tries) <= _MOST_TRIES else [tries[0], *tries[-_MOST_TRIES + 1 :]]
    waited = sum(tried.waited_us or 0 for tried in tries)
    lines = [_title(f"{plural(len(tries), 'attempt')}, {duration(waited)} of waiting between them")]
    before, said_before = 0, ""
    for tried in shown:
        if tried.number > before + 1 and before:
            lines.append((Span("  "), Span(f"and {count(tried.number - before - 1)} between", Role.DIM)))
        before = tried.number
        mark = step_mark(tried.status)
        took = duration(tried.duration_us if tried.duration_us is not None else None)
        at = clock(tried.started_at_us, now_us=moment.now_us, zone=moment.zone)
        wait = f"after {duration(tried.waited_us)}" if tried.waited_us is not None else ""
        head = (
            Span(f"  {tried.number:>3}  "),
            Span(f"{mark.glyph} ", mark.role),
            Span(f"{at}  {took:>7}  {wait:<14}"),
        )
        said = tried.ended or ("" if tried.status is StepStatus.SUCCEEDED else tried.status.value)
        lines += folded(head, "the same" if said and said == said_before else said, width, hang=9)
        said_before = said
    return lines


def _comparison(explanation: Explanation, moment: Moment, width: int | None) -> list[Line]:
    comparison = explanation.comparison
    if comparison is None:
        return []
    good = comparison.good
    when = clock(good.started_at_us or good.created_at_us, now_us=moment.now_us, zone=moment.zone)
    lines = [_title(f"against the last good run {good.run_id[:6]} of {when}, which took {duration(good.duration_us)}")]
    if not comparison.given:
        same = "same plan, parameters, assets, host, folder and environment: what changed lies outside of them"
        lines += folded((Span("  "),), same, width, role=Role.DIM)
    lines += _differences([*comparison.given, *_steps_shown(comparison, explanation.step_id)], width)
    if (more := len(comparison.steps) - _MOST_STEPS) > 0:
        lines.append((Span("  "), Span(f"and {plural(more, 'step')} more; --json has them", Role.DIM)))
    return lines


def _steps_shown(comparison: Comparison, step_id: str | None) -> list[Difference]:
    """The step in question first, since the others may be many."""
    ordered = sorted(comparison.steps, key=lambda difference: difference.what != step_id)
    return ordered[:_MOST_STEPS]


def _differences(differences: Iterable[Difference], width: int | None) -> list[Line]:
    rows = list(differences)
    names = min(_WIDEST_NAME, max((len(row.what) for row in rows), default=0))
    lines: list[Line] = []
    for row in rows:
        text = f"{row.then} → {row.now}" if row.then else row.now
        lines += folded((span(f"  {row.what:<{names}}  ", Role.STRONG),), text, width, hang=4)
    return lines


def _command(command: Pasteable | None, width: int | None, short: str) -> list[Line]:
    if command is None:
        return []
    if len(command.text) > _LONGEST_COMMAND:
        size = f"what {command.step_id} ran is {count(len(command.text))} characters long; to have it whole:"
        return [_title(size), (Span(f"  opscope why {short} --json | jq -r .command.paste"),)]
    lines: list[Line] = [_title(f"what {command.step_id} ran, to paste into a shell")]
    # At the first column and never folded: inside quotes every blank and every line's end counts.
    lines += [(span(line.expandtabs(8)),) for line in command.text.split("\n")]
    for note in command.notes:
        lines += folded((Span("  "),), note, width, role=Role.DIM)
    return lines


def _next(steps: Sequence[Next], width: int | None) -> list[Line]:
    return [_title("next"), *next_lines(steps, width)] if steps else []


def next_lines(steps: Sequence[Next], width: int | None) -> list[Line]:
    """Commands with what they do beside them, or below where a line has no room for both."""
    pad = max((len(step.command) for step in steps if len(step.command) <= (width or _COLUMNS) // 2), default=0)
    lines: list[Line] = []
    for step in steps:
        if len(step.command) <= pad and (width is None or pad + len(step.meaning) + 4 <= width):
            lines.append((span(f"  {step.command:<{pad}}"), span(f"  {step.meaning}", Role.DIM)))
        else:
            lines += [(span(f"  {step.command}"),), (span(f"      {step.meaning}", Role.DIM),)]
    return lines
