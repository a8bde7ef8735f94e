"""The registry of actions: what keys, footer and help are made from."""

from __future__ import annotations

from itertools import takewhile

import pytest

from tui.actions import (
    ACTIONS,
    FOOTER_MOST,
    LASTING,
    TOGETHER,
    Keymap,
    Need,
    Scope,
    by_id,
    footer,
    in_scopes,
    key_names,
)
from tui.screens.help import help_lines
from tui.viewmodel.text import plain


@pytest.mark.parametrize("scopes", TOGETHER)
def test_no_key_means_two_things_at_once(scopes: tuple[Scope, ...]) -> None:
    """Where scopes meet, each key belongs to one action."""
    keys = [key for action in in_scopes(*scopes) if not action.yields for key in action.keys]
    assert sorted(set(keys)) == sorted(keys)


def test_ids_are_unique_and_everything_is_explained() -> None:
    """Every action has a label and a sentence of help."""
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    assert all(action.help and action.label for action in ACTIONS)
    with pytest.raises(KeyError):
        by_id("nothing")


def test_the_footer_has_at_most_eight_keys_and_help_is_the_last() -> None:
    """The most telling first; each key once."""
    for scopes in TOGETHER[:-1]:
        shown = footer(scopes, set(Need))
        actions = [*(action for action, _ in shown.keys), *shown.end]
        assert len(actions) <= FOOTER_MOST
        assert len({action.shown for action in actions}) == len(actions)
        assert [action.id for action in shown.end] == ["quit", "help"]


@pytest.mark.parametrize("scopes", TOGETHER[:-1])
def test_nothing_in_the_footer_moves_when_something_stops_being_possible(scopes: tuple[Scope, ...]) -> None:
    """What is missing for the moment keeps its place; what can go for good stands behind the keys that matter most."""
    whole = [action.id for action, _ in footer(scopes, set(Need)).keys]
    for need in set(Need) - LASTING:
        left = footer(scopes, set(Need) - {need}).keys
        assert [action.id for action, _ in left] == whole
        assert [is_possible for _, is_possible in left] == [need not in action.needs for action, _ in left]
    kept = list(takewhile(lambda name: not LASTING & set(by_id(name).needs), whole))
    assert len(kept) >= 3
    assert [action.id for action, _ in footer(scopes, set(Need) - LASTING).keys][: len(kept)] == kept


def test_what_is_not_possible_says_why() -> None:
    """In a sentence, or not at all."""
    assert by_id("next_match").why_not(set()) == "nothing is searched for yet"
    assert by_id("next_match").why_not({Need.SEARCHED}) is None


def test_help_lists_every_key_of_the_place() -> None:
    """With the arrows and the letters, and the reason where one is not possible."""
    text = "\n".join(plain(line) for line in help_lines((Scope.RUNS, Scope.LIST), set(), Keymap()))
    assert "Move down" in text
    assert "j ↓" in text
    assert "(no run is chosen)" in text
    assert key_names(("slash", "question_mark", "ctrl+d")) == "/ ? ctrl+d"


@pytest.mark.parametrize("scope", Scope)
def test_every_scope_has_a_title_in_the_help(scope: Scope) -> None:
    """Also one that has no actions yet."""
    assert plain(help_lines((scope,), set(), Keymap())[0]).strip()
