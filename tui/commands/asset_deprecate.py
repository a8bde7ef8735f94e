"""`opscope asset deprecate`: from now on only plans that name the version use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.asset_status import change_status, describe_change

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe_change(
        parser,
        "Deprecate a published version of an asset: runs go back to the newest published one before it. Plans that name the "
        "version still get it, with a warning. Nothing is removed; opscope asset publish takes it back.",
        [
            ("opscope asset deprecate query/ci-lookup@3 --note 'too slow'", "with a word on why"),
            ("opscope asset deprecate query/ci-lookup@3 --json", "for a program"),
        ],
    )


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Deprecate it."""
    return change_status(
        arguments, context, lambda registry, reference, note: registry.deprecate(reference, note), "deprecated"
    )
