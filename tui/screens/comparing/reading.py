"""Reading a comparison: the analysis of runs with progress, or a kept one again. Runs in a thread; touches no widget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from engine.errors import InputError, StoreError
from store import queries
from store.analyses import analyses_page, save_analysis, stored_analysis
from store.reader import Reader
from tui.viewmodel.comparing.experiment_parts import parts_made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.regression.verdict import Analysis
    from store.analyses import AnalysisHead
    from store.comparing import Other
    from store.rows import RunRow
    from tui.places import ComparePlace

_KEPT_LOOKED_AT: Final = 50


class StoppedError(InputError):
    """The person did not want to wait."""


@dataclass(frozen=True, slots=True)
class ComparisonRead:
    """An analysis with the heads of its runs as far as they are in the file.

    `kept` is None where it is not kept; `why_not` says why it could not be. `experiments` say how far those came that were
    cut off, or go on.
    """

    analysis: Analysis
    plan_id: str
    runs: Mapping[str, RunRow]
    kept: AnalysisHead | None
    why_not: str = ""
    experiments: tuple[str, ...] = ()

    @property
    def analysis_id(self) -> str:
        """The id of the kept analysis, empty where it is not."""
        return "" if self.kept is None else self.kept.analysis_id


def read_comparison(
    database: Path,
    place: ComparePlace,
    *,
    now_us: int,
    keeps: bool,
    tell: Callable[[int], None],
    stopped: Callable[[], bool],
) -> ComparisonRead:
    """What a place shows. `tell` hears how many runs were read. Raises StoppedError, InputError, StoreError.

    With `keeps` a new analysis is kept; one that says the same of the same runs is there already and is not kept twice.
    """
    from engine.regression.document import from_document

    with Reader.open(database) as reader:
        if place.analysis_id is not None:
            kept, document = stored_analysis(reader, place.analysis_id)
            analysis = from_document(document)
            return _with_experiments(reader, ComparisonRead(analysis, kept.plan_id, _heads(reader, analysis), kept))
        analysis, plan_id = _analysed(reader, place, tell, stopped)
        runs = _heads(reader, analysis)
        document = _document(analysis, plan_id)
        found = _with_experiments(reader, ComparisonRead(analysis, plan_id, runs, _same(reader, document)))
    return found if found.kept is not None or not keeps else keep_comparison(database, found, now_us=now_us)


def keep_comparison(database: Path, found: ComparisonRead, *, now_us: int) -> ComparisonRead:
    """The same, kept. A full disk does not take the verdict away: then it says why it could not be kept."""
    try:
        analysis_id = save_analysis(database, _document(found.analysis, found.plan_id), now_us=lambda: now_us)
    except StoreError as error:
        return replace(found, why_not=str(error))
    with Reader.open(database) as reader:
        head, _ = stored_analysis(reader, analysis_id)
    return replace(found, kept=head, why_not="")


def read_others(database: Path, analysis: Analysis) -> list[tuple[RunRow, Other]]:
    """Runs of the plan that are on neither side, those that fit first. Raises InputError, StoreError."""
    from store.comparing import other_runs

    with Reader.open(database) as reader:
        others = other_runs(reader, analysis.candidates[0], {*analysis.baseline, *analysis.candidates})
        rows = ((reader.run(queries.run_by_id(one.run_id)), one) for one in others)
        return [(row, one) for row, one in rows if row is not None]


def _with_experiments(reader: Reader, found: ComparisonRead) -> ComparisonRead:
    run = found.runs.get(found.analysis.candidates[-1]) if found.analysis.candidates else None
    if run is None or not found.analysis_id:
        return found
    reruns = reader.run(queries.reruns_of(run))
    made = parts_made(reruns, found.analysis_id)
    return replace(found, experiments=tuple(made))


def _document(analysis: Analysis, plan_id: str) -> JsonObject:
    from engine.regression.document import to_document

    return to_document(analysis, plan_id=plan_id)


def _same(reader: Reader, document: JsonObject) -> AnalysisHead | None:
    """The kept analysis that says the same, if it is one of the newest."""
    candidates = document.get("candidates")
    for head in reader.run(analyses_page(limit=_KEPT_LOOKED_AT)):
        if [*head.candidates] == candidates:
            _, other = stored_analysis(reader, head.analysis_id)
            if {**other, "analysis_id": None} == {**document, "analysis_id": None}:
                return head
    return None


def _heads(reader: Reader, analysis: Analysis) -> dict[str, RunRow]:
    found = (reader.run(queries.run_by_id(run_id)) for run_id in (*analysis.baseline, *analysis.candidates))
    return {run.run_id: run for run in found if run is not None}


def _analysed(
    reader: Reader, place: ComparePlace, tell: Callable[[int], None], stopped: Callable[[], bool]
) -> tuple[Analysis, str]:
    from store.comparing import compare_runs

    done = 0

    def one_more(_: str) -> None:
        nonlocal done
        done += 1
        tell(done)
        if stopped():
            raise StoppedError("reading was stopped")

    found = compare_runs(reader, place.candidates, place.baseline, stage=place.stage, on_run=one_more)
    return found.analysis, found.plan_id
