"""The list that a step with `for_each` runs over: its shape in the plan, and its items when the time has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import OpscopeError
from engine.plan.faults import describe, shorten
from engine.plan.names import Context, Place
from engine.plan.references import fill_value
from engine.plan.template_parser import Template

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.plan.faults import Path
    from engine.plan.references import Compiled
    from engine.plan.scope import View
    from engine.plan.texts import Texts

MAX_ITEMS = 10_000


class BadItemsError(OpscopeError):
    """What `for_each` came to is no list, or one that is too long."""


def check_items(value: Json, path: Path, texts: Texts) -> Compiled:
    """Compile a `for_each`; None where there is none."""
    if value is None:
        return None
    context = Context(Place.ITEMS, path)
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            texts.faults.add(path, f"expected at most {MAX_ITEMS:,} items, found {len(value):,}", "split the step")
            return []
        return texts.tree(value, context)
    compiled = texts.tree(value, context) if isinstance(value, str) else value
    if not (isinstance(compiled, Template) and compiled.whole is not None):
        if not (isinstance(value, str) and texts.faults.has(path)):
            hint = 'write a list, or "{STEP.data}" with nothing around it'
            texts.faults.add(path, f"expected a list, or one reference to a list, found {describe(value)}", hint)
        return []
    return compiled


def expand_items(compiled: Compiled, view: View) -> list[Json]:
    """The items. Raises MissingReferenceError or BadItemsError."""
    found = fill_value(compiled, view, null_as=None)
    shown = shorten(compiled.text) if isinstance(compiled, Template) else "the list"
    if not isinstance(found, list):
        hint = "it has to be a list; give {… ?? []} for one that may be missing"
        raise BadItemsError(f"{shown} is {describe(found)}, which is no list", place="for_each", hint=hint)
    if len(found) > MAX_ITEMS:
        raise BadItemsError(f"{shown} has {len(found):,} items; at most {MAX_ITEMS:,} can be run", place="for_each")
    return found
