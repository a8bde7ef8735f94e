"""The JSON viewer: the keys of a value that folds, is searched and filtered, and is copied from. No wording here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from tui.actions import Need, Scope, by_id
from tui.viewmodel.json_lines import copy_text, path_text
from tui.widgets.bindings import bindings_of
from tui.widgets.json_searched import SearchedJson

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.binding import BindingType

    from tui.viewmodel.json_nodes import Path


class JsonView(SearchedJson):
    """One value. The stage's colour is a thin edge at the left."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.JSON)

    @dataclass
    class CopyRequested(Message):
        """The operator wants this text on the clipboard. `what` names it."""

        text: str
        what: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.reference: Callable[[Path], Path] = lambda path: path
        """A path in here as one that a plan would write."""

    def action_do(self, action_id: str) -> None:
        """Do one of the actions of this view; one that is not possible says why."""
        why = by_id(action_id).why_not(self.given)
        if why is not None:
            self.post_message(self.Refused(why))
            return
        match action_id:
            case "toggle":
                self.toggle()
            case "unfold":
                self.unfold_or_enter()
            case "fold":
                self.fold_or_leave()
            case "next_match":
                self.go_to_match(1)
            case "previous_match":
                self.go_to_match(-1)
            case "copy_value":
                self._copy_value()
            case "copy_path":
                path = path_text(self.reference(self.document.rows[self.cursor].path))
                self.post_message(self.CopyRequested(path, "path"))
            case "wrap_values":
                self.wrap()
            case _:
                super().action_do(action_id)

    def _copy_value(self) -> None:
        row = self.document.rows[self.cursor]
        text = copy_text(self.document, row.node)
        if text is None:
            self.post_message(self.Refused(Need.VALUE_LOADED.value))
        else:
            self.post_message(self.CopyRequested(text, "value"))
