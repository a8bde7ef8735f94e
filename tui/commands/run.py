"""`opscope run`: runs a plan in this process, tells how it goes and prints its answer. Joining the rooms is performing.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import InputError
from tui.commands.arguments import describe
from tui.commands.output import ReaderGoneError
from tui.commands.planning import read_plan

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Run a plan, record everything it does and print its answer. PLAN is the path of a file when it has a / or "
        "ends in .yaml, .yml or .json, else a name: first in your own plan folder ($OPSCOPE_PLANS, else opscope/plans "
        "in your configuration folder), then among the shipped plans. Progress goes to stderr, the answer to stdout. "
        "The first Ctrl-C, hang-up or SIGTERM cancels the run, the second forces it.",
        examples=[
            ("opscope run host_triage", "a shipped plan"),
            ("opscope run ./deploy.yaml -p host=web-03", "a file, with a parameter"),
            ("opscope run ci_lookup --json > trace.json", "the whole trace, for a program"),
            ("opscope run host_triage --quiet", "the answer alone"),
        ],
        exit_codes=(0, 1, 2, 4, 129, 130, 143),
    )
    parser.add_argument("plan", metavar="PLAN", help="a plan's name, or the path of a plan file")
    parser.add_argument(
        "-p", "--param", metavar="NAME=VALUE", action="append", default=[], help="set a parameter; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print the trace of the run as one JSON document")
    parser.add_argument("--quiet", "-q", action="store_true", help="print the answer (or the JSON) and nothing else")
    parser.add_argument("--no-ui", action="store_true", help="stay on the command line (so far it always does)")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Run it and print what came out."""
    given = parse_params(arguments.param)
    plan = read_plan(arguments.plan, context.env)

    from tui.commands.performing import perform, prepare
    from tui.commands.progress import Progress
    from tui.commands.summary import print_outcome

    order = prepare(plan, given, context.env)
    quiet = arguments.quiet or (arguments.json and not context.err.is_terminal)
    performed = perform(order, context.database, None if quiet else Progress(context.err))
    try:
        print_outcome(context, order.run_id, as_json=arguments.json, closing_line=not quiet)
        context.out.flush()
        context.err.flush()
    except ReaderGoneError:
        # How the run ended matters more than that nobody read its answer.
        context.out.discard()
        context.err.discard()
    return performed.exit_code


def parse_params(words: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` as a mapping."""
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InputError(f"-p needs NAME=VALUE, not {word!r}", hint="for example -p host=db-03")
        if name in given:
            raise InputError(f"the parameter {name!r} is given twice", hint="give it once")
        given[name] = value
    return given
