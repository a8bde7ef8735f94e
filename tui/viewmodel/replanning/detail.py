"""One replan told in full: why, who decided, what it changes in the plan, and which results the next pass used again."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason, StepStatus
from engine.regression.json_diff import LineKind, diff, summary_lines, text_diff
from engine.regression.json_diff.text import CONTEXT
from tui.viewmodel.long_text import broken
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.replanning.replan import decision_mark, severity_role, trigger_mark
from tui.viewmodel.text import Line, Span, crop, fit, span, wrapped
from tui.viewmodel.words import duration, plural, time_of_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from engine.regression.json_diff import Line as DiffLine
    from store.rows import StepRow
    from tui.viewmodel.replanning.replan import Replan
    from tui.viewmodel.runs import Moment

_LABEL: Final = 12
_MOST_CHANGES: Final = 6
_MOST_NAMED: Final = 8
_WIDE: Final = 98
_WHOLE: Final = 30
"""Lines of a side up to which equal ones are not folded."""
_NOTHING_CHANGED: Final = "nothing: the plan stayed as it was"
_ABSENT: Final = "this step is not in the plan"


def detail_lines(
    replan: Replan, passes: Mapping[int, Sequence[StepRow]], cells: int, moment: Moment, *, can_decide: bool
) -> list[Line]:
    """Everything there is to say of a replan. `passes` are the steps of its pass and of the one after it, as far as they are."""
    mark = trigger_mark(replan.trigger)
    head: Line = (
        Span(f" {mark.glyph} {mark.word}", mark.role, bold=True),
        Span("  "),
        span(replan.subject, Role.STRONG, bold=True),
        Span(f"  {replan.severity.value.upper()}", severity_role(replan.severity)),
        span(f"  {replan.event_id}  pass {replan.pass_index}  ", Role.DIM),
        Span(replan.stage.value, STAGE_ROLES[replan.stage]),
    )
    lines: list[Line] = [head]
    lines += _told("reason", replan.reason, cells)
    lines += _told("happened", replan.cause, cells)
    said = summary_lines(diff(_there(replan.before), _there(replan.after)), _MOST_CHANGES)
    lines += _listed("changes", said if replan.before or replan.after else [_NOTHING_CHANGED], cells)
    lines += _decision(replan, cells, moment, can_decide=can_decide)
    lines += _next_pass(replan, passes, cells)
    if replan.before or replan.after:
        lines.append(())
        lines += _sides(replan, cells) if cells >= _WIDE else _one_column(replan, cells)
    return [crop(line, cells) for line in lines]


def patch_text(replan: Replan) -> str:
    """The patch for the clipboard."""
    return json.dumps({"before": replan.before, "after": replan.after}, indent=2, ensure_ascii=False)


def empty_lines(*, is_filtered: bool, has_any: bool, goes_on: bool) -> list[Line]:
    """What stands there while there is no replan to show."""
    if is_filtered and has_any:
        return [(Span(" no replan passes this filter; esc shows all", Role.DIM),)]
    now = "so far its plan has not been changed" if goes_on else "its plan was never changed on the way"
    return [
        (Span(f" No replans: {now}.", bold=True),),
        (),
        (Span(" A policy of kind replan asks for another plan when a step fails or finds", Role.DIM),),
        (Span(" nothing; an operator does with opscope replan RUN while the run goes on.", Role.DIM),),
    ]


# What was said


def _told(label: str, text: str, cells: int) -> list[Line]:
    return _listed(label, wrapped(text, max(20, cells - _LABEL - 1)) if text else [], cells)


def _listed(label: str, texts: Sequence[str], cells: int) -> list[Line]:
    room = max(20, cells - _LABEL - 1)
    parts = [part for text in texts for part in wrapped(text, room)]
    return [
        (Span(f" {fit(label if number == 0 else '', _LABEL)}", Role.DIM), Span(part))
        for number, part in enumerate(parts)
    ]


def _decision(replan: Replan, cells: int, moment: Moment, *, can_decide: bool) -> list[Line]:
    mark = decision_mark(replan.decision)
    label = Span(f" {fit('decision', _LABEL)}", Role.DIM)
    out: list[Span] = [label, Span(str(mark), mark.role, bold=True)]
    if replan.is_pending:
        if can_decide:
            out.append(Span("  waits for you"))
            for key, does in (("a", "approve"), ("d", "deny")):
                out += [Span("   "), Span(key, bold=True), Span(f" {does}", Role.DIM)]
        follow = f"approved: pass {replan.pass_index + 1} runs the changed plan and uses again what still holds"
        return [tuple(out), *(_listed("", [follow, "denied: it goes on as planned"], cells) if can_decide else [])]
    if replan.decided_by:
        out.append(span(f"  by {replan.decided_by.removeprefix('operator:')}"))
    if replan.decided_at_us is not None:
        took = duration(max(0, replan.decided_at_us - replan.at_us))
        out.append(Span(f"  at {time_of_day(replan.decided_at_us, zone=moment.zone)}, after {took}", Role.DIM))
    lines: list[Line] = [tuple(out)]
    if replan.decision_reason and replan.decision_reason != replan.reason:
        lines += _listed("", [replan.decision_reason], cells)
    return lines


def _next_pass(replan: Replan, passes: Mapping[int, Sequence[StepRow]], cells: int) -> list[Line]:
    """What became of the results so far: used again, made again, or made for the first time."""
    steps = passes.get(replan.pass_index + 1, ())
    if not replan.is_approved or not steps:
        return []
    ran_before = {row.step_id for row in passes.get(replan.pass_index, ()) if row.attempts}
    groups: dict[str, list[str]] = {"reused": [], "ran again": [], "ran for the first time": [], "did not run": []}
    for row in steps:
        if row.reason is Reason.REUSED:
            groups["reused"].append(row.step_id)
        elif row.attempts or row.status in (StepStatus.RUNNING, StepStatus.WAITING):
            groups["ran again" if row.step_id in ran_before else "ran for the first time"].append(row.step_id)
        else:
            groups["did not run"].append(row.step_id)
    said = [f"{label} {len(names)}: {_names(names)}" for label, names in groups.items() if names]
    if not groups["reused"]:
        said.insert(0, "no result was used again")
    return _listed(f"pass {replan.pass_index + 1}", said, cells)


def _names(names: Sequence[str]) -> str:
    more = f" and {plural(len(names) - _MOST_NAMED, 'more step')}" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


# Before and after


def _there(side: JsonObject) -> Json:
    return {step_id: step for step_id, step in side.items() if step is not None}


def _diff(replan: Replan) -> tuple[DiffLine, ...]:
    """What fits a screen is shown whole: where a change stands says as much as the change."""
    before, after = _texts(replan)
    is_short = max(before.count("\n"), after.count("\n")) <= _WHOLE
    return text_diff(before, after, context=None if is_short else CONTEXT)


def _texts(replan: Replan) -> tuple[str, str]:
    step_ids = [*replan.before, *(step_id for step_id in replan.after if step_id not in replan.before)]
    return _document(step_ids, replan.before), _document(step_ids, replan.after)


def _document(step_ids: Sequence[str], side: JsonObject) -> str:
    lines: list[str] = []
    for step_id in step_ids:
        value = side.get(step_id)
        lines += [f"{step_id}:", f"  ({_ABSENT})"] if value is None else _written({step_id: value}, 0)
    return "".join(f"{line}\n" for line in lines)


def _written(value: Json, depth: int) -> Iterator[str]:
    """A value as plans are written: a key a line, indented."""
    indent = "  " * depth
    pairs: list[tuple[str, Json]] = []
    if isinstance(value, dict):
        pairs = [(f"{_scalar(key)}:", child) for key, child in value.items()]
    elif isinstance(value, list):
        pairs = [("-", child) for child in value]
    for name, child in pairs:
        if isinstance(child, dict | list) and child:
            yield f"{indent}{name}"
            yield from _written(child, depth + 1)
        elif isinstance(child, str) and "\n" in child:
            yield f"{indent}{name} |"
            yield from (f"{indent}  {line}" for line in child.split("\n"))
        else:
            yield f"{indent}{name} {_scalar(child) if isinstance(child, str) else json.dumps(child)}"


def _scalar(text: str) -> str:
    return text if text and text == text.strip() else json.dumps(text, ensure_ascii=False)


def _one_column(replan: Replan, cells: int) -> Iterator[Line]:
    yield _heading("BEFORE AND AFTER", cells)
    for line in _diff(replan):
        match line.kind:
            case LineKind.SAME:
                yield from _signed(" ", line.after, Role.TEXT, cells)
            case LineKind.FOLDED:
                yield _folded(line)
            case _:
                if line.before:
                    yield from _signed("-", line.before, Role.FAILED, cells)
                if line.after:
                    yield from _signed("+", line.after, Role.SUCCEEDED, cells)


def _sides(replan: Replan, cells: int) -> Iterator[Line]:
    half = (cells - 3) // 2
    yield (*_heading("BEFORE", half), Span("   "), *_heading("AFTER", half))
    for line in _diff(replan):
        if line.kind is LineKind.FOLDED:
            yield _folded(line)
            continue
        is_same = line.kind is LineKind.SAME
        left = list(_signed(" " if is_same else "-", line.before, Role.TEXT if is_same else Role.FAILED, half))
        right = list(_signed(" " if is_same else "+", line.after, Role.TEXT if is_same else Role.SUCCEEDED, half))
        for one, other in zip_longest(left if line.before else [], right if line.after else [], fillvalue=()):
            text = "".join(piece.text for piece in one)
            yield (Span(fit(text, half), one[0].role if one else Role.TEXT), Span("   "), *other)


def _heading(title: str, cells: int) -> Line:
    return (
        Span(" ─ ", Role.BORDER),
        Span(title, Role.DIM),
        Span(" " + "─" * max(0, cells - len(title) - 4), Role.BORDER),
    )


def _signed(sign: str, text: str, role: Role, cells: int) -> Iterator[Line]:
    if text.strip() == f"({_ABSENT})":
        sign, role = " ", Role.DIM
    for part in broken(text, cells - 4):
        yield (Span(f" {sign} {part}", role),)


def _folded(line: DiffLine) -> Line:
    return (Span(f"   … {plural(line.folded, 'line')} the same", Role.DIM),)
