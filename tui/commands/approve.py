"""`opscope approve`: lets a run go on with the other plan that it asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.ports import ControlVerb
from tui.commands.answering import add_answer_arguments, answer_and_tell
from tui.commands.arguments import describe

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Approve the other plan that a run waits with: its next pass begins with it, and what still holds of the results "
        "is used again. opscope waiting lists the runs that wait, opscope show RUN --json has what would change. A run "
        "whose engine has died meanwhile gets a new one.",
        examples=[
            ("opscope approve last", "the one that waits, latest run"),
            ("opscope approve 7f3a91 r0.2 --reason 'seen'", "one of several, and why"),
            ("opscope approve 7f3a91 --json", "the answer, for a program"),
        ],
        exit_codes=(0, 2, 4),
    )
    add_answer_arguments(parser)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Have it approved."""
    return answer_and_tell(context, arguments, ControlVerb.APPROVE)
