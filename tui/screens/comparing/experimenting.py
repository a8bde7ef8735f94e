"""The keys of the Compare screen that start runs: confirm, put back, bisect. Each asks first, shows how far it is, and can be cancelled."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from textual import on
from textual.message import Message

from engine.errors import OpscopeError
from engine.regression.narrowing import suspects_in
from tui.actions import Need
from tui.places import ComparePlace
from tui.screens.base import LiveScreen
from tui.viewmodel.comparing.experiment import asked, progress_lines
from tui.viewmodel.comparing.experiment_parts import Kind
from tui.viewmodel.palette import Role
from tui.widgets.dialogue import Question, Reply
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.worker import Worker

    from tui.experiments import Progress
    from tui.screens.comparing.reading import ComparisonRead

Answer = TypeVar("Answer")


class Asked(StrEnum):
    """What a question of this screen is about."""

    EXPERIMENT = "experiment"
    OVERWRITE = "overwrite"


@dataclass(frozen=True, slots=True)
class _Planned:
    """What a yes starts."""

    kind: Kind
    suspect: int = 0


class ExperimentingScreen(LiveScreen[Answer]):
    """A `Question`, a `Reply` and `Lines#under-way` have to be on the screen."""

    @dataclass
    class Progressed(Message):
        """An experiment is further on."""

        progress: Progress

    def __init__(self) -> None:
        super().__init__()
        self._planned: _Planned | None = None
        self.experiment: Worker[None] | None = None
        """What is under way; it goes on when the screen is left for another one."""
        self._told: Progress | None = None

    @property
    def compared(self) -> ComparisonRead | None:
        """What is shown."""
        raise NotImplementedError

    @property
    def can_keep(self) -> bool:
        """True where what is shown can be kept now: an experiment needs it in the file."""
        return False

    async def keep(self) -> str:
        """Keep what is shown; its id. Raises StoreError."""
        raise NotImplementedError

    @property
    def suspect_chosen(self) -> int | None:
        """The possible cause under the cursor, by its place among all of them."""
        return None

    @property
    def experiment_needs(self) -> set[Need]:
        """What holds for starting one."""
        given: set[Need] = set()
        found = self.compared
        if found is None:
            return given
        if not self.is_experimenting:
            given.add(Need.NO_EXPERIMENT)
        if found.analysis_id or self.can_keep:
            given.add(Need.ANALYSIS_KEPT)
        here = [found.runs.get(run_id) for run_id in found.analysis.candidates]
        if here and all(run is not None and run.imported_at_us is None for run in here):
            given.add(Need.CANDIDATES_HERE)
        if found.analysis.causes or found.analysis.runs_needed[1]:
            given.add(Need.UNSETTLED)
        suspects = suspects_in(found.analysis)
        if any(one.rerun for one in suspects):
            given.add(Need.ONE_SUSPECT)
        if len(suspects) > 1:
            given.add(Need.TWO_SUSPECTS)
        return given

    @property
    def lacks_candidates(self) -> bool:
        """True where nothing stands out yet, because too few runs are in question."""
        found = self.compared
        return found is not None and not found.analysis.causes and bool(found.analysis.runs_needed[1])

    @property
    def is_experimenting(self) -> bool:
        """True while runs of this screen are under way."""
        return self.experiment is not None and not self.experiment.is_finished

    # Asking

    def ask_experiment(self, action_id: str) -> None:
        """Ask what it will start and about how long that takes."""
        found = self.compared
        assert found is not None
        suspect = 0
        match action_id:
            case "confirm":
                kind = Kind.MORE if self.lacks_candidates else Kind.CONFIRM
            case "put_back":
                kind = Kind.PUT_BACK
                suspects = suspects_in(found.analysis)
                possible = [place for place, one in enumerate(suspects) if one.rerun]
                chosen = self.suspect_chosen
                suspect = chosen if chosen is not None and chosen in possible else possible[0]
            case _:
                kind = Kind.BISECT
        self._planned = _Planned(kind, suspect)
        self.query_one(Reply).close()
        said = asked(kind, found.analysis, found.runs, suspect)
        self.query_one(Question).ask(
            Asked.EXPERIMENT, said, "run them" if kind is not Kind.PUT_BACK else "run it", "leave it"
        )

    def experiment_answered(self, *, yes: bool) -> None:
        """Start it, or leave it."""
        planned, self._planned = self._planned, None
        found = self.compared
        if not yes or planned is None or found is None or self.is_experimenting:
            return
        self._told = None
        self.add_class("-under-way")
        self._show_progress()
        # Of the application: it goes on while another screen is looked at.
        self.experiment = self.app.run_worker(self._carry_out(planned, found), group="experiment", exclusive=False)
        self.keys_changed()

    async def _carry_out(self, planned: _Planned, found: ComparisonRead) -> None:
        from tui import experiments

        database, env = self.inspector.db_path, dict(os.environ)
        try:
            analysis_id = found.analysis_id or await self.keep()
            match planned.kind:
                case Kind.CONFIRM:
                    made = await experiments.confirm(database, analysis_id, env, tell=self._tell)
                case Kind.MORE:
                    runs = found.analysis.runs_needed[1]
                    made = await experiments.run_more(database, analysis_id, env, tell=self._tell, runs=runs)
                case Kind.PUT_BACK:
                    made = await experiments.rerun_suspect(database, analysis_id, planned.suspect, env, tell=self._tell)
                case Kind.BISECT:
                    made = await experiments.bisect(database, analysis_id, env, tell=self._tell)
        except asyncio.CancelledError:
            self._over("cancelled: no more runs are started, the one under way is canceled")
            raise
        except OpscopeError as error:
            self._over("")
            if self.is_attached:
                self.query_one(Reply).say(error.cause, error.hint, glyph="✗", role=Role.FAILED)
            else:
                self.inspector.say(str(error), bad=True)
            return
        self._over("")
        if self.is_attached and self.app.screen is self:
            self.inspector.go(ComparePlace(analysis_id=made))
        else:
            key = self.key("kept_analyses")
            self.inspector.say(f"analysis {made[:6]} is there{f': {key} lists it' if key else ''}")

    def _tell(self, progress: Progress) -> None:
        self.post_message(self.Progressed(progress))

    @on(Progressed)
    def _progressed(self, event: Progressed) -> None:
        event.stop()
        self._told = event.progress
        self._show_progress()

    def _show_progress(self) -> None:
        told = self._told
        done, of, text = (told.done, told.of, told.text) if told is not None else (0, 0, "starting an engine")
        lines = progress_lines(done, of, text, self.size.width, self.key("leave_comparison"))
        self.query_one("#under-way", Lines).show(lines)

    def progress_resized(self) -> None:
        """The rule is as wide as the screen."""
        if self.is_experimenting:
            self._show_progress()

    def _over(self, said: str) -> None:
        self.experiment = None
        if not self.is_attached:
            return
        self.remove_class("-under-way")
        if said:
            self.query_one(Reply).say(said, glyph="⊘", role=Role.DIM)
        self.keys_changed()

    def cancel_experiment(self) -> bool:
        """Cancel what is under way; False if nothing is."""
        if self.experiment is None or self.experiment.is_finished:
            return False
        self.experiment.cancel()
        return True
