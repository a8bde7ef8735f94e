"""Kept analyses by the beginning of their id, and runs by what a person types, for `opscope compare`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from engine.regression.verdict import Analysis
    from store.reader import Reader
    from tui.commands.context import Context


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


def ended_runs(reader: Reader, texts: Sequence[str]) -> list[str]:
    """The ids of the runs that are named, each once. Raises InputError for one that goes on."""
    from tui.commands.records import find_run

    found: list[str] = []
    for text in texts:
        one = find_run(reader, text)
        if one.stage is not None:
            raise InputError("whole runs are compared", place=text, hint="--stage chooses the stage for all of them")
        if not one.run.status.is_final:
            raise InputError(
                f"the run has not ended: it is {one.run.status.value}", place=text, hint="compare it when it has"
            )
        found.append(one.run.run_id)
    return list(dict.fromkeys(found))
