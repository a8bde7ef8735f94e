"""The help screen: every key that works where it was asked for, from the registry. Nothing is written here by hand."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen

from tui.actions import Keymap, key_names
from tui.actions.titles import TITLES
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, fit, width, wrapped
from tui.widgets.lines import TitleLine, breadcrumb
from tui.widgets.text_list import Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui.actions import Action, Need, Scope

NARROWEST_CELLS = 80
_KEYS_CELLS = 18
_TWO_COLUMNS_FROM = 140
_BETWEEN = 3


def help_lines(
    scopes: Collection[Scope], given: Collection[Need], keymap: Keymap, cells: int = NARROWEST_CELLS
) -> list[Line]:
    """Every action of the scopes with its keys, no sentence cut; one that is not possible now says why. Two columns where there is room."""
    if cells < _TWO_COLUMNS_FROM:
        return _stacked(_sections(scopes, given, keymap, cells))
    half = (cells - _BETWEEN) // 2
    sections = _sections(scopes, given, keymap, half)
    splits = range(1, len(sections) + 1)
    best = min(splits, key=lambda at: max(len(_stacked(sections[:at])), len(_stacked(sections[at:]))))
    pairs = zip_longest(_stacked(sections[:best]), _stacked(sections[best:]), fillvalue=())
    return [(*left, Span(" " * (half + _BETWEEN - width(left))), *right) for left, right in pairs]


def _stacked(sections: Sequence[list[Line]]) -> list[Line]:
    lines: list[Line] = []
    for section in sections:
        lines.extend(((), *section) if lines else section)
    return lines


def _sections(scopes: Collection[Scope], given: Collection[Need], keymap: Keymap, cells: int) -> list[list[Line]]:
    offered = list(keymap.offered(*scopes))
    sections: list[list[Line]] = []
    for scope in scopes:
        lines: list[Line] = [(Span(" "), Span(TITLES[scope], Role.TEXT, bold=True))]
        for action in (action for action in offered if action.scope is scope):
            lines.extend(_told(action, action.why_not(given), cells))
        sections.append(lines)
    return sections


def _told(action: Action, why: str | None, cells: int) -> Iterator[Line]:
    keys = fit(key_names(action.keys) or "–", _KEYS_CELLS)
    said = f"{action.help}  ({why})" if why else action.help
    for part in wrapped(said, cells - 2 - _KEYS_CELLS):
        yield (Span(" " + keys, Role.TEXT, bold=True), Span(part, Role.DIM if why else Role.TEXT))
        keys = " " * _KEYS_CELLS


class HelpScreen(ModalScreen[None]):
    """Keys and what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", show=False),
        # The keys that lead out of the inspector and into the help lead out of it too, whichever they are.
        Binding("q", "dismiss", "Close", show=False, id="quit"),
        Binding("question_mark", "dismiss", "Close", show=False, id="help"),
    ]

    DEFAULT_CSS = """
    HelpScreen { background: $background; }
    HelpScreen > Reading { margin-top: 1; }
    """

    def __init__(self, scopes: Collection[Scope], given: Collection[Need], keymap: Keymap) -> None:
        super().__init__()
        self._what = (scopes, given, keymap)

    def compose(self) -> ComposeResult:
        """Title and keys."""
        yield TitleLine()
        yield Reading()

    def on_mount(self) -> None:
        """Fill in."""
        self.query_one(TitleLine).tell(breadcrumb("help"), (Span("esc closes", Role.DIM),))
        self.query_one(Reading).focus()
        self._fill()

    def on_resize(self) -> None:
        """Sentences are folded to the width."""
        self._fill()

    def _fill(self) -> None:
        self.query_one(Reading).show(help_lines(*self._what, self.size.width - 2))
