"""What a person types for `opscope compare`: kept analyses by the beginning of their id, runs, plans that have run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.errors import InputError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from engine.regression.verdict import Analysis
    from store.reader import Reader
    from tui.commands.context import Context

_PLANS_LISTED: Final = 20


def stored(context: Context, prefix: str) -> tuple[Analysis, JsonObject]:
    """A kept analysis with its document. Raises InputError where none or several begin so."""
    from engine.regression.document import from_document
    from store.analyses import stored_analysis
    from tui.commands.records import open_reader

    with open_reader(context) as reader:
        head, document = stored_analysis(reader, _checked(reader, prefix))
    return from_document(document), {**document, "analysis_id": head.analysis_id}


def kept_id(context: Context, prefix: str) -> str:
    """The whole id of a kept analysis."""
    return str(stored(context, prefix)[1]["analysis_id"])


def _checked(reader: Reader, prefix: str) -> str:
    if prefix == "last":
        from tui.commands.records import find_run

        return find_run(reader, prefix).run.run_id
    if re.fullmatch(r"[0-9a-fA-F]{1,32}", prefix) is None:
        raise InputError(f"{prefix!r} is not the id of an analysis", hint="opscope compare --list lists them")
    return prefix


def known_plan(reader: Reader, name: str) -> str:
    """The id of a plan that has run, by its id or with - for _ or the other way round. Raises InputError with those that have."""
    from store.queries import plan_ids
    from tui.commands.arguments import closest

    known = reader.run(plan_ids())
    plain = {plan_id.replace("_", "-"): plan_id for plan_id in known}
    if name in known or (meant := plain.get(name.replace("_", "-"))) is None:
        meant = name
    if meant in known:
        return meant
    near = closest(name, known)
    listed = f"{', '.join(known[:_PLANS_LISTED])}{', …' if len(known) > _PLANS_LISTED else ''}"
    hints = [
        f"did you mean {near}?" if near else "",
        f"There are runs of {listed}" if known else "nothing has been run yet",
    ]
    raise InputError(f"no run is of a plan {name!r}", hint=" ".join(hint for hint in hints if hint))


def named_runs(reader: Reader, texts: Sequence[str]) -> list[str]:
    """The ids of the runs that are named, each once. Raises InputError for a part of one."""
    from store.queries.comparison import ids_by_prefix
    from tui.commands.records import find_run
    from tui.viewmodel.links import parse_target

    found: list[str] = []
    for text in texts:
        target = parse_target(text)
        if target.stage is not None or target.step_id is not None or target.pass_index is not None:
            raise InputError("whole runs are compared", place=text, hint="--stage chooses the stage for all of them")
        try:
            found.append(find_run(reader, text).run.run_id)
        except StoreError:
            # Which of them are damaged, and whether enough is left, is seen when they are compared.
            ids = reader.run(ids_by_prefix(target.run))
            if len(ids) != 1:
                raise
            found += ids
    return list(dict.fromkeys(found))
