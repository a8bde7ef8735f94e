"""`opscope deny`: refuses the other plan that a run asked for, so that it goes on as planned."""

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
        "Deny the other plan that a run waits with: it goes on as planned, and where a step has failed its on_failure "
        "decides. A run whose engine has died meanwhile gets a new one.",
        examples=[
            ("opscope deny last", "the one that waits, latest run"),
            ("opscope deny 7f3a91 r0.2 --reason 'too wide'", "one of several, and why"),
            ("opscope deny 7f3a91 --json", "the answer, for a program"),
        ],
        exit_codes=(0, 2, 4),
    )
    add_answer_arguments(parser)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Have it denied."""
    return answer_and_tell(context, arguments, ControlVerb.DENY)
