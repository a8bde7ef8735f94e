"""`opscope show`: one run, or the stage or step of it that a permalink names, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from engine.model.states import Stage
from tui.commands.arguments import add_run_argument, describe
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    import argparse

    from engine.model.json import Json, JsonObject
    from store.reader import Reader
    from store.rows import RunRow
    from tui.commands.context import Context
    from tui.commands.records import Found

_STATUS_SEC = 1.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Show one run: how it stands, its stages, its steps and its answer. A permalink shows the stage or the step that "
        "it names. With --json the trace is printed (or that part of it, whole); its schema_version says how to read it. "
        "A value of more than 64 KiB stands in it once: in a step's result, or else where it comes first. Where it comes again "
        'there is {"$blob": SHA-256, "size", "prefix", "at": JSON Pointer to it}, and "$blobs", at the beginning of '
        "the stage or step, names these places. With --whole it stands in all of them.",
        examples=[
            ("opscope show last", "the latest run"),
            ("opscope show 7f3a91 --json | jq .status", "for a program"),
            ("opscope show 7f3a91/stage/validate", "one stage, input and output"),
            ("opscope show '7f3a91/stage/execute?step=ping'", "one step with its attempts"),
            ("opscope show 'last/stage/execute?pass=0'", "a stage in the first pass of a run that was replanned"),
            ("opscope show last --against 7f3a02", "what differs between two runs, part by part"),
            (
                "opscope show last --explain ping",
                "why a step was skipped, tried again, refused, or taken from the cache",
            ),
        ],
    )
    add_run_argument(parser)
    parser.add_argument("--explain", metavar="STEP", help="tell why this step went as it did")
    parser.add_argument(
        "--against",
        metavar="OTHER",
        help="show what differs from this run instead: what either has alone, and what is not the same",
    )
    parser.add_argument("--json", action="store_true", help="print the trace as one JSON document")
    parser.add_argument("--whole", action="store_true", help="with --json: print large values wherever they occur")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Show it."""
    from tui.commands.records import find_run, lost_runs, open_reader, require_step

    with open_reader(context) as reader:
        found = find_run(reader, arguments.run)
        _check(arguments, found)
        if arguments.explain is not None:
            from tui.commands.explaining import explain

            explain(context, reader, found.run, arguments.explain, as_json=arguments.json)
            return ExitCode.SUCCEEDED
        if arguments.against is not None:
            _show_against(context, reader, found, find_run(reader, arguments.against), as_json=arguments.json)
            return ExitCode.SUCCEEDED
        if found.step_id is not None:
            require_step(reader, found.run_then, found.step_id)
        if arguments.json:
            context.out.json(trace_part(reader, context, found, whole=arguments.whole))
            return ExitCode.SUCCEEDED
        from tui.commands import narration, step_narration

        lost = found.run.run_id in lost_runs(context.database, [found.run])
        if found.step_id is not None:
            step_narration.print_step(context, reader, found.run_then, found.step_id)
        elif found.stage is not None:
            narration.print_stage(context, reader, found.run_then, found.stage)
        else:
            narration.print_run(context, reader, found.run, engine_lost=lost)
            if not found.run.status.is_final and not lost:
                _tell_storage(context, found.run)
    return ExitCode.SUCCEEDED


def _check(arguments: argparse.Namespace, found: Found) -> None:
    """Raise InputError for options that say nothing together."""
    if arguments.explain is not None and arguments.against is not None:
        raise InputError("--explain and --against are two things", hint="give one of them")
    is_part = found.stage is not None or found.step_id is not None
    if found.pass_index is not None and not is_part and arguments.explain is None:
        hint = f"opscope show '{short_id(found.run.run_id)}/stage/execute?pass={found.pass_index}'"
        raise InputError("a stage or a step of a pass is shown, not the pass alone", hint=hint)
    if arguments.explain is not None and (is_part or found.pass_index is not None):
        hint = f"for the run give {short_id(found.run.run_id)}"
        raise InputError("--explain names the step of a whole run", hint=hint)
    if arguments.whole:
        if not arguments.json:
            raise InputError("--whole does nothing without --json", hint="give --json too, or leave it out")
        for name in ("explain", "against"):
            if getattr(arguments, name) is not None:
                raise InputError(f"--whole does nothing with --{name}", hint="it goes with --json alone")


def _show_against(context: Context, reader: Reader, found: Found, other: Found, *, as_json: bool) -> None:
    from engine.regression.alignment import align_traces
    from store.trace import trace_document
    from tui.viewmodel.against import against_json, against_lines

    for one in (found, other):
        if one.stage is not None or one.step_id is not None or one.pass_index is not None:
            raise InputError("whole runs are laid side by side", hint=f"for the run give {one.run.run_id[:6]}")
    before, after = (trace_document(reader, one.run.run_id, whole=True) for one in (other, found))
    aligned = align_traces(before, after)
    if as_json:
        context.out.json(against_json(aligned))
        return
    for line in against_lines(aligned):
        context.out.line(*line)


def _tell_storage(context: Context, run: RunRow) -> None:
    """While the disk is full the file cannot say so, but the engine can."""
    from store.control import UnreachableEngineError, send
    from tui.viewmodel.palette import Role
    from tui.viewmodel.text import Span

    try:
        answer = send(context.database, run.owner_engine, {"verb": "status", "run_id": run.run_id}, _STATUS_SEC)
    except UnreachableEngineError:
        return
    storage = answer.get("storage")
    if answer.get("ok") is True and storage != "ok":
        said = f"! {storage}: its engine keeps what happens and writes it when there is room on the disk"
        context.out.line(Span(said, Role.WARNING))


def trace_part(reader: Reader, context: Context, found: Found, *, whole: bool) -> Json:
    """The trace of a run, or the part of it that was asked for. A part is always whole: it has nothing to lead to."""
    from store.trace import trace_document
    from tui.commands.records import lost_runs

    document: JsonObject = trace_document(
        reader, found.run.run_id, whole=whole or found.stage is not None or found.step_id is not None
    )
    document["engine_lost"] = found.run.run_id in lost_runs(context.database, [found.run])
    if found.step_id is not None:
        return _step(_of_pass(document.get("steps"), found), found.step_id)
    if found.stage is not None:
        return _last(_of_pass(document.get("stages"), found), "stage", found.stage.value)
    return document


def _of_pass(entries: Json, found: Found) -> Json:
    """The entries of the pass that was asked for, all of them where none was."""
    number = found.pass_index
    return [one for one in _objects(entries) if number is None or one.get("pass_index") == number]


def _step(entries: Json, step_id: str) -> JsonObject:
    """The step of the last pass, with its items in `items` where it has any."""
    found = [entry for entry in _objects(entries) if entry.get("id") == step_id]
    if not found:
        raise InputError(f"the run has not come to {step_id}", hint="opscope show RUN lists the steps that it came to")
    newest = found[-1].get("pass_index")
    of_pass = [entry for entry in found if entry.get("pass_index") == newest]
    items: list[Json] = [entry for entry in of_pass if entry.get("item_index") is not None]
    step = next(entry for entry in of_pass if entry.get("item_index") is None)
    return {**step, "items": items} if items else step


def _objects(entries: Json) -> list[JsonObject]:
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _last(entries: Json, key: str, wanted: str) -> Json:
    """The entry of the last pass."""
    found = [entry for entry in _objects(entries) if entry.get(key) == wanted]
    if not found:
        raise InputError(f"the run has not come to {wanted}", hint=f"stages: {', '.join(Stage)}")
    return found[-1]
