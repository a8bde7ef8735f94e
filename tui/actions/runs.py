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
        "Filter: status:failed plan:safe* and words",
        rank=20,
        urgent=True,
    ),
    Action("clear_filter", Scope.RUNS, ("escape",), "esc", "clear filter", "Show all runs again", (Need.FILTER_SET,)),
    Action("copy_id", Scope.RUNS, ("y",), "y", "copy id", "Copy the whole id of the run", (Need.RUN_CHOSEN,), 30),
)
