"""The Override screen: change one thing of a run and run it again. What is shown is made in `tui.screens.overriding.showing`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, assert_never

from textual import on

from engine.errors import InputError
from engine.pipeline.forking import params_after
from tui.actions import Action, Footer, Need, Scope
from tui.reruns import Followed
from tui.screens.overriding.expected import ExpectedPanel
from tui.screens.overriding.showing import ShowingOverride
from tui.screens.rerunning import ASKED_RERUN
from tui.viewmodel.override.choosing import enter_label, switched, taken_back, with_chosen_version, with_typed
from tui.viewmodel.override.draft import After, Against
from tui.viewmodel.override.rows import RowKind, types_of
from tui.viewmodel.override.typed import faults_of, param_wanted
from tui.viewmodel.words import short_id
from tui.widgets.bindings import bindings_of
from tui.widgets.dialogue import Question, Reply
from tui.widgets.edit_line import EditLine
from tui.widgets.line_list import LineList
from tui.widgets.lines import KeyBar
from tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from textual.binding import BindingType

_REASON = "reason"


class OverrideScreen(ShowingOverride):
    """What can be changed, and beside it what the changes come to. Enter changes, `r` runs."""

    SCOPES = (Scope.OVERRIDE,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.OVERRIDE)

    def __init__(self, run_id: str, *, step_id: str | None = None, alias: str | None = None) -> None:
        super().__init__(run_id, step_id=step_id, alias=alias)
        self._asks_then = False

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
        if self.draft.number:
            given.add(Need.SOMETHING_SET)
        form, row = self._form_panel.entries.form, self._form_panel.entries.chosen
        if self._is_browsing:
            asset = self._browser.asset
            if asset is not None and asset.name in self.draft.versions:
                given.add(Need.SET_HERE)
        elif form is not None and row is not None and form.is_set(row):
            given.add(Need.SET_HERE)
        return given

    def worded(self, action: Action) -> Action:
        """What enter does depends on the line."""
        if self._givens is None and self.has_class("-blank"):
            is_of_use = action.id == "change" and self._step_of is not None
            is_own = action.scope is Scope.OVERRIDE and action.id != "leave_override" and not is_of_use
            return action._replace(label="that run") if is_of_use else action._replace(rank=None) if is_own else action
        if action.id == "change":
            entries = self._form_panel.entries
            return action._replace(label="use it" if self._is_browsing else enter_label(entries.form, entries.chosen))
        if action.id == "search_override" and self._is_browsing:
            return action._replace(rank=None)
        return action

    def keys_changed(self) -> None:
        """While a line is edited, none but its own keys do anything."""
        if self.is_attached and self._edit.is_open:
            self.query_one(KeyBar).offer(Footer())
        else:
            super().keys_changed()

    def is_ahead(self, action_id: str) -> bool:
        """Before it is known what can be changed, nothing but leaving makes sense yet."""
        return not self.answered.is_set() and action_id != "leave_override"

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
                self.choose(self.draft.without_changes())
                self._close_browser()
            case "search_override":
                self._prompt.note("esc clears")
                self._prompt.open()
            case "next_type":
                self._next_type()
            case "next_side":
                self._next_side()
            case "copy_rerun":
                self.inspector.copy(self.draft.command(short_id(self.run_id, 12)), "command")
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
            else (self._form_panel.entries, self.query_one(ExpectedPanel).reading)
        )
        pair[1 if self.focused is pair[0] else 0].focus()

    # The line under the cursor

    def _change_line(self) -> None:
        givens, row, draft = self._givens, self._form_panel.entries.chosen, self.draft
        if givens is None or row is None:
            return
        match row.kind:
            case RowKind.ASSET:
                asset = givens.assets[row.at]
                self.add_class("-browsing")
                self._browser.show(asset, draft.versions.get(asset.name))
                self.keys_changed()
            case RowKind.PARAM if not (param := givens.params[row.at]).is_switch:
                text = draft.params.get(param.name, param.words)
                self._edit.open(f"param {param.name}", param.name, text, param_wanted(param))
                self.keys_changed()
            case RowKind.REASON:
                self._edit.open(_REASON, "reason", draft.reason, "one line, kept with the run")
                self.keys_changed()
            case RowKind.STEPS:
                self._steps_open = not self._steps_open
                self.draw()
            case RowKind.STEP | RowKind.LATEST | RowKind.AGAINST | RowKind.AFTER | RowKind.PARAM:
                self.choose(switched(draft, givens, row))
            case RowKind.RUN:
                self._run_it()
            case _:
                assert_never(row.kind)

    def _take_back(self) -> None:
        givens, row, asset = self._givens, self._form_panel.entries.chosen, self._browser.asset
        if self._is_browsing and asset is not None:
            self.choose(self.draft.with_version(asset.name, None))
            self._close_browser()
        elif givens is not None and row is not None:
            self.choose(taken_back(self.draft, givens, row))

    def _use_version(self) -> None:
        asset, head = self._browser.asset, self._browser.versions.head
        if asset is not None and head is not None:
            self._close_browser()
            self.choose(with_chosen_version(self.draft, asset, head.version))

    def _close_browser(self) -> None:
        if self._is_browsing:
            self.remove_class("-browsing")
            # At once: later it would take the keys from a question that is asked right behind this.
            self.set_focus(self._form_panel.entries)
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
            self.choose(replace(self.draft, reason=" ".join(event.text.split())))
            return
        if self._givens is not None:
            self.choose(with_typed(self.draft, self._givens, name, event.text))

    # Searching

    @on(Prompt.Changed)
    @on(Prompt.Kept)
    def _search_typed(self, event: Prompt.Changed | Prompt.Kept) -> None:
        event.stop()
        if isinstance(event, Prompt.Kept) and not event.text:
            self._end_search()
            return
        self._needle = event.text
        self.draw()

    @on(Prompt.Cleared)
    def _search_cleared(self, event: Prompt.Cleared) -> None:
        event.stop()
        self._end_search()

    def _end_search(self) -> None:
        self._prompt.close()
        self._needle, self._type = "", None
        self.draw()
        self._form_panel.entries.focus()

    def _next_type(self) -> None:
        if self._givens is None:
            return
        types = [None, *types_of(self._givens)]
        self._type = types[(types.index(self._type) + 1) % len(types)]
        self._close_browser()
        self.draw()

    # Running

    def previewed(self) -> None:
        """Ask now, if that was wanted before it was known what about."""
        if self._asks_then:
            self._run_it()

    def _run_it(self) -> None:
        """Ask, about exactly what is shown; as long as that is not known, once it is."""
        self._asks_then = self._is_previewing
        if self._is_previewing:
            return
        self._close_browser()
        if self._error is not None:
            self.reply(self._error)
        elif self._prepared is not None:
            draft = self.draft
            baseline = (self.run_id,) if draft.against is Against.SOURCE else ()
            followed = Followed(self.run_id, baseline, opens=draft.after is After.OPENED)
            self.ask_to_run(self._prepared, followed, reason=draft.reason)

    @on(Question.Answered)
    def _answered(self, event: Question.Answered) -> None:
        event.stop()
        if event.about == ASKED_RERUN:
            self.run_asked(yes=event.yes)
