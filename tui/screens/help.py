"""The help screen: every key that works where it was asked for, from the registry. Nothing is written here by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen

from tui.actions import Need, Scope, in_scopes, key_names
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, fit
from tui.widgets.lines import TitleLine, breadcrumb
from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from collections.abc import Collection

    from textual.app import ComposeResult
    from textual.binding import BindingType

_TITLES = {
    Scope.RUNS: "Runs",
    Scope.RUN: "A run",
    Scope.STEER: "Steering a run",
    Scope.STAGES: "Stages",
    Scope.LOGS: "Logs",
    Scope.EVENTS: "Events",
    Scope.GROUPS: "Groups",
    Scope.STEPS: "Moving between steps",
    Scope.WHY: "Why",
    Scope.JSON: "Input and output",
    Scope.LIST: "Moving",
    Scope.EVERYWHERE: "Everywhere",
}

NARROWEST_CELLS = 80
"""The width in which every line has to be whole."""
_KEYS_CELLS = 18


def help_lines(scopes: Collection[Scope], given: Collection[Need]) -> list[Line]:
    """Every action of the scopes with its keys; one that is not possible now says why."""
    lines: list[Line] = []
    for scope in scopes:
        lines.extend(((), (Span(" "), Span(_TITLES[scope], Role.TEXT, bold=True))))
        for action in in_scopes(scope):
            why = action.why_not(given)
            keys = Span(" " + fit(key_names(action.keys) or "–", _KEYS_CELLS), Role.TEXT, bold=True)
            said = Span(action.help, Role.DIM if why else Role.TEXT)
            if why is None:
                lines.append((keys, said))
            elif 1 + _KEYS_CELLS + len(action.help) + len(why) + 4 < NARROWEST_CELLS:
                lines.append((keys, said, Span(f"  ({why})", Role.DIM)))
            else:
                lines.extend(((keys, said), (Span(" " * (1 + _KEYS_CELLS)), Span(f"({why})", Role.DIM))))
    return lines[1:]


class HelpScreen(ModalScreen[None]):
    """Keys and what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "Close", show=False)]

    DEFAULT_CSS = """
    HelpScreen { background: $background; }
    HelpScreen > Reading { margin-top: 1; }
    """

    def __init__(self, scopes: Collection[Scope], given: Collection[Need]) -> None:
        super().__init__()
        self._lines_to_show = help_lines(scopes, given)

    def compose(self) -> ComposeResult:
        """Title and keys."""
        yield TitleLine()
        yield Reading()

    def on_mount(self) -> None:
        """Fill in."""
        self.query_one(TitleLine).tell(breadcrumb("help"), (Span("esc closes", Role.DIM),))
        self.query_one(Reading).show(self._lines_to_show)
        self.query_one(Reading).focus()
