"""`opscope compare --confirm`, `--put-back` and `--bisect`: reruns that settle a kept analysis, told on stderr while they go on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import InputError
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from tui.commands.context import Context
    from tui.experiments import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What settles a kept analysis."""
    group = parser.add_argument_group(
        "settling a kept analysis by reruns", "ID may be that of a run, too, for what was found when it ended."
    )
    group.add_argument(
        "--confirm", metavar="ID", help="run the candidate again and test what stood out alone on the fresh runs"
    )
    group.add_argument("--runs", metavar="N", type=int, help="how many runs confirm it (as many as can: at least 3)")
    group.add_argument(
        "--put-back",
        nargs=2,
        metavar=("ID", "N"),
        help="run it once more with possible cause N as it was in the baseline; 1 is the first that the analysis names",
    )
    group.add_argument(
        "--bisect", metavar="ID", help="find out which of several possible causes it was, one rerun after the other"
    )


def is_asked(arguments: argparse.Namespace) -> bool:
    """Whether one of them is."""
    return any(value is not None for value in (arguments.confirm, arguments.put_back, arguments.bisect))


def carry_out(arguments: argparse.Namespace, context: Context) -> str:
    """The reruns, to their end; the id of the kept analysis that says what came of them.

    Ctrl-C cancels the run under way and starts no more.
    """
    from tui.commands.compare_lookup import kept_id
    from tui.experiments import bisect, confirm, rerun_suspect

    tell = _teller(context)
    if arguments.confirm is not None:
        runs: int | None = arguments.runs
        if runs is not None and not 1 <= runs <= 100:
            raise InputError(f"{runs} runs cannot confirm anything", hint="give 3 or a few more")
        analysis_id = kept_id(context, arguments.confirm)
        return asyncio.run(confirm(context.database, analysis_id, context.env, tell=tell, runs=runs))
    if arguments.bisect is not None:
        return asyncio.run(bisect(context.database, kept_id(context, arguments.bisect), context.env, tell=tell))
    analysis_id, index = _suspect(context, *arguments.put_back)
    return asyncio.run(rerun_suspect(context.database, analysis_id, index, context.env, tell=tell))


def _suspect(context: Context, prefix: str, number: str) -> tuple[str, int]:
    """The analysis and the place of the possible cause in it. Raises InputError that says which there are."""
    from engine.regression.narrowing import suspects_in
    from tui.commands.compare_lookup import stored
    from tui.viewmodel.comparison import KINDS

    analysis, document = stored(context, prefix)
    analysis_id = str(document["analysis_id"])
    place = f"analysis {analysis_id}"
    suspects = suspects_in(analysis)
    if not suspects:
        raise InputError(
            "it names no possible cause, so there is nothing to put back",
            place=place,
            hint=f"opscope compare --show {analysis_id[:6]} shows what it found",
        )
    if number.isdecimal() and len(number) < 9 and 1 <= int(number) <= len(suspects):
        return analysis_id, int(number) - 1
    known = "; ".join(
        f"{place} {KINDS[one.kind]} {one.name} ({one.baseline} → {one.candidates})"
        for place, one in enumerate(suspects, start=1)
    )
    only = "the only one is" if len(suspects) == 1 else "they are"
    raise InputError(f"there is no possible cause {number[:20]!r} to put back", place=place, hint=f"{only} {known}")


def _teller(context: Context) -> Callable[[Progress], None]:
    said: list[str] = []

    def tell(progress: Progress) -> None:
        if said[-1:] != [progress.text]:
            said.append(progress.text)
            context.err.line(Span(f"  {progress.done}/{progress.of}  ", Role.DIM), progress.text)
            context.err.flush()

    return tell
