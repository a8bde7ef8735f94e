"""Where a person can be in the inspector, as data: what back, forward and permalinks lead to. Which screen shows a place is the app's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from engine.model.states import Stage


class RunPlace(NamedTuple):
    """A run, and what of it is looked at: with a step, that step among those of the execute stage; an earlier pass, or the last."""

    run_id: str
    stage: Stage | None = None
    tab: Tab = Tab.STAGES
    step_id: str | None = None
    pass_index: int | None = None


class ComparePlace(NamedTuple):
    """Runs beside others. Without a baseline it is chosen by rule; `analysis_id` is a kept analysis, which needs no runs named.

    Without either it is the list of kept analyses. `section` and `row` are where the cursor begins; without `keeps` nothing
    is written.
    """

    candidates: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    analysis_id: str | None = None
    stage: Stage | None = None
    section: int = 1
    row: str = ""
    keeps: bool = True


class ImpactPlace(NamedTuple):
    """What an asset, such as `query/ci-lookup`, did to the runs that used it; two of its versions to compare."""

    asset: str
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class MonitorPlace:
    """All runs that go on."""


Place: TypeAlias = RunPlace | ComparePlace | ImpactPlace | MonitorPlace
