"""`opscope run`: a plan is checked, then carried out and attended. Joining the rooms is performing.py's, attending attending.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import InputError
from tui.commands.arguments import describe
from tui.commands.attending import add_manner_arguments, attend
from tui.commands.planning import read_plan

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from engine.model.asset import AssetReference
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Run a plan, record everything it does and print its answer. PLAN is the path of a file when it has a / or "
        "ends in .yaml, .yml or .json, else a name: first in your own plan folder ($OPSCOPE_PLANS, else opscope/plans "
        "in your configuration folder), then among the shipped plans. On a terminal the inspector opens on the run, "
        "which has a process of its own: q, Ctrl-C and a hang-up leave the screen and never the run, and opscope "
        "cancel ends it. With --no-ui, or where stdout is no terminal, it runs in this process: progress goes to "
        "stderr, the answer to stdout, and the first Ctrl-C, hang-up or SIGTERM cancels the run, the second forces it.",
        examples=[
            ("opscope run host_triage", "a shipped plan, watched"),
            ("opscope run ./deploy.yaml -p host=web-03", "a file, with a parameter"),
            ("opscope run ci_lookup --json > trace.json", "the whole trace, for a program"),
            ("opscope run host_triage --no-ui --quiet", "the answer alone"),
            ("opscope run ./deploy.yaml --detach", "its id alone; it goes on by itself"),
            ("opscope run ci_lookup --override query/ci-lookup@3", "with that version of an asset, as a test"),
        ],
        exit_codes=(0, 1, 2, 3, 4, 129, 130, 143),
    )
    parser.add_argument("plan", metavar="PLAN", help="a plan's name, or the path of a plan file")
    parser.add_argument(
        "-p", "--param", metavar="NAME=VALUE", action="append", default=[], help="set a parameter; may be repeated"
    )
    add_override_argument(parser)
    add_manner_arguments(parser)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Check it, then run it."""
    given = parse_params(arguments.param)
    overrides = parse_overrides(arguments.override)
    plan = read_plan(arguments.plan, context.env)

    from tui.commands.performing import prepare

    order = prepare(plan, given, context.env, database=context.database, overrides=overrides)
    return attend(order, arguments, context)


def add_override_argument(parser: argparse.ArgumentParser) -> None:
    """--override, of the commands that begin a run."""
    parser.add_argument(
        "--override",
        metavar="ASSET@VERSION",
        action="append",
        default=[],
        help="use this version of an asset, which may be a draft; the run is a test then; may be repeated",
    )


def parse_overrides(words: Sequence[str]) -> tuple[AssetReference, ...]:
    """`query/ci-lookup@3`, several times, as references."""
    from engine.model.asset import parse_reference

    given = []
    for word in words:
        try:
            reference = parse_reference(word)
        except ValueError as error:
            raise InputError(f"--override: {error}", hint="for example --override query/ci-lookup@1") from None
        if reference.version is None:
            raise InputError(f"--override {word} names no version", hint=f"for example --override {word}@1")
        given.append(reference)
    return tuple(given)


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
