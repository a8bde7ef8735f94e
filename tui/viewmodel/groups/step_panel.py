"""A step whole, as a tree: how it stands and why, what it ran, what it was given, its last output, its attempts. Reading is elsewhere."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason
from tui.viewmodel.json_nodes import Branch, Deferred
from tui.viewmodel.log_text import shown
from tui.viewmodel.palette import Role
from tui.viewmodel.reused import reused_words
from tui.viewmodel.shell_text import list_in, object_in
from tui.viewmodel.step_nodes import step_detail
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import clock, duration, items_words, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from store.rows import AttemptRow, LogRow, StepRow
    from tui.viewmodel.groups.folding import Fold
    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.groups.relations import Relations
    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.runs import Moment

LAST_LINES: Final = 8
_NAMES_MOST: Final = 6
_FOLDED_MOST: Final = 500


def step_node(
    picture: GroupsPicture,
    relations: Relations,
    at: int,
    moment: Moment,
    *,
    attempts: Sequence[AttemptRow] = (),
    items: Sequence[StepRow] = (),
    values: Mapping[int, Json] | None = None,
    logs: Sequence[LogRow] = (),
) -> dict[str, Node]:
    """What the panel shows of a step. Its result can be large, so it is read when it is unfolded."""
    step = picture.steps[at]
    node = _standing(picture, step, moment)
    starting = attempts[-1].starting if attempts else {}
    if definition := object_in(starting.get("definition")):
        node["command"] = command_words(definition)
    if numbers := picture.items.get(step.step_id):
        node["items"] = items_words(numbers)
    if logs:
        node["last output"] = _last_lines(logs)
    if attempts:
        node["attempts"] = step_detail(None, attempts, moment, took_us=step.duration_us)["attempts"]
    if items:
        node["each item"] = step_detail(None, (), moment, items, values)["items"]
    if step.status.is_final and (step.started_at_us is not None or step.reason is not None):
        node["result"] = Branch(
            (), (), Deferred(("result", step.step_id, step.pass_index, step.attempts), is_more=True)
        )
    if environment := object_in(starting.get("env")):
        node["environment"] = environment
    if inputs := object_in(starting.get("inputs")):
        node["inputs"] = inputs
    node["waits for"] = _names(picture, relations.parents[at], "nothing")
    node["needed by"] = _names(picture, relations.children[at], "nothing")
    if other := picture.shape.fallback_of.get(step.step_id):
        node["fallback"] = other
    if starting:
        more: dict[str, Node] = {key: starting[key] for key in ("timeout_sec", "idempotent") if key in starting}
        node["definition"] = {**object_in(starting.get("definition")), **more}
    return node


def _standing(picture: GroupsPicture, step: StepRow, moment: Moment) -> dict[str, Node]:
    """How it stands, why, and since when."""
    mark = picture.mark(step)
    node: dict[str, Node] = {}
    said = f"  exit {step.exit_code}" if step.exit_code else ""
    reason = f"  {step.reason.value}" if step.reason else ""
    if step.reason is Reason.REUSED:
        reason = f"  {reused_words(picture.reused.get(step.step_id), picture.run.run_id)}"
    taken = "" if step.started_at_us is None else duration(picture.taken_us(step, moment.now_us))
    node["status"] = Branch((Span(str(mark), mark.role, bold=True), Span(said + reason, Role.DIM)), (Span(taken),))
    if step.message:
        node["why"] = step.message
    if step.started_at_us is not None:
        began = clock(step.started_at_us, now_us=moment.now_us, zone=moment.zone)
        tries = f"  {plural(step.attempts, 'attempt')}" if step.attempts > 1 else ""
        node["started"] = Branch((Span(began), Span(tries, Role.WARNING)))
    return node


def fold_node(picture: GroupsPicture, fold: Fold) -> dict[str, Node]:
    """What the panel shows of steps that are folded together: each with how it stands."""
    node: dict[str, Node] = {}
    for at in fold.members[:_FOLDED_MOST]:
        step = picture.steps[at]
        mark = picture.mark(step)
        node[step.step_id] = Branch(
            (Span(str(mark), mark.role), span(f"  {step.message}" if step.message else "", Role.DIM))
        )
    hidden = len(fold.members) - _FOLDED_MOST
    if hidden > 0:
        node["…"] = plural(hidden, "more step")
    return node


def command_words(definition: JsonObject) -> str:
    """What a step runs, in one text: a command line, a query, a call, an address."""
    match definition.get("type"):
        case "command":
            return shlex.join([str(definition.get("command")), *map(str, list_in(definition.get("args")))])
        case "sql":
            return str(definition.get("query"))
        case "http":
            return f"{definition.get('method') or 'GET'} {definition.get('url')}"
        case "python":
            return str(definition.get("callable"))
        case "powershell":
            return str(definition.get("script") or definition.get("file"))
        case "file":
            return " ".join(
                str(definition[key]) for key in ("action", "source", "target", "path") if definition.get(key)
            )
        case "tool":
            return str(definition.get("tool"))
        case other:
            return str(definition.get("plan") or other)


def _last_lines(logs: Sequence[LogRow]) -> str:
    raw = b"".join(row.content for row in logs)
    lines = raw.rstrip(b"\n").split(b"\n")[-LAST_LINES:]
    return "\n".join(shown(line).text for line in lines)


def _names(picture: GroupsPicture, places: Sequence[int], none: str) -> Node:
    if not places:
        return Branch((Span(none, Role.DIM),))
    names = [picture.steps[at].step_id for at in places]
    more = len(names) - _NAMES_MOST
    text = ", ".join(names[:_NAMES_MOST]) + (f" and {more:,} more" if more > 0 else "")
    content: dict[str, Node] = {}
    for at in places[:_FOLDED_MOST]:
        mark = picture.mark(picture.steps[at])
        content[picture.steps[at].step_id] = Branch((Span(str(mark), mark.role),))
    return Branch((span(text),), (), content)
