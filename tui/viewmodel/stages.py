"""The Stages tab as text: the strip of five stages, what went in and came out of one, and what it says of itself. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.states import DiagnosticsStatus, Reason, RunStatus, Stage, StageStatus, StepStatus
from tui.viewmodel.failures import value_words
from tui.viewmodel.json_nodes import Branch, Deferred, Node
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.runs import Moment, cause, run_duration_us, run_state
from tui.viewmodel.text import Line, Span, fit, flowed, joined, span, width, wrapped
from tui.viewmodel.tracebacks import frames_of, headline, is_exception
from tui.viewmodel.words import (
    NOTHING,
    Mark,
    clock,
    count,
    diagnostics_mark,
    duration,
    items_words,
    plural,
    run_mark,
    short_id,
    stage_mark,
    step_mark,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from store.queries.why import Happening
    from store.rows import AttemptRow, RunRow, StageRow, StepRow
    from tui.viewmodel.explanation import Evidence

STAGES = tuple(Stage)
SIDE_BY_SIDE = 100
"""Cells from which input and output stand beside each other."""
_SLOT = 15
_STATE = 11
_WIDE_TIME = 7
_LONG_STATE = 11
_STRATEGY = 8


@dataclass(frozen=True, slots=True)
class RunPicture:
    """Everything of a run that the Stages tab shows, read at one moment.

    `input` and `output` belong to `stage`; `steps` are the heads that have been read so far, `steps_total` how many
    there are. A value that is None is not there yet. `waits` is known where it waits for somebody, `cancel` is who asked for its end.
    `items` says how the items of steps stand, `children` which run a sub-plan is.
    """

    run: RunRow
    stages: Mapping[Stage, StageRow] = field(default_factory=dict)
    stage: Stage = Stage.EXECUTE
    input: JsonObject | None = None
    output: JsonObject | None = None
    steps: Sequence[StepRow] = ()
    engine_lost: bool = False
    strategy: str = ""
    waits: Evidence | None = None
    cancel: Happening | None = None
    items: Mapping[str, Mapping[StepStatus, int]] = field(default_factory=dict)
    children: Mapping[str, str] = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """True while something can still be added to the run without anybody doing anything about it."""
        return self.run.needs_engine and not self.engine_lost

    @property
    def is_running(self) -> bool:
        """True while an engine works on the run, so that times go on."""
        return self.goes_on and self.run.started_at_us is not None


@dataclass(frozen=True, slots=True)
class StagePlace:
    """Where a stage stands on the strip: the cells from `start` to `stop`."""

    stage: Stage
    start: int
    stop: int


def first_stage_to_show(run: RunRow, stages: Mapping[Stage, StageRow]) -> Stage:
    """Where the eye should go first: what failed, then what runs, then the execute stage."""
    for status in (StageStatus.FAILED, StageStatus.CANCELED, StageStatus.RUNNING):
        for stage in STAGES:
            if stage in stages and stages[stage].status is status:
                return stage
    return Stage.EXECUTE if not stages or run.status.is_final else (run.stage or Stage.EXECUTE)


def title_right(picture: RunPicture, moment: Moment, *, hint: str = "", brief: bool = False) -> Line:
    """State, pass, time and strategy of the run, for the title line, and what else has to be said there.

    It stands at the end of the line, so what comes and goes is on its left and all else has a fixed width. `brief`, for
    where there is no room: state and time alone.
    """
    run = picture.run
    mark = run_state(run, engine_lost=picture.engine_lost)
    state = str(mark)
    taken = duration(run_duration_us(run, moment, engine_lost=picture.engine_lost))
    if brief:
        return joined(((Span(state, mark.role, bold=True),), (Span(taken),)))
    strategy = picture.strategy.upper()
    if run.imported_at_us is None:  # else nothing of it changes any more
        state = fit(state, max(_LONG_STATE, width((Span(state),))))
        taken = fit(taken, _WIDE_TIME, right=True)
        strategy = fit(strategy, _STRATEGY, right=True) if strategy or picture.goes_on else ""
    parts: list[Line] = [
        (Span(hint, Role.DIM),) if hint else (),
        (Span("imported", Role.DIM),) if run.imported_at_us is not None else (),
        (Span(state, mark.role, bold=True),),
        (Span(f"pass {run.pass_index}", Role.DIM),) if run.pass_index else (),
        (Span(taken),),
        (span(strategy, Role.DIM),) if strategy else (),
    ]
    return joined(parts)


def strip_height(cells: int) -> int:
    """Lines the strip takes: one where there is room, else names and states above each other."""
    return 1 if cells >= SIDE_BY_SIDE + 2 else 2


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
    return _mark_of_stage(picture, row), duration(
        stage_duration_us(row, moment)
    ) if row.started_at_us is not None else ""


def _mark_of_stage(picture: RunPicture, row: StageRow) -> Mark:
    """The mark of a stage; one that is under way while its run waits for somebody waits too."""
    waits = picture.run.status in (RunStatus.PAUSED, RunStatus.QUARANTINED)
    return run_mark(picture.run.status) if waits and row.status is StageStatus.RUNNING else stage_mark(row.status)


def stage_duration_us(row: StageRow, moment: Moment) -> int | None:
    """How long a stage took, or has taken so far."""
    if row.duration_us is not None:
        return row.duration_us
    if row.started_at_us is None or row.status is not StageStatus.RUNNING:
        return None
    return max(0, moment.now_us - row.started_at_us)


def input_node(picture: RunPicture) -> Node:
    """What went into the stage, the telling parts first."""
    if picture.input is None:
        return None
    return _ordered(picture.input, ("params", "applied_assets", "previous_output"))


def output_node(picture: RunPicture, moment: Moment) -> Node:
    """What came out of the stage, its result first. The steps of `execute` are there while they run, with their states."""
    if picture.stage is not Stage.EXECUTE:
        return None if picture.output is None else _ordered(picture.output, ("result", "references"))
    rest = _ordered(picture.output or {}, ("result", "references"))
    rest.pop("result", None)
    if not picture.steps and picture.output is None:
        return None
    return {"result": steps_node(picture, moment), **rest}


def _ordered(value: JsonObject, first: tuple[str, ...]) -> dict[str, Node]:
    ordered: dict[str, Node] = {key: value[key] for key in first if key in value}
    ordered.update({key: child for key, child in value.items() if key not in ordered})
    return ordered


def steps_node(picture: RunPicture, moment: Moment) -> Branch:
    """The steps of the pass in execution order; a step's result is read when it is unfolded."""
    longest = min(24, max((len(step.step_id) for step in picture.steps), default=0))
    state = max([_STATE, *(len(str(step_mark(step.status))) for step in picture.steps)])
    content: dict[str, Node] = {
        _step_key(step): _step_branch(
            step,
            longest,
            state,
            moment,
            engine_lost=picture.engine_lost,
            parts=_parts_words(picture, step),
            items=sum(picture.items.get(step.step_id, {}).values()),
        )
        for step in picture.steps
    }
    hidden = picture.run.steps_total - len(picture.steps)
    if hidden > 0 and picture.steps:
        more = Branch(
            (Span(f"{plural(hidden, 'more step')}", Role.DIM),),
            (),
            Deferred(("steps", len(picture.steps)), is_more=True),
        )
        content["…"] = more
    return Branch((Span(f"{{{plural(picture.run.steps_total, 'step')}}}", Role.DIM),), (), content)


def _step_key(step: StepRow) -> str:
    return step.step_id if step.item_index is None else f"{step.step_id}[{step.item_index}]"


def _parts_words(picture: RunPicture, step: StepRow) -> str:
    """Its items, or the run that it is."""
    numbers = picture.items.get(step.step_id, {})
    # What failed of its items is what its own message says.
    items = "" if step.reason is Reason.ITEMS_FAILED else items_words(numbers)
    child = picture.children.get(step.step_id)
    return ", ".join(filter(None, [items, f"run {short_id(child)}" if child else ""]))


def _step_branch(
    step: StepRow, longest: int, state: int, moment: Moment, *, engine_lost: bool, parts: str = "", items: int = 0
) -> Branch:
    lost = engine_lost and step.status is StepStatus.RUNNING
    mark = Mark("✗", "LOST", Role.FAILED) if lost else step_mark(step.status)
    padding = " " * max(0, longest - len(_step_key(step)))
    tries = f"  {parts}" if parts else ""
    tries += f"  {step.attempts} attempts" if step.attempts > max(1, items) else ""
    tries += "  kept result" if step.reason is Reason.CACHE_HIT else ""
    said = step.message or (f"exit {step.exit_code}" if step.exit_code else "")
    summary = (
        Span(padding),
        Span(fit(str(mark), state), mark.role),
        Span(tries, Role.DIM),
        # Why a step was left out is worth less than why one failed.
        span(f"  {said}" if said else "", Role.DIM if mark.role is Role.DIM else Role.TEXT),
    )
    taken = "" if step.started_at_us is None or lost else duration(step_duration_us(step, moment))
    # The state is part of the token: what was read of a running step is read again when it has ended.
    token = ("step", step.step_id, step.item_index, step.status.value, step.attempts, parts)
    return Branch(summary, (Span(taken, Role.DIM),), Deferred(token))


def step_duration_us(step: StepRow, moment: Moment) -> int | None:
    """How long a step took, all attempts and waits together, or has taken so far."""
    if step.duration_us is not None:
        return step.duration_us
    if step.started_at_us is None or step.status.is_final:
        return None
    return max(0, moment.now_us - step.started_at_us)


def step_detail(
    result: JsonObject | None,
    attempts: Sequence[AttemptRow],
    moment: Moment,
    items: Sequence[StepRow] = (),
    values: Mapping[int, Json] | None = None,
) -> dict[str, Node]:
    """What unfolds under a step: its data first, then the rest of its result, its items and every attempt."""
    detail: dict[str, Node] = {}
    if result:
        inner = result.get("result")
        flat: JsonObject = inner if isinstance(inner, dict) else result
        detail.update(_ordered(flat, ("data", "stdout", "stderr", "message")))
        if is_exception(error := flat.get("error")):
            detail["error"] = _error_node(error)
    if items:
        detail["items"] = _items_node(items, values or {}, moment)
    if attempts or not items:
        detail["attempts"] = [_attempt_node(attempt, moment) for attempt in attempts]
    return detail


def _items_node(items: Sequence[StepRow], values: Mapping[int, Json], moment: Moment) -> Branch:
    """The items in the order of the list, each to be read when it is unfolded. Those that failed can be told by their state."""
    state = max([_STATE, *(len(str(step_mark(item.status))) for item in items)])
    content: dict[str, Node] = {}
    numbers: dict[StepStatus, int] = {}
    for item in items:
        index = item.item_index if item.item_index is not None else -1
        numbers[item.status] = numbers.get(item.status, 0) + 1
        value = f"#{index} {value_words(values[index])}" if index in values else f"#{index}"
        content[value] = _step_branch(item, 0, state, moment, engine_lost=False)
    return Branch((Span(items_words(numbers), Role.DIM),), (), content)


def _error_node(error: Json) -> Branch | None:
    """An exception, folded to its first line; its calls are below, the innermost first, then what it was raised from."""
    if not isinstance(error, dict):
        return None
    content: dict[str, Node] = {"message": str(error.get("message") or "")}
    content["calls"] = [f"{frame.place}  {frame.code}".rstrip() for frame in frames_of(error)]
    content.update(
        {name: value for name, value in error.items() if name not in ("type", "message", "traceback", "cause")}
    )
    if (cause := _error_node(error.get("cause"))) is not None:
        content["because of"] = cause
    return Branch((span(headline(error), Role.FAILED),), (), content)


def _attempt_node(attempt: AttemptRow, moment: Moment) -> Branch:
    mark = step_mark(attempt.status)
    ended = attempt.finished_at_us
    taken = duration((ended if ended is not None else moment.now_us) - attempt.started_at_us)
    at = clock(attempt.started_at_us, now_us=moment.now_us, zone=moment.zone)
    said = (attempt.finished or {}).get("message") or ""
    finished: dict[str, Node] = {**(attempt.finished or {})}
    if is_exception(error := (attempt.finished or {}).get("error")):
        finished["error"] = _error_node(error)
    content: dict[str, Node] = {**attempt.starting, **({"ended": finished} if finished else {})}
    summary = (Span(fit(str(mark), _STATE), mark.role), span(f"  at {at}", Role.DIM), span(f"  {said}" if said else ""))
    return Branch(summary, (Span(taken, Role.DIM),), content)


def panel_facts(node: Node) -> Line:
    """What a panel's heading says of its value."""
    return (Span(plural(len(node), "key"), Role.DIM),) if isinstance(node, dict) else ()


def empty_input(picture: RunPicture) -> str:
    """What stands in the input's place while there is none."""
    return f"{picture.stage.value} has not started" + ("" if picture.is_running else "; the run ended before it")


def empty_output(picture: RunPicture) -> str:
    """What stands in the output's place while there is none."""
    row = picture.stages.get(picture.stage)
    if row is None or row.status is StageStatus.PENDING:
        return "no output" if not picture.is_running else "comes when the stage has run"
    if picture.engine_lost:
        return "the engine was lost before this stage ended"
    return "the stage is running" if row.status is StageStatus.RUNNING else "the stage gave no output"


def stage_facts(picture: RunPicture) -> list[Line]:
    """What a stage says of itself: state, warnings, errors, counts, references."""
    row = picture.stages.get(picture.stage)
    diagnostics = _object(picture.output, "diagnostics")
    status = diagnostics.get("status")
    head: Line = (Span("DIAGNOSTICS", Role.TEXT, bold=True),)
    if row is None:
        return [head, (Span("not started", Role.DIM),)]
    if not diagnostics:
        mark = Mark("✗", "LOST", Role.FAILED) if picture.engine_lost else _mark_of_stage(picture, row)
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
    for reference in _list(picture.output, "references"):
        if isinstance(reference, dict):
            detail = str(reference.get("detail") or "")
            name = str(reference.get("name") or NOTHING)
            kind = Span(f"  {fit(str(reference.get('kind') or 'reference'), 10)} ", Role.DIM)
            lines.append((kind, span(name), span(f"  {detail}" if detail else "", Role.DIM)))
    return lines


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
    for mark, text in said:
        for index, part in enumerate(wrapped(text, max(20, cells - 6))):
            lines.append((Span(f"  {mark.glyph} " if index == 0 else "    ", mark.role), Span(part)))
    return lines


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
