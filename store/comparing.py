"""Recorded runs compared: the baseline chosen or named, the facts of both sides read, analysed. What an analysis says is the engine's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from engine.errors import InputError, StoreError
from engine.model.states import RunMode, RunStatus
from engine.regression.baseline import LAST, choose_baseline, unlike_in
from store.queries.comparison import heads_before, heads_by_id
from store.run_facts import read_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from engine.errors import OpscopeError
    from engine.model.states import Stage
    from engine.regression.baseline import Baseline, RunHead
    from engine.regression.verdict import Analysis
    from store.reader import Reader


_MOST_NAMED: Final = 3


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

    The baseline is in the order in which its runs were made, the candidates as they are named.
    `floor_sec` is the least change of a step of a second or longer that counts (1 s). `on_run` is told each run as it is
    read. Of several runs of a side those that are quarantined or cannot be read are left out, with a note on each.
    Raises InputError for a run that is not there, that has not ended or that stands on both sides, and for runs of several
    plans; StoreError.
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
        named = _in_time(comparable_heads(reader, baseline, spoilt_before))
        _require_one_plan([*named, *heads])
        base: Sequence[str] = [head.run_id for head in named]
    else:
        chosen = chosen_baseline(reader, heads, last=last) if chosen is None else chosen
        base, failed, notes = chosen.runs, chosen.failed, [*_lacking(chosen, heads), *notes_on(chosen)]
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


def _in_time(heads: Sequence[RunHead]) -> list[RunHead]:
    """As they were made: what is put back is that of the newest, however they were named."""
    return sorted(heads, key=lambda head: (head.created_at_us, head.run_id))


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
    _require_one_plan(candidates)
    first_us = min(head.created_at_us for head in candidates)
    history = reader.run(heads_before(candidates[0].plan_id, first_us))
    return choose_baseline(candidates, history, last=last)


def _require_one_plan(heads: Sequence[RunHead]) -> None:
    """What runs of several plans have in common is their stages, and these say nothing of each other."""
    of_plan = {head.plan_id: head.run_id[:6] for head in reversed(heads)}
    if len(of_plan) < 2:
        return
    number = "two" if len(of_plan) == 2 else str(len(of_plan))
    listed = ", ".join(f"{plan_id or 'no plan'} ({run_id})" for plan_id, run_id in of_plan.items())
    one, other = list(of_plan.values())[:2]
    raise InputError(
        f"the runs are of {number} different plans: {listed}",
        hint=f"runs of one plan are compared; opscope show {one} --against {other} lays two of any plan side by side",
    )


@dataclass(frozen=True, slots=True)
class Other:
    """A run of the plan that could be compared, too. `unlike` is what it does not share with the run in question."""

    run_id: str
    unlike: tuple[str, ...]


def other_runs(reader: Reader, candidate: str, but: Collection[str], *, limit: int = 50) -> list[Other]:
    """Runs of the plan of a candidate that have ended, `but` for some: those that would do for a baseline first, then by how
    much they share with it, the newest first. Raises InputError, StoreError."""
    [first] = ended_heads(reader, [candidate])
    history = reader.run(heads_before(first.plan_id, _ALWAYS_US))
    found: list[tuple[int, Other]] = []
    for head in history:
        if head.run_id in but or not head.status.is_final:
            continue
        unlike = [*unlike_in(head, first), *(["results of another run"] if head.reuses else [])]
        if head.mode is not first.mode:
            unlike.append("no test run" if head.mode is RunMode.NORMAL else "a test run")
        found.append((len(unlike) + (head.status is not RunStatus.SUCCEEDED), Other(head.run_id, tuple(unlike))))
    return [other for _, other in sorted(found, key=lambda one: one[0])[:limit]]


def source_baseline(reader: Reader, source: str, but: Sequence[str] = ()) -> Baseline:
    """The baseline of a run that others repeat, for them: that run stands in it too if it succeeded, and so do good runs
    that were made after it as it was, `but` for those that repeat it. What it leaves out is not told: whoever repeats a run
    asks of that one."""
    [head] = ended_heads(reader, [source])
    history = [one for one in reader.run(heads_before(head.plan_id, _ALWAYS_US)) if one.run_id not in {source, *but}]
    earlier = choose_baseline([head], history)
    assets = {one.run_id: one.assets for one in history}
    alike = [head.assets, *(assets[run_id] for run_id in earlier.runs[-1:])]
    # As if it had been made just now: what was made since then is before it.
    now = replace(head, created_at_us=_ALWAYS_US)
    known = [one for one in history if one.created_at_us < head.created_at_us or one.assets in alike]
    found = choose_baseline([now], known)
    runs = list(found.runs)
    if head.status is RunStatus.SUCCEEDED and head.mode is RunMode.NORMAL and not head.reuses:
        made = {one.run_id: (one.created_at_us, one.run_id) for one in (*history, head)}
        if not found.cut_at or made[source] > made[runs[0]]:
            runs = sorted([*runs, source], key=made.__getitem__)
    return replace(found, runs=tuple(runs[-LAST:]), under_test=(), left_out=(), nearest="")


_ALWAYS_US: Final = 1 << 62
"""Later than any run."""


def _lacking(chosen: Baseline, candidates: Sequence[RunHead]) -> list[str]:
    """Where there is no baseline, which run there is to compare with all the same."""
    if chosen.runs:
        return []
    said = "there is no baseline: no run before it is of the same plan, environment and asset versions (but for one) and succeeded"
    if not chosen.nearest:
        return [said]
    named = " ".join(head.run_id[:6] for head in candidates[:_MOST_NAMED])
    near = chosen.nearest[:6]
    return [said, f"the nearest is {near}, with {', '.join(chosen.nearest_has)}: opscope compare {near} --with {named}"]


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
