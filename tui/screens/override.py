"""The Override screen: change one thing of a run and run it again. What that comes to is made in the view model."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, assert_never

from textual import on
from textual.containers import Container

from engine.errors import InputError, OpscopeError
from engine.pipeline.forking import params_after
from tui.actions import Action, Footer, Need, Scope
from tui.reruns import Followed, prepare
from tui.screens.overriding.browser import VersionBrowser
from tui.screens.overriding.form import FormPanel
from tui.screens.rerunning import ASKED_RERUN, RerunningScreen
from tui.viewmodel.override.draft import After, Against, Draft
from tui.viewmodel.override.expected import error_lines, expected_lines, standing_words
from tui.viewmodel.override.rows import Form, FormKeys, Row, RowKind, faults_of, param_wanted, rows_of, sought, types_of
from tui.viewmodel.palette import Role
from tui.viewmodel.rerun import short_forecast, summary
from tui.viewmodel.text import Line, Span
from tui.viewmodel.words import short_id
from tui.widgets.bindings import bindings_of
from tui.widgets.dialogue import Question, Reply
from tui.widgets.edit_line import EditLine
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar, TitleLine, breadcrumb
from tui.widgets.notice import Notice
from tui.widgets.prompt import Prompt
from tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.model.asset import AssetType
    from store.rows import RunRow
    from tui.reruns import Prepared
    from tui.viewmodel.override.givens import Givens

PREVIEW_SECONDS = 0.15
"""How long choosing must rest before it is found out what it comes to."""

_REASON = "reason"
_BESIDE = 100
"""Columns from which the two panels stand side by side."""
_LEAST_EXPECTED = 6


class OverrideScreen(RerunningScreen["Givens"]):
    """What can be changed, and beside it what the changes come to. Enter changes, `r` runs."""

    SCOPES = (Scope.OVERRIDE,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.OVERRIDE)

    DEFAULT_CSS = """
    OverrideScreen > #change { layout: horizontal; height: 1fr; margin-top: 1; }
    OverrideScreen #form { width: 3fr; height: 1fr; }
    OverrideScreen #expected { width: 2fr; margin-left: 1; }
    OverrideScreen > #browser { display: none; margin-top: 1; }
    OverrideScreen.-browsing > #browser { display: block; }
    OverrideScreen.-browsing > #change { display: none; }
    OverrideScreen.-narrow > #change { layout: vertical; }
    OverrideScreen.-narrow #form { width: 1fr; }
    OverrideScreen.-narrow #expected { width: 1fr; height: 1fr; min-height: 4; margin: 0; }
    OverrideScreen.-short > #change, OverrideScreen.-short > #browser { margin-top: 0; }
    OverrideScreen.-blank > #change, OverrideScreen.-blank > #browser { display: none; }
    """

    def __init__(self, run_id: str, *, step_id: str | None = None, alias: str | None = None) -> None:
        super().__init__()
        self.run_id = run_id
        self._step_wanted = step_id
        self._alias_wanted = alias
        self._givens: Givens | None = None
        self._step_of: RunRow | None = None
        self._draft = Draft()
        self._prepared: Prepared | None = None
        self._error: OpscopeError | None = None
        # Which preview is wanted; what an earlier one finds is shown to nobody.
        self._preview_number = 0
        self._is_previewing = False
        self._asks_then = False
        self._steps_open = False
        self._needle = ""
        self._type: AssetType | None = None

    def compose(self) -> ComposeResult:
        """Title, the list beside what it comes to, or the versions of an asset; what is asked and typed below."""
        yield TitleLine(id="title")
        with Container(id="change"):
            yield FormPanel()
            yield TextPanel("WHAT HAPPENS", id="expected")
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

    @property
    def draft(self) -> Draft:
        """What is chosen so far."""
        return self._draft

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
        self._choose(self._draft)
        if start is not None:
            self._form_panel.entries.go_to(start)

    def _start(self, givens: Givens) -> Row | None:
        """Where the cursor begins. A step that `o` was pressed on is where the run is to begin from."""
        at = next((at for at, one in enumerate(givens.steps) if one.step_id == self._step_wanted), None)
        if at is not None:
            self._steps_open = True
            self._draft = self._draft.with_step(givens.steps[at].step_id, again=True)
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

    # What is chosen

    def _choose(self, draft: Draft) -> None:
        """Show another draft, and find out what it comes to once choosing rests."""
        self._draft = draft
        self._preview_number += 1
        self._is_previewing = True
        self._draw()
        self.inspector.busily(self._preview(self._preview_number, draft))

    def _say_about(self, draft: Draft) -> None:
        """Another draft that comes to the same run."""
        self._draft = draft
        self._draw()

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
            self._draw()
            if self._asks_then:
                self._run_it()

    def prepared_anew(self, prepared: Prepared) -> None:
        """Something else than what was shown would run."""
        if self.is_attached and prepared.change == self._draft.change():
            self._prepared, self._error = prepared, None
            self._draw()

    def _draw(self) -> None:
        givens = self._givens
        if givens is None:
            return
        looked_for = sought(self._needle, self._type)
        prepared = self._prepared
        brief = ""
        if self._error is not None:
            brief = "not as it is set now: see what is wrong"
        elif prepared is not None:
            brief = ", ".join(part for part in (summary(prepared.fork), short_forecast(prepared.fork)) if part)
        form = Form(
            givens,
            self._draft,
            rows_of(givens, looked_for, steps_open=self._steps_open),
            faults_of(self._error),
            self._steps_open,
            brief,
            FormKeys(self.key("change"), self.key("compare")),
        )
        kind = f"type {looked_for.type}, {self.key('next_type')} shows more" if looked_for.type is not None else ""
        self._form_panel.show(form, (Span(kind, Role.WARNING),) if kind else ())
        self._share_height()
        self._draw_expected()
        self._tell(standing_words(self._draft, prepared.fork if prepared is not None else None))
        self.keys_changed()

    def _share_height(self) -> None:
        """One above the other, the list takes what it needs and leaves room for what happens."""
        panel = self._form_panel
        room = self.query_one("#change").size.height
        rows = len(panel.entries.form.rows) if panel.entries.form is not None else 0
        wanted = max(rows, 1) + 1
        panel.styles.height = max(3, min(wanted, room - _LEAST_EXPECTED)) if self.size.width < _BESIDE else "1fr"
        panel.entries.show_cursor()

    def _draw_expected(self) -> None:
        panel = self.query_one("#expected", TextPanel)
        prepared, error, moment = self._prepared, self._error, self.inspector.moment()
        facts: Line = (Span("looking again", Role.DIM),) if self._is_previewing else ()

        def lines(cells: int) -> list[Line]:
            if error is not None:
                return error_lines(error, cells)
            if prepared is None:
                return [(Span(" looking at what runs again…", Role.DIM),)]
            return expected_lines(prepared.fork, moment, cells)

        panel.show((), facts, lines, fresh=False)

    def _tell(self, right: Line) -> None:
        run = self._givens.run if self._givens is not None else None
        named = f"{short_id(self.run_id)} {run.plan_id}" if run is not None else short_id(self.run_id)
        self.query_one("#title", TitleLine).tell(breadcrumb("runs", named, "run again"), right)

    # What a person does

    @property
    def given(self) -> set[Need]:
        """A run that can be repeated, and whether something is set."""
        given = super().given
        if self._givens is None:
            if self._step_of is not None:
                given.add(Need.REPEATABLE)
            return given
        given.add(Need.REPEATABLE)
        if self._draft.number:
            given.add(Need.SOMETHING_SET)
        form, row = self._form_panel.entries.form, self._form_panel.entries.chosen
        if self._is_browsing:
            asset = self._browser.asset
            if asset is not None and asset.name in self._draft.versions:
                given.add(Need.SET_HERE)
        elif form is not None and row is not None and form.is_set(row):
            given.add(Need.SET_HERE)
        return given

    def worded(self, action: Action) -> Action:
        """What enter does depends on the line."""
        if self._givens is None and self.has_class("-blank"):
            is_of_use = action.id == "change" and self._step_of is not None
            is_own = action.scope is Scope.OVERRIDE and action.id != "leave_override" and not is_of_use
            return replace(action, label="that run") if is_of_use else replace(action, rank=None) if is_own else action
        if action.id == "change":
            return replace(action, label=self._enter_label())
        if action.id == "search_override" and self._is_browsing:
            return replace(action, rank=None)
        return action

    def _enter_label(self) -> str:
        if self._is_browsing:
            return "use it"
        row = self._form_panel.entries.chosen
        if row is None:
            return "change"
        match row.kind:
            case RowKind.ASSET:
                return "versions"
            case RowKind.PARAM | RowKind.REASON:
                return "edit"
            case RowKind.STEPS:
                return "hide" if self._steps_open else "show"
            case RowKind.STEP:
                form = self._form_panel.entries.form
                return "as before" if form is not None and form.is_set(row) else "again"
            case RowKind.RUN:
                return "run it"
            case RowKind.LATEST | RowKind.AGAINST | RowKind.AFTER:
                return "change"
            case _:
                assert_never(row.kind)

    def keys_changed(self) -> None:
        """While a line is edited, none but its own keys do anything."""
        if self.is_attached and self._edit.is_open:
            self.query_one(KeyBar).offer(Footer())
        else:
            super().keys_changed()

    def perform(self, action_id: str) -> None:
        """Change, take back, search, run, leave."""
        if self._givens is None:
            self._perform_without(action_id)
            return
        match action_id:
            case "change":
                self._use_version() if self._is_browsing else self._change_line()
            case "run_it":
                self._run_it()
            case "take_back":
                self._take_back()
            case "take_all_back":
                self._choose(self._draft.without_changes())
                self._close_browser()
            case "search_override":
                self._prompt.note("esc clears")
                self._prompt.open()
            case "next_type":
                self._next_type()
            case "next_side":
                self._next_side()
            case "copy_rerun":
                self.inspector.copy(self._draft.command(short_id(self.run_id, 12)), "command")
            case "leave_override":
                self._leave()
            case _:
                super().perform(action_id)

    def _perform_without(self, action_id: str) -> None:
        """There is nothing to change: back, or to the run that can be repeated instead."""
        if action_id == "leave_override":
            self.app.pop_screen()
        elif (
            action_id in ("change", "run_it") and self._step_of is not None and self._step_of.parent_run_id is not None
        ):
            run_id, step_id = self._step_of.parent_run_id, self._step_of.parent_step_id
            self.app.pop_screen()
            self.inspector.open_override(run_id, step_id=step_id)

    def _leave(self) -> None:
        """The nearest thing that is open, then the screen."""
        reply = self.query_one(Reply)
        if reply.is_open:
            reply.close()
        elif self._is_browsing:
            self._close_browser()
        elif self._needle or self._type is not None or self._prompt.is_open:
            self._end_search()
        else:
            self.app.pop_screen()

    def _next_side(self) -> None:
        pair = (
            (self._browser.versions, self._browser.difference.reading)
            if self._is_browsing
            else (self._form_panel.entries, self.query_one("#expected", TextPanel).reading)
        )
        pair[1 if self.focused is pair[0] else 0].focus()

    # The line under the cursor

    def _change_line(self) -> None:
        givens, row, draft = self._givens, self._form_panel.entries.chosen, self._draft
        if givens is None or row is None:
            return
        match row.kind:
            case RowKind.ASSET:
                asset = givens.assets[row.at]
                self.add_class("-browsing")
                self._browser.show(asset, draft.versions.get(asset.name))
                self.keys_changed()
            case RowKind.PARAM:
                param = givens.params[row.at]
                text = draft.params.get(param.name, param.words)
                self._edit.open(f"param {param.name}", param.name, text, param_wanted(param))
                self.keys_changed()
            case RowKind.REASON:
                self._edit.open(_REASON, "reason", draft.reason, "one line, kept with the run")
                self.keys_changed()
            case RowKind.STEPS:
                self._steps_open = not self._steps_open
                self._draw()
            case RowKind.STEP:
                step_id = givens.steps[row.at].step_id
                self._choose(draft.with_step(step_id, again=step_id not in draft.from_steps))
            case RowKind.LATEST:
                self._choose(replace(draft, latest_assets=not draft.latest_assets))
            case RowKind.AGAINST:
                other = Against.USUAL if draft.against is Against.SOURCE else Against.SOURCE
                self._say_about(replace(draft, against=other))
            case RowKind.AFTER:
                other_end = After.OPENED if draft.after is After.OFFERED else After.OFFERED
                self._say_about(replace(draft, after=other_end))
            case RowKind.RUN:
                self._run_it()
            case _:
                assert_never(row.kind)

    def _take_back(self) -> None:
        givens, row, draft = self._givens, self._form_panel.entries.chosen, self._draft
        if givens is None:
            return
        if self._is_browsing and self._browser.asset is not None:
            self._choose(draft.with_version(self._browser.asset.name, None))
            self._close_browser()
            return
        match row.kind if row is not None else None:
            case RowKind.ASSET if row is not None:
                self._choose(draft.with_version(givens.assets[row.at].name, None))
            case RowKind.PARAM if row is not None:
                self._choose(draft.with_param(givens.params[row.at].name, None))
            case RowKind.STEP if row is not None:
                self._choose(draft.with_step(givens.steps[row.at].step_id, again=False))
            case RowKind.STEPS:
                self._choose(replace(draft, from_steps=()))
            case RowKind.LATEST:
                self._choose(replace(draft, latest_assets=False))
            case RowKind.REASON:
                self._say_about(replace(draft, reason=""))
            case RowKind.AGAINST:
                self._say_about(replace(draft, against=Against.SOURCE))
            case RowKind.AFTER:
                self._say_about(replace(draft, after=After.OFFERED))
            case _:
                return

    def _use_version(self) -> None:
        asset, head = self._browser.asset, self._browser.versions.head
        if asset is None or head is None:
            return
        # The version that the run used is no override, unless all assets are looked up anew.
        is_as_before = head.version == asset.version and not self._draft.latest_assets
        self._close_browser()
        self._choose(self._draft.with_version(asset.name, None if is_as_before else head.version))

    def _close_browser(self) -> None:
        if self._is_browsing:
            self.remove_class("-browsing")
            self._form_panel.entries.focus()
            self.keys_changed()

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        event.stop()
        self.keys_changed()

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        event.stop()
        self.action_do("change")

    # What is typed

    def _fault(self, about: str, text: str) -> str:
        """What is wrong with a parameter as it is typed."""
        kind, _, name = about.partition(" ")
        givens = self._givens
        if kind == _REASON or givens is None:
            return ""
        try:
            params_after(givens.source, givens.source.plan, {name: text}, from_text=True)
        except InputError as error:
            return faults_of(error).get(name, "")
        return ""

    @on(EditLine.Typed)
    def _typed(self, event: EditLine.Typed) -> None:
        event.stop()
        self._edit.fault(self._fault(event.about, event.text))

    @on(EditLine.Taken)
    def _taken(self, event: EditLine.Taken) -> None:
        event.stop()
        fault = self._fault(event.about, event.text)
        if fault:
            self._edit.fault(fault)
            return
        self._edit.close()
        kind, _, name = event.about.partition(" ")
        if kind == _REASON:
            self._say_about(replace(self._draft, reason=" ".join(event.text.split())))
            return
        givens = self._givens
        param = next((one for one in givens.params if one.name == name), None) if givens is not None else None
        is_as_before = param is not None and not param.is_masked and event.text == param.words
        self._choose(self._draft.with_param(name, None if is_as_before else event.text))

    # Searching

    @on(Prompt.Changed)
    @on(Prompt.Kept)
    def _search_typed(self, event: Prompt.Changed | Prompt.Kept) -> None:
        event.stop()
        if isinstance(event, Prompt.Kept) and not event.text:
            self._end_search()
            return
        self._needle = event.text
        self._draw()

    @on(Prompt.Cleared)
    def _search_cleared(self, event: Prompt.Cleared) -> None:
        event.stop()
        self._end_search()

    def _end_search(self) -> None:
        self._prompt.close()
        self._needle, self._type = "", None
        self._draw()
        self._form_panel.entries.focus()

    def _next_type(self) -> None:
        if self._givens is None:
            return
        types = [None, *types_of(self._givens)]
        self._type = types[(types.index(self._type) + 1) % len(types)]
        self._close_browser()
        self._draw()

    # Running

    def _run_it(self) -> None:
        """Ask, about exactly what is shown; as long as that is not known, once it is."""
        self._asks_then = self._is_previewing
        if self._is_previewing:
            return
        self._close_browser()
        if self._error is not None:
            self.reply(self._error)
        elif self._prepared is not None:
            draft = self._draft
            baseline = (self.run_id,) if draft.against is Against.SOURCE else ()
            followed = Followed(self.run_id, baseline, opens=draft.after is After.OPENED)
            self.ask_to_run(self._prepared, followed, reason=draft.reason)

    @on(Question.Answered)
    def _answered(self, event: Question.Answered) -> None:
        event.stop()
        if event.about == ASKED_RERUN:
            self.run_asked(yes=event.yes)

    def on_resize(self) -> None:
        """Sentences are folded to the width."""
        if self._givens is not None:
            self._share_height()
            self._draw_expected()
