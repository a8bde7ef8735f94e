"""What can be done on the Monitor screen."""

from __future__ import annotations

from tui.actions.action import Action, Need, Scope

MONITOR: tuple[Action, ...] = (
    Action(
        "open_monitored",
        Scope.MONITOR,
        ("enter", "l", "right"),
        "enter",
        "open",
        "Open the run: its stages",
        (Need.RUN_CHOSEN,),
        10,
    ),
    Action("leave_monitor", Scope.MONITOR, ("escape",), "esc", "back", "Back to the runs", rank=15),
    Action(
        "copy_monitored_id",
        Scope.MONITOR,
        ("y",),
        "y",
        "copy id",
        "Copy the whole id of the run",
        (Need.RUN_CHOSEN,),
        56,
    ),
)
