"""`opscope rerun --compare`: runs it, here, as often as asked, and says how it stands in the baseline of the run that is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from engine.model.states import RunStatus

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from engine.regression.verdict import Analysis
    from tui.commands.context import Context
    from tui.commands.performing import Order


def check_comparing(arguments: argparse.Namespace) -> None:
    """Raise InputError for options that say nothing together."""
    of_one = (arguments.runs, arguments.fail_over, arguments.fail_undecided)
    if not arguments.compare and any(given is not None for given in of_one):
        raise InputError(
            "--runs, --fail-over and --fail-undecided are about a comparison", hint="give them with --compare"
        )
    if arguments.compare and (arguments.detach or arguments.dry_run):
        raise InputError(
            "what does not run here cannot be compared here", hint="opscope compare does it when it has run"
        )


def run_and_compare(orders: Sequence[Order], source: str, arguments: argparse.Namespace, context: Context) -> int:
    """Carry them out one after the other and print the comparison; 1 if one of them failed or it is over the limit."""
    from tui.commands.attending import perform_here
    from tui.commands.compare import print_compared
    from tui.commands.compare_gate import gated

    has_failed = False
    for order in orders:
        performed = perform_here(order, arguments, context)
        if performed.outcome is None or performed.outcome.status not in (RunStatus.SUCCEEDED, RunStatus.FAILED):
            context.err.line("not compared: a run did not come to its end")
            return performed.exit_code
        has_failed |= performed.outcome.status is RunStatus.FAILED
    analysis, document = _compared(context, [order.run_id for order in orders], source)
    print_compared(context, analysis, document, "json" if arguments.json else "text")
    code = gated(analysis, arguments, context)
    return ExitCode.FAILED if has_failed else code


def _compared(context: Context, candidates: Sequence[str], source: str) -> tuple[Analysis, JsonObject]:
    from engine.regression.document import to_document
    from store.analyses import save_analysis
    from store.comparing import compare_runs, source_baseline
    from store.reader import Reader
    from tui.commands.steer import teller

    with Reader.open(context.database) as reader:
        compared = compare_runs(reader, candidates, chosen=source_baseline(reader, source, candidates))
    document = to_document(compared.analysis, plan_id=compared.plan_id)
    document["analysis_id"] = save_analysis(context.database, document, on_wait=teller(context))
    return compared.analysis, document
