"""`opscope cancel`: ends a run from any terminal, whatever became of the one it was started on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.ports import ControlVerb
from tui.commands.arguments import add_run_argument, describe

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Cancel a run: what runs is ended (SIGTERM, five seconds, SIGKILL, with everything it started), what has not "
        "begun is left out, and then the plan's `finally` steps run. A second cancel, or --force, ends those too. It "
        "acts at once, also while the database is in use or the disk is full. A run that is quarantined, or has "
        "lost its engine, gets a new one for its `finally`. The command returns when the engine has acted; opscope show says how it ended.",
        examples=[
            ("opscope cancel last", "the latest run"),
            ("opscope cancel 7f3a91 --force", "its `finally` steps too"),
            ("opscope cancel 7f3a91 --json", "what the engine answered, for a program"),
        ],
        exit_codes=(0, 2, 4),
    )
    add_run_argument(parser, is_whole=True)
    parser.add_argument("--force", action="store_true", help="end the `finally` steps too, or do not begin them")
    parser.add_argument("--json", action="store_true", help="print the answer as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Have it canceled."""
    from tui.commands.steer import steer_and_tell

    return steer_and_tell(context, arguments, ControlVerb.CANCEL, force=arguments.force)
