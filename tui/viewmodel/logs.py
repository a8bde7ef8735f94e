"""The Logs tab as text: how a line of output reads, what is chosen of it, how it goes on. Where lines begin is in `log_index`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from engine.model.states import Stream
from tui.viewmodel.log_text import decoded, row_of, shown
from tui.viewmodel.palette import Role
from tui.viewmodel.text import ELLIPSIS, Line, Span, crop, fit, joined, marked, span
from tui.viewmodel.words import count, iso, plural, size, step_mark, time_of_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.model.json import Json
    from store.rows import StepRow
    from tui.viewmodel.json_nodes import Node
    from tui.viewmodel.log_index import LogIndex, Source
    from tui.viewmodel.runs import Moment

MOST_ROWS: Final = 30
"""Rows a line takes when lines are broken; the rest is there when it is opened."""
WITH_TIMES: Final = 100
"""Cells from which each line has its time."""
_WIDEST_NAME: Final = 20
_NARROW_NAME: Final = 12
_LEAST_NAME: Final = 4
_WIDEST_CHOICE: Final = 32
_STREAMS: Final = {Stream.STDOUT: ("out", Role.DIM), Stream.STDERR: ("err", Role.WARNING)}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which lines are shown. None stands for all steps, for both streams."""

    step_id: str | None = None
    stream: Stream | None = None

    @property
    def is_everything(self) -> bool:
        """True when nothing is left out."""
        return self.step_id is None and self.stream is None

    def passes(self, source: Source) -> bool:
        """Whether output of this source is shown."""
        return (self.step_id is None or source.step_id == self.step_id) and (
            self.stream is None or source.stream is self.stream
        )

    def next_stream(self) -> Choice:
        """Both, then stdout alone, then stderr alone, then both again."""
        order = (None, Stream.STDOUT, Stream.STDERR)
        return replace(self, stream=order[(order.index(self.stream) + 1) % len(order)])


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands before the text of a line, at fixed places. A width of 0 leaves a column out."""

    time: int
    name: int
    text: int
    gap: int

    @property
    def before(self) -> int:
        """Cells before the text."""
        return 1 + sum(cells + self.gap for cells in (self.time, self.name, 3) if cells)


def columns(cells: int, names: Iterable[str], choice: Choice) -> Columns:
    """The columns at a width. `names` are those of the steps; where one step is chosen its name needs no column."""
    most = _WIDEST_NAME if cells >= WITH_TIMES else _NARROW_NAME
    longest = max((cell_len(name) for name in names), default=0)
    name = 0 if choice.step_id is not None and longest <= cell_len(choice.step_id) else max(_LEAST_NAME, longest)
    wide = cells >= WITH_TIMES
    plan = Columns(8 if wide else 0, min(most, name), 0, 2 if wide else 1)
    return replace(plan, text=max(1, cells - plan.before))


def log_line(
    index: LogIndex, line: int, held: bytes | None, plan: Columns, moment: Moment, *, row: int | None, needle: str = ""
) -> Line:
    """A line of output, or one of its rows where long lines are broken; `held` is None while it is being read."""
    chunk = index.place(line).chunk
    source = index.sources[index.source_of[chunk]]
    word, role = _STREAMS[source.stream]
    gap = " " * plan.gap
    head: list[Span] = [Span(" ")]
    if row:
        head.append(Span(" " * (plan.before - 1)))
    else:
        if plan.time:
            head.append(Span(time_of_day(index.times[chunk], zone=moment.zone) + gap, Role.DIM))
        if plan.name:
            head.append(Span(_name(source, plan.name) + gap, Role.DIM))
        head.append(Span(word + gap, role))
    if held is None:
        return (*head, Span(ELLIPSIS, Role.DIM))
    text, cut_before, cut_after = shown(held)
    text = (ELLIPSIS if cut_before else "") + text + (ELLIPSIS if cut_after else "")
    if row is None:
        body: Line = _cropped(text, plan.text, len(held))
    else:
        body = (Span(row_of(text, row, plan.text, MOST_ROWS)),)
    return (*head, *(marked(body, needle) if needle else body))


def _name(source: Source, cells: int) -> str:
    name = source.name
    beginning, _, attempt = name.rpartition("#")
    # The number of the attempt is what tells two lines of a step apart, so the name gives way.
    if source.attempt > 1 and cell_len(name) > cells > len(attempt) + 3:
        return fit(beginning, cells - len(attempt) - 1) + "#" + attempt
    return fit(name, cells)


def _cropped(text: str, cells: int, bytes_: int) -> Line:
    if cell_len(text) <= cells:
        return (Span(text),)
    if bytes_ < 10 * cells:
        return crop((Span(text),), cells)
    # Of a line that is much longer than there is room for, how long it is matters too.
    extent = f" {size(bytes_)}"
    return (*crop((Span(text),), max(1, cells - len(extent))), Span(extent, Role.DIM))


def line_node(index: LogIndex, line: int, held: bytes, moment: Moment) -> dict[str, Node]:
    """A line with nothing left out: its text, what it holds where it is JSON, and where it comes from."""
    chunk = index.place(line).chunk
    source = index.sources[index.source_of[chunk]]
    text = decoded(held)
    node: dict[str, Node] = {}
    parsed = _json(text)
    if parsed is not None:
        node["json"] = parsed
    node["text"] = text
    node["step"] = source.name
    node["stream"] = source.stream.value
    node["at"] = iso(index.times[chunk], zone=moment.zone)
    node["bytes"] = len(held)
    return node


def _json(text: str) -> Json:
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return None
    try:
        value: Json = json.loads(stripped)
    except (ValueError, RecursionError):
        return None
    return value or None


def facts(
    choice: Choice, lines: int, *, following: bool, added: int, goes_on: bool, is_read: bool, wraps: bool
) -> Line:
    """What is shown of the output, for the end of the row of tabs."""
    chosen: list[Line] = []
    if choice.step_id is not None:
        chosen.append((span(choice.step_id, Role.TEXT, bold=True),))
    if choice.stream is not None:
        chosen.append((Span(choice.stream.value, Role.TEXT, bold=True),))
    if wraps:
        chosen.append((Span("wrapped", Role.DIM),))
    chosen.append((Span(plural(lines, "line"), Role.DIM),))
    if not is_read:
        chosen.append((Span("reading" + ELLIPSIS, Role.DIM),))
    elif following:
        chosen.append((Span("● following", Role.RUNNING),))
    elif added:
        chosen.append(new_lines(added, goes_on=goes_on))
    return joined(chosen)


def new_lines(added: int, *, goes_on: bool) -> Line:
    """How many have come since the end was left, and how to get there."""
    return (Span(f"+{count(added)} new, G {'to follow' if goes_on else 'to see'}", Role.RUNNING, bold=True),)


def nothing(choice: Choice, *, is_going_on: bool, any_lines: bool) -> str:
    """What stands where no line is."""
    if any_lines:
        what = f"{choice.step_id} has" if choice.step_id else "the steps have"
        where = f" to {choice.stream.value}" if choice.stream else ""
        return f"{what} written nothing{where}; esc shows everything"
    return "nothing has been written yet" if is_going_on else "the steps have written nothing"


def step_choices(steps: Sequence[StepRow], index: LogIndex) -> list[tuple[str | None, Line, Line]]:
    """What can be chosen: all steps, then each with its state, and how many lines it wrote; the silent ones last."""
    written: dict[str, int] = {}
    for chunk in range(index.chunk_count):
        first, stop = index.lines_of(chunk)
        step_id = index.sources[index.source_of[chunk]].step_id
        written[step_id] = written.get(step_id, 0) + stop - first
    marks = {step.step_id: step_mark(step.status) for step in steps}
    choices: list[tuple[str | None, Line, Line]] = [
        (None, (Span("  all steps", bold=True),), (Span(count(index.line_count), Role.DIM),))
    ]
    names = [step.step_id for step in steps] + [name for name in written if name not in marks]
    for name in sorted(dict.fromkeys(names), key=lambda name: name not in written):
        mark = marks.get(name)
        sign = Span(f"{mark.glyph} ", mark.role) if mark else Span("  ")
        lines = written.get(name, 0)
        text = span(name, Role.TEXT if lines else Role.DIM)
        choices.append(
            (name, (sign, *crop((text,), _WIDEST_CHOICE)), (Span(count(lines) if lines else "silent", Role.DIM),))
        )
    return choices
