"""`opscope why`: why a run stands as it does, for a person who was woken up by it, and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import add_run_argument, describe

if TYPE_CHECKING:
    import argparse

    from store.reader import Reader
    from store.rows import RunRow
    from tui.commands.context import Context
    from tui.viewmodel.explanation import Evidence


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Say why a run stands as it does. The first line is the answer: what failed first, or what the run waits for. "
        "Below it: what followed from that, the last lines of stderr, the attempts, what differs from the last good "
        "run of the plan, what the step ran with its folder and environment ready to paste (secrets by name, never "
        "their text), and what to type next. A permalink means its run.",
        examples=[
            ("opscope why last", "the latest run"),
            ("opscope why 7f3a91", "a run by the beginning of its id"),
            ("opscope why last --json", "the same for a program"),
        ],
    )
    add_run_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the explanation as one JSON document")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Explain it. The exit code says whether there is an answer, not how the run stands."""
    from store.rankings import rankings_of
    from tui.commands.records import find_run, open_reader
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.why import explain, to_json

    with open_reader(context) as reader:
        found = find_run(reader, arguments.run)
        if found.pass_index is not None:
            hint = f"give {found.run.run_id[:6]}; opscope show says what happened in a pass"
            raise InputError("a run is explained as a whole", hint=hint)
        evidence = evidence_of(context, reader, found.run)
        ranked = reader.run(rankings_of([evidence.run.run_id])).get(evidence.run.run_id)
    moment = Moment(context.now_us())
    explanation = explain(evidence, moment, ascii_only=context.out.ascii_only)
    if arguments.json:
        from store.trace import awaited_locks, run_head, suspects

        run = evidence.run
        context.out.json(
            {
                **run_head(run),
                "engine_lost": evidence.engine_lost,
                "awaited_locks": awaited_locks(run),
                "suspects": suspects(ranked),
                **to_json(explanation),
            }
        )
        return ExitCode.SUCCEEDED
    from tui.viewmodel.why_lines import why_lines

    for line in why_lines(explanation, moment, context.out.width, short=evidence.short):
        context.out.line(*line)
    return ExitCode.SUCCEEDED


def evidence_of(context: Context, reader: Reader, run: RunRow) -> Evidence:
    """All that is known of a run."""
    from store.liveness import engine_pid
    from store.queries import plan_of
    from tui.commands.again import run_again
    from tui.evidence import Standing, ask, gather, recorded_of

    pid = None if run.status.is_final else engine_pid(context.database, run.owner_engine)
    again = ""
    if run.status.is_final and (plan := reader.run(plan_of(run.run_id))):
        again = run_again(ask(reader, recorded_of(run)), plan.source, context.env)
    return ask(reader, gather(Standing(run, str(context.database), pid, again)))
