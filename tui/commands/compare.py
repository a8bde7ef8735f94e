"""`opscope compare`: the regression verdict on recorded runs, or a stored one again, for people, programs and CI servers."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Final

from engine.errors import StoreError
from engine.model.states import Stage
from tui.commands.arguments import describe, positive
from tui.commands.compare_gate import add_gate, gated
from tui.commands.compare_lookup import named_runs, stored
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.regression.verdict import Analysis
    from tui.commands.context import Context

_FORMATS: Final = ("text", "json", "markdown", "junit")
_LAST: Final = 30
_LISTED: Final = 50
_HISTORY: Final = 60
_PREDICTED: Final = 30


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Compare recorded runs: is it a regression, how bad, where, and what may have caused it. Without BASE the baseline is "
        "chosen: the last 30 runs before the candidates that succeeded with the same plan, environment and asset versions (but "
        "for the one under test), cut where their durations last changed. A verdict needs at least 5 runs against 3, and more "
        "where many parts are tested; below that there is a suspicion at most, and it is said how many are missing. Of several "
        "runs those that are quarantined or damaged are left out and named. The analysis is kept in the file unless --no-save is given.",
        examples=[
            ("opscope compare --with last", "the latest run in its baseline"),
            ("opscope compare --with 7f3a 7f3b 7f3c --fail-over minor", "in CI: 1 if it is major or critical"),
            ("opscope compare --with last --fail-over minor --fail-undecided", "and 1 if it proves nothing"),
            ("opscope compare 6e01 6e02 6e03 6e04 6e05 --with 7f3a 7f3b 7f3c", "these against those"),
            ("opscope compare --with last --stage execute --json", "one stage, for a program"),
            ("opscope compare --list", "what was compared before"),
            ("opscope compare --show 1f2e", "one of these again"),
            ("opscope compare --confirm 1f2e", "fresh runs, as many as can tell chance from change"),
            ("opscope compare --put-back 1f2e 1", "a rerun with the first possible cause as it was"),
            ("opscope compare --bisect 1f2e", "which of several possible causes it was"),
            ("opscope compare --history ci-lookup", "how long each step took, and where that changed"),
            ("opscope compare --predictions ci-lookup", "what reruns were expected to take, and took"),
        ],
        exit_codes=(0, 1, 2, 3, 4, 130),
        meanings={
            0: "compared, and not over the limit, as far as can be told",
            1: "over the limit of --fail-over, or undecided with --fail-undecided",
        },
    )
    parser.add_argument("base", metavar="BASE", nargs="*", help="runs of the baseline; chosen by rule if none is named")
    parser.add_argument(
        "--with",
        dest="candidates",
        metavar="CAND",
        nargs="+",
        action="extend",
        default=[],
        help="the runs in question; each --with adds to them",
    )
    parser.add_argument("--baseline", metavar="last:N", type=_last, help="how many runs are chosen at most (last:30)")
    parser.add_argument("--stage", choices=[stage.value for stage in Stage], help="compare this stage alone")
    parser.add_argument(
        "--floor",
        metavar="SEC",
        type=_seconds,
        help="the least change that counts, for steps of a second and longer (1)",
    )
    add_gate(parser)
    parser.add_argument(
        "--format", choices=_FORMATS, help="how the analysis is printed (text); lists are printed as text or json"
    )
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument(
        "--save",
        action=argparse.BooleanOptionalAction,
        help="whether the analysis is kept in the file (it is, where that can be written to; with --save it has to be)",
    )
    parser.add_argument("--list", action="store_true", help="list the kept analyses, the newest first")
    parser.add_argument(
        "--show", metavar="ID", help="show a kept analysis by the beginning of its id, or of the run that was ranked"
    )
    from tui.commands.compare_experiments import add_arguments

    add_arguments(parser)
    back = parser.add_argument_group("looking back")
    back.add_argument(
        "--history", metavar="PLAN", help="durations of a plan's steps over its runs, with their changes of level"
    )
    back.add_argument("--step", metavar="STEP", help="of this step or stage alone, run by run")
    back.add_argument("--predictions", metavar="PLAN", help="how long reruns of a plan were expected to take, and took")
    back.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="at most so many: analyses of --list (50), runs of --history (60), reruns of --predictions (30)",
    )


def _last(text: str) -> int:
    match = re.fullmatch(r"last:(\d{1,4})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not last:N, such as last:30; runs are named before --with")
    return positive(match.group(1))


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1_000_000:  # a NaN is neither
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a number of seconds, such as 0.5")
    return value


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Compare, list, show, look back, or settle what was found."""
    from tui.commands import compare_experiments
    from tui.commands.compare_options import check_options

    check_options(arguments)
    as_json = arguments.format == "json"
    if arguments.list:
        from tui.commands.compare_list import print_analyses

        return print_analyses(context, as_json=as_json, limit=arguments.limit or _LISTED)
    if arguments.history is not None:
        from tui.commands.compare_history import print_history

        return print_history(
            context, arguments.history, arguments.step, as_json=as_json, limit=arguments.limit or _HISTORY
        )
    if arguments.predictions is not None:
        from tui.commands.compare_history import print_predictions

        return print_predictions(context, arguments.predictions, as_json=as_json, limit=arguments.limit or _PREDICTED)
    if arguments.show is not None:
        analysis, document = stored(context, arguments.show)
    elif compare_experiments.is_asked(arguments):
        analysis, document = stored(context, compare_experiments.carry_out(arguments, context))
    else:
        analysis, document = _compared(arguments, context)
        if arguments.save is not False:
            _keep(context, document, must=arguments.save is True)
    print_compared(context, analysis, document, arguments.format)
    return gated(analysis, arguments, context)


def _keep(context: Context, document: JsonObject, *, must: bool) -> None:
    """Keep it, and put its id into it. Where the file cannot be written to nobody loses the answer, unless it must be kept.

    Raises StoreError then.
    """
    from store.analyses import save_analysis
    from tui.commands.steer import teller

    try:
        document["analysis_id"] = save_analysis(context.database, document, on_wait=teller(context))
    except StoreError as error:
        if must:
            raise
        context.err.line(Span("! not kept: ", Role.WARNING), error.cause)


def _compared(arguments: argparse.Namespace, context: Context) -> tuple[Analysis, JsonObject]:
    from engine.regression.document import to_document
    from store.comparing import compare_runs
    from tui.commands.records import open_reader

    with open_reader(context) as reader:
        compared = compare_runs(
            reader,
            named_runs(reader, arguments.candidates),
            named_runs(reader, arguments.base),
            last=arguments.baseline or _LAST,
            stage=Stage(arguments.stage) if arguments.stage else None,
            floor_sec=arguments.floor,
        )
    return compared.analysis, to_document(compared.analysis, plan_id=compared.plan_id)


def print_compared(context: Context, analysis: Analysis, document: JsonObject, form: str) -> None:
    """Write an analysis in one of the formats."""
    plan_id, analysis_id = (str(document.get(name) or "") for name in ("plan_id", "analysis_id"))
    if form == "json":
        context.out.json({**document, "analysis_id": analysis_id or None})
        return
    if form == "text":
        from tui.commands.compare_text import print_analysis

        print_analysis(context.out, analysis, plan_id, analysis_id)
        return
    from tui.viewmodel.comparison_formats import junit, markdown, title

    name = title(analysis, plan_id, analysis_id)
    context.out.text(junit(analysis, name) if form == "junit" else markdown(analysis, name))
