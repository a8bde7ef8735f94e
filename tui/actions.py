"""Every action of the inspector, once: keys, footer, help and palette come from this list. What one does lives with its screen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator


class Scope(StrEnum):
    """Where an action is on offer."""

    EVERYWHERE = "everywhere"
    RUNS = "runs"
    RUN = "run"
    STEER = "steer"
    STAGES = "stages"
    LOGS = "logs"
    REPLANS = "replans"
    EVENTS = "events"
    ASSETS = "assets"
    ANSWER = "answer"
    GROUPS = "groups"
    STEPS = "steps"
    WHY = "why"
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
    NOT_IMPORTED = "this run was imported: nothing of it goes on here"
    NOT_OVER = "this run is over"
    LINE_CHOSEN = "no line is chosen"
    GOING_ON = "nothing is added any more: the run does not go on"
    STEP_CHOSEN = "no step is chosen"
    OTHER_RUN = "no other run of this plan has succeeded before this one"
    COMMAND_KNOWN = "there is no command to copy"
    WAITS_FOR_APPROVAL = "nothing waits for an approval"
    REPLAN_CHOSEN = "there is no replan"
    REPLANS_BESIDE = "there is no other replan"
    ANSWER_THERE = "there is no answer"
    PASS_BEFORE = "this is the first pass"  # noqa: S105
    PASS_AFTER = "this is the last pass"  # noqa: S105
    PLACE_BEFORE = "there is nothing before this"
    PLACE_AFTER = "there is nothing after this"


LASTING = frozenset({Need.NOT_IMPORTED, Need.NOT_OVER, Need.GOING_ON})
"""What does not come back once it holds no more. What else is missing is missing for the moment, until the cursor moves."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    `keys` are as the terminal library names them, the first is the one that is shown as `shown`. `rank` orders the
    footer, the lowest first; None keeps the action out of it. What can cease to be possible comes late in it, so that
    nothing before it moves; `others` are labels that it may get, for which there has to be room; `anchored` ones stand
    at the end of the line whatever comes before them. `navigation` actions are left out of the palette. An `urgent` one
    is done before the next key is looked at: what is typed fast behind it must go where it opens.
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
    others: tuple[str, ...] = ()
    anchored: bool = False

    @property
    def label_cells(self) -> int:
        """The room for the label."""
        return max(map(len, (self.label, *self.others)))

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
    Action("clear_filter", Scope.RUNS, ("escape",), "esc", "clear filter", "Show all runs again", (Need.FILTER_SET,)),
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
    Action("tab_stages", Scope.RUN, ("1",), "1", "stages", "What each stage was given and what it gave"),
    Action("tab_groups", Scope.RUN, ("2",), "2", "groups", "The graph of the steps, and when each ran"),
    Action(
        "tab_replans",
        Scope.RUN,
        ("3",),
        "3",
        "replans",
        "Why the plan was changed on the way, and what is to be decided",
    ),
    Action("tab_logs", Scope.RUN, ("4",), "4", "logs", "What the steps wrote"),
    Action("tab_events", Scope.RUN, ("5",), "5", "events", "Everything that happened, in its order"),
    Action("tab_assets", Scope.RUN, ("6",), "6", "assets", "Which version of which asset was used, and why"),
    Action("tab_answer", Scope.RUN, ("7",), "7", "answer", "What the run has to say in the end"),
    Action(
        "approve",
        Scope.RUN,
        ("a",),
        "a",
        "approve",
        "Approve the replan that waits, with a reason",
        (Need.NOT_IMPORTED, Need.NOT_OVER, Need.WAITS_FOR_APPROVAL),
    ),
    Action(
        "deny",
        Scope.RUN,
        ("d",),
        "d",
        "deny",
        "Deny the replan that waits, with a reason",
        (Need.NOT_IMPORTED, Need.NOT_OVER, Need.WAITS_FOR_APPROVAL),
    ),
    Action("next_panel", Scope.RUN, ("tab",), "tab", "panel", "Go to the next panel", rank=52, navigation=True),
    Action(
        "previous_panel",
        Scope.RUN,
        ("shift+tab",),
        "shift+tab",
        "panel before",
        "Go to the panel before",
        navigation=True,
    ),
    Action("back", Scope.RUN, ("escape",), "esc", "back", "Close what is open, then back to the runs", rank=15),
    Action("why", Scope.STEER, ("w",), "w", "why", "Why the run stands as it does", (Need.RUN_CHOSEN,), 25),
    Action(
        "cancel",
        Scope.STEER,
        ("x",),
        "x",
        "cancel",
        "Cancel the run; once more forces it",
        (Need.RUN_CHOSEN, Need.NOT_IMPORTED, Need.NOT_OVER),
        45,
        others=("force",),
    ),
    Action(
        "pause",
        Scope.STEER,
        ("p",),
        "p",
        "pause",
        "Pause the run, or let it go on",
        (Need.RUN_CHOSEN, Need.NOT_IMPORTED, Need.NOT_OVER),
        46,
        others=("resume",),
    ),
    Action(
        "search",
        Scope.STAGES,
        ("slash",),
        "/",
        "search",
        "Search keys and values, folded ones too",
        rank=40,
        urgent=True,
    ),
    Action("unfold_all", Scope.STAGES, ("E", "plus"), "E", "unfold all", "Unfold everything in the panel", rank=60),
    Action("fold_all", Scope.STAGES, ("C", "minus"), "C", "fold all", "Fold everything in the panel"),
    Action("next_stage", Scope.STAGES, ("L",), "H L", "stage", "Go to the next stage", rank=20),
    Action("previous_stage", Scope.STAGES, ("H",), "H", "stage before", "Go to the stage before"),
    Action("zoom", Scope.STAGES, ("z",), "z", "zoom", "Give the panel the whole screen, and back", rank=55),
    Action(
        "pass_before", Scope.STAGES, ("less_than_sign",), "< >", "pass", "Show the pass before", (Need.PASS_BEFORE,)
    ),
    Action(
        "pass_after", Scope.STAGES, ("greater_than_sign",), ">", "pass after", "Show the pass after", (Need.PASS_AFTER,)
    ),
    Action(
        "previous_replan",
        Scope.REPLANS,
        ("h", "left"),
        "← →",
        "replan",
        "Go to the replan before",
        (Need.REPLANS_BESIDE,),
        10,
    ),
    Action(
        "next_replan",
        Scope.REPLANS,
        ("l", "right"),
        "→",
        "next replan",
        "Go to the next replan",
        (Need.REPLANS_BESIDE,),
    ),
    Action(
        "open_pass", Scope.REPLANS, ("enter",), "enter", "stages", "Show the pass it is of", (Need.REPLAN_CHOSEN,), 14
    ),
    Action(
        "filter_replans",
        Scope.REPLANS,
        ("slash",),
        "/",
        "filter",
        "Filter: trigger:timeout decision:denied from:10:42 since:5m and words",
        rank=18,
        urgent=True,
    ),
    Action("copy_patch", Scope.REPLANS, ("y",), "y", "copy patch", "Copy the patch as JSON", (Need.REPLAN_CHOSEN,), 50),
    Action(
        "open_asset",
        Scope.ASSETS,
        ("enter",),
        "enter",
        "content",
        "Show what is in it, and its versions",
        (Need.LINE_CHOSEN,),
        10,
    ),
    Action(
        "copy_asset", Scope.ASSETS, ("Y",), "Y", "copy", "Copy the content, or the reference", (Need.LINE_CHOSEN,), 49
    ),
    Action("copy_answer", Scope.ANSWER, ("y",), "y", "copy", "Copy the whole answer", (Need.ANSWER_THERE,), 10),
    Action("open_line", Scope.LOGS, ("enter",), "enter", "open", "Show the whole line", (Need.LINE_CHOSEN,), 10),
    Action("search_logs", Scope.LOGS, ("slash",), "/", "search", "Search what was written", rank=18, urgent=True),
    Action("choose_step", Scope.LOGS, ("s",), "s", "step", "Show one step only, or all", rank=20),
    Action("choose_stream", Scope.LOGS, ("S",), "S", "stream", "Show both streams, only stdout, only stderr", rank=54),
    Action("follow_logs", Scope.LOGS, ("f",), "f", "follow", "Stay at the newest line", (Need.GOING_ON,), 44),
    Action("wrap", Scope.LOGS, ("W",), "W", "wrap", "Break long lines, or cut them", rank=56, others=("cut",)),
    Action("copy_line", Scope.LOGS, ("y",), "y", "copy", "Copy the line", (Need.LINE_CHOSEN,), 50),
    Action("next_line", Scope.LOGS, ("n",), "n", "next match", "Go to the next match", (Need.SEARCHED,)),
    Action("previous_line", Scope.LOGS, ("N",), "N", "previous match", "Go to the match before", (Need.SEARCHED,)),
    Action(
        "open_event", Scope.EVENTS, ("enter",), "enter", "data", "Show the event's whole data", (Need.LINE_CHOSEN,), 10
    ),
    Action(
        "filter_events",
        Scope.EVENTS,
        ("slash",),
        "/",
        "filter",
        "Filter: kind:attempt* step:copy and words of the data",
        rank=18,
        urgent=True,
    ),
    Action("follow_events", Scope.EVENTS, ("f",), "f", "follow", "Stay at the newest event", (Need.GOING_ON,), 44),
    Action("copy_event", Scope.EVENTS, ("y",), "y", "copy", "Copy the event as JSON", (Need.LINE_CHOSEN,), 50),
    Action("step_down", Scope.STEPS, ("j", "down"), "j ↓", "down", "Go to a step below", navigation=True),
    Action("step_up", Scope.STEPS, ("k", "up"), "k ↑", "up", "Go to a step above", navigation=True),
    Action(
        "step_right",
        Scope.STEPS,
        ("l", "right"),
        "l →",
        "right",
        "The next step; in the Gantt, one that waits for this one",
        navigation=True,
    ),
    Action(
        "step_left",
        Scope.STEPS,
        ("h", "left"),
        "h ←",
        "left",
        "The step before; in the Gantt, one that this one waits for",
        navigation=True,
    ),
    Action("step_first", Scope.STEPS, ("home",), "home", "first", "Go to the first step", navigation=True),
    Action("step_last", Scope.STEPS, ("G", "end"), "G", "last", "Go to the last step", navigation=True),
    Action(
        "steps_down", Scope.STEPS, ("ctrl+d", "pagedown"), "ctrl+d", "half down", "Half a page down", navigation=True
    ),
    Action("steps_up", Scope.STEPS, ("ctrl+u", "pageup"), "ctrl+u", "half up", "Half a page up", navigation=True),
    Action(
        "open_step",
        Scope.GROUPS,
        ("enter",),
        "enter",
        "open",
        "Open the step among the stages",
        (Need.STEP_CHOSEN,),
        10,
    ),
    Action(
        "group_view", Scope.GROUPS, ("g",), "g", "Gantt", "Change between graph and Gantt", rank=17, others=("graph",)
    ),
    Action(
        "narrow",
        Scope.GROUPS,
        ("f",),
        "f",
        "focus",
        "Show only what the step waits for and what waits for it, or all steps",
        (Need.STEP_CHOSEN,),
        18,
        others=("all",),
    ),
    Action("step_logs", Scope.GROUPS, ("s",), "s", "logs", "Show what the step wrote", (Need.STEP_CHOSEN,), 20),
    Action("search_steps", Scope.GROUPS, ("slash",), "/", "search", "Search steps by their id", rank=40, urgent=True),
    Action(
        "unfold_group",
        Scope.GROUPS,
        ("space",),
        "space",
        "unfold",
        "Show all steps of the group, or fold it",
        (Need.STEP_CHOSEN,),
        54,
    ),
    Action(
        "other_run",
        Scope.GROUPS,
        ("b",),
        "b",
        "before",
        "In the Gantt, set each step beside the last good run of the plan",
        (Need.OTHER_RUN,),
        26,
    ),
    Action(
        "groups_before", Scope.GROUPS, ("less_than_sign",), "< >", "pass", "Show the pass before", (Need.PASS_BEFORE,)
    ),
    Action(
        "groups_after",
        Scope.GROUPS,
        ("greater_than_sign",),
        ">",
        "pass after",
        "Show the pass after",
        (Need.PASS_AFTER,),
    ),
    Action("next_step", Scope.GROUPS, ("n",), "n", "next match", "Go to the next match", (Need.SEARCHED,)),
    Action("previous_step", Scope.GROUPS, ("N",), "N", "previous match", "Go to the match before", (Need.SEARCHED,)),
    Action("copy_step", Scope.GROUPS, ("y",), "y", "copy id", "Copy the id of the step", (Need.STEP_CHOSEN,)),
    Action(
        "copy_command",
        Scope.WHY,
        ("y",),
        "y",
        "copy command",
        "Copy what the step ran, ready to paste into a shell",
        (Need.COMMAND_KNOWN,),
        10,
    ),
    Action("leave_why", Scope.WHY, ("escape",), "esc", "back", "Back to where you were", rank=15),
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
    Action(
        "help",
        Scope.EVERYWHERE,
        ("question_mark",),
        "?",
        "help",
        "Show every key that works here",
        rank=80,
        anchored=True,
    ),
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
    Action("repaint", Scope.EVERYWHERE, ("ctrl+l",), "ctrl+l", "redraw", "Draw the whole screen again"),
    Action("suspend", Scope.EVERYWHERE, ("ctrl+z",), "ctrl+z", "suspend", "To the shell; fg comes back"),
    Action(
        "quit", Scope.EVERYWHERE, ("q",), "q", "quit", "Leave; runs go on", rank=70, others=("detach",), anchored=True
    ),
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
    "less_than_sign": "<",
    "greater_than_sign": ">",
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


@dataclass(frozen=True, slots=True)
class Footer:
    """The last line: `keys` from the left, each with whether it is possible now, and what stands at the end of the line."""

    keys: tuple[tuple[Action, bool], ...] = ()
    end: tuple[Action, ...] = ()


def footer(
    scopes: Collection[Scope], given: Collection[Need], worded: Callable[[Action], Action] = lambda action: action
) -> Footer:
    """The most telling eight actions, one for each key, in an order that does not depend on what is possible just now.

    `worded` may give an action another label or rank for the moment.
    """
    known = [a for a in map(worded, in_scopes(*scopes)) if a.rank is not None]
    known.sort(key=lambda a: a.rank or 0)
    end = tuple(a for a in known if a.anchored)
    shown: dict[str, tuple[Action, bool]] = {}
    for action in known:
        missing = {need for need in action.needs if need not in given}
        if not action.anchored and not missing & LASTING:
            shown.setdefault(action.shown, (action, not missing))
    return Footer(tuple(shown.values())[: FOOTER_MOST - len(end)], end)
