"""What can be done among the steps of a run, in the graph and in the Gantt."""

from __future__ import annotations

from tui.actions.action import Action, Need, Scope

STEPS: tuple[Action, ...] = (
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
    Action("step_first", Scope.STEPS, ("g", "home"), "g", "first", "Go to the first step", navigation=True),
    Action("step_last", Scope.STEPS, ("G", "end"), "G", "last", "Go to the last step", navigation=True),
    Action(
        "steps_down", Scope.STEPS, ("ctrl+d", "pagedown"), "ctrl+d", "half down", "Half a page down", navigation=True
    ),
    Action("steps_up", Scope.STEPS, ("ctrl+u", "pageup"), "ctrl+u", "half up", "Half a page up", navigation=True),
)

GROUPS: tuple[Action, ...] = (
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
        "group_view", Scope.GROUPS, ("v",), "v", "Gantt", "Change between graph and Gantt", rank=17, others=("graph",)
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
)
