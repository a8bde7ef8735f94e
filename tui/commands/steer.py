"""What the commands that steer a run have in common: finding it, asking, telling what came of it. The asking is tui.steering's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from engine.model.states import RunStatus
from engine.ports import ControlVerb
from tui.commands.records import find_run, open_reader
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from store.rows import RunRow
    from tui.commands.context import Context
    from tui.commands.records import Found
    from tui.steering import Steered


def the_run(context: Context, text: str) -> RunRow:
    """The run that RUN means; a permalink to a part of it is refused, since only whole runs are steered."""
    with open_reader(context) as reader:
        return whole(find_run(reader, text), text)


def whole(found: Found, text: str) -> RunRow:
    """The run, where no part of it is named. Raises InputError."""
    if found.stage is not None or found.step_id is not None or found.pass_index is not None:
        raise InputError(f"{text!r} is a part of a run", hint=f"for the whole run give {short_id(found.run.run_id)}")
    return found.run


def steer_and_tell(context: Context, arguments: argparse.Namespace, verb: ControlVerb, *, force: bool = False) -> int:
    """Steer the run of the command line and say what came of it."""
    from tui.steering import Steered, steer_run

    run = the_run(context, arguments.run)
    if verb is ControlVerb.CANCEL and run.status is RunStatus.CANCELED:
        # What was asked for is so; a script that asks twice is not wrong.
        sentence = f"run {short_id(run.run_id)} was canceled already"
        steered = Steered(run.run_id, verb, run.status, "ok", sentence)
    else:
        steered = asyncio.run(steer_run(context.database, run.run_id, verb, force=force, tell=teller(context)))
    tell_steered(context, steered, as_json=arguments.json)
    return ExitCode.SUCCEEDED


def tell_steered(context: Context, steered: Steered, *, as_json: bool) -> None:
    """One sentence, or the answer as JSON."""
    if as_json:
        context.out.json(
            {
                "run_id": steered.run_id,
                "verb": steered.verb.value,
                "status": steered.status.value,
                "storage": steered.storage,
                "message": steered.sentence,
            }
        )
    else:
        context.out.paragraph(steered.sentence)


def teller(context: Context) -> Callable[[str], None]:
    """Says on stderr what is waited for and what became of lost engines."""

    def tell(told: str) -> None:
        context.err.line(Span(f"! {told}", Role.WARNING))
        context.err.flush()

    return tell
