"""`opscope rerun`: a recorded run once more, with something changed or nothing. What that comes to is shown first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import add_run_argument, describe, positive
from tui.commands.attending import add_manner_arguments, attend
from tui.commands.compare_gate import add_gate
from tui.commands.run import add_override_argument, parse_overrides, parse_params
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    import argparse

    from engine.pipeline.forking import Change, Fork, ForkSource
    from tui.commands.context import Context
    from tui.commands.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Run a recorded run once more, in the folder it ran in, with its plan, its parameters and the versions of assets "
        "that it used. With nothing else, or with --latest-assets alone, all steps run again. With --from, --from-failed, "
        "--override, -p, --patch or --plan only those steps run again that changed, that failed or were never reached, or "
        "that come after such a step; the results of the others are taken over, and the new run keeps them even when the "
        "old one is removed. What a step reads by itself (files, scripts, plans that it runs) is not looked at: name it with "
        "--from when that changed. Steps of finally always run. The environment is that of this call; where a variable "
        "that the plan names in env_from_host differs, all steps run again. On a terminal the plan of it is shown and "
        "asked about first, unless --yes or --confirm is given.",
        examples=[
            ("opscope rerun last", "all of it once more"),
            ("opscope rerun 7f3a02 --from-failed", "what failed, and what did not come to run"),
            ("opscope rerun 7f3a02 --from deploy --dry-run", "what would run again, and for how long"),
            ("opscope rerun 7f3a02 -p host=db-03", "with another parameter"),
            ("opscope rerun 7f3a02 --override query/ci-lookup@3", "with another version of an asset, as a test"),
            ("opscope rerun 7f3a02 --patch fix.yaml --confirm TOKEN", "only as --dry-run has shown it"),
            (
                "opscope rerun last --override query/ci-lookup@3 --compare --runs 3 --yes",
                "and whether that is a regression",
            ),
        ],
        exit_codes=(0, 1, 2, 3, 4, 129, 130, 143),
    )
    add_run_argument(parser, is_whole=True)
    add = parser.add_argument
    add(
        "--from",
        dest="from_steps",
        metavar="STEP",
        action="append",
        default=[],
        help="run this step again and all that depends on it; may be repeated",
    )
    add("--from-failed", action="store_true", help="run again what failed, and all that depends on it")
    add("-p", "--param", metavar="NAME=VALUE", action="append", default=[], help="set a parameter; may be repeated")
    add_override_argument(parser)
    add(
        "--latest-assets",
        action="store_true",
        help="look all assets up anew, instead of the versions that the run used",
    )
    edited = parser.add_mutually_exclusive_group()
    edited.add_argument(
        "--patch", metavar="FILE", help="change steps: by step id what is merged into the step, or null"
    )
    edited.add_argument("--plan", metavar="FILE", help="the whole plan, edited")
    add("--reason", default="", metavar="TEXT", help="why, kept with the run")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--dry-run", action="store_true", help="show what would happen, with its token, and run nothing")
    asked.add_argument("--confirm", metavar="TOKEN", help="run only if it is still what --dry-run has shown")
    asked.add_argument("--yes", "-y", action="store_true", help="do not ask")
    compared = parser.add_argument_group("comparing")
    compared.add_argument(
        "--compare", action="store_true", help="then compare it with the baseline of RUN; stays on the command line"
    )
    compared.add_argument(
        "--runs",
        type=positive,
        metavar="N",
        help="with --compare: run it N times (1); a verdict needs at least 3 against a baseline of 5, and more against a short "
        "one or where the plan has many steps: it is said how many",
    )
    add_gate(compared, of="with --compare: ")
    add_manner_arguments(parser)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """See what it comes to, then show it, ask, or run it."""
    from tui.commands.rerun_comparing import check_comparing, run_and_compare
    from tui.commands.rerunning import confirm, make_fork, order_of, preview_command, read_source
    from tui.commands.steer import the_run

    check_comparing(arguments)
    if arguments.dry_run and arguments.detach:
        raise InputError("--dry-run runs nothing, so nothing is detached", hint="leave one out")
    reason = " ".join(arguments.reason.split())
    run = the_run(context, arguments.run)
    source = read_source(context.database, run)
    made = make_fork(source, _change(arguments, source), context.env, context.database)
    if arguments.confirm is not None:
        confirm(made, arguments.confirm, preview_command(arguments))
    if arguments.dry_run:
        _show(made, context, arguments, reason)
        return ExitCode.SUCCEEDED
    order = order_of(made, context.env, reason=reason)
    is_asked = context.is_interactive and not (
        arguments.yes or arguments.json or arguments.quiet or arguments.confirm is not None
    )
    if is_asked and not _agreed(made, context):
        context.err.line("nothing was run")
        return ExitCode.SUCCEEDED
    if arguments.compare:
        again = (order_of(made, context.env, reason=reason) for _ in range(1, arguments.runs or 1))
        return run_and_compare([order, *again], run.run_id, arguments, context)
    return attend(order, arguments, context)


def _change(arguments: argparse.Namespace, source: ForkSource) -> Change:
    from pathlib import Path

    from engine.pipeline.forking import Change
    from engine.pipeline.replan.patching import read_patch
    from engine.plan.load import load_plan_file
    from tui.commands.replan import read_patch_file

    return Change(
        params=parse_params(arguments.param),
        overrides=parse_overrides(arguments.override),
        from_steps=tuple(dict.fromkeys(arguments.from_steps)),
        from_failed=arguments.from_failed,
        latest_assets=arguments.latest_assets,
        patch=None if arguments.patch is None else read_patch(read_patch_file(arguments.patch), source.plan),
        plan=None if arguments.plan is None else load_plan_file(Path(arguments.plan).expanduser()),
    )


def _show(made: Fork, context: Context, arguments: argparse.Namespace, reason: str) -> None:
    from tui.commands.rerunning import masking
    from tui.viewmodel.rerun import preview_json

    masked = masking(made.plan, context.env, made.source.plan_folder)
    if arguments.json:
        context.out.json(masked({**preview_json(made), "reason": reason}))
        return
    _print(made, context.out, is_short=False)
    if reason:
        context.out.line(Span("  reason  ", Role.DIM), str(masked(reason)))
    context.out.line(Span("  token  ", Role.DIM), str(made.token))
    if not arguments.quiet:
        context.err.line(Span(f"  next: the same with --confirm {made.token}", Role.DIM))


def _agreed(made: Fork, context: Context) -> bool:
    _print(made, context.err, is_short=True)
    context.err.line("run it? [y/N]")
    context.err.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print(made: Fork, output: Output, *, is_short: bool) -> None:
    from tui.viewmodel.rerun import preview_lines

    for line in preview_lines(made, is_short=is_short):
        output.line(*line)
