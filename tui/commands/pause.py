"""`opscope pause`: lets a run start nothing new until it is resumed."""

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
        "Pause a run: steps that run go on to their end, and nothing new starts, neither a step nor a stage, until "
        "opscope resume. Its engine and its locks stay.",
        examples=[
            ("opscope pause last", "the latest run"),
            ("opscope pause 7f3a91 --json", "what the engine answered, for a program"),
        ],
        exit_codes=(0, 2, 4),
    )
    add_run_argument(parser, is_whole=True)
    parser.add_argument("--json", action="store_true", help="print the answer as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Have it paused."""
    from tui.commands.steer import steer_and_tell

    return steer_and_tell(context, arguments, ControlVerb.PAUSE)
