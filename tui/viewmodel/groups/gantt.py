"""The Gantt of a pass as lines of text: groups and their steps down, time across. Pure; a line is built when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from rich.cells import cell_len

from engine.model.states import Reason, StepStatus
from tui.terminal import visible
from tui.viewmodel.groups.graph import group_us
from tui.viewmodel.groups.picture import by_group
from tui.viewmodel.groups.time_scale import BREAK, Scale, ruler, scale, ticks, with_room
from tui.viewmodel.palette import Role
from tui.viewmodel.reused import reused_word, reused_words
from tui.viewmodel.text import Span, fit
from tui.viewmodel.words import count, duration, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from store.rows import StepRow
    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.text import Line

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_FAILED_TRY, _WAIT, _GHOST, _QUEUE, _PATH = "▒", "╌", "░", "┈", "┃"
_NAME_LEAST, _NAME_MOST = 12, 28
_AFTER: Final = 8
_BEFORE: Final = 3

RowKey: TypeAlias = "int | str"
"""A step by its place, or a group as `g3`."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """Another run of the plan: its id, and when each of its steps ran, in microseconds since its steps began."""

    run_id: str
    ran: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GanttRow:
    """A line of the chart: a group, a step, or (`is_ghost`) how the other run did a step."""

    key: RowKey
    is_ghost: bool = False


@dataclass(frozen=True, slots=True)
class _Bar:
    """A piece of a row in columns. `char` is drawn in every cell; a solid one has exact ends."""

    start: float
    stop: float
    char: str
    role: Role


class Gantt:
    """What is shown of a pass at a width. Rows stay as they are while the pass goes on; only bars grow."""

    def __init__(
        self,
        picture: GroupsPicture,
        cells: int,
        now_us: int,
        *,
        path: Sequence[int] = (),
        ghost: Ghost | None = None,
        folded: Collection[int] = (),
        only: Collection[int] | None = None,
        parents: Sequence[Sequence[int]] = (),
        exact_ends: bool = True,
    ) -> None:
        self.picture = picture
        self.now_us = now_us
        self.ghost = ghost
        self.path = frozenset(path)
        self._folded = folded
        self._parents = parents
        self._exact = exact_ends
        self.members = by_group(picture.steps)
        self.rows: list[GanttRow] = []
        for group, places in self.members.items():
            shown = [at for at in places if only is None or at in only]
            if not shown:
                continue
            self.rows.append(GanttRow(f"g{group}"))
            for at in shown if group not in folded else ():
                self.rows.append(GanttRow(at))
                if ghost is not None and picture.steps[at].step_id in ghost.ran:
                    self.rows.append(GanttRow(at, is_ghost=True))
        self.line_of = {row.key: number for number, row in reversed(list(enumerate(self.rows)))}
        longest = max((cell_len(visible(step.step_id)) for step in picture.steps[:2000]), default=0)
        most = min(_NAME_MOST, max(_NAME_LEAST, cells // 4))
        self.name_cells = max(_NAME_LEAST, min(most, longest + 2))
        self.bar_cells = max(10, cells - _BEFORE - self.name_cells - 1 - _AFTER - 1)
        self._began = picture.started_us() or 0
        self.scale = self._scale()
        self._ticks = ticks(self.scale)
        self._breaks = {at for at, _ in self.scale.breaks}

    def _scale(self) -> Scale:
        busy: list[tuple[int, int]] = []
        for step in self.picture.steps:
            end = self.picture.ended_us(step, self.now_us)
            if step.started_at_us is not None and end is not None:
                busy.append((step.started_at_us - self._began, end - self._began))
        if self.ghost is not None:
            busy += self.ghost.ran.values()
        if self.picture.is_live and any(step.started_at_us and not step.finished_at_us for step in self.picture.steps):
            latest = max(stop for _, stop in busy)
            busy.append((latest, with_room(latest)))
        return scale(busy, self.bar_cells)

    def header(self) -> Line:
        """The ruler, above the bars."""
        before = " " * (_BEFORE + self.name_cells + 1)
        return (Span(before), *ruler(self.scale))

    def line(self, number: int, *, matches: Collection[int] = ()) -> Line:
        """A line of the chart."""
        row = self.rows[number]
        if isinstance(row.key, str):
            return self._group_line(int(row.key[1:]))
        step = self.picture.steps[row.key]
        if row.is_ghost:
            return self._ghost_line(step)
        mark = self.picture.mark(step)
        is_match = row.key in matches
        on_path = row.key in self.path
        name = Span(
            fit(self._name(step), self.name_cells - 2), Role.MATCH if is_match else Role.TEXT, on_path, is_match
        )
        return (
            Span(f" {_PATH if on_path else ' '} ", Role.EXECUTE),
            Span(f"{mark.glyph} ", mark.role),
            name,
            Span(" "),
            *self._in_place(row.key, step),
            Span(" "),
            *self._after(step),
        )

    def _in_place(self, at: int, step: StepRow) -> list[Span]:
        """The bar of a step, or where its result comes from if it took no time in this pass."""
        word = reused_word(step)
        if word is None or step.started_at_us is not None:
            return self._drawn(self._step_bars(at, step))
        if step.reason is Reason.REUSED:
            word = reused_words(self.picture.reused.get(step.step_id), self.picture.run.run_id)
        return self._drawn((), word)

    def _name(self, step: StepRow) -> str:
        number = sum(self.picture.items.get(step.step_id, {}).values())
        return f"{step.step_id} ×{count(number)}" if number else step.step_id

    def _after(self, step: StepRow) -> Line:
        mark = self.picture.mark(step)
        if step.started_at_us is None and reused_word(step) is not None:
            return (Span(" " * _AFTER),)
        if step.started_at_us is None:
            return (Span(fit(mark.word if step.status is not StepStatus.PENDING else "", _AFTER), mark.role),)
        calm = mark.role in (Role.SUCCEEDED, Role.DIM)
        taken = duration(self.picture.taken_us(step, self.now_us))
        return (Span(fit(taken, _AFTER), Role.DIM if calm else mark.role),)

    def _group_line(self, group: int) -> Line:
        places = self.members[group]
        is_end = self.picture.steps[places[0]].step_id in self.picture.shape.at_the_end
        name = "THE END" if is_end else f"GROUP {group}"
        sign = "▸" if group in self._folded else "▾"
        number = plural(len(places), "step")
        title = f"{sign} {name}  {number}"
        if len(title) > self.name_cells + _BEFORE - 1:
            title = f"{sign} {name}"
        began = [s for at in places if (s := self.picture.steps[at].started_at_us) is not None]
        ends = [e for at in places if (e := self.picture.ended_us(self.picture.steps[at], self.now_us)) is not None]
        bars = [self._bar(min(began), max(ends), "━", Role.DIM)] if began else []
        taken = duration(group_us(self.picture, places, self.now_us)) if began else ""
        return (
            Span(" "),
            Span(fit(title, self.name_cells + _BEFORE - 1), Role.DIM),
            Span(" "),
            *self._drawn(bars),
            Span(" "),
            Span(fit(taken, _AFTER), Role.DIM),
        )

    def _ghost_line(self, step: StepRow) -> Line:
        assert self.ghost is not None
        start, stop = self.ghost.ran[step.step_id]
        before = stop - start
        bars = [_Bar(self.scale.column(start), self.scale.column(stop), _GHOST, Role.DIM)]
        own = self.picture.taken_us(step, self.now_us)
        said = duration(before)
        if own is not None and step.finished_at_us is not None and abs(own - before) >= max(1000, before // 20):
            said = f"{'+' if own > before else '–'}{duration(abs(own - before))}"
        return (
            Span(" " * (_BEFORE + 2)),
            Span(fit("before", self.name_cells - 2), Role.DIM),
            Span(" "),
            *self._drawn(bars),
            Span(" "),
            Span(fit(said, _AFTER), Role.DIM),
        )

    # Bars

    def _bar(self, start_us: int, stop_us: int, char: str, role: Role) -> _Bar:
        return _Bar(self.scale.column(start_us - self._began), self.scale.column(stop_us - self._began), char, role)

    def _step_bars(self, at: int, step: StepRow) -> list[_Bar]:
        end = self.picture.ended_us(step, self.now_us)
        if step.started_at_us is None or end is None:
            return []
        mark = self.picture.mark(step)
        bars: list[_Bar] = []
        ready = self._ready_us(at)
        if ready is not None and ready < step.started_at_us:
            bars.append(self._bar(ready, step.started_at_us, _QUEUE, Role.DIM))
        tries = self.picture.tries.get(step.step_id, ())
        if not tries:
            return [*bars, self._bar(step.started_at_us, end, "█", mark.role)]
        bars.append(self._bar(tries[0].started_at_us, end, _WAIT, Role.WARNING))
        for number, attempt in enumerate(tries):
            is_last = number == len(tries) - 1
            stop = min(attempt.finished_at_us, end) if attempt.finished_at_us is not None else end
            waits = is_last and step.status is StepStatus.WAITING
            if is_last and not waits:
                bars.append(self._bar(attempt.started_at_us, stop, "█", mark.role))
            else:
                bars.append(self._bar(attempt.started_at_us, stop, _FAILED_TRY, Role.WARNING))
        return bars

    def _ready_us(self, at: int) -> int | None:
        """When the last thing that the step waited for had ended: since then it waited for its turn."""
        if not self._parents:
            return None
        above = [self.picture.steps[parent] for parent in self._parents[at]]
        ends = [step.finished_at_us for step in above if step.reason is not Reason.REUSED]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    def _drawn(self, bars: Sequence[_Bar], word: str = "") -> list[Span]:
        """Bars over thin lines for the ticks, later ones over earlier ones; or a word."""
        cells = self.bar_cells
        chars: list[tuple[str, Role]] = [(" ", Role.TEXT)] * cells
        for at in self._ticks:
            if at < cells:
                chars[at] = ("│", Role.BORDER)
        for bar in bars:
            self._lay(bar, chars)
        for at in self._breaks:
            if at < cells:
                chars[at] = (BREAK, Role.WARNING)
        if word:
            chars[: len(word)] = [(char, Role.DIM) for char in word]
            del chars[cells:]
        out: list[Span] = []
        for char, role in chars:
            if out and out[-1].role is role:
                out[-1] = Span(out[-1].text + char, role)
            else:
                out.append(Span(char, role))
        return out

    def _lay(self, bar: _Bar, chars: list[tuple[str, Role]]) -> None:
        """Put a bar into its row. A solid end is exact to an eighth of a cell, a beginning to a half: there is no sign for more."""
        cells = len(chars)
        first = min(int(bar.start), cells - 1)
        if bar.char != "█" or not self._exact:
            last = max(first, min(cells, round(bar.stop)) - 1)
            chars[first : last + 1] = [(bar.char, bar.role)] * (last + 1 - first)
            return
        stop = min(float(cells), max(bar.stop, bar.start + 0.125))
        for at in range(first, min(cells, int(stop))):
            chars[at] = ("█", bar.role)
        eighths = round((stop - int(stop)) * 8)
        if int(stop) < cells and eighths:
            chars[int(stop)] = (_EIGHTHS[eighths] if eighths < 8 else "█", bar.role)
        if bar.start - first >= 0.5 and int(stop) > first:
            chars[first] = ("▐", bar.role)
