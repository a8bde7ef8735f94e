"""Comparisons and the experiments that settle them: confirming a suspicion, putting causes back, bisecting. Nothing is shown here.

The reruns are `tui.experiment_runs`'; whoever gives up in the middle cancels the one that is under way, and no more are
started.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.errors import InputError
from tui.experiment_runs import run_again
from tui.viewmodel.comparing.experiment_parts import Kind, Part
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.model.states import Stage
    from engine.regression.facts import RunFacts
    from engine.regression.verdict import Analysis, Suspect


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an experiment is: `done` of at most `of` reruns, and what goes on, as a sentence."""

    done: int
    of: int
    text: str


@dataclass(frozen=True, slots=True)
class _Suspicion:
    """A kept analysis, with the facts of the runs that it was compared with."""

    analysis_id: str
    analysis: Analysis
    plan_id: str
    baseline: Sequence[RunFacts]
    failed: Sequence[RunFacts]

    @property
    def candidate(self) -> str:
        """The run that is repeated: the last one in question."""
        return self.analysis.candidates[-1]

    async def run_again(
        self,
        database: Path,
        back: Sequence[Suspect],
        env: Mapping[str, str],
        tell: Callable[[str], None],
        part: Part,
    ) -> str:
        """The candidate once more, with these as they were in the baseline; the id of the new run, whose reason names the
        analysis and which part of an experiment it is."""
        reason = part.reason(self.analysis_id)
        return await run_again(database, self.candidate, back, self.baseline, env, tell, reason)


async def analyse_runs(
    database: Path,
    candidates: Sequence[str],
    baseline: Sequence[str] = (),
    *,
    last: int = 30,
    stage: Stage | None = None,
    save: bool = True,
    on_run: Callable[[str], None] | None = None,
) -> tuple[Analysis, str]:
    """Compare runs, by whole ids, and keep the analysis; its id, empty where it is not to be kept.

    See `store.comparing.compare_runs`. `on_run` is called in another thread.
    """

    def work() -> tuple[Analysis, str]:
        from store.comparing import compare_runs
        from store.reader import Reader

        with Reader.open(database) as reader:
            found = compare_runs(reader, candidates, baseline, last=last, stage=stage, on_run=on_run)
        return found.analysis, _keep(database, found.analysis, found.plan_id) if save else ""

    return await asyncio.to_thread(work)


async def confirm(
    database: Path,
    analysis_id: str,
    env: Mapping[str, str],
    *,
    tell: Callable[[Progress], None],
    runs: int | None = None,
) -> str:
    """Run the candidate `runs` times more and test what stood out alone on these; the id of the kept analysis of them.

    Without `runs` it is as many as it takes before each part of that can be confirmed, see `fresh_runs_needed`.

    Raises InputError where there is nothing to confirm or a run cannot be repeated, WaitingError where one waits for an
    operator, and what starting a run raises. When this is cancelled, so is the run under way.
    """
    from engine.regression.confirmation import fresh_runs_needed
    from tui.viewmodel.comparing.experiment import enough_words

    suspicion = await asyncio.to_thread(_read_suspicion, database, analysis_id)
    if not suspicion.analysis.causes:
        raise InputError("nothing in it is suspect, so there is nothing to confirm", place=analysis_id)
    if runs is None:
        runs = fresh_runs_needed(suspicion.analysis)
        tell(Progress(0, runs, enough_words(suspicion.analysis)))
    fresh = await _repeated(database, suspicion, env, tell, runs, Kind.CONFIRM)
    tell(Progress(runs, runs, "testing what stood out"))
    return await asyncio.to_thread(_confirmed, database, suspicion, fresh)


async def run_more(
    database: Path,
    analysis_id: str,
    env: Mapping[str, str],
    *,
    tell: Callable[[Progress], None],
    runs: int,
) -> str:
    """Run the candidate some times more and compare them together with the first ones; the id of the kept analysis of all.

    For what has too few runs to say anything yet, so nothing is chosen by what was seen. Raises as `confirm` does.
    """
    suspicion = await asyncio.to_thread(_read_suspicion, database, analysis_id)
    fresh = await _repeated(database, suspicion, env, tell, runs, Kind.MORE)
    tell(Progress(runs, runs, "comparing all of them"))

    return await asyncio.to_thread(_compared_with_more, database, suspicion, fresh)


async def rerun_suspect(
    database: Path,
    analysis_id: str,
    index: int,
    env: Mapping[str, str],
    *,
    tell: Callable[[Progress], None],
) -> str:
    """Run the candidate once more with possible cause number `index` as it was in the baseline; the id of the kept analysis.

    They are counted as `engine.regression.narrowing.suspects_in` does. Raises as `confirm` does.
    """
    from engine.regression.narrowing import suspects_in
    from engine.regression.verdict import Outcome, Tried

    suspicion = await asyncio.to_thread(_read_suspicion, database, analysis_id)
    suspects = suspects_in(suspicion.analysis)
    if not 0 <= index < len(suspects):
        known = ", ".join(f"{number} {one.name}" for number, one in enumerate(suspects, start=1))
        hint = known or "it names no possible cause"
        raise InputError(f"there is no possible cause {index + 1}", place=analysis_id, hint=hint)
    suspect = suspects[index]
    part = Part(Kind.PUT_BACK, 1, 1, (suspect.name,))
    run_id = await suspicion.run_again(database, (suspect,), env, lambda text: tell(Progress(0, 1, text)), part)
    tell(Progress(1, 1, "comparing it with the baseline"))

    def work() -> str:
        analysis, is_gone = _measured(database, suspicion, run_id)
        note = f"{_put_back([suspect])}, what was found {'is gone' if is_gone else 'is still there'}"
        tried = Tried(Outcome.GONE if is_gone else Outcome.STILL_THERE, note)
        return _keep(database, replace(analysis, notes=(*analysis.notes, note), tried=tried), suspicion.plan_id)

    return await asyncio.to_thread(work)


async def bisect(database: Path, analysis_id: str, env: Mapping[str, str], *, tell: Callable[[Progress], None]) -> str:
    """Find out which of several possible causes it was, by reruns with some as they were; the id of the kept analysis that says it.

    That is the analysis again with the one cause left, or with the word that none of them explains it alone; each rerun is
    a note in it. One run a step is a strong hint and no proof: `confirm` is. Raises as `confirm` does.
    """
    from engine.regression.narrowing import Bisection, suspects_in, with_culprit
    from engine.regression.verdict import Outcome, Tried

    suspicion = await asyncio.to_thread(_read_suspicion, database, analysis_id)
    suspects = suspects_in(suspicion.analysis)
    if len(suspects) < 2:
        raise InputError(
            "there are no two possible causes to tell apart",
            place=analysis_id,
            hint="confirm it, or put the one cause back",
        )
    search = Bisection(suspects)
    notes: list[str] = []
    while back := search.next_back:
        done, of = len(notes), len(notes) + search.at_most

        def told(text: str, said: str = _put_back(back), done: int = done, of: int = of) -> None:
            tell(Progress(done, of, f"{said}: {text}"))

        part = Part(Kind.BISECT, done + 1, of, tuple(one.name for one in back))
        run_id = await suspicion.run_again(database, back, env, told, part)
        _, is_gone = await asyncio.to_thread(_measured, database, suspicion, run_id)
        search.told(is_gone=is_gone)
        notes.append(f"{_put_back(back)}, it is {'gone' if is_gone else 'still there'} (run {short_id(run_id)})")
    if search.culprit is None:
        names = ", ".join(one.name for one in suspects)
        tried = Tried(Outcome.NONE_ALONE, f"none of {names} alone explains it")
        notes.append(tried.text)
        found = replace(suspicion.analysis, notes=(*suspicion.analysis.notes, *notes), tried=tried)
    else:
        found = with_culprit(suspicion.analysis, search.culprit, notes)
    tell(Progress(len(notes), len(notes), notes[-1]))
    return await asyncio.to_thread(_keep, database, found, suspicion.plan_id)


async def _repeated(
    database: Path,
    suspicion: _Suspicion,
    env: Mapping[str, str],
    tell: Callable[[Progress], None],
    runs: int,
    kind: Kind,
) -> list[str]:
    """The candidate as it was, some times more, one after another; the ids of the new runs."""
    fresh: list[str] = []
    for number in range(1, runs + 1):

        def told(text: str, number: int = number) -> None:
            tell(Progress(number - 1, runs, f"rerun {number} of {runs}: {text}"))

        fresh.append(await suspicion.run_again(database, (), env, told, Part(kind, number, runs)))
    return fresh


def _read_suspicion(database: Path, analysis_id: str) -> _Suspicion:
    from engine.regression.document import from_document
    from store.analyses import stored_analysis
    from store.reader import Reader
    from store.run_facts import read_runs

    with Reader.open(database) as reader:
        head, document = stored_analysis(reader, analysis_id)
        analysis = from_document(document)
        if not analysis.candidates:
            raise InputError("it has no run in question", place=analysis_id)
        baseline, failed = (read_runs(reader, side) for side in (analysis.baseline, analysis.baseline_failed))
    return _Suspicion(head.analysis_id, analysis, str(document.get("plan_id") or ""), baseline, failed)


def _confirmed(database: Path, suspicion: _Suspicion, fresh: Sequence[str]) -> str:
    from engine.regression.analysis import confirm as confirmation

    analysis = confirmation(suspicion.analysis, suspicion.baseline, _facts(database, fresh), failed=suspicion.failed)
    return _keep(database, analysis, suspicion.plan_id)


def _compared_with_more(database: Path, suspicion: _Suspicion, fresh: Sequence[str]) -> str:
    from engine.model.states import Stage
    from engine.regression.analysis import analyse

    before = suspicion.analysis
    candidates = _facts(database, [*before.candidates, *fresh])
    stage = Stage(before.stage) if before.stage else None
    analysis = analyse(suspicion.baseline, candidates, stage=stage, notes=before.notes, failed=suspicion.failed)
    return _keep(database, analysis, suspicion.plan_id)


def _measured(database: Path, suspicion: _Suspicion, run_id: str) -> tuple[Analysis, bool]:
    """What one more run comes to against the same baseline, and whether what was suspected is gone."""
    from engine.regression.analysis import analyse
    from engine.regression.narrowing import is_still_there

    analysis = analyse(suspicion.baseline, _facts(database, [run_id]), failed=suspicion.failed)
    return analysis, not is_still_there(suspicion.analysis, analysis)


def _facts(database: Path, run_ids: Sequence[str]) -> list[RunFacts]:
    from store.reader import Reader
    from store.run_facts import read_runs

    with Reader.open(database) as reader:
        return read_runs(reader, run_ids)


def _keep(database: Path, analysis: Analysis, plan_id: str) -> str:
    from engine.regression.document import to_document
    from store.analyses import save_analysis

    document: JsonObject = to_document(analysis, plan_id=plan_id)
    return save_analysis(database, document)


def _put_back(suspects: Sequence[Suspect]) -> str:
    said = " and ".join(f"{one.name} as it was ({one.baseline})" for one in suspects)
    return f"with {said}"
