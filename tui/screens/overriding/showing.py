"""What the Override screen shows: what can be changed, and beside it what the changes come to. What a person does is the screen's.

What the changes come to takes a moment to find out, so that begins once choosing rests, and what was found out for
choices that are no longer made is shown to nobody.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from textual.containers import Container

from engine.errors import InputError, OpscopeError
from tui.reruns import prepare
from tui.screens.overriding.browser import VersionBrowser
from tui.screens.overriding.expected import ExpectedPanel
from tui.screens.overriding.form import FormPanel
from tui.screens.rerunning import RerunningScreen
from tui.viewmodel.override.draft import Draft
from tui.viewmodel.override.expected import error_lines, expected_lines, standing_words
from tui.viewmodel.override.form import Form, FormKeys
from tui.viewmodel.override.rows import Row, RowKind, rows_of, sought
from tui.viewmodel.override.typed import faults_of
from tui.viewmodel.palette import Role
from tui.viewmodel.rerun import short_forecast, summary
from tui.viewmodel.text import Line, Span
from tui.viewmodel.words import short_id
from tui.widgets.dialogue import Question, Reply
from tui.widgets.edit_line import EditLine
from tui.widgets.lines import KeyBar, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from engine.model.asset import AssetType
    from store.rows import RunRow
    from tui.reruns import Prepared
    from tui.viewmodel.override.givens import Givens

PREVIEW_SECONDS = 0.15
"""How long choosing must rest before it is found out what it comes to."""

_BESIDE = 100
"""Columns from which the two panels stand side by side."""
_LEAST_EXPECTED = 6


class ShowingOverride(RerunningScreen["Givens"]):
    """The run with all that can be different, what is chosen so far, and what that comes to."""

    DEFAULT_CSS = """
    ShowingOverride > #change { layout: horizontal; height: 1fr; margin-top: 1; }
    ShowingOverride #form { width: 12fr; height: 1fr; }
    ShowingOverride #expected { width: 7fr; margin-left: 1; }
    ShowingOverride > #browser { display: none; margin-top: 1; }
    ShowingOverride.-browsing > #browser { display: block; }
    ShowingOverride.-browsing > #change { display: none; }
    ShowingOverride.-narrow > #change { layout: vertical; }
    ShowingOverride.-narrow #form { width: 1fr; }
    ShowingOverride.-narrow #expected { width: 1fr; height: 1fr; min-height: 4; margin: 0; }
    ShowingOverride.-short > #change, ShowingOverride.-short > #browser { margin-top: 0; }
    ShowingOverride.-blank > #change, ShowingOverride.-blank > #browser { display: none; }
    """

    def __init__(self, run_id: str, *, step_id: str | None = None, alias: str | None = None) -> None:
        super().__init__()
        self.run_id = run_id
        self.draft = Draft()
        self._step_wanted = step_id
        self._alias_wanted = alias
        self._givens: Givens | None = None
        self._step_of: RunRow | None = None
        self._prepared: Prepared | None = None
        self._error: OpscopeError | None = None
        # Which preview is wanted; what an earlier one finds is shown to nobody.
        self._preview_number = 0
        self._is_previewing = False
        self._steps_open = False
        self._needle = ""
        self._type: AssetType | None = None

    def compose(self) -> ComposeResult:
        """Title, the list beside what it comes to, or the versions of an asset; what is asked and typed below."""
        yield TitleLine(id="title")
        with Container(id="change"):
            yield FormPanel()
            yield ExpectedPanel()
        yield VersionBrowser()
        yield Notice(id="notice")
        yield Prompt("search", "words of assets, parameters and steps, type:query", id="override-search")
        yield EditLine()
        yield Question()
        yield Reply()
        yield KeyBar()

    def on_mount(self) -> None:
        """The list has the keys."""
        self._tell((Span("reading", Role.DIM),))
        self._form_panel.entries.focus()

    @property
    def _form_panel(self) -> FormPanel:
        return self.query_one(FormPanel)

    @property
    def _browser(self) -> VersionBrowser:
        return self.query_one(VersionBrowser)

    @property
    def _is_browsing(self) -> bool:
        return self.has_class("-browsing")

    @property
    def _edit(self) -> EditLine:
        return self.query_one(EditLine)

    @property
    def _prompt(self) -> Prompt:
        return self.query_one(Prompt)

    # Reading

    async def read(self) -> Givens:
        """The run and all that can be different. A run that is over does not change, so it is read once."""
        from tui.override_reading import read_givens

        if self._givens is not None:
            return self._givens
        database = self.inspector.db_path
        try:
            return await asyncio.to_thread(read_givens, database, self.run_id, os.environ)
        except InputError:
            self._step_of = await self._find_parent()
            raise

    async def _find_parent(self) -> RunRow | None:
        """The run that this one is a step of, which can be repeated instead."""
        from store.queries import run_by_id

        run = await self.inspector.source.ask(run_by_id(self.run_id))
        return run if run is not None and run.parent_run_id is not None else None

    def shown(self, answer: Givens) -> None:
        """Once; after that the screen shows what is chosen."""
        if self._givens is answer:
            return
        self._givens = answer
        self.set_class(False, "-blank")
        self.query_one(Notice).close()
        start = self._start(answer)
        self._preview_anew()
        if start is not None:
            self._form_panel.entries.go_to(start)

    def _start(self, givens: Givens) -> Row | None:
        """Where the cursor begins. A step that `o` was pressed on is where the run is to begin from."""
        at = next((at for at, one in enumerate(givens.steps) if one.step_id == self._step_wanted), None)
        if at is not None:
            self._steps_open = True
            self.draft = self.draft.with_step(givens.steps[at].step_id, again=True)
            return Row(RowKind.STEP, at)
        at = next((at for at, one in enumerate(givens.assets) if one.alias == self._alias_wanted), None)
        return None if at is None else Row(RowKind.ASSET, at)

    def failed(self, error: OpscopeError) -> None:
        """It cannot be repeated, or not be read."""
        self.set_class(True, "-blank")
        self._tell((Span("✗ NOT REPEATABLE", Role.FAILED, bold=True),))
        headline = (Span("✗ ", Role.FAILED), Span("This run cannot be run again", bold=True))
        ways = [(self.key("leave_override"), "back to where you were")]
        if self._step_of is not None and self._step_of.parent_run_id is not None:
            parent = short_id(self._step_of.parent_run_id)
            ways.insert(0, (self.key("change"), f"change run {parent}, from {self._step_of.parent_step_id} on"))
        texts = [text for text in (error.cause, error.hint) if text]
        self.query_one(Notice).say(headline, texts, ways)

    def tick(self) -> bool:
        """When it would end moves on with the clock."""
        if self._givens is not None and not self._is_previewing:
            self._draw_expected()
        return self._givens is not None

    # What it comes to

    def choose(self, draft: Draft) -> None:
        """Show another draft, and find out what it comes to if that is another run."""
        is_same_run = draft.change() == self.draft.change()
        self.draft = draft
        if is_same_run:
            self.draw()
        else:
            self._preview_anew()

    def _preview_anew(self) -> None:
        self._preview_number += 1
        self._is_previewing = True
        self.draw()
        self.inspector.busily(self._preview(self._preview_number, self.draft))

    async def _preview(self, number: int, draft: Draft) -> None:
        await asyncio.sleep(PREVIEW_SECONDS)
        if number != self._preview_number or not self.is_attached:
            return
        prepared: Prepared | None = None
        failure: OpscopeError | None = None
        try:
            prepared = await prepare(self.inspector.db_path, self.run_id, draft.change(), os.environ)
        except OpscopeError as error:
            failure = error
        if number == self._preview_number and self.is_attached:
            self._prepared, self._error, self._is_previewing = prepared, failure, False
            self.draw()
            self.previewed()

    def previewed(self) -> None:
        """What the choices come to is on the screen."""

    def prepared_anew(self, prepared: Prepared) -> None:
        """Something else than what was shown would run."""
        if self.is_attached and prepared.change == self.draft.change():
            self._prepared, self._error = prepared, None
            self.draw()

    # Drawing

    def draw(self) -> None:
        """All of it, as it is chosen now."""
        givens = self._givens
        if givens is None:
            return
        looked_for = sought(self._needle, self._type)
        prepared = self._prepared
        form = Form(
            givens,
            self.draft,
            rows_of(givens, looked_for, steps_open=self._steps_open),
            faults_of(self._error),
            self._steps_open,
            self._brief,
            FormKeys(self.key("change"), self.key("compare"), self.key("leave_override")),
        )
        kind = f"type {looked_for.type}, {self.key('next_type')} shows more" if looked_for.type is not None else ""
        self._form_panel.show(form, (Span(kind, Role.WARNING),) if kind else ())
        self._share_height()
        self._draw_expected()
        self._tell(standing_words(self.draft, prepared.fork if prepared is not None else None))
        self.keys_changed()

    @property
    def _brief(self) -> str:
        """What it comes to in a few words; empty while that is not known. What of its time is not known stands beside it."""
        if self._error is not None:
            return "not as it is set now: see what is wrong"
        if self._prepared is None:
            return ""
        fork = self._prepared.fork
        return ", ".join(part for part in (summary(fork), short_forecast(fork).partition(";")[0]) if part)

    def _share_height(self) -> None:
        """One above the other, the list takes what it needs and leaves room for what happens."""
        panel = self._form_panel
        room = self.query_one("#change").size.height
        rows = len(panel.entries.form.rows) if panel.entries.form is not None else 0
        wanted = max(rows, 1) + 1
        panel.styles.height = max(3, min(wanted, room - _LEAST_EXPECTED)) if self.size.width < _BESIDE else "1fr"
        panel.entries.show_cursor()

    def _draw_expected(self) -> None:
        panel = self.query_one(ExpectedPanel)
        prepared, error, moment = self._prepared, self._error, self.inspector.moment()
        facts: Line = (Span("looking again", Role.DIM),) if self._is_previewing else ()

        def lines(cells: int) -> list[Line]:
            if error is not None:
                return error_lines(error, cells)
            if prepared is None:
                return [(Span(" looking at what runs again…", Role.DIM),)]
            return expected_lines(prepared.fork, moment, cells)

        panel.tell(facts, lines, there=self.key("next_side"), down=self.key("cursor_down"))

    def _tell(self, right: Line) -> None:
        run = self._givens.run if self._givens is not None else None
        named = f"{short_id(self.run_id)} {run.plan_id}" if run is not None else short_id(self.run_id)
        self.query_one("#title", TitleLine).tell(breadcrumb("runs", named, "run again"), right)

    def on_resize(self) -> None:
        """Sentences are folded to the width."""
        if self._givens is not None:
            self._share_height()
            self._draw_expected()
