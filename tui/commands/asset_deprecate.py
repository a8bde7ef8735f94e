"""`opscope asset deprecate`: from now on only plans that name the version use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode
from tui.commands.arguments import describe
from tui.commands.asset_words import add_json, author, changed_json, checked_note, reference_of, say_in_force
from tui.commands.ticker import Ticker
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Deprecate a published version of an asset: runs go back to the newest published one before it. Plans that name the "
        "version still get it, with a warning. Nothing is removed; opscope asset publish takes it back.",
        examples=[
            ("opscope asset deprecate query/ci-lookup@3 --note 'too slow'", "with a word on why"),
            ("opscope asset deprecate query/ci-lookup@3 --json", "for a program"),
        ],
    )
    parser.add_argument("ref", metavar="TYPE/NAME@N", help="the version")
    parser.add_argument("--note", metavar="TEXT", help="why; kept with the asset")
    add_json(parser, "what was done as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Deprecate it."""
    from store.assets import Registry

    reference, note = reference_of(arguments.ref), checked_note(arguments.note)
    registry = Registry(context.database, author(), on_wait=Ticker(context.err).waiting, now_us=context.now_us)
    changed = registry.deprecate(reference, note)
    if arguments.json:
        context.out.json(changed_json(changed))
        return ExitCode.SUCCEEDED
    if changed.is_change:
        context.out.line("deprecated ", Span(changed.ref, Role.STRONG))
    else:
        context.out.line(Span(changed.ref, Role.STRONG), " is deprecated already")
    say_in_force(context, changed)
    return ExitCode.SUCCEEDED
