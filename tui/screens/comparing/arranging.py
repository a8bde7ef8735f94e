"""Which runs stand on which side of a comparison: moved, left out, taken in, tried until it is right, and kept then. No keys."""

from __future__ import annotations

import asyncio

from engine.errors import OpscopeError, StoreError
from engine.model.states import Stage
from tui.places import ComparePlace
from tui.screens.comparing.reading import keep_comparison, read_others
from tui.screens.comparing.showing import ShowingScreen
from tui.viewmodel.comparing.rows import View
from tui.viewmodel.comparing.run_rows import RunRows
from tui.viewmodel.palette import Role
from tui.viewmodel.words import short_id
from tui.widgets.dialogue import Reply


class ArrangingScreen(ShowingScreen):
    """Moves runs, and compares anew each time."""

    @property
    def run_chosen(self) -> str:
        """The run under the cursor, where runs are listed."""
        rows, at = self.list.rows, self.list.chosen
        return rows.run_id(at) if isinstance(rows, RunRows) and at is not None else ""

    @property
    def is_pair(self) -> bool:
        """True for one run against one."""
        found = self._compared
        return found is not None and len(found.analysis.baseline) == len(found.analysis.candidates) == 1

    @property
    def takes_in(self) -> bool:
        """True where the run under the cursor is on neither side."""
        return self.run_chosen in self._left_out or self.run_chosen in self._others

    def with_runs(self, action_id: str) -> None:
        """Move the marked runs, else the one under the cursor, and compare anew; or see which there are, and mark one."""
        match action_id:
            case "other_runs":
                self.inspector.busily(self._list_others())
            case "mark_compared":
                self._marked ^= {self.run_chosen}
                self._runs_changed()
                self.list.cursor += 1
            case _:
                self._move(action_id)

    def _move(self, action_id: str) -> None:
        moved = self.standing
        chosen = [run_id for run_id in self._known_runs if run_id in self._marked] or [self.run_chosen]
        if chosen == [""]:
            moved = moved.swapped
        else:
            for run_id in chosen:
                moved = moved.switched(run_id) if action_id == "switch_side" else moved.left(run_id)
        if moved.why_not:
            self.inspector.say(moved.why_not)
            return
        runs = self._known_runs
        moved = moved.in_time(runs)
        self._left_out = {one: runs[one] for one in moved.left_out if one in runs}
        self._marked = frozenset()
        found = self._compared
        assert found is not None
        stage = Stage(found.analysis.stage) if found.analysis.stage else None
        # One tries until it is right: what was only tried need not be kept.
        self.place = ComparePlace(moved.candidates, moved.baseline, stage=stage, keeps=False)
        self.want()

    async def _list_others(self) -> None:
        """The other runs of the plan under those of both sides, with the cursor on the first."""
        found = self._compared
        assert found is not None
        try:
            others = await asyncio.to_thread(read_others, self.inspector.db_path, found.analysis)
        except OpscopeError as error:
            self.inspector.note_error(error)
            self.query_one(Reply).say(error.cause, error.hint, glyph="✗", role=Role.FAILED)
            return
        if not self.is_attached or self._compared is not found:
            return
        self._others = {row.run_id: (row, one) for row, one in others}
        first = next(iter(self.standing.others), "")
        if not first:
            self.inspector.say("there is no other run of the plan that has ended")
            return
        self._cursors[View.RUNS] = f"run {first}"
        self._runs_changed()
        self.choose_view(View.RUNS)

    def _runs_changed(self) -> None:
        self._rows.pop(View.RUNS, None)
        if self._view is View.RUNS:
            self._show_view()

    # Keeping

    @property
    def can_keep(self) -> bool:
        """In a file that may be written."""
        return self._compared is not None and not self.inspector.read_only

    async def keep(self) -> str:
        """Keep what is shown, if it is not; its id. Raises StoreError."""
        found = self._compared
        assert found is not None
        if not found.analysis_id:
            now_us = self.inspector.moment().now_us
            kept = await asyncio.to_thread(keep_comparison, self.inspector.db_path, found, now_us=now_us)
            if kept.why_not:
                raise StoreError(f"it could not be kept: {kept.why_not}")
            if self._compared is found:
                self._compared = kept
                self._show_all()
                self.remember()
            return kept.analysis_id
        return found.analysis_id

    async def keep_now(self) -> None:
        """Keep it because somebody said so."""
        found = self._compared
        assert found is not None
        if found.analysis_id:
            self.inspector.say("it is kept already")
            return
        try:
            self.inspector.say(f"kept as {short_id(await self.keep())}")
        except OpscopeError as error:
            self.inspector.say(str(error), bad=True)
