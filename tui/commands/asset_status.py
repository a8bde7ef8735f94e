"""What `asset publish` and `asset deprecate` share: naming one version, changing its status, saying what became of it."""

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
    from collections.abc import Callable, Sequence

    from engine.model.asset import AssetReference
    from store.assets.registry import Changed, Registry
    from tui.commands.context import Context


def describe_change(parser: argparse.ArgumentParser, about: str, examples: Sequence[tuple[str, str]]) -> None:
    """Describe a command that changes the status of one version, and its arguments."""
    describe(parser, about, examples=examples)
    parser.add_argument("ref", metavar="TYPE/NAME@N", help="the version")
    parser.add_argument("--note", metavar="TEXT", help="why; kept with the asset")
    add_json(parser, "what was done as one JSON document")


def change_status(
    arguments: argparse.Namespace,
    context: Context,
    change: Callable[[Registry, AssetReference, str], Changed],
    done: str,
) -> int:
    """Do it and say what became of the version; `done` is the word for it: published."""
    from store.assets.registry import Registry

    reference, note = reference_of(arguments.ref), checked_note(arguments.note)
    registry = Registry(context.database, author(), on_wait=Ticker(context.err).waiting, now_us=context.now_us)
    changed = change(registry, reference, note)
    if arguments.json:
        context.out.json(changed_json(changed))
        return ExitCode.SUCCEEDED
    if changed.is_change:
        context.out.line(f"{done} ", Span(changed.ref, Role.STRONG))
    else:
        context.out.line(Span(changed.ref, Role.STRONG), f" is {done} already")
    say_in_force(context, changed)
    return ExitCode.SUCCEEDED
