"""What a stage says of itself, as text: its state, counts and times, and each thing that a person has to read. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import DiagnosticsStatus, Stage, StageStatus
from tui.viewmodel.palette import Role
from tui.viewmodel.run_picture import mark_of_stage, stage_duration_us
from tui.viewmodel.runs import cause
from tui.viewmodel.text import Span, fit, flowed, joined, span, width, wrapped
from tui.viewmodel.words import NOTHING, Mark, clock, count, diagnostics_mark, duration, plural

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.text import Line

_MOST_NAMED: Final = 200
"""Sentences, and as many references, that are listed one by one: nobody reads thousands, and they are drawn anew twice a second."""


def stage_facts(picture: RunPicture) -> list[Line]:
    """What a stage says of itself: state, warnings, errors, counts, references."""
    row = picture.stages.get(picture.stage)
    diagnostics = _object(picture.output, "diagnostics")
    status = diagnostics.get("status")
    head: Line = (Span("DIAGNOSTICS", Role.TEXT, bold=True),)
    if row is None:
        return [head, (Span("not started", Role.DIM),)]
    if not diagnostics:
        mark = Mark("✗", "LOST", Role.FAILED) if picture.engine_lost else mark_of_stage(picture, row)
        done = f"{count(picture.run.steps_done)}/{count(picture.run.steps_total)} steps"
        steps: Line = (Span(done),) if picture.stage is Stage.EXECUTE and picture.run.steps_total else ()
        return [head, (Span(str(mark), mark.role),), steps]
    mark = diagnostics_mark(DiagnosticsStatus(status) if status in set(DiagnosticsStatus) else DiagnosticsStatus.OK)
    warnings, errors = _list(diagnostics, "warnings"), _list(diagnostics, "errors")
    counts = _object(diagnostics, "counts")
    return [
        head,
        (Span(str(mark), mark.role),),
        (Span(plural(len(warnings), "warning"), Role.WARNING if warnings else Role.DIM),),
        (Span(plural(len(errors), "error"), Role.FAILED if errors else Role.DIM),),
        *((span(f"{key} {_number(value)}"),) for key, value in list(counts.items())[:8]),
        (Span(plural(len(_list(picture.output, "references")), "reference"), Role.DIM),),
    ]


def stage_times(picture: RunPicture, moment: Moment) -> list[Line]:
    """When the stage started and ended, how long it took, and the assets it was given."""
    row = picture.stages.get(picture.stage)
    if row is None:
        return []
    assets = _object(picture.input, "applied_assets")
    lost = picture.engine_lost and row.status is StageStatus.RUNNING
    return [
        (Span(f"started {clock(row.started_at_us, now_us=moment.now_us, zone=moment.zone)}", Role.DIM),),
        (Span(f"ended {clock(row.finished_at_us, now_us=moment.now_us, zone=moment.zone)}", Role.DIM),),
        (Span(f"took {NOTHING if lost else duration(stage_duration_us(row, moment))}", Role.DIM),),
        (Span(f"pass {row.pass_index}", Role.DIM),),
        (Span(plural(len(assets), "asset") if assets else "no assets", Role.DIM),),
    ]


def diagnostics_lines(picture: RunPicture, moment: Moment, cells: int) -> list[Line]:
    """Everything below input and output: the facts, then each thing a person has to read, then what the stage leaned on."""
    facts, times = stage_facts(picture), stage_times(picture, moment)
    together = joined((joined(facts), joined(times)), "    ")
    lines = [together] if width(together) <= cells else [*flowed(facts, cells), *flowed(times, cells)]
    lines.extend(_messages(picture, cells))
    references = _list(picture.output, "references")
    lines.extend(_reference(reference) for reference in references[:_MOST_NAMED] if isinstance(reference, dict))
    return lines + _more(len(references) - _MOST_NAMED, "references")


def _reference(reference: JsonObject) -> Line:
    detail = str(reference.get("detail") or "")
    kind = Span(f"  {fit(str(reference.get('kind') or 'reference'), 10)} ", Role.DIM)
    return kind, span(str(reference.get("name") or NOTHING)), span(f"  {detail}" if detail else "", Role.DIM)


def _more(left: int, where: str) -> list[Line]:
    return (
        [(Span(f"  and {count(left)} more: {where} in the output above has all of them", Role.DIM),)]
        if left > 0
        else []
    )


def _messages(picture: RunPicture, cells: int) -> list[Line]:
    diagnostics = _object(picture.output, "diagnostics")
    said: list[tuple[Mark, str]] = []
    first = picture.run.first_cause or {}
    if first and first.get("stage") == picture.stage.value:
        said.append((Mark("✗", "FIRST CAUSE", Role.FAILED), f"first cause: {cause(picture.run)}"))
    # The first cause is among the errors too, in the words of its step or without its name.
    known = {cause(picture.run), str(first.get("message") or "")} if said else set()
    errors = [text for text in map(_sentence, _list(diagnostics, "errors")) if text not in known]
    said.extend((Mark("✗", "ERROR", Role.FAILED), text) for text in errors)
    said.extend((Mark("!", "WARNING", Role.WARNING), _sentence(text)) for text in _list(diagnostics, "warnings"))
    said.extend(
        (Mark("!", "EMPTY", Role.DIM), f"{name} is empty")
        for name, empty in _object(diagnostics, "empty_flags").items()
        if empty
    )
    lines: list[Line] = []
    for mark, text in said[:_MOST_NAMED]:
        for index, part in enumerate(wrapped(text, max(20, cells - 6))):
            lines.append((Span(f"  {mark.glyph} " if index == 0 else "    ", mark.role), Span(part)))
    return lines + _more(len(said) - _MOST_NAMED, "diagnostics")


def _sentence(value: Json) -> str:
    return value if isinstance(value, str) else str(value)


def _number(value: Json) -> str:
    return count(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _object(value: JsonObject | None, key: str) -> JsonObject:
    inner = (value or {}).get(key)
    return inner if isinstance(inner, dict) else {}


def _list(value: JsonObject | None, key: str) -> list[Json]:
    inner = (value or {}).get(key)
    return inner if isinstance(inner, list) else []
