"""What can be done everywhere, in every list and in every JSON document."""

from __future__ import annotations

from tui.actions.action import Action, Need, Scope

LIST: tuple[Action, ...] = (
    Action("cursor_down", Scope.LIST, ("j", "down"), "j ↓", "down", "Move down", navigation=True),
    Action("cursor_up", Scope.LIST, ("k", "up"), "k ↑", "up", "Move up", navigation=True),
    Action("first", Scope.LIST, ("g", "home"), "g", "first", "Go to the first line", navigation=True),
    Action("last", Scope.LIST, ("G", "end"), "G", "last", "Go to the last line", navigation=True),
    Action("half_down", Scope.LIST, ("ctrl+d", "pagedown"), "ctrl+d", "half down", "Half a page down", navigation=True),
    Action("half_up", Scope.LIST, ("ctrl+u", "pageup"), "ctrl+u", "half up", "Half a page up", navigation=True),
)

JSON: tuple[Action, ...] = (
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
    Action(
        "wrap_values",
        Scope.JSON,
        ("W",),
        "W",
        "wrap",
        "Let long strings stand whole, or cut them to one row",
        rank=56,
        others=("cut",),
    ),
    Action("copy_value", Scope.JSON, ("y",), "y", "copy", "Copy the value", (Need.VALUE_CHOSEN, Need.VALUE_LOADED), 50),
    Action("copy_path", Scope.JSON, ("Y",), "Y", "copy path", "Copy the path of the value", (Need.VALUE_CHOSEN,)),
)

EVERYWHERE: tuple[Action, ...] = (
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
    Action(
        "copy_link",
        Scope.EVERYWHERE,
        ("Y",),
        "Y",
        "copy link",
        "Copy a link to what is shown: opscope LINK opens it",
        (Need.LINK_KNOWN,),
        yields=True,
    ),
    Action(
        "impact",
        Scope.EVERYWHERE,
        (),
        "",
        "impact",
        "Impact: what the versions of an asset did to the runs that used them",
    ),
    Action("analyses", Scope.EVERYWHERE, (), "", "analyses", "List the comparisons that are kept in this file"),
    Action("theme", Scope.EVERYWHERE, (), "", "theme", "Change between the dark and the light theme"),
    Action("repaint", Scope.EVERYWHERE, ("ctrl+l",), "ctrl+l", "redraw", "Draw the whole screen again"),
    Action("suspend", Scope.EVERYWHERE, ("ctrl+z",), "ctrl+z", "suspend", "To the shell; fg comes back"),
    Action(
        "quit", Scope.EVERYWHERE, ("q",), "q", "quit", "Leave; runs go on", rank=70, others=("detach",), anchored=True
    ),
)
