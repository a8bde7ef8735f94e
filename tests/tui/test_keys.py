"""Keys as people write them, and as they stand on the keyboard."""

from __future__ import annotations

import string

import pytest
from textual.keys import _character_to_key

from tui.actions import ACTIONS, key_names
from tui.actions.keys import NoKeyError, read_key
from tui.key_parser import KeyParser


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("x", "x"),
        ("X", "X"),
        ("shift+x", "X"),
        ("/", "slash"),
        ("?", "question_mark"),
        ("<", "less_than_sign"),
        ("+", "plus"),
        ("-", "minus"),
        (",", "comma"),
        (" ", "space"),
        ("Space", "space"),
        ("ctrl+x", "ctrl+x"),
        ("Ctrl-X", "ctrl+x"),
        ("^x", "ctrl+x"),
        ("C-x", "ctrl+x"),
        ("alt+x", "alt+x"),
        ("M-x", "alt+x"),
        ("Esc", "escape"),
        ("return", "enter"),
        ("PgDn", "pagedown"),
        ("shift+tab", "shift+tab"),
        ("backtab", "shift+tab"),
        ("F5", "f5"),
        ("↓", "down"),
        ("ctrl+Up", "ctrl+up"),
        ("ctrl+space", "ctrl+@"),
        ("ctrl+]", "ctrl+right_square_bracket"),
        ("question_mark", "question_mark"),
        ("é", "é"),
    ],
)
def test_a_key_as_it_is_written(written: str, key: str) -> None:
    assert read_key(written) == key


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("", "no key is named", 'write "x", "ctrl+x", "f5" or "space"'),
        ("pgdwn", "there is no key 'pgdwn'", "did you mean 'pgdown'?"),
        ("xyzzy", "there is no key 'xyzzy'", 'write "x", "ctrl+x", "f5" or "space"'),
        ("gg", "there is no key 'gg'", 'write "x", "ctrl+x", "f5" or "space"'),
        ("ctrl+i", "a terminal sends the same for ctrl+i as for tab", "write tab, or another key"),
        ("^m", "a terminal sends the same for ^m as for enter", "write enter, or another key"),
        ("ctrl+c", "ctrl+c always leaves", "choose another key"),
        ("ctrl+shift+x", "terminals do not tell ctrl+shift+x apart from other keys", "choose another key"),
        ("ctrl+1", "terminals do not tell ctrl+1 apart from other keys", "choose another key"),
        ("shift+/", "terminals do not tell shift+/ apart from other keys", "choose another key"),
    ],
)
def test_what_no_terminal_sends(written: str, message: str, hint: str) -> None:
    with pytest.raises(NoKeyError) as refused:
        read_key(written)
    assert (str(refused.value), refused.value.hint) == (message, hint)


def test_signs_are_named_as_the_library_names_them() -> None:
    for sign in string.printable.strip() + "§é":
        assert read_key(sign) == _character_to_key(sign)
        assert key_names((read_key(sign),)) == (sign if sign.isascii() or sign.isalnum() else "section_sign")


@pytest.mark.parametrize("letter", sorted(set(string.ascii_lowercase) - set("chim")))
def test_what_is_read_is_what_a_terminal_sends(letter: str) -> None:
    """The parser of the real terminal, given the byte of the key."""
    (event,) = KeyParser().feed(chr(ord(letter) & 0x1F))
    assert getattr(event, "key", "") == read_key(f"ctrl+{letter}")


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("\x00", "ctrl+space"),
        ("\x1d", "ctrl+]"),
        ("\x1c", "ctrl+\\"),
        ("\x1b[Z", "shift+tab"),
        ("\x1b[1;5A", "ctrl+up"),
        ("\x1b[3;2~", "shift+del"),
    ],
)
def test_named_keys_are_what_a_terminal_sends(sent: str, written: str) -> None:
    (event,) = KeyParser().feed(sent)
    assert getattr(event, "key", "") == read_key(written)


def test_every_key_of_the_registry_can_be_written() -> None:
    """As its library name and as it is shown."""
    for action in ACTIONS:
        for key in action.keys:
            assert read_key(key) == key
            assert read_key(key_names((key,))) == key
