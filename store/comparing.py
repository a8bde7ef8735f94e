"""Recorded runs compared: the baseline chosen or named, the facts of both sides read, analysed. What an analysis says is the engine's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.errors import InputError, StoreError
from engine.model.states import RunMode, RunStatus
from engine.regression.baseline import LAST, choose_baseline
from store.queries.comparison import heads_before, heads_by_id
from store.run_facts import read_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.errors import OpscopeError
    from engine.model.states import Stage
    from engine.regression.baseline import Baseline, RunHead
    from engine.regression.verdict import Analysis
    from store.reader import Reader


@dataclass(frozen=True, slots=True)
class Compared:
    """An analysis, and the plan of the candidates."""

    analysis: Analysis
    plan_id: str


def compare_runs(
    reader: Reader,
    candidates: Sequence[str],
    baseline: Sequence[str] = (),
    *,
    last: int = LAST,
    stage: Stage | None = None,
    chosen: Baseline | None = None,
    floor_sec: float | None = None,
    on_run: Callable[[str], None] | None = None,
) -> Compared:
    """Compare runs, by whole ids; without `baseline` it is `chosen`, or chosen by the rule, of at most `last` runs.

    `floor_sec` is the least change of a step of a second or longer that counts (1 s). `on_run` is told each run as it is
    read. Of several runs of a side those that are quarantined or cannot be read are left out, with a note on each.
    Raises InputError for a run that is not there, that has not ended or that stands
    on both sides, and for candidates of several plans where the baseline is to be chosen; StoreError.
    """
    from engine.regression.analysis import analyse
    from engine.regression.evidence import Bar

    if both := {*baseline} & {*candidates}:
        raise InputError(f"{min(both)[:6]} stands on both sides", hint="a run is of the baseline or in question")
    spoilt, spoilt_before = LeftOut("left out"), LeftOut("left out of the baseline")
    heads = comparable_heads(reader, candidates, spoilt)
    failed: Sequence[str] = ()
    notes: list[str] = []
    if baseline:
        base: Sequence[str] = [head.run_id for head in comparable_heads(reader, baseline, spoilt_before)]
    else:
        chosen = chosen_baseline(reader, heads, last=last) if chosen is None else chosen
        base, failed, notes = chosen.runs, chosen.failed, notes_on(chosen)
    before = read_runs(reader, base, on_run=on_run, on_damage=spoilt_before.damaged)
    after = read_runs(reader, [head.run_id for head in heads], on_run=on_run, on_damage=spoilt.damaged)
    failures = read_runs(reader, failed, on_run=on_run, on_damage=spoilt_before.damaged)
    if not after:
        raise spoilt.errors[0]
    if baseline and not before:
        raise spoilt_before.errors[0]
    notes += [*spoilt.notes, *spoilt_before.notes]
    analysis = analyse(
        before,
        after,
        bar=Bar() if floor_sec is None else Bar(floor_sec=floor_sec),
        stage=stage,
        notes=notes if floor_sec is None else [*notes, f"a change counts from {floor_sec:g} s on"],
        failed=failures,
    )
    return Compared(analysis, heads[0].plan_id)


class LeftOut:
    """The runs of a side that cannot be compared: a note on each, and the error that tells it where no other run is left."""

    def __init__(self, title: str) -> None:
        self._title = title
        self.notes: list[str] = []
        self.errors: list[OpscopeError] = []

    def damaged(self, run_id: str, error: StoreError) -> None:
        """A run that cannot be read."""
        said = f"{run_id[:6]} cannot be read: {error.cause}"
        self.notes.append(f"{self._title}: {said}")
        self.errors.append(StoreError(f"the run {said}", place=error.place, hint=error.hint))

    def undecided(self, run_id: str) -> None:
        """A run that is quarantined: it may stand so for good, and the others need not wait for it."""
        short = run_id[:6]
        self.notes.append(f"{self._title}: {short} is quarantined, it waits for a decision (opscope why {short})")
        hint = f"opscope why {short} says what it waits for"
        self.errors.append(InputError("the run has not ended: it is quarantined", place=short, hint=hint))


def comparable_heads(reader: Reader, run_ids: Sequence[str], left_out: LeftOut) -> list[RunHead]:
    """The heads of those runs that can be compared, each once. Raises what `ended_heads` does, also where none can."""
    heads: list[RunHead] = []
    for run_id in dict.fromkeys(run_ids):
        try:
            found = reader.run(heads_by_id([run_id]))
        except StoreError as error:
            left_out.damaged(run_id, error)
            continue
        if any(head.status is RunStatus.QUARANTINED for head in found):
            left_out.undecided(run_id)
        else:
            heads += ended_heads(reader, [run_id])
    if not heads and left_out.errors:
        raise left_out.errors[0]
    return heads or ended_heads(reader, [])


def ended_heads(reader: Reader, run_ids: Sequence[str]) -> list[RunHead]:
    """The heads of runs, in this order. Raises InputError without any, for one that is not there and for one that goes on."""
    if not run_ids:
        raise InputError("nothing is compared without a run in question")
    found = {head.run_id: head for head in reader.run(heads_by_id(run_ids))}
    for run_id in run_ids:
        head = found.get(run_id)
        if head is None:
            raise InputError(f"there is no run {run_id}", place=str(reader.path))
        if not head.status.is_final:
            raise InputError(
                f"the run has not ended: it is {head.status.value}", place=run_id[:6], hint="compare it when it has"
            )
    return [found[run_id] for run_id in run_ids]


def chosen_baseline(reader: Reader, candidates: Sequence[RunHead], *, last: int = LAST) -> Baseline:
    """The baseline of candidates of one plan, by the rule. Raises InputError where they are of several."""
    if len({head.plan_id for head in candidates}) > 1:
        raise InputError("the runs are of different plans", hint="name the runs of the baseline too")
    first_us = min(head.created_at_us for head in candidates)
    history = reader.run(heads_before(candidates[0].plan_id, first_us))
    return choose_baseline(candidates, history, last=last)


def source_baseline(reader: Reader, source: str) -> Baseline:
    """The baseline of a run that others repeat, for them: that run stands in it too if it succeeded. What it leaves out is
    not told: whoever repeats a run asks of that one."""
    heads = ended_heads(reader, [source])
    found = chosen_baseline(reader, heads)
    joins = heads[0].status is RunStatus.SUCCEEDED and heads[0].mode is RunMode.NORMAL and not heads[0].reuses
    runs = (*found.runs, source)[-LAST:] if joins else found.runs
    return replace(found, runs=runs, under_test=(), left_out=())


def notes_on(chosen: Baseline) -> list[str]:
    """What is to be said of a choice, a sentence each."""
    notes = [f"left out of the baseline: {number} {_that(reason, number)}" for reason, number in chosen.left_out]
    if chosen.failed:
        number = len(chosen.failed)
        notes.append(
            f"{number} run{' that failed counts' if number == 1 else 's that failed count'} for the rates alone"
        )
    if chosen.under_test:
        notes.append(f"under test: {', '.join(chosen.under_test)}")
    return notes


def _that(reason: str, number: int) -> str:
    return f"run that {reason}" if number == 1 else f"runs, each {reason}"
