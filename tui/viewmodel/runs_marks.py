"""Runs that are marked, to do something with all of them: which of them can, and how that is asked and said. No widgets, no steering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model.states import ControlVerb, PauseReason, RunStatus
from tui.viewmodel.words import count, plural, short_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from store.rows import RunRow

MOST_MARKS: Final = 100
"""Runs that can be marked at once: what is done with more than that should be thought over first."""
LEAST_COMPARED, MOST_COMPARED = 2, 8
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Marks:
    """The marked runs by id, as they were seen last, in the order in which they were marked."""

    rows: Mapping[str, RunRow] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self.rows

    @property
    def runs(self) -> tuple[RunRow, ...]:
        """The marked runs, the newest first."""
        return tuple(sorted(self.rows.values(), key=lambda row: (row.created_at_us, row.run_id), reverse=True))

    def turned(self, row: RunRow) -> Marks:
        """With a mark more at this run, or without the one it has."""
        if row.run_id in self.rows:
            return Marks({run_id: kept for run_id, kept in self.rows.items() if run_id != row.run_id})
        return Marks({**self.rows, row.run_id: row})

    def with_all(self, rows: Iterable[RunRow]) -> Marks:
        """With marks at all of these."""
        return Marks({**self.rows, **{row.run_id: row for row in rows}})

    def turned_all(self, rows: Sequence[RunRow], total: int) -> Marks | str:
        """With marks at all of these, or at none of them where all have one; or why not, where they are a part of too many."""
        if all(row.run_id in self for row in rows):
            gone = {row.run_id for row in rows}
            return Marks({run_id: row for run_id, row in self.rows.items() if run_id not in gone})
        if total > MOST_MARKS:
            return f"{count(total)} runs pass the filter: at most {MOST_MARKS} are marked at once, so filter first"
        return self.with_all(rows)

    def seen_again(self, now: Mapping[str, RunRow | None]) -> Marks:
        """The same marks, with the runs as they are now; those that are gone from the file (None) are marked no more.

        Of what was marked while the file was read, nothing is said, and it stays as it is.
        """
        rows = {run_id: now.get(run_id, row) for run_id, row in self.rows.items()}
        return Marks({run_id: row for run_id, row in rows.items() if row is not None})


class Asking(NamedTuple):
    """What would be done with the marked runs: to which of them, the question, what yes does, and what is to be said of the others."""

    verb: ControlVerb
    runs: tuple[RunRow, ...]
    question: str
    yes: str


def asked_to_cancel(marks: Marks) -> Asking | str:
    """The question whether to cancel the marked runs, or why none of them can be."""
    able = [row for row in marks.runs if _goes_on(row)]
    if not able:
        return f"none of the {plural(len(marks), 'marked run')} goes on: there is nothing to cancel"
    question = f"Cancel {_named(able)}? What runs is stopped, then their finally steps run.{_left_out(marks, able)}"
    return Asking(ControlVerb.CANCEL, tuple(able), question, f"cancel {_them(able)}")


def asked_to_hold(marks: Marks, lost: Collection[str]) -> Asking | str:
    """The question whether to pause the marked runs, or to let them go on where all of them wait; or why neither can be."""
    live = [row for row in marks.runs if _goes_on(row)]
    if not live:
        return f"none of the {plural(len(marks), 'marked run')} goes on: there is nothing to pause"
    running = [row for row in live if not _waits(row, lost)]
    if running:
        question = f"Pause {_named(running)}? What runs ends, nothing new starts.{_left_out(marks, running)}"
        return Asking(ControlVerb.PAUSE, tuple(running), question, f"pause {_them(running)}")
    able = [row for row in live if row.pause_reason is not PauseReason.APPROVAL or row.status is not RunStatus.PAUSED]
    if not able:
        return "they wait for an approval: open each of them and decide"
    question = f"Let {_named(able)} go on?{_left_out(marks, able)}"
    return Asking(ControlVerb.RESUME, tuple(able), question, f"resume {_them(able)}")


def compared_ids(marks: Marks) -> tuple[str, tuple[str, ...]] | str:
    """The newest marked run and the others, the newest of them first; or why they cannot be compared."""
    if len(marks) < LEAST_COMPARED:
        return "one run is marked: mark another one to compare them, or press esc to take the mark away"
    if len(marks) > MOST_COMPARED:
        return f"{count(len(marks))} runs are marked: at most {MOST_COMPARED} can be set beside each other"
    newest, *others = (row.run_id for row in marks.runs)
    return newest, tuple(others)


_DONE: Final = {ControlVerb.CANCEL: "canceled", ControlVerb.PAUSE: "paused", ControlVerb.RESUME: "resumed"}


def outcome(verb: ControlVerb, done: int, refused: Sequence[tuple[str, str]]) -> str:
    """`canceled 3 runs; 7f3a02: it is over`: what came of it, with the reasons of the first that could not."""
    said = [f"{_DONE[verb]} {plural(done, 'run')}"] if done or not refused else []
    said += [f"{short_id(run_id)}: {why}" for run_id, why in refused[:_NAMED]]
    if len(refused) > _NAMED:
        said.append(f"and {count(len(refused) - _NAMED)} more could not")
    return "; ".join(said)


def _goes_on(row: RunRow) -> bool:
    return not row.status.is_final and row.imported_at_us is None


def _waits(row: RunRow, lost: Collection[str]) -> bool:
    return row.run_id in lost or row.status in (RunStatus.PAUSED, RunStatus.QUARANTINED)


def _named(rows: Sequence[RunRow]) -> str:
    """`run 7f3a91 ci_lookup`, `3 runs (7f3a91, 7f3a02, 7f39e0)`."""
    if len(rows) == 1:
        return f"run {short_id(rows[0].run_id)} {rows[0].plan_id}"
    more = ", …" if len(rows) > _NAMED else ""
    return f"{count(len(rows))} runs ({', '.join(short_id(row.run_id) for row in rows[:_NAMED])}{more})"


def _them(rows: Sequence[RunRow]) -> str:
    return "it" if len(rows) == 1 else "them"


def _left_out(marks: Marks, able: Sequence[RunRow]) -> str:
    """What is said of the marked runs with which nothing is done."""
    ids = {row.run_id for row in able}
    rest = [row for row in marks.runs if row.run_id not in ids]
    over = sum(row.status.is_final for row in rest)
    imported = sum(row.imported_at_us is not None and not row.status.is_final for row in rest)
    waiting = len(rest) - over - imported
    said = [f"{plural(over, 'run')} {'is' if over == 1 else 'are'} over"] if over else []
    said += [f"{count(imported)} {'was' if imported == 1 else 'were'} imported"] if imported else []
    said += [f"{count(waiting)} {'waits' if waiting == 1 else 'wait'} already"] if waiting else []
    return f" Left as they are: {', '.join(said)}." if said else ""
