"""The section of the runs: each with its side, state, duration and time, and what is left out. Moving them is the screen's."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tui.viewmodel.comparing.plots import strip
from tui.viewmodel.comparing.rows import Rows, fact, facts, heading
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, fit, span
from tui.viewmodel.words import clock, duration, plural, run_mark, short_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from store.rows import RunRow
    from tui.viewmodel.comparing.data import Pair
    from tui.viewmodel.comparing.sides import Standing
    from tui.viewmodel.runs import Moment


class RunSide(StrEnum):
    """Where a run stands."""

    CANDIDATES = "candidates"
    BASELINE = "baseline"
    LEFT_OUT = "left out"
    OTHERS = "other runs"


MARKED: Final = "▌"
"""Stands before a run that is marked."""
_BAR, _WIDE_BAR = 8, 20
_GAP: Final = " "
"""Stands for a run between two sides."""


class RunRows(Rows):
    """The candidates, the baseline, what is left out, and others with what they do not share with the run in question."""

    def __init__(
        self,
        standing: Standing,
        runs: Mapping[str, RunRow],
        pair: Pair,
        moment: Moment,
        unlike: Mapping[str, Sequence[str]] | None = None,
        marked: Collection[str] = (),
    ) -> None:
        sides = {
            RunSide.CANDIDATES: standing.candidates,
            RunSide.BASELINE: standing.baseline,
            RunSide.LEFT_OUT: standing.left_out,
            RunSide.OTHERS: standing.others,
        }
        self._unlike = unlike if unlike is not None else {}
        self._marked = marked
        self._runs = runs
        self._pair = pair
        self._moment = moment
        self._rows: list[tuple[RunSide, str]] = []
        self._numbers = {side: len(sides[side]) for side in RunSide}
        for side in RunSide:
            if members := sides[side]:
                self._rows += [(side, _GAP), (side, "")] if self._rows else [(side, "")]
                self._rows += [(side, run_id) for run_id in members]
        self._longest = max((run.duration_us or 0 for run in runs.values()), default=0)

    def __len__(self) -> int:
        return len(self._rows)

    def run_id(self, index: int) -> str:
        """The run, empty for a title."""
        return self._rows[index][1].strip() if index < len(self._rows) else ""

    def side(self, index: int) -> RunSide:
        """Where it stands."""
        return self._rows[index][0]

    def key(self, index: int) -> str:
        """The run, or the side."""
        side, run_id = self._rows[index]
        return f"run {run_id}" if run_id.strip() else f"#{run_id}{side.value}"

    def title(self, index: int) -> str:
        """The run by its short id."""
        side, run_id = self._rows[index]
        return short_id(run_id) if run_id else side.value

    def sentence(self, index: int) -> str:
        """The run, its side, how it ended."""
        side, run_id = self._rows[index]
        run = self._runs.get(run_id)
        if run is None:
            return f"{plural(self._numbers[side], 'run')} {_of(side)}"
        return f"{run_id} ({_of(side)}): {run.status.value}, {duration(run.duration_us)}"

    def line(self, index: int, cells: int) -> Line:
        """A run with its bar."""
        side, run_id = self._rows[index]
        if run_id == _GAP:
            return ()
        if not run_id:
            note = plural(self._numbers[side], "run")
            return heading(side.value.upper(), f"{note}, those that fit first" if side is RunSide.OTHERS else note)
        run = self._runs.get(run_id)
        shown = "◆" if run_id in (self._pair.before, self._pair.after) else " "
        first = MARKED if run_id in self._marked else " "
        if run is None:
            return (Span(f"{first}{shown} "), span(short_id(run_id)), Span("  no longer in the file", Role.DIM))
        mark = run_mark(run.status)
        is_dim = side in (RunSide.LEFT_OUT, RunSide.OTHERS)
        unlike = self._unlike.get(run_id, ()) if side is RunSide.OTHERS else ()
        length = _WIDE_BAR if cells >= 90 else _BAR
        share = (run.duration_us or 0) / self._longest if self._longest else 0.0
        role = Role.DIM if side is not RunSide.CANDIDATES else Role.RUNNING
        when = clock(run.started_at_us or run.created_at_us, now_us=self._moment.now_us, zone=self._moment.zone)
        return (
            Span(f"{first}{shown} ", Role.STRONG),
            span(short_id(run_id), Role.DIM if is_dim else Role.TEXT, bold=not is_dim),
            Span(f"  {mark.glyph} {mark.word:<11}", mark.role),
            Span(f" {fit(duration(run.duration_us), 8, right=True)}  "),
            # What is not the same matters more than how its length compares.
            *(() if unlike else strip(share, length, role)),
            Span(f"  {when}", Role.DIM),
            span(f"  {', '.join(unlike)}" if unlike else "", Role.WARNING),
        )

    def detail(self, index: int, cells: int) -> list[Line]:
        """What is known of it, and what the keys do with it."""
        side, run_id = self._rows[index]
        run = self._runs.get(run_id)
        if run is None:
            return facts("", "no longer in the file" if run_id else _meaning(side), cells, Role.DIM)
        mark = run_mark(run.status)
        lines = [
            fact("run", span(run_id)),
            fact("status", Span(str(mark), mark.role)),
            fact("side", side.value),
            fact("took", duration(run.duration_us)),
            fact("plan", f"{run.plan_id} {run.plan_version}"),
        ]
        if run.imported_at_us is not None:
            lines.append(fact("imported", "it did not run here"))
        if run_id in (self._pair.before, self._pair.after):
            lines.append(fact("◆", "one of the two whose data are shown (4)"))
        lines.append(())
        other = RunSide.BASELINE if side is RunSide.CANDIDATES else RunSide.CANDIDATES
        lines += facts("s", f"move it to the {other.value}", cells, Role.DIM)
        if unlike := self._unlike.get(run_id):
            lines[-1:-1] = facts("unlike", f"{', '.join(unlike)}: it is no baseline by the rule", cells, Role.WARNING)
        lines += facts("x", _TAKES_IN.get(side, "leave it out"), cells, Role.DIM)
        if side not in _TAKES_IN:
            lines += facts("p", "show its data (4)", cells, Role.DIM)
        lines += facts("space", "mark it: s and x are for all marked ones", cells, Role.DIM)
        lines += facts("a", "list other runs of the plan, to take them in", cells, Role.DIM)
        return lines


def _of(side: RunSide) -> str:
    match side:
        case RunSide.CANDIDATES:
            return "among the candidates"
        case RunSide.BASELINE:
            return "of the baseline"
        case RunSide.LEFT_OUT:
            return "left out"
        case RunSide.OTHERS:
            return "not compared"


_TAKES_IN: Final = {
    RunSide.LEFT_OUT: "take it in again, to the baseline",
    RunSide.OTHERS: "take it in, to the baseline",
}


def _meaning(side: RunSide) -> str:
    match side:
        case RunSide.CANDIDATES:
            return "the runs in question: a verdict needs at least 3"
        case RunSide.BASELINE:
            return "what they are held against: a verdict needs at least 5"
        case RunSide.LEFT_OUT:
            return "on neither side: they count for nothing"
        case RunSide.OTHERS:
            return "runs of the plan that are not compared: x takes one into the baseline, s among the candidates"
