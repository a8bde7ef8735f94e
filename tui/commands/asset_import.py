"""`opscope asset import`: a folder of assets into the registry, all or nothing. Reading and checking it is the store's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode
from tui.commands.arguments import describe
from tui.commands.asset_words import add_json, author
from tui.commands.ticker import Ticker
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    import argparse

    from store.assets.importing import AssetFolderError, ImportedFolder
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Take a folder of assets into the registry: TYPE/NAME.EXT becomes the next version of an asset, TYPE/NAME/N.EXT the "
        "version of that number. They are drafts unless a versions.json beside them, as opscope asset export writes it, says "
        "otherwise. Everything is checked first; if anything is wrong, every fault is told and nothing is taken; a link that "
        "leads out of the folder is one. A version that is there already is left as it is, and one that says something else "
        "is refused.",
        examples=[
            ("opscope asset import assets/", "a folder from version control"),
            ("opscope asset import assets/ --json", "for a program"),
        ],
    )
    parser.add_argument("folder", metavar="FOLDER", help="a folder with a folder for each type in it")
    add_json(parser, "what became of each file as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Take it."""
    from store.assets.importing import AssetFolderError, import_folder

    folder = Path(arguments.folder).expanduser()
    try:
        done = import_folder(folder, context.database, author(), on_wait=Ticker(context.err).waiting)
    except AssetFolderError as error:
        return _refused(context, folder, error, as_json=arguments.json)
    if arguments.json:
        context.out.json(
            {
                "imported": True,
                "assets": [
                    {
                        "file": one.place,
                        "ref": one.ref,
                        "outcome": one.outcome.value,
                        "status": one.status.value,
                    }
                    for one in done.assets
                ],
                "faults": [],
                "passed_over": [*done.passed_over],
            }
        )
    else:
        _tell(context, done)
    return ExitCode.SUCCEEDED


def _tell(context: Context, done: ImportedFolder) -> None:
    from store.assets.importing import ImportOutcome
    from tui.viewmodel.asset_words import asset_mark

    width = max(len(one.ref) for one in done.assets)
    for one in done.assets:
        mark = asset_mark(one.status)
        is_new = one.outcome is ImportOutcome.NEW
        head = Span("+ new   ", Role.SUCCEEDED) if is_new else Span("· same  ", Role.DIM)
        status = Span(f"{mark!s:<12}", mark.role)
        context.out.line(head, f"{one.ref:<{width}}  ", status, "  ", Span(one.place, Role.DIM))
    if done.passed_over:
        context.out.line(Span(f"passed over: {', '.join(done.passed_over)}", Role.DIM))
    new = sum(one.outcome is ImportOutcome.NEW for one in done.assets)
    same = len(done.assets) - new
    context.out.line(f"{plural(new, 'version')} imported, {same} there already")


def _refused(context: Context, folder: Path, error: AssetFolderError, *, as_json: bool) -> int:
    from tui.commands.complaint import MOST_FAULTS, print_error, print_faults

    if as_json:
        context.out.json(
            {
                "imported": False,
                "assets": [],
                "faults": [
                    {
                        "file": one.place,
                        "line": one.fault.line,
                        "column": one.fault.column,
                        "message": one.fault.message,
                        "hint": one.fault.hint,
                    }
                    for one in error.faults
                ],
                "passed_over": [],
            }
        )
        return error.exit_code
    print_error(context.err, error)
    for one in error.faults[:MOST_FAULTS]:
        print_faults(context.err, str(folder / one.place), (one.fault,))
    if len(error.faults) > MOST_FAULTS:
        context.err.line(f"and {len(error.faults) - MOST_FAULTS} more faults")
    return error.exit_code
