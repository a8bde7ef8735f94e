"""Two runs laid side by side, as lines for a person and as a document: what only one has, what differs. No statistics, no verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.regression.alignment import Aspect, Presence, RunAspect
from engine.regression.json_diff import diff, path_text, summary_lines
from engine.regression.json_diff.summary import brief
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.viewmodel.words import duration, plural, short_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import Json, JsonObject
    from engine.regression.alignment import AlignedStage, AlignedStep, Alignment, RunDifference
    from engine.regression.facts import StageFacts, StepFacts
    from engine.regression.json_diff import Change, JsonDiff

MOST_LINES: Final = 5
"""Of what differs in one result."""

MOST_CHANGES: Final = 100
"""The same in a document for programs."""

_MOST_PARTS: Final = 50
_SLOWER_US: Final = 1_000_000
_SLOWER: Final = 2
_SAID_APART: Final = frozenset(["status", "reason", "message", "exit_code", "attempts", "counts", "reused_from"])
"""What a step's result repeats of its head."""

_MARKS: Final = {
    Presence.BOTH: ("~", Role.WARNING),
    Presence.BEFORE_ONLY: ("-", Role.FAILED),
    Presence.AFTER_ONLY: ("+", Role.SUCCEEDED),
}


def against_lines(aligned: Alignment) -> list[Line]:
    """All that differs, part by part; a part of which nothing is said is the same."""
    one, other = short_id(aligned.before.run_id), short_id(aligned.after.run_id)
    lines: list[Line] = [
        (
            Span(other, Role.TEXT, bold=True),
            Span(f" against {one}"),
            Span(f"  - only in {one}  + only in {other}  ~ differs", Role.DIM),
        )
    ]
    stages = [part for part in aligned.stages if _is_told(part)]
    steps = [part for part in aligned.steps if _is_told(part)]
    lines += _section("runs", [_between(difference) for difference in aligned.between])
    many = aligned.before.outcome.get("pass_count") != 1 or aligned.after.outcome.get("pass_count") != 1
    lines += _section("stages", [_part(_stage_name(part, many), part) for part in stages])
    lines += _section("steps", [_part(_step_name(part, many), part) for part in steps])
    if len(lines) == 1:
        lines.append((Span("  nothing differs"),))
    same = [
        plural(len(parts) - len(told), noun)
        for parts, told, noun in ((aligned.stages, stages, "stage"), (aligned.steps, steps, "step"))
        if len(parts) > len(told)
    ]
    if same:
        lines.append((Span(f"  the same: {', '.join(same)}", Role.DIM),))
    return lines


def against_json(aligned: Alignment) -> JsonObject:
    """The same as a document. Of what is the same in both runs only the number stands in it."""
    stages: list[Json] = [
        {"stage": part.key.stage.value, **_part_json(part)} for part in aligned.stages if _is_unlike(part)
    ]
    steps: list[Json] = [
        {"id": part.key.step_id, "item_index": part.key.item_index, **_part_json(part)}
        for part in aligned.steps
        if _is_unlike(part)
    ]
    return {
        "before": aligned.before.run_id,
        "after": aligned.after.run_id,
        "runs": [
            {
                "aspect": one.aspect.value,
                "name": one.name,
                "presence": one.presence.value,
                "before": one.before,
                "after": one.after,
            }
            for one in aligned.between
        ],
        "stages": stages,
        "steps": steps,
        "same": {"stages": len(aligned.stages) - len(stages), "steps": len(aligned.steps) - len(steps)},
    }


def aspects_of(part: AlignedStage | AlignedStep) -> tuple[Aspect, ...]:
    """What differs. That a result was taken over says by itself that nothing was tried and why it reads otherwise."""
    found = set(part.differences())
    if Aspect.REUSE in found:
        found -= {Aspect.ATTEMPTS, Aspect.REASON}
    found.discard(Aspect.RESULT)
    if part.presence is Presence.BOTH and not result_diff(part).is_empty:
        found.add(Aspect.RESULT)
    return tuple(aspect for aspect in Aspect if aspect in found)


def result_diff(part: AlignedStage | AlignedStep) -> JsonDiff:
    """What differs in the results, without what stands apart."""
    before = None if part.before is None else part.before.result
    after = None if part.after is None else part.after.result
    return diff(_told(before, part), _told(after, part))


def _told(result: Json, part: AlignedStage | AlignedStep) -> Json:
    if not isinstance(result, dict) or not hasattr(part.key, "step_id"):
        return result
    # Text that is the data is there twice, once without the blanks around it.
    is_data = str(result.get("stdout") or "").strip() == str(result.get("data") or "").strip()
    left_out = _SAID_APART | ({"stdout"} if is_data else set())
    return {name: value for name, value in result.items() if name not in left_out}


def _is_unlike(part: AlignedStage | AlignedStep) -> bool:
    return part.presence is not Presence.BOTH or bool(aspects_of(part))


def _is_told(part: AlignedStage | AlignedStep) -> bool:
    return _is_unlike(part) or _is_slower(part)


def _is_slower(part: AlignedStage | AlignedStep) -> bool:
    """True where the time alone is worth a line: twice as long or half, and by a second at least."""
    times = _times(part)
    if times is None or _is_reused(part):
        return False
    shorter, longer = sorted(times)
    return longer - shorter >= _SLOWER_US and longer >= _SLOWER * shorter


def _is_reused(part: AlignedStage | AlignedStep) -> bool:
    return any(getattr(side, "reused", False) for side in (part.before, part.after))


def _times(part: AlignedStage | AlignedStep) -> tuple[int, int] | None:
    one, other = part.before, part.after
    if one is None or other is None or one.duration_ms is None or other.duration_ms is None:
        return None
    return round(one.duration_ms * 1000), round(other.duration_ms * 1000)


def _section(title: str, parts: list[list[Line]]) -> list[Line]:
    if not parts:
        return []
    lines: list[Line] = [(Span(title, Role.DIM),)]
    for part in parts[:_MOST_PARTS]:
        lines += part
    if len(parts) > _MOST_PARTS:
        lines.append((Span(f"  and {len(parts) - _MOST_PARTS} more; --json has all", Role.DIM),))
    return lines


def _between(one: RunDifference) -> list[Line]:
    glyph, role = _MARKS[one.presence]
    subject = one.name if one.aspect in (RunAspect.PLAN, RunAspect.OUTCOME) else f"{one.aspect} {one.name}"
    head: Line = (Span(f"  {glyph} ", role), Span(f"{subject}: "))
    if one.presence is Presence.BOTH and isinstance(one.before, dict) and isinstance(one.after, dict):
        return [(*head[:1], Span(subject)), *_indented(summary_lines(diff(one.before, one.after), MOST_LINES))]
    match one.presence:
        case Presence.BOTH:
            return [(*head, Span(f"{brief(one.before)} → {brief(one.after)}"))]
        case Presence.BEFORE_ONLY:
            return [(*head, Span(brief(one.before)))]
        case Presence.AFTER_ONLY:
            return [(*head, Span(brief(one.after)))]


def _stage_name(part: AlignedStage, with_pass: bool) -> str:
    return f"{part.key.stage}{f' (pass {part.key.pass_index})' if with_pass else ''}"


def _step_name(part: AlignedStep, with_pass: bool) -> str:
    item = "" if part.key.item_index is None else f"[{part.key.item_index}]"
    return f"{part.key.step_id}{item}{f' (pass {part.key.pass_index})' if with_pass else ''}"


def _part(name: str, part: AlignedStage | AlignedStep) -> list[Line]:
    glyph, role = _MARKS[part.presence]
    there = part.before or part.after
    assert there is not None, "one side is always there"
    head: Line = (Span(f"  {glyph} ", role), Span(name, Role.TEXT, bold=True))
    if part.presence is not Presence.BOTH:
        return [(*head, Span(f"  {there.status}", Role.DIM))]
    aspects = aspects_of(part)
    said = [*_sentences(part, aspects), *_took(part)]
    lines: list[Line] = [(*head, Span(f"  {'; '.join(said)}" if said else ""))]
    if Aspect.RESULT in aspects:
        lines += _indented(summary_lines(result_diff(part), MOST_LINES))
    return lines


def _took(part: AlignedStage | AlignedStep) -> Iterator[str]:
    times = _times(part)
    if times is not None and not _is_reused(part) and (_is_slower(part) or Aspect.STATUS in aspects_of(part)):
        yield f"{duration(times[0])} → {duration(times[1])}"


def _sentences(part: AlignedStage | AlignedStep, aspects: tuple[Aspect, ...]) -> Iterator[str]:
    one, other = part.before, part.after
    assert one is not None
    assert other is not None
    for aspect in aspects:
        match aspect:
            case Aspect.STATUS:
                yield f"{one.status} → {other.status}"
            case Aspect.REUSE:
                yield "reused" if getattr(other, "reused", False) else "not reused"
            case Aspect.REASON:
                yield f"{_ending(one)} → {_ending(other)}"
            case Aspect.ATTEMPTS:
                yield f"attempts {getattr(one, 'attempts', 0)} → {getattr(other, 'attempts', 0)}"
            case Aspect.COUNTS:
                yield f"counts: {', '.join(_counts(one, other))}"
            case Aspect.DIAGNOSTICS:
                yield f"diagnostics: {', '.join(_diagnostics(part))}"
            case Aspect.REFERENCES:
                yield "references"
            case Aspect.RESULT:
                pass  # its lines follow


def _ending(side: StageFacts | StepFacts) -> str:
    return str(getattr(side, "message", "") or getattr(side, "reason", None) or "no message")


def _counts(one: StageFacts | StepFacts, other: StageFacts | StepFacts) -> Iterator[str]:
    before, after = dict(one.counts), dict(other.counts)
    for name in {**before, **after}:
        if before.get(name) != after.get(name):
            yield f"{name} {before.get(name, 0):,} → {after.get(name, 0):,}"


def _diagnostics(part: AlignedStage | AlignedStep) -> Iterator[str]:
    one, other = getattr(part.before, "diagnostics", None), getattr(part.after, "diagnostics", None)
    if one is None or other is None:
        return
    if one.status is not other.status:
        yield f"{one.status} → {other.status}"
    for noun, before, after in (("error", one.errors, other.errors), ("warning", one.warnings, other.warnings)):
        if before != after:
            yield f"{plural(len(before), noun)} → {len(after)}"
    if one.empty_flags != other.empty_flags:
        yield "what is empty"


def _indented(lines: list[str]) -> list[Line]:
    return [(Span(f"      {line}", Role.DIM),) for line in lines]


def _part_json(part: AlignedStage | AlignedStep) -> JsonObject:
    changes = result_diff(part).changes if part.presence is Presence.BOTH else ()
    shown: list[Json] = [_change_json(change) for change in changes[:MOST_CHANGES]]
    differs: list[Json] = [aspect.value for aspect in aspects_of(part)]
    return {
        "pass_index": part.key.pass_index,
        "presence": part.presence.value,
        "differs": differs,
        "before": _side_json(part.before),
        "after": _side_json(part.after),
        "duration_delta_ms": part.duration_delta_ms,
        "result_changes": shown,
        "more_changes": max(0, len(changes) - MOST_CHANGES),
    }


def _side_json(side: StageFacts | StepFacts | None) -> JsonObject | None:
    if side is None:
        return None
    head: JsonObject = {
        "status": side.status.value,
        "duration_ms": side.duration_ms,
        "counts": {**dict(side.counts)},
    }
    for name in ("reason", "message", "exit_code", "attempts", "reused"):
        if hasattr(side, name):
            value = getattr(side, name)
            head[name] = getattr(value, "value", value)
    said = getattr(side, "diagnostics", None)
    if said is not None:
        head["diagnostics"] = {
            "status": said.status.value,
            "warnings": [*said.warnings],
            "errors": [*said.errors],
            "empty_flags": dict(said.empty_flags),
        }
    return head


def _change_json(change: Change) -> JsonObject:
    document: JsonObject = {"kind": change.kind.value, "path": path_text(change.path)}
    if change.before_path is not None:
        document["before_path"] = path_text(change.before_path)
        document["before"] = change.before
    if change.after_path is not None:
        document["after"] = change.after
    return document
