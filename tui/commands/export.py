"""`opscope export`: the trace of a run as one JSON document that `opscope import` takes. What stands in it is the store's."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from tui.commands.arguments import add_run_argument, describe
from tui.commands.quantities import size
from tui.files import buffered, whole_file
from tui.viewmodel import words
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from store.exchange.exporting import Exported
    from tui.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Write everything that is recorded of a run as one JSON document: the trace, the text of the plan, every event with "
        "its hash, and what the steps wrote. Values of more than 64 KiB stand in blobs, once each. Secrets were masked when it "
        "was recorded; what else a trace may show to whom is for you to say. opscope schema trace is its schema.",
        examples=[
            ("opscope export last -o run.json", "into a file"),
            ("opscope export 7f3a91 | ssh ops opscope import -", "into the database of another host"),
            ("opscope export last --no-logs", "without the output of steps"),
        ],
    )
    add_run_argument(parser, is_whole=True)
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: stdout)")
    parser.add_argument("--no-logs", action="store_true", help="leave out what the steps wrote")
    parser.add_argument(
        "--log-bytes", type=size, metavar="SIZE", help="keep the last SIZE of what the steps wrote (default: 16M)"
    )
    parser.add_argument("--json", action="store_true", help="has no effect: a trace is always JSON")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Write it."""
    from store.errors import NoDatabaseError
    from store.exchange.exporting import DEFAULT_LOG_BYTES, export_run, snapshot
    from tui.commands.records import find_run
    from tui.commands.steer import whole

    if arguments.no_logs and arguments.log_bytes is not None:
        raise InputError("--no-logs and --log-bytes are two things", hint="give one of them")
    most = DEFAULT_LOG_BYTES if arguments.log_bytes is None else arguments.log_bytes
    try:
        with snapshot(context.database) as reader:
            run_id = whole(find_run(reader, arguments.run), arguments.run).run_id
            with _destination(arguments.output, context) as write:
                exported = export_run(reader, run_id, write, most_log_bytes=0 if arguments.no_logs else most)
    except NoDatabaseError as error:
        raise InputError("nothing has been run yet", place=error.place, hint=error.hint) from error
    _say(context, exported, arguments)
    return ExitCode.SUCCEEDED


def _say(context: Context, exported: Exported, arguments: argparse.Namespace) -> None:
    """On stderr: what is not in it, and where it is."""
    err = context.err
    if not exported.is_over:
        err.line(Span(f"! the run is not over: the trace ends at event {exported.events}", Role.WARNING))
    if exported.log_bytes_left_out and not arguments.no_logs:
        left = words.size(exported.log_bytes_left_out)
        err.line(Span(f"! {left} of output are left out; --log-bytes keeps more", Role.WARNING))
    if arguments.output:
        err.line(f"wrote {arguments.output}: {words.plural(exported.events, 'event')}")


@contextmanager
def _destination(output: str | None, context: Context) -> Iterator[Callable[[str], None]]:
    """What takes the pieces. A file appears whole or not at all."""
    if output is None:
        if context.out.is_terminal:
            yield context.out.json_text
        else:
            with buffered(context.out.bytes) as write:
                yield write
        return
    target = Path(output)
    try:
        with whole_file(target) as take, buffered(take) as write:
            yield write
    except OSError as error:
        raise InputError(
            f"cannot write the trace: {error.strerror}", place=output, hint="choose another file with -o"
        ) from error
