"""Screens from which a recorded run is repeated: what it comes to is asked about, then it runs and is opened. No layout here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from engine.errors import OpscopeError
from engine.model.states import StepStatus
from tui.screens.base import LiveScreen
from tui.viewmodel.palette import Role
from tui.viewmodel.words import short_id
from tui.widgets.dialogue import Question, Reply

if TYPE_CHECKING:
    from engine.pipeline.forking import Change
    from tui.reruns import Followed, Prepared

Answer = TypeVar("Answer")

ASKED_RERUN = "rerun"


class _Asked(NamedTuple):
    """What a yes starts, and what is to come of it."""

    prepared: Prepared
    followed: Followed
    reason: str


class RerunningScreen(LiveScreen[Answer]):
    """Asks, then runs exactly what was asked about. A `Question` and a `Reply` have to be on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: _Asked | None = None
        self._is_starting = False

    def reply(self, error: OpscopeError) -> None:
        """Say what could not be done, and what to do about it."""
        self.query_one(Reply).say(error.cause, error.hint, glyph="✗", role=Role.FAILED)

    def prepare_rerun(self, run_id: str, change: Change) -> None:
        """Find out what the change comes to, then ask."""
        self.query_one(Reply).say(f"looking at what run {short_id(run_id)} comes to…", glyph="●", role=Role.RUNNING)
        self.inspector.busily(self._prepare(run_id, change))

    async def _prepare(self, run_id: str, change: Change) -> None:
        from tui.reruns import Followed, prepare

        try:
            prepared = await prepare(self.inspector.db_path, run_id, change, os.environ)
        except OpscopeError as error:
            if self.is_attached:
                self.reply(error)
            return
        if self.is_attached and self.app.screen is self:
            hint = ""
            if not change.from_failed and any(
                one.status is StepStatus.FAILED for one in prepared.fork.source.results.values()
            ):
                hint = f" {self.key('rerun_failed')} runs again only what failed, and what comes after it."
            self.ask_to_run(prepared, Followed(run_id, (run_id,)), after=hint)

    def ask_to_run(
        self, prepared: Prepared, followed: Followed, *, reason: str = "", before: str = "", after: str = ""
    ) -> None:
        """Ask whether it is to run. `before` is said first, `after` last."""
        from tui.viewmodel.rerun import question

        self._asked = _Asked(prepared, followed, reason)
        self.query_one(Reply).close()
        asked = question(prepared.fork, short_id(prepared.run_id))
        self.query_one(Question).ask(ASKED_RERUN, f"{before}{asked}{after}", "run it", "leave it")

    def run_asked(self, *, yes: bool) -> None:
        """What was answered."""
        asked, self._asked = self._asked, None
        if yes and asked is not None and not self._is_starting:
            self._is_starting = True
            short = short_id(asked.prepared.run_id)
            self.query_one(Reply).say(f"starting an engine for the rerun of {short}…", glyph="●", role=Role.RUNNING)
            self.inspector.busily(self._run(asked))

    async def _run(self, asked: _Asked) -> None:
        from tui.reruns import prepare_again, start

        try:
            now, changed = await prepare_again(asked.prepared)
            if changed:
                self.prepared_anew(now)
                if self.is_attached:
                    self.ask_to_run(now, asked.followed, reason=asked.reason, before=f"Not run: {changed}. ")
                return
            run_id = await start(now, reason=asked.reason)
        except OpscopeError as error:
            if not self.is_attached:
                raise
            self.reply(error)
            return
        finally:
            self._is_starting = False
        self.inspector.followed[run_id] = asked.followed
        if self.is_attached and self.app.screen is self:
            self.query_one(Reply).close()
            self.inspector.open_run(run_id)
        else:
            self.inspector.say(f"run {short_id(run_id)} has started")

    def prepared_anew(self, prepared: Prepared) -> None:
        """What was shown is not what it comes to any more."""
