"""What the commands that answer a run's question for another plan have in common. What is answered to is the engine's to know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import ExitCode
from tui.commands.arguments import add_run_argument

if TYPE_CHECKING:
    import argparse

    from engine.model.json import Json, JsonObject
    from engine.ports import ControlVerb
    from tui.commands.context import Context


def add_answer_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, EVENT, --reason and --json."""
    add_run_argument(parser, is_whole=True)
    parser.add_argument(
        "event", metavar="EVENT", nargs="?", help="which replan, such as r0.1, where several wait; see opscope waiting"
    )
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, for the record")
    parser.add_argument("--json", action="store_true", help="print the answer as one JSON document")


def answer_and_tell(
    context: Context, arguments: argparse.Namespace, verb: ControlVerb, *, patch: Json | None = None
) -> int:
    """Give the answer and say what came of it."""
    from tui.commands.steer import tell_steered, teller, the_run
    from tui.steering import steer_run

    run = the_run(context, arguments.run)
    said: JsonObject = {"event_id": arguments.event, "reason": arguments.reason}
    if patch is not None:
        said["patch"] = patch
    steered = asyncio.run(steer_run(context.database, run.run_id, verb, arguments=said, tell=teller(context)))
    tell_steered(context, steered, as_json=arguments.json)
    return ExitCode.SUCCEEDED
