"""`opscope waiting`: every run that waits for a person, why, since when and what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode
from engine.model.states import RunStatus
from tui.commands.arguments import describe

if TYPE_CHECKING:
    import argparse

    from tui.commands.context import Context
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.waiting import Waiting


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "List the runs that wait for a person: quarantined ones, paused ones, and live ones whose engine is dead, the "
        "longest waiting first, each with what to type. The exit code is 3 if there is any and 0 if there is none, so "
        "that a check can tell.",
        examples=[
            ("opscope waiting", "what waits, and what to do about it"),
            ("opscope waiting --json", "the same for a program"),
        ],
        exit_codes=(0, 2, 3, 4),
        meanings={0: "nothing waits", 3: "a run waits for a person"},
    )
    parser.add_argument("--json", action="store_true", help="print the runs that wait as a JSON list")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """List them; WAITING if there is any."""
    from store.errors import NoDatabaseError
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.waiting import waiting_lines

    moment = Moment(context.now_us())
    try:
        found = find_waiting(context, moment)
    except NoDatabaseError:
        found = []
    if arguments.json:
        from store.trace import run_head

        context.out.json([{**run_head(entry.run), **entry.to_json()} for entry in found])
    elif not found:
        context.out.line("nothing waits for a person")
    else:
        for line in waiting_lines(found, moment, context.out.width):
            context.out.line(*line)
    return ExitCode.WAITING if found else ExitCode.SUCCEEDED


def find_waiting(context: Context, moment: Moment) -> list[Waiting]:
    """The runs of the file that wait, the longest waiting first."""
    from store.liveness import engine_pid
    from store.queries import live_runs
    from store.reader import Reader
    from tui.evidence import Standing, ask, gather_waiting
    from tui.viewmodel.waiting import waiting

    found: list[Waiting] = []
    pids: dict[str, int | None] = {}
    with Reader.open(context.database) as reader:
        for run in reader.run(live_runs()):
            if run.owner_engine not in pids:
                pids[run.owner_engine] = engine_pid(context.database, run.owner_engine)
            if run.status in (RunStatus.PENDING, RunStatus.RUNNING) and pids[run.owner_engine] is not None:
                continue
            standing = Standing(run, str(context.database), pids[run.owner_engine])
            if (entry := waiting(ask(reader, gather_waiting(standing)), moment)) is not None:
                found.append(entry)
    return sorted(found, key=lambda entry: entry.since_us)
