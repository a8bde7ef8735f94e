"""Steps as nodes of a JSON tree: one branch a step, and what unfolds under it. Reading them, and the tree itself, live elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from engine.model.states import Reason, StepStatus
from store.blobs import Kept
from tui.viewmodel.failures import value_words
from tui.viewmodel.json_kept import with_kept
from tui.viewmodel.json_nodes import Branch, Deferred
from tui.viewmodel.palette import Role
from tui.viewmodel.reused import reused_words
from tui.viewmodel.text import Span, fit, span
from tui.viewmodel.tracebacks import frames_of, headline, is_exception
from tui.viewmodel.words import Mark, clock, duration, items_words, plural, short_id, step_mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from store.rows import AttemptRow, StepRow
    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.run_picture import RunPicture
    from tui.viewmodel.runs import Moment

_STATE = 11

KnownSteps: TypeAlias = "dict[str, tuple[tuple[object, ...], Branch]]"
"""The branches of steps by their key, each with all that it was made of."""


def steps_node(picture: RunPicture, moment: Moment, known: KnownSteps | None = None) -> Branch:
    """The steps of the pass in execution order; a step's result is read when it is unfolded.

    `known` are those that were made before: of a run that goes on most steps say what they said a moment ago.
    """
    known = {} if known is None else known
    longest = min(24, max((len(step.step_id) for step in picture.steps), default=0))
    state = max([_STATE, *(len(str(step_mark(status))) for status in {step.status for step in picture.steps})])
    content: dict[str, Node] = {}
    for step in picture.steps:
        key, parts = _step_key(step), _parts_words(picture, step)
        items = sum(picture.items.get(step.step_id, {}).values())
        reused = reused_words(picture.reused.get(key), picture.run.run_id) if step.reason is Reason.REUSED else ""
        made_of = (step, longest, state, picture.engine_lost, parts, items, reused)
        before = known.get(key)
        if before is not None and before[0] == made_of and not _takes_longer(step):
            content[key] = before[1]
            continue
        lost = picture.engine_lost
        branch = _step_branch(step, longest, state, moment, engine_lost=lost, parts=parts, items=items, reused=reused)
        known[key] = made_of, branch
        content[key] = branch
    hidden = picture.steps_unread
    if hidden:
        more = Branch(
            (Span(f"{plural(hidden, 'more step')}", Role.DIM),),
            (),
            Deferred(("steps", len(picture.steps)), is_more=True),
        )
        content["…"] = more
    return Branch((Span(f"{{{plural(picture.run.steps_total, 'step')}}}", Role.DIM),), (), content)


def _takes_longer(step: StepRow) -> bool:
    return step.duration_us is None and step.started_at_us is not None and not step.status.is_final


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
    step: StepRow,
    longest: int,
    state: int,
    moment: Moment,
    *,
    engine_lost: bool,
    parts: str = "",
    items: int = 0,
    reused: str = "",
) -> Branch:
    """`reused` is what stands in the place of its time where that was another run's."""
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
    taken = reused or ("" if step.started_at_us is None or lost else duration(step_duration_us(step, moment)))
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
    *,
    took_us: int | None = None,
) -> dict[str, Node]:
    """What unfolds under a step: its data first, then the rest of its result, its items and every attempt.

    `took_us` is how long the step took: no attempt of it took longer, though its end was written down later.
    """
    detail: dict[str, Node] = {}
    if result:
        inner = result.get("result")
        flat: JsonObject = inner if isinstance(inner, dict) else result
        detail.update(ordered(flat, ("data", "stdout", "stderr", "message")))
        if isinstance(flat.get("data"), Kept) and not flat.get("stdout"):
            # Where its output is the data as well, it is stored once.
            detail.pop("stdout", None)
        if is_exception(error := flat.get("error")):
            detail["error"] = _error_node(error)
    if items:
        detail["items"] = _items_node(items, values or {}, moment)
    if attempts or not items:
        detail["attempts"] = [_attempt_node(attempt, moment, took_us) for attempt in attempts]
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


def _attempt_node(attempt: AttemptRow, moment: Moment, most_us: int | None) -> Branch:
    mark = step_mark(attempt.status)
    ended = attempt.finished_at_us
    lasted = (ended if ended is not None else moment.now_us) - attempt.started_at_us
    measured = (attempt.finished or {}).get("duration_us")
    lasted = measured if isinstance(measured, int) else lasted
    taken = duration(lasted if ended is None or most_us is None else min(lasted, most_us))
    at = clock(attempt.started_at_us, now_us=moment.now_us, zone=moment.zone)
    said = (attempt.finished or {}).get("message") or ""
    finished: dict[str, Node] = with_kept(attempt.finished or {})
    if is_exception(error := (attempt.finished or {}).get("error")):
        finished["error"] = _error_node(error)
    content: dict[str, Node] = {**with_kept(attempt.starting), **({"ended": finished} if finished else {})}
    summary = (Span(fit(str(mark), _STATE), mark.role), span(f"  at {at}", Role.DIM), span(f"  {said}" if said else ""))
    return Branch(summary, (Span(taken, Role.DIM),), content)


def ordered(value: JsonObject, first: tuple[str, ...]) -> dict[str, Node]:
    """The members of an object with the telling ones first."""
    members = with_kept(value)
    ordered: dict[str, Node] = {key: members[key] for key in first if key in members}
    ordered.update({key: child for key, child in members.items() if key not in ordered})
    return ordered
