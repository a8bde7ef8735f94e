"""`opscope stage`: runs one stage of a recorded run again, by itself, and says what it gives otherwise. Nothing is recorded."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from engine.model.states import DiagnosticsStatus, Stage
from tui.commands.arguments import add_run_argument, describe
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import plural, short_id

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from engine.model.json import JsonObject
    from engine.model.stage import StageInput, StageOutput
    from store.rows import RunRow
    from tui.commands.context import Context

_WHOLE: Final = 1 << 62
_ALONE: Final = tuple(stage.value for stage in Stage if stage is not Stage.EXECUTE)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Run one stage of a recorded run again by itself: with the input that is recorded, the plan and the assets of the "
        "run's last pass, and other versions of assets where they are given. It prints what the stage gives now and what "
        "of that differs from the record. Nothing is recorded, and no step runs; for steps there is opscope rerun.",
        examples=[
            ("opscope stage last present", "the answer, made anew"),
            ("opscope stage last present --override screen/ci-lookup@1", "as another version would show it"),
            ("opscope stage 7f3a91 validate --json", "checked again, for a program"),
        ],
        exit_codes=(0, 1, 2, 4),
        meanings={0: "the stage gave something", 1: "the stage reports an error"},
    )
    add_run_argument(parser, is_whole=True)
    parser.add_argument("stage", metavar="STAGE", choices=_ALONE, help=f"one of {', '.join(_ALONE)}")
    parser.add_argument(
        "--override",
        metavar="ASSET@V",
        action="append",
        default=[],
        help="use this version of an asset; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print the stage's input, output and what differs as JSON")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Run it, and hold it against what is recorded."""
    from tui.commands.steer import the_run

    stage = Stage(arguments.stage)
    run = the_run(context, arguments.run)
    given, recorded = _recorded(context, run, stage)
    output = asyncio.run(_run(context, run, given, arguments.override))
    _tell(context, arguments, given, output, recorded)
    return ExitCode.FAILED if output.diagnostics.status is DiagnosticsStatus.ERROR else ExitCode.SUCCEEDED


def _recorded(context: Context, run: RunRow, stage: Stage) -> tuple[StageInput, JsonObject | None]:
    """What the stage was given in the last pass, and what it gave. Raises InputError if it never began."""
    from engine.model.stage import StageInput
    from engine.plan.no_plan import NO_PLAN
    from store.queries import stage_input, stage_output
    from tui.commands.records import open_reader

    place = f"run {short_id(run.run_id)}"
    if run.plan_hash == NO_PLAN.plan_hash:
        raise InputError("it answered a question without a plan", place=place, hint="ask again: opscope ask")
    with open_reader(context) as reader:
        given = reader.run(stage_input(run.run_id, stage, run.pass_index, inline_bytes=_WHOLE))
        output = reader.run(stage_output(run.run_id, stage, run.pass_index, inline_bytes=_WHOLE))
    if given is None:
        hint = f"opscope show {short_id(run.run_id)} lists the stages that it came to"
        raise InputError(f"it never came to {stage.value}", place=place, hint=hint)
    return StageInput.model_validate(given), output


async def _run(context: Context, run: RunRow, given: StageInput, overrides: Sequence[str]) -> StageOutput:
    from engine.model.asset import parse_reference
    from engine.pipeline.assets import check_assets, overrides_by_name, resolve_again
    from engine.pipeline.clock import SystemClock
    from engine.pipeline.request import Services
    from engine.pipeline.resume import current_plan, request_to_resume
    from engine.pipeline.single_stage import Unrecorded, run_stage_alone
    from engine.plan.asset_uses import references_of
    from engine.steps.local import LocalExecutor
    from engine.steps.secrets import SecretBox
    from store.assets.resolver import StoreAssets
    from store.resume import compile_stored, plan_to_resume, resume_point
    from tui.commands.performing import actor
    from tui.commands.records import open_reader

    try:
        wanted = [parse_reference(text) for text in overrides]
    except ValueError as error:
        raise InputError(f"--override: {error}", hint="for example --override screen/ci-lookup@1") from None
    with open_reader(context) as reader:
        point = resume_point(reader, run.run_id)
        plan = current_plan(compile_stored(plan_to_resume(reader, run.run_id)), point)
    resolver, references = StoreAssets(context.database), references_of(plan.plan.assets)
    assets = await resolve_again(plan, point.assets, resolver)
    chosen = overrides_by_name(wanted, [*references.values()])
    for alias, reference in references.items():
        if (override := chosen.get(reference.name)) is not None:
            assets[alias] = await resolver.resolve(reference, override=override)
    check_assets(plan, assets)
    # What is recorded is masked already, and no step runs that would need a secret.
    box, clock = SecretBox(), SystemClock()
    services = Services(
        sink=Unrecorded(),
        secrets=box,
        executor=LocalExecutor(box, clock),
        clock=clock,
        jitter=random.SystemRandom().random,
        assets=resolver,
    )
    request = request_to_resume(point, plan, actor=actor(), engine_id="")
    return await run_stage_alone(given, replace(request, assets=assets), services)


def _tell(
    context: Context, arguments: argparse.Namespace, given: StageInput, output: StageOutput, recorded: JsonObject | None
) -> None:
    from engine.regression.json_diff import DiffOptions, diff, summary_lines
    from tui.commands.blocks import blocks_of, print_blocks

    now = output.model_dump(mode="json")
    # Of these, time differs always, the trace is never recorded with the stage, and references have no order.
    options = DiffOptions(ignore=("duration_ms", "orchestration_trace"), multisets=("references",))
    found = diff(recorded, now, options)
    lines = [] if found.is_empty else summary_lines(found)
    if arguments.json:
        document: JsonObject = {
            "stage": output.stage.value,
            "input": given.model_dump(mode="json"),
            "output": now,
            "differs": [*lines],
        }
        context.out.json(document)
        return
    if output.stage is Stage.PRESENT:
        print_blocks(context.out, blocks_of(now))
    else:
        context.out.json(now["result"])
    context.out.flush()
    for message in (*output.diagnostics.errors, *output.diagnostics.warnings):
        context.err.line(Span("! ", Role.WARNING), context.err.clean(message))
    told = (
        f"differs from what is recorded in {plural(len(found.changes), 'place')}" if lines else "the same as recorded"
    )
    context.err.line(Span(told, Role.DIM))
    for line in lines:
        context.err.line(f"  {context.err.clean(line)}")
