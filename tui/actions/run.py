"""What can be done with a run, whatever tab shows it, and on the screen that says why it stands as it does."""

from __future__ import annotations

from tui.actions.action import Action, Need, Scope

RUN: tuple[Action, ...] = (
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
        (Need.WRITABLE, Need.NOT_IMPORTED, Need.NOT_OVER, Need.WAITS_FOR_APPROVAL),
    ),
    Action(
        "deny",
        Scope.RUN,
        ("d",),
        "d",
        "deny",
        "Deny the replan that waits, with a reason",
        (Need.WRITABLE, Need.NOT_IMPORTED, Need.NOT_OVER, Need.WAITS_FOR_APPROVAL),
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
)

STEER: tuple[Action, ...] = (
    Action("why", Scope.STEER, ("w",), "w", "why", "Why the run stands as it does", (Need.RUN_CHOSEN,), 25),
    Action(
        "override",
        Scope.STEER,
        ("o",),
        "o",
        "override",
        "Change one thing of the run, such as the version of an asset, and run it again",
        (Need.RUN_CHOSEN, Need.WRITABLE),
        28,
    ),
    Action(
        "compare",
        Scope.STEER,
        ("c",),
        "c",
        "compare",
        "Compare the run with those before it, or the marked runs with each other",
        (Need.RUN_CHOSEN,),
        29,
    ),
    Action(
        "cancel",
        Scope.STEER,
        ("x",),
        "x",
        "cancel",
        "Cancel the run; once more forces it",
        (Need.RUN_CHOSEN, Need.WRITABLE, Need.NOT_IMPORTED, Need.NOT_OVER),
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
        (Need.RUN_CHOSEN, Need.WRITABLE, Need.NOT_IMPORTED, Need.NOT_OVER),
        46,
        others=("resume",),
    ),
)

WHY: tuple[Action, ...] = (
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
)
