"""`opscope logs`: what the steps of a run wrote, line by line, and as it comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InputError
from engine.model.states import Stage, Stream
from tui.commands.arguments import add_run_argument, describe, item_number
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, fit
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from engine.model.json import JsonObject
    from store.reader import Reader
    from store.rows import LogRow, RunRow
    from tui.commands.context import Context
    from tui.commands.records import Found

PAGE: Final = 500
_LONGEST_LINE: Final = 1 << 20
_WIDEST_NAME: Final = 28


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    describe(
        parser,
        "Print what the steps of a run wrote to their outputs, in the order in which it was recorded. Lines of stderr "
        "are marked with !. Secrets are *** as everywhere; control characters are shown as escapes such as \\x1b.",
        examples=[
            ("opscope logs last", "all steps"),
            ("opscope logs last ping -f", "one step, as it goes on"),
            ("opscope logs 7f3a91 ping --stderr", "only what it complained of"),
            ("opscope logs last copy --item 3", "one item of a step that runs for each of a list"),
            ("opscope logs last --json | jq -r .line", "for a program, a line of JSON each"),
            ("opscope logs last dump --stdout --raw > dump.bin", "the bytes as they came"),
        ],
        exit_codes=(0, 2, 4, 130),
    )
    add_run_argument(parser)
    parser.add_argument("step", metavar="STEP", nargs="?", help="only this step")
    parser.add_argument("--item", metavar="N", type=item_number, help="only this item of the step, counted from 0")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run has ended")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--stdout", action="store_true", help="only the standard output")
    only.add_argument("--stderr", action="store_true", help="only the error output")
    parser.add_argument("--json", action="store_true", help="print each line as one JSON object, with where it is from")
    parser.add_argument("--raw", action="store_true", help="bytes as they are; never to a terminal")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Print them."""
    from store.queries import logs_page
    from tui.commands.following import Look, looks, tell_lost
    from tui.commands.records import find_run, open_reader, require_step

    if arguments.raw and arguments.json:
        raise InputError("--raw and --json are two things", hint="give one of them")
    if arguments.raw and context.out.is_terminal:
        raise InputError(
            "--raw is refused on a terminal: the bytes could take it over",
            hint="send them to a file or through a pipe, or leave --raw out",
        )
    stream = Stream.STDOUT if arguments.stdout else Stream.STDERR if arguments.stderr else None
    with open_reader(context) as reader:
        found = find_run(reader, arguments.run)
        run, run_id = found.run_then, found.run.run_id
        step = _step(arguments, found)
        if step is not None:
            require_step(reader, run, step)
        _require_item(reader, run, step, arguments.item)
        lines = Lines()
        printer = (
            _JsonPrinter(context, run_id)
            if arguments.json
            else _Printer(context, [] if arguments.item is not None else _names(reader, run, step))
        )
        seen = 0
        for look in looks(reader, context.database, run_id) if arguments.follow else [Look.OVER]:
            while page := reader.run(logs_page(run_id, step, stream=stream, after_log_id=seen, limit=PAGE)):
                seen = page[-1].log_id
                for row in _wanted(page, arguments.item, found.pass_index):
                    if arguments.raw:
                        context.out.bytes(row.content)
                    else:
                        for source, line in lines.feed(row):
                            printer.line(source, line)
            if look is not Look.MORE and not arguments.raw:
                for source, line in lines.rest():
                    printer.line(source, line)
            context.out.flush()
            if look is Look.LOST:
                tell_lost(context.err)
    return ExitCode.SUCCEEDED


def _names(reader: Reader, run: RunRow, step: str | None) -> list[str]:
    """What the lines can begin with; nothing where all are of one step without items."""
    from store.queries import item_numbers, steps_page

    steps = [row.step_id for row in reader.run(steps_page(run.run_id, run.pass_index, with_items=False))]
    names = [] if step is not None else steps
    chosen = steps if step is None else [step]
    numbers = reader.run(item_numbers(run.run_id, chosen, run.pass_index))
    return names + [f"{name}[{sum(items.values()) - 1}]" for name, items in numbers.items()]


def _step(arguments: argparse.Namespace, found: Found) -> str | None:
    """The step that STEP or the link names. Raises InputError where they name two, or a part that writes nothing."""
    short = short_id(found.run.run_id)
    if found.stage not in (None, Stage.EXECUTE):
        raise InputError("only the steps of execute write anything", hint=f"for the run give {short}")
    if arguments.step and found.step_id and arguments.step != found.step_id:
        raise InputError(f"the link is to {found.step_id}, STEP is {arguments.step}", hint="give one of them")
    return arguments.step or found.step_id


def _wanted(page: list[LogRow], item: int | None, pass_index: int | None) -> list[LogRow]:
    return [row for row in page if item in (None, row.item_index) and pass_index in (None, row.pass_index)]


def _require_item(reader: Reader, run: RunRow, step: str | None, item: int | None) -> None:
    """Raises InputError where no such item can come any more, or the step is not named."""
    from store.queries import items_page, step_by_id

    if item is None:
        return
    if step is None:
        raise InputError("--item needs a step", hint="name it: opscope logs RUN STEP --item N")
    if reader.run(step_by_id(run.run_id, step, run.pass_index, item)) is not None or not run.status.is_final:
        return
    last = reader.run(items_page(run.run_id, step, run.pass_index, limit=1))
    hint = (
        f"opscope show {run.run_id[:6]}/stage/execute?step={step} lists them" if last else "it runs once, without items"
    )
    raise InputError(f"the step {step} has no item {item}", hint=hint)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line comes from."""

    step_id: str
    item_index: int | None
    attempt: int
    stream: Stream
    pass_index: int = 0


@dataclass(slots=True)
class Lines:
    """Puts the pieces of each output together into lines. A line longer than a megabyte is broken."""

    _open: dict[Source, bytearray] = field(default_factory=dict)

    def feed(self, row: LogRow) -> Iterator[tuple[Source, str]]:
        """The lines that this piece completes."""
        source = Source(row.step_id, row.item_index, row.attempt, row.stream, row.pass_index)
        held = self._open.setdefault(source, bytearray())
        held += row.content
        *whole, rest = held.split(b"\n")
        if len(rest) > _LONGEST_LINE:
            whole, rest = [*whole, rest], bytearray()
        self._open[source] = rest
        for line in whole:
            yield source, _decoded(line)

    def rest(self) -> Iterator[tuple[Source, str]]:
        """What was written without a line's end."""
        for source, held in self._open.items():
            if held:
                yield source, _decoded(held)
        self._open.clear()


def _decoded(line: bytearray) -> str:
    return line.decode("utf-8", errors="backslashreplace").removesuffix("\r")


class _JsonPrinter:
    """Writes lines for programs: each a JSON object on a line of its own."""

    def __init__(self, context: Context, run_id: str) -> None:
        self._out = context.out
        self._run_id = run_id

    def line(self, source: Source, line: str) -> None:
        document: JsonObject = {
            "run_id": self._run_id,
            "pass_index": source.pass_index,
            "step_id": source.step_id,
            "item_index": source.item_index,
            "attempt": source.attempt,
            "stream": source.stream.value,
            "line": line,
        }
        self._out.json(document, indent=None)


class _Printer:
    """Writes lines; with several steps each line begins with its step's name."""

    def __init__(self, context: Context, names: list[str]) -> None:
        self._out = context.out
        self._width = min(max(map(len, names), default=0), _WIDEST_NAME) + 2

    def line(self, source: Source, line: str) -> None:
        name = source.step_id if source.item_index is None else f"{source.step_id}[{source.item_index}]"
        name += f"#{source.attempt}" if source.attempt > 1 else ""
        complains = source.stream is Stream.STDERR
        named = fit(name, self._width) if self._width > 2 else ""
        self._out.line(
            Span(named, Role.DIM), Span("! " if complains else "  ", Role.WARNING) if named or complains else "", line
        )
