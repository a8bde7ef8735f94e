"""What can be done on the Runs screen."""

from __future__ import annotations

from tui.actions.action import Action, Need, Scope

RUNS: tuple[Action, ...] = (
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
        "Filter: status:failed plan:safe* dur:>10s since:2h and words; tab completes",
        rank=20,
        urgent=True,
    ),
    Action(
        "clear_filter",
        Scope.RUNS,
        ("escape",),
        "esc",
        "clear filter",
        "Take all marks away, then show all runs again",
        (Need.FILTER_SET,),
    ),
    Action(
        "mark",
        Scope.RUNS,
        ("space",),
        "space",
        "mark",
        "Mark the run, to compare, cancel or pause several at once",
        (Need.RUN_CHOSEN,),
        30,
    ),
    Action(
        "mark_all",
        Scope.RUNS,
        ("A",),
        "A",
        "mark all",
        "Mark all runs that pass the filter, or none of them",
        (Need.RUN_CHOSEN,),
    ),
    Action("sort", Scope.RUNS, ("s",), "s", "sort", "Choose by what the runs are sorted", rank=52),
    Action("sort_reverse", Scope.RUNS, ("S",), "S", "reverse", "Sort the other way round"),
    Action("monitor", Scope.RUNS, ("m",), "m", "monitor", "Watch everything that runs or waits just now", rank=46),
    Action("preview", Scope.RUNS, ("v",), "v", "preview", "Show the chosen run beside the list, or hide it", rank=54),
    Action("copy_id", Scope.RUNS, ("y",), "y", "copy id", "Copy the whole id of the run", (Need.RUN_CHOSEN,), 56),
)
