"""What can be done on the tabs of a run, but for the graph of its steps."""

from __future__ import annotations

from tui.actions.action import Action, Need, Scope

STAGES: tuple[Action, ...] = (
    Action(
        "search",
        Scope.STAGES,
        ("slash",),
        "/",
        "search",
        "Search keys and values, folded ones too",
        rank=29,
        urgent=True,
    ),
    Action(
        "filter_paths",
        Scope.STAGES,
        ("ampersand",),
        "&",
        "path",
        "Show only what is at a path: result.ping.*  rows[*].name  ..error",
        rank=42,
        urgent=True,
    ),
    Action("unfold_all", Scope.STAGES, ("E", "plus"), "E", "unfold all", "Unfold everything in the panel", rank=60),
    Action("fold_all", Scope.STAGES, ("C", "minus"), "C", "fold all", "Fold everything in the panel"),
    Action("next_stage", Scope.STAGES, ("L",), "H L", "stage", "Go to the next stage", rank=33),
    Action("previous_stage", Scope.STAGES, ("H",), "H", "stage before", "Go to the stage before"),
    Action("zoom", Scope.STAGES, ("z",), "z", "zoom", "Give the panel the whole screen, and back", rank=55),
    Action(
        "pass_before", Scope.STAGES, ("less_than_sign",), "< >", "pass", "Show the pass before", (Need.PASS_BEFORE,)
    ),
    Action(
        "pass_after", Scope.STAGES, ("greater_than_sign",), ">", "pass after", "Show the pass after", (Need.PASS_AFTER,)
    ),
)

REPLANS: tuple[Action, ...] = (
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
        (Need.REPLANS_THERE,),
        18,
        urgent=True,
    ),
    Action("copy_patch", Scope.REPLANS, ("y",), "y", "copy patch", "Copy the patch as JSON", (Need.REPLAN_CHOSEN,), 50),
)

LOGS: tuple[Action, ...] = (
    Action("open_line", Scope.LOGS, ("enter",), "enter", "open", "Show the whole line", (Need.LINE_CHOSEN,), 10),
    Action("search_logs", Scope.LOGS, ("slash",), "/", "search", "Search what was written", rank=18, urgent=True),
    Action("choose_step", Scope.LOGS, ("s",), "s", "step", "Show one step only, or all", rank=20),
    Action("choose_stream", Scope.LOGS, ("S",), "S", "stream", "Show both streams, only stdout, only stderr", rank=54),
    Action("follow_logs", Scope.LOGS, ("f",), "f", "follow", "Stay at the newest line", (Need.GOING_ON,), 44),
    Action("wrap", Scope.LOGS, ("W",), "W", "wrap", "Break long lines, or cut them", rank=56, others=("cut",)),
    Action("copy_line", Scope.LOGS, ("y",), "y", "copy", "Copy the line", (Need.LINE_CHOSEN,), 50),
    Action("next_line", Scope.LOGS, ("n",), "n", "next match", "Go to the next match", (Need.SEARCHED,)),
    Action("previous_line", Scope.LOGS, ("N",), "N", "previous match", "Go to the match before", (Need.SEARCHED,)),
)

EVENTS: tuple[Action, ...] = (
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
)

ASSETS: tuple[Action, ...] = (
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
        "asset_impact",
        Scope.ASSETS,
        ("i",),
        "i",
        "impact",
        "What the versions of the asset did to the runs that used them",
        (Need.LINE_CHOSEN,),
        12,
    ),
    Action(
        "copy_asset", Scope.ASSETS, ("Y",), "Y", "copy", "Copy the content, or the reference", (Need.LINE_CHOSEN,), 49
    ),
)

ANSWER: tuple[Action, ...] = (
    Action("copy_answer", Scope.ANSWER, ("y",), "y", "copy", "Copy the whole answer", (Need.ANSWER_THERE,), 10),
)
