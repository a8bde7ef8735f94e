"""Every action of the inspector, once: keys, footer, help and palette come from this list. What one does lives with its screen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Scope(StrEnum):
    """Where an action is on offer."""

    EVERYWHERE = "everywhere"
    RUNS = "runs"
    RUN = "run"
    JSON = "json"
    LIST = "list"


class Need(StrEnum):
    """What must hold for an action to be possible; the text says why it is not."""

    RUN_CHOSEN = "no run is chosen"
    FILTER_SET = "no filter is set"
    FOLDABLE = "nothing to fold here"
    VALUE_CHOSEN = "nothing is chosen that could be copied"
    VALUE_LOADED = "not read yet: unfold it first"
    SEARCHED = "nothing is searched for: press / first"
    PLACE_BEFORE = "this is the first place in the history"
    PLACE_AFTER = "this is the last place in the history"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    `keys` are as the terminal library names them, the first is the one that is shown as `shown`. `rank` orders the
    footer, the lowest first; None keeps the action out of it. `navigation` actions are left out of the palette. An
    `urgent` one is done before the next key is looked at: what is typed fast behind it must go where it opens.
    """

    id: str
    scope: Scope
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    needs: tuple[Need, ...] = ()
    rank: int | None = None
    navigation: bool = False
    urgent: bool = False

    def why_not(self, given: Collection[Need]) -> str | None:
        """Why the action is not possible now, or None when it is."""
        return next((need.value for need in self.needs if need not in given), None)


FOOTER_MOST = 8

ACTIONS: tuple[Action, ...] = (
    Action("cursor_down", Scope.LIST, ("j", "down"), "j ↓", "down", "Move down", navigation=True),
    Action("cursor_up", Scope.LIST, ("k", "up"), "k ↑", "up", "Move up", navigation=True),
    Action("first", Scope.LIST, ("g", "home"), "g", "first", "Go to the first line", navigation=True),
    Action("last", Scope.LIST, ("G", "end"), "G", "last", "Go to the last line", navigation=True),
    Action("half_down", Scope.LIST, ("ctrl+d", "pagedown"), "ctrl+d", "half down", "Half a page down", navigation=True),
    Action("half_up", Scope.LIST, ("ctrl+u", "pageup"), "ctrl+u", "half up", "Half a page up", navigation=True),
    Action(
        "open_run",
        Scope.RUNS,
        ("enter", "l", "right"),
        "enter",
        "open",
        "Open the run: its stages",
        (Need.RUN_CHOSEN,),
        10,
    ),
    Action(
        "filter",
        Scope.RUNS,
        ("slash",),
        "/",
        "filter",
        "Filter: status:failed plan:safe* and words",
        rank=20,
        urgent=True,
    ),
    Action(
        "clear_filter", Scope.RUNS, ("escape",), "esc", "clear filter", "Show all runs again", (Need.FILTER_SET,), 15
    ),
    Action("copy_id", Scope.RUNS, ("y",), "y", "copy id", "Copy the whole id of the run", (Need.RUN_CHOSEN,), 30),
    Action("toggle", Scope.JSON, ("enter", "space"), "enter", "unfold", "Unfold or fold the row", (Need.FOLDABLE,), 10),
    Action(
        "unfold", Scope.JSON, ("l", "right"), "l →", "unfold", "Unfold, or go to the first row inside", navigation=True
    ),
    Action("fold", Scope.JSON, ("h", "left"), "h ←", "fold", "Fold, or go to the row around", navigation=True),
    Action(
        "next_match", Scope.JSON, ("n",), "n", "next match", "Go to the next match", (Need.SEARCHED,), navigation=True
    ),
    Action(
        "previous_match",
        Scope.JSON,
        ("N",),
        "N",
        "previous match",
        "Go to the match before",
        (Need.SEARCHED,),
        navigation=True,
    ),
    Action("copy_value", Scope.JSON, ("y",), "y", "copy", "Copy the value", (Need.VALUE_CHOSEN, Need.VALUE_LOADED), 50),
    Action("copy_path", Scope.JSON, ("Y",), "Y", "copy path", "Copy the path of the value", (Need.VALUE_CHOSEN,)),
    Action(
        "search", Scope.RUN, ("slash",), "/", "search", "Search keys and values, folded ones too", rank=40, urgent=True
    ),
    Action("unfold_all", Scope.RUN, ("E", "plus"), "E", "unfold all", "Unfold everything in the panel", rank=60),
    Action("fold_all", Scope.RUN, ("C", "minus"), "C", "fold all", "Fold everything in the panel"),
    Action("next_stage", Scope.RUN, ("L",), "H L", "stage", "Go to the next stage", rank=20),
    Action("previous_stage", Scope.RUN, ("H",), "H", "stage before", "Go to the stage before"),
    Action("stage_1", Scope.RUN, ("1",), "1", "route_plan", "Show the stage route_plan"),
    Action("stage_2", Scope.RUN, ("2",), "2", "validate", "Show the stage validate"),
    Action("stage_3", Scope.RUN, ("3",), "3", "execute", "Show the stage execute"),
    Action("stage_4", Scope.RUN, ("4",), "4", "compose", "Show the stage compose"),
    Action("stage_5", Scope.RUN, ("5",), "5", "present", "Show the stage present"),
    Action("next_panel", Scope.RUN, ("tab",), "tab", "panel", "Go to the next panel", rank=30, navigation=True),
    Action(
        "previous_panel",
        Scope.RUN,
        ("shift+tab",),
        "shift+tab",
        "panel before",
        "Go to the panel before",
        navigation=True,
    ),
    Action("zoom", Scope.RUN, ("z",), "z", "zoom", "Give the panel the whole screen, and back", rank=55),
    Action("back", Scope.RUN, ("escape",), "esc", "back", "Back to the runs", rank=15),
    Action(
        "history_back",
        Scope.EVERYWHERE,
        ("left_square_bracket",),
        "[",
        "back",
        "Back in the history",
        (Need.PLACE_BEFORE,),
    ),
    Action(
        "history_forward",
        Scope.EVERYWHERE,
        ("right_square_bracket",),
        "]",
        "forward",
        "Forward in the history",
        (Need.PLACE_AFTER,),
    ),
    Action("help", Scope.EVERYWHERE, ("question_mark",), "?", "help", "Show every key that works here", rank=80),
    Action(
        "palette",
        Scope.EVERYWHERE,
        ("ctrl+p",),
        "ctrl+p",
        "commands",
        "Find a command by its name",
        rank=90,
        navigation=True,
    ),
    Action("theme", Scope.EVERYWHERE, (), "", "theme", "Change between the dark and the light theme"),
    Action("quit", Scope.EVERYWHERE, ("q",), "q", "quit", "Leave; runs go on", rank=70),
)


_KEY_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "plus": "+",
    "minus": "-",
}


def key_names(keys: Collection[str]) -> str:
    """Keys as they stand on the keyboard: `j ↓`."""
    return " ".join(_KEY_NAMES.get(key, key) for key in keys)


def in_scopes(*scopes: Scope) -> Iterator[Action]:
    """The actions of these scopes, in the order of the registry."""
    return (action for action in ACTIONS if action.scope in scopes)


def by_id(action_id: str) -> Action:
    """The action with an id. Raises KeyError for one that does not exist."""
    for action in ACTIONS:
        if action.id == action_id:
            return action
    raise KeyError(action_id)


def footer(scopes: Collection[Scope], given: Collection[Need]) -> list[Action]:
    """The actions for the footer: those that are possible now, one for each key, the most telling eight, help the last."""
    possible = [a for a in in_scopes(*scopes) if a.rank is not None and a.why_not(given) is None]
    ranked = [a for a in possible if a.id != "help"]
    ranked.sort(key=lambda a: a.rank or 0)
    seen: set[str] = set()
    shown: list[Action] = []
    for action in ranked:
        if action.shown not in seen:
            seen.add(action.shown)
            shown.append(action)
    return [*shown[: FOOTER_MOST - 1], *(a for a in possible if a.id == "help")]
