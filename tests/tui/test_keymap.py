"""Keys of one's own for actions: what is shown for them, and which would be in each other's way."""

from __future__ import annotations

from tui.actions import ACTIONS, Keymap, Need, Scope, by_id, footer
from tui.actions.keymap import clashes

CHANGED = Keymap({"quit": ("ctrl+q", "Q"), "next_stage": ("right",), "cursor_down": ("t",), "copy_id": ()})


def test_an_action_shows_the_keys_it_has() -> None:
    assert CHANGED.applied(by_id("quit")).shown == "ctrl+q"
    assert CHANGED.applied(by_id("cursor_down")).shown == "t"
    assert CHANGED.applied(by_id("cursor_up")) == by_id("cursor_up")
    assert CHANGED.shown("quit") == "ctrl+q"
    assert CHANGED.shown("copy_id") == ""
    assert Keymap().shown("clear_filter") == "esc"


def test_a_pair_of_keys_shows_the_changed_one_of_it() -> None:
    """`H L` names the keys of two actions."""
    assert CHANGED.applied(by_id("next_stage")).shown == "H →"
    other = Keymap({"previous_stage": ("p",)})
    assert other.applied(by_id("next_stage")).shown == "p L"
    assert Keymap({"previous_stage": ()}).applied(by_id("next_stage")).shown == "L"


def test_an_action_without_a_key_is_not_in_the_footer() -> None:
    scopes = (Scope.RUNS, Scope.STEER, Scope.EVERYWHERE)
    shown = [action.id for action, _ in footer(scopes, set(Need), CHANGED.applied).keys]
    assert "open_run" in shown
    assert "copy_id" not in shown


def test_what_yields_has_the_keys_that_no_closer_scope_has() -> None:
    """Y copies the path in a document, and a link elsewhere."""
    near = {action.id: action.keys for action in Keymap().offered(Scope.JSON, Scope.EVERYWHERE)}
    far = {action.id: action.keys for action in Keymap().offered(Scope.LOGS, Scope.EVERYWHERE)}
    assert (near["copy_path"], near["copy_link"], far["copy_link"]) == (("Y",), (), ("Y",))


def test_clashes_name_both_actions_the_changed_one_first() -> None:
    found = clashes(Keymap({"copy_id": ("x", "J"), "wrap": ("x",), "open_event": ("enter", "y")}))
    assert {(clash.key, clash.first.id, clash.second.id) for clash in found} == {
        ("x", "copy_id", "cancel"),
        ("x", "wrap", "cancel"),
        ("y", "open_event", "copy_event"),
    }


def test_keys_may_change_places() -> None:
    assert clashes(Keymap({"next_line": ("N",), "previous_line": ("n",)})) == []
    assert clashes(Keymap({"next_line": ("N",)})) != []
    assert clashes(Keymap()) == []


def test_keys_for_the_library() -> None:
    assert CHANGED.for_library() == {
        "quit": "ctrl+q,Q",
        "next_stage": "right",
        "cursor_down": "t",
        "copy_id": "<none>",
    }
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
