"""`opscope asset publish`: from now on runs use the version."""

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
        "Publish a version of an asset. A run uses the newest published one unless its plan names another; what runs have "
        "used so far stays with them. A deprecated version can be published again.",
        [
            ("opscope asset publish query/ci-lookup@3", "let runs use it"),
            ("opscope asset publish query/ci-lookup@3 --note 'seen by two'", "with a word on why"),
        ],
    )


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Publish it."""
    return change_status(
        arguments, context, lambda registry, reference, note: registry.publish(reference, note), "published"
    )
