"""`opscope resume`: lets a paused run go on, and takes one up that has lost its engine, by an operator's decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.ports import ControlVerb
from tui.commands.arguments import add_run_argument, describe
from tui.commands.attending import add_manner_arguments, attend

if TYPE_CHECKING:
    import argparse

    from engine.pipeline.decisions import Decision
    from tui.commands.context import Context

_DECISIONS = {
    "retry": "run this uncertain step again; may be repeated",
    "skip": "leave this uncertain step out; may be repeated",
    "succeeded": "take this uncertain step as done; may be repeated",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Let a run go on that was paused, or that has lost its engine. What is recorded is not run again. A step that "
        "was under way when the engine died is run again if it is idempotent; about any other somebody has to decide, "
        "since it may have done its work: without a decision they are listed, nothing is done, and the exit code is 3. "
        "A run that gets a new engine is watched, or carried out in this process, as with opscope run.",
        examples=[
            ("opscope resume last", "go on with the latest run"),
            ("opscope resume 7f3a91 --retry copy", "the step copy is run again"),
            ("opscope resume 7f3a91 --skip mail --succeeded copy", "a decision for each step"),
            ("opscope resume 7f3a91 --detach", "its new engine goes on alone"),
        ],
        exit_codes=(0, 1, 2, 3, 4, 129, 130, 143),
    )
    add_run_argument(parser, is_whole=True)
    for name, help_text in _DECISIONS.items():
        parser.add_argument(f"--{name}", metavar="STEP", action="append", default=[], help=help_text)
    add_manner_arguments(parser)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Ask the engine that lives, or give the run a new one."""
    from store.liveness import engine_pid
    from tui.commands.steer import steer_and_tell, the_run
    from tui.commands.taking_up import prepare_resumption
    from tui.steering import steerable

    run_id = the_run(context, arguments.run).run_id
    decisions = decisions_of(arguments)
    run = steerable(context.database, run_id, ControlVerb.RESUME)
    if engine_pid(context.database, run.owner_engine) is not None:
        if decisions:
            step_id = next(iter(decisions))
            raise InputError(
                f"there is nothing to decide about step {step_id}: the run's engine is alive", hint="leave it out"
            )
        return steer_and_tell(context, arguments, ControlVerb.RESUME)
    return attend(prepare_resumption(context.database, run, context.env, decisions=decisions), arguments, context)


def decisions_of(arguments: argparse.Namespace) -> dict[str, Decision]:
    """--retry, --skip and --succeeded by step."""
    from engine.pipeline.decisions import Decision

    made: dict[str, Decision] = {}
    for decision in Decision:
        for step_id in getattr(arguments, decision.value):
            if made.setdefault(step_id, decision) is not decision:
                raise InputError(f"there are two decisions about step {step_id}", hint="give one")
    return made
