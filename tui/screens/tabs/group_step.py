"""Reading what the panel of the Groups tab shows of a step, and what is unfolded in it. How it reads is in the view model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui.viewmodel.groups.step_panel import fold_node, step_node
from tui.viewmodel.palette import Role
from tui.viewmodel.step_nodes import step_detail
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from tui.source import RunSource
    from tui.viewmodel.groups.folding import Fold
    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.groups.placing import Key
    from tui.viewmodel.groups.relations import Relations
    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.text import Line

_ITEMS_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """What the panel shows, and what its heading says."""

    node: Node = None
    title: Line = ()
    facts: Line = ()


async def look_at(
    source: RunSource,
    picture: GroupsPicture,
    relations: Relations,
    chosen: Key | None,
    folds: Mapping[str, Fold],
    moment: Moment,
) -> Looked:
    """The chosen step with its attempts, items and last output; of a fold, the steps in it. Raises StoreError."""
    if isinstance(chosen, str) and chosen in folds:
        members = plural(len(folds[chosen].members), "step")
        return Looked(fold_node(picture, folds[chosen]), (Span(f"{members}; space shows them", Role.DIM),))
    if not isinstance(chosen, int):
        return Looked()
    step = picture.steps[chosen]
    run_id, pass_index = picture.run.run_id, step.pass_index
    attempts = await source.attempts(run_id, pass_index, step.step_id) if step.attempts else []
    has_items = step.step_id in picture.items
    items, values = await source.items(run_id, pass_index, step.step_id, _ITEMS_MOST) if has_items else ([], {})
    logs = await source.last_output(run_id, step.step_id)
    node = step_node(picture, relations, chosen, moment, attempts=attempts, items=items, values=values, logs=logs)
    return Looked(node, (span(step.step_id, picture.mark(step).role),), (Span(step.tool_type.value, Role.DIM),))


async def look_into(source: RunSource, run_id: str, pass_index: int, token: Hashable, moment: Moment) -> Node:
    """What is under a row that is unfolded: the result of a step, or one of its items. Raises StoreError."""
    match token:
        case ("result", str(step_id), *_):
            result, _ = await source.step(run_id, pass_index, step_id, None)
            detail = step_detail(result, (), moment)
            detail.pop("attempts", None)
            return detail
        case ("step", str(step_id), int(item_index), *_):
            result, attempts = await source.step(run_id, pass_index, step_id, item_index)
            return step_detail(result, attempts, moment)
        case _:
            raise KeyError(token)
