"""The Compare screen: verdict and score first, then sections to walk. Here is what its keys do; what it shows is showing.py's."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on

from tui.actions import Action, Need, Scope
from tui.places import ComparePlace
from tui.screens.comparing.arranging import ArrangingScreen
from tui.screens.comparing.experimenting import Asked
from tui.screens.comparing.looks import STYLES
from tui.viewmodel.comparing.data import Flow
from tui.viewmodel.comparing.differing import DifferenceRows
from tui.viewmodel.comparing.rows import ToldRows, View
from tui.viewmodel.tabs import Tab
from tui.widgets.bindings import bindings_of
from tui.widgets.dialogue import Question, Reply

if TYPE_CHECKING:
    from textual.binding import BindingType

    from engine.regression.json_diff import JsonDiff

_VIEWS: Final = {f"view_{view.name.lower()}": view for view in View}
_TABS: Final = {"asset": Tab.ASSETS, "replan": Tab.REPLANS}


class CompareScreen(ArrangingScreen):
    """Runs beside others, or a kept analysis of them."""

    SCOPES = (Scope.COMPARE,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.COMPARE)
    DEFAULT_CSS = STYLES

    @property
    def suspect_chosen(self) -> int | None:
        """The suspect under the cursor."""
        rows, at = self.list.rows, self.list.chosen
        return rows.told[at].suspect if isinstance(rows, ToldRows) and at is not None else None

    @property
    def diff_shown(self) -> JsonDiff | None:
        """What differs in the data under the cursor."""
        found = self.lazy.compared(self._shown_key) if self._view is View.DATA else None
        return found.diff if found is not None else None

    @property
    def given(self) -> set[Need]:
        """What can be opened, started, moved."""
        given = super().given | self.experiment_needs
        found = self._compared
        if found is None:
            return given
        pair, run_id = self.lazy.pair, self.run_chosen
        holds = {
            Need.COMPARED: True,
            Need.LINE_CHOSEN: self.list.chosen is not None,
            Need.COMPARED_RUN: (run_id or pair.after) in self._known_runs,
            Need.BASELINE_RUN: bool(pair.before),
            Need.COMPARED_ROW: bool(run_id),
            Need.COMPARED_SIDE: bool(run_id) or self.is_pair,
            Need.CANDIDATE_BESIDE: len(found.analysis.candidates) > 1,
        }
        return given | {need for need, is_so in holds.items() if is_so}

    def worded(self, action: Action) -> Action:
        """What matters in the section comes before what does not."""
        ranks = {
            View.RUNS: {"switch_side": 16, "leave_out": 17, "other_runs": 18, "mark_compared": 19, "show_pair": 21},
            View.DATA: {"open_baseline": 12, "flow": 16, "next_candidate": 17},
        }.get(self._view, {})
        labels = {
            "confirm": "run more" if self.lacks_candidates else "confirm",
            "flow": "output" if self.lazy.flow is Flow.INPUT else "input",
            "leave_out": "take in" if self.takes_in else "leave out",
            "mark_compared": "unmark" if self.run_chosen in self._marked else "mark",
        }
        changed = action._replace(rank=ranks.get(action.id, action.rank), label=labels.get(action.id, action.label))
        return super().worded(changed)

    def perform(self, action_id: str) -> None:
        """Walk, open, move, start, export, copy, leave."""
        match action_id:
            case _ if action_id in _VIEWS:
                self.choose_view(_VIEWS[action_id])
            case "next_view" | "previous_view":
                self._step_view(1 if action_id == "next_view" else -1)
            case "compare_panel":
                (self.behind.reading if self.list.has_focus else self.list).focus()
            case "open_candidate" | "open_baseline":
                pair = self.lazy.pair
                self._open(pair.before if action_id == "open_baseline" else self.run_chosen or pair.after)
            case "confirm" | "put_back" | "bisect":
                self.ask_experiment(action_id)
            case "show_pair":
                self._show_pair(self.run_chosen)
            case "switch_side" | "leave_out" | "other_runs" | "mark_compared":
                self.with_runs(action_id)
            case "flow" | "next_candidate" | "previous_candidate":
                self._with_data(action_id)
            case "leave_comparison":
                self._leave()
            case _:
                self._hand_out(action_id)

    def _hand_out(self, action_id: str) -> None:
        """What leaves the screen: a file, a text, the list of what is kept."""
        match action_id:
            case "export_analysis":
                self.ask_form()
            case "keep_analysis":
                self.inspector.busily(self.keep_now())
            case "kept_analyses":
                self.inspector.go(ComparePlace())
            case "copy_row":
                rows, at = self.list.rows, self.list.chosen
                if rows is not None and at is not None:
                    self.inspector.copy(rows.sentence(at), "row")
            case "copy_comparison":
                self.inspector.copy(self.command(), "command")
            case _:
                super().perform(action_id)

    def _open(self, run_id: str) -> None:
        """The run at the place of the row."""
        rows, at = self.list.rows, self.list.chosen
        part = rows.part(at) if rows is not None and at is not None else None
        self.remember()
        if part is not None:
            self.inspector.open_run(run_id, stage=part.stage, step_id=part.step_id or None)
            return
        one = rows.difference(at) if isinstance(rows, DifferenceRows) and at is not None else None
        tab = _TABS.get(one.kind.value, Tab.STAGES) if one is not None else Tab.STAGES
        self.inspector.open_run(run_id, tab=tab)

    def command(self) -> str:
        """What shows this again in a shell."""
        found = self._compared
        assert found is not None
        if found.analysis_id:
            return f"opscope compare --show {found.analysis_id[:8]}"
        words = ["opscope", "compare", *found.analysis.baseline, "--with", *found.analysis.candidates]
        return shlex.join([*words, "--stage", found.analysis.stage] if found.analysis.stage else words)

    def _leave(self) -> None:
        """The nearest thing that is open, else what is under way, else the screen."""
        reply = self.query_one(Reply)
        if reply.is_open:
            reply.close()
        elif self.cancel_experiment():
            pass
        elif self.behind.reading.has_focus:
            self.list.focus()
        else:
            self._stops = True
            self.go_back()

    # The runs and their data

    def _show_pair(self, run_id: str) -> None:
        """The data of a run against one of the other side."""
        found = self._compared
        assert found is not None
        pair = self.lazy.pair
        if run_id not in (*found.analysis.candidates, *found.analysis.baseline):
            self.inspector.say(f"it is on neither side: {self.key('switch_side')} takes it in")
            return
        is_candidate = run_id in found.analysis.candidates
        pair = replace(pair, after=run_id) if is_candidate else replace(pair, before=run_id)
        self._rows.pop(View.RUNS, None)
        self.lazy.about(found.analysis, pair)
        self.choose_view(View.DATA)

    def _with_data(self, action_id: str) -> None:
        found = self._compared
        assert found is not None
        if action_id == "flow":
            self.lazy.flow = Flow.INPUT if self.lazy.flow is Flow.OUTPUT else Flow.OUTPUT
        else:
            here = [run_id for run_id in found.analysis.candidates if run_id in found.runs]
            step = 1 if action_id == "next_candidate" else -1
            pair = self.lazy.pair
            if pair.after in here:
                after = here[(here.index(pair.after) + step) % len(here)]
                self.lazy.about(found.analysis, replace(pair, after=after))
                self._rows.pop(View.RUNS, None)
        if self._view is View.DATA:
            self._show_view()
        else:
            self.choose_view(View.DATA)

    @on(Question.Answered)
    def _answered(self, event: Question.Answered) -> None:
        event.stop()
        match event.about:
            case Asked.EXPERIMENT:
                self.experiment_answered(yes=event.yes)
            case Asked.OVERWRITE if event.yes:
                self.inspector.busily(self.write_export(over=True))
            case _:
                pass

    def on_resize(self) -> None:
        """The head is folded to the width."""
        self.call_after_refresh(self._show_all)
        self.call_after_refresh(self.progress_resized)
