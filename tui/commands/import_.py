"""`opscope import`: exported traces into the database. Reading and checking them is the store's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.commands.ticker import Ticker
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import count, plural, short_id
from tui.viewmodel.words import size as bytes_shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from engine.model.json import Json
    from store.exchange.importing import Imported
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Take traces that opscope export wrote into the database. Each is checked first: its form, its chain of hashes, its "
        "plan and its output. A run that is there already is left as it is, and another run of the same id is refused; "
        "nothing is ever overwritten. Imported runs are marked; they stand as they were exported and never go on here.",
        examples=[
            ("opscope import run.json", "one trace"),
            ("opscope import traces/", "every .json file of a folder"),
            ("opscope import - < run.json", "from standard input, such as an export over ssh"),
        ],
        exit_codes=(0, 2, 4),
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a trace, a folder of them, or - for standard input")
    parser.add_argument("--json", action="store_true", help="print what became of each file as a JSON list")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Import them one by one; a bad file does not stop the others."""
    documents = list(_documents(arguments.files))
    ticker = Ticker(context.err)
    answers: list[Json] = []
    refused = 0
    for place, document in enumerate(documents):
        try:
            many = f" ({place + 1} of {len(documents)})" if len(documents) > 1 else ""
            imported = import_one(document, context, ticker, named=f"{document.name}{many}")
        except InputError as error:
            refused += 1
            answers.append(
                {"file": str(document), "outcome": "refused", "run_id": None, "error": str(error), "hint": error.hint}
            )
            if not arguments.json:
                from tui.commands.complaint import print_error

                context.out.flush()
                print_error(context.err, error)
        else:
            answers.append({"file": str(document), "outcome": imported.outcome.value, "run_id": imported.run_id})
            if not arguments.json:
                print_imported(context, document, imported)
    if arguments.json:
        context.out.json(answers)
    elif refused and len(documents) > 1:
        context.err.line(Span(f"{count(refused)} of {plural(len(documents), 'file')} refused", Role.FAILED))
    return ExitCode.BAD_INPUT if refused else ExitCode.SUCCEEDED


def _documents(names: Iterable[str]) -> Iterable[Path]:
    for name in names:
        path = Path(name)
        if name != "-" and path.is_dir():
            found = sorted(path.glob("*.json"))
            if not found:
                raise InputError("there is no .json file in this folder", place=name, hint="name the files themselves")
            yield from found
        else:
            yield path


def import_one(document: Path, context: Context, ticker: Ticker, *, named: str) -> Imported:
    """Import one file; `ticker` says of it, as `named`, how far it is. Raises InputError, StoreError."""
    from store.exchange.importing import import_file

    def progress(read: int, events: int) -> None:
        ticker(f"{named}: {bytes_shown(read)} read, {count(events)} events")

    ticker(named)
    return import_file(document, context.database, on_wait=ticker.waiting, progress=progress)


def print_imported(context: Context, document: Path, imported: Imported) -> None:
    """`✓ imported 7f3a91 ci-lookup 36 events  run.json`."""
    from store.exchange.importing import ImportOutcome

    run = Span(short_id(imported.run_id), Role.TEXT, bold=True)
    match imported.outcome:
        case ImportOutcome.IMPORTED:
            head = Span("✓ imported       ", Role.SUCCEEDED)
            said = plural(imported.events, "event")
        case ImportOutcome.ALREADY_THERE:
            head = Span("· already there  ", Role.DIM)
            more = imported.known_events - imported.events
            said = f"and {plural(more, 'event')} further" if more else "the same"
    context.out.line(head, run, f"  {imported.plan_id}  {said}  ", Span(str(document), Role.DIM))
