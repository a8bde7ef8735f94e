"""`opscope demo`: imports the sample traces, runs the shipped plans on this host for real, then opens the inspector on it all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from tui.commands.arguments import describe
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from tui.commands.context import Context

OPENED: Final = "host_triage"
"""The plan whose run is opened: it is about this host."""
PLANS: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    ("ci_lookup", {}),
    (OPENED, {}),
    ("ci_lookup", {"host": "db01"}),
)
"""With their parameters. The inventory has no host db01, so that policy widens the search: there is a replan to look at."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Import the sample traces, one of them of a failure, then run the shipped plans for real: ci_lookup asks a bundled "
        "inventory, host_triage looks at this host and only reads. A second ci_lookup asks for a host that is not there "
        "under its name, and is replanned. These runs are recorded like any other. Then the inspector opens; on a pipe the "
        "runs are printed.",
        examples=[
            ("opscope demo", "run them, then look at them"),
            ("opscope --db /tmp/demo.db demo", "keep them out of your own database"),
            ("opscope demo --no-ui", "stay on the command line"),
        ],
        exit_codes=(0, 1, 2, 4, 129, 130, 143),
    )
    parser.add_argument("--no-ui", action="store_true", help="print the runs instead of opening the inspector")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Run them, then show."""
    from engine.shipped import shipped_plans
    from tui.commands.performing import Onlooker, perform, prepare
    from tui.commands.planning import read_plan
    from tui.commands.progress import Progress
    from tui.commands.runs import print_runs

    shipped = shipped_plans()
    worst: int = ExitCode.SUCCEEDED
    run_id = ""
    imported = import_samples(context)
    for name, params in PLANS:
        order = prepare(read_plan(str(shipped[name]), context.env), dict(params), context.env)
        with Progress(context.err).following(context.database, order.run_id) as progress:
            performed = perform(order, context.database, Onlooker(note=progress.note))
        if performed.signal is not None:
            return 128 + performed.signal
        run_id = order.run_id if name == OPENED else run_id
        worst = max(worst, performed.exit_code)
    if context.is_interactive and not arguments.no_ui:
        from tui.commands.inspector import open_inspector
        from tui.places import RunPlace

        code = open_inspector(context, place=RunPlace(run_id))
        context.err.line(
            Span("The runs are kept: opscope opens the inspector again, opscope runs lists them.", Role.DIM)
        )
        return code
    print_runs(context, limit=len(PLANS) + imported)
    return worst


def import_samples(context: Context) -> int:
    """Import the sample traces that are not there yet, and say so; how many there are. None of them is worth failing for."""
    from engine.shipped import sample_traces
    from store.exchange.importing import ImportOutcome
    from tui.commands.complaint import print_error
    from tui.commands.import_ import import_one
    from tui.commands.ticker import Ticker

    new = there = 0
    ticker = Ticker(context.err)
    for document in sample_traces():
        try:
            outcome = import_one(document, context, ticker, named=document.name).outcome
        except InputError as error:
            print_error(context.err, error)
        else:
            there += 1
            new += outcome is ImportOutcome.IMPORTED
    if new:
        context.err.line(Span(f"imported {plural(new, 'sample trace')}", Role.DIM))
    return there
