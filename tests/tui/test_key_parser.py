"""What comes from a terminal is a key only if somebody pressed one."""

from __future__ import annotations

import pytest
from textual import events, messages

from tui.key_parser import KeyParser

ANSWERS = [
    "\x1b[?1;2c",  # what it is
    "\x1b[?64;1;2;6;9;15;16;17;18;21;22;28;29c",
    "\x1b[>41;354;0c",
    "\x1b[=0c",
    "\x1b[0n",
    "\x1b[?997;1n",  # its colours changed
    "\x1b[?31u",
    "\x1b[8;24;80t",  # its size
    "\x1b[?2031;2$y",  # a mode
    "\x1b]11;rgb:1111/1616/1c1c\x1b\\",  # a colour
    "\x1b]52;c;" + "aGVsbG8=" * 100 + "\x07",  # the clipboard
    "\x1bP>|XTerm(354)\x1b\\",  # its name
    "\x1bP1+r544e=787465726d\x1b\\",
    "\x1b_Gi=1;OK\x1b\\",
    "\x1b[I",  # it has the focus
    "\x1b[O",
]


def keys_of(parser: KeyParser, *pieces: str) -> list[str]:
    """The keys that are pressed by this text, which arrives piece by piece."""
    found = [event for piece in pieces for event in parser.feed(piece)]
    return [event.key for event in found if isinstance(event, events.Key)]


@pytest.mark.parametrize("answer", ANSWERS, ids=ascii)
def test_an_answer_is_no_key_and_the_next_key_is_one(answer: str) -> None:
    """At once or byte by byte."""
    assert keys_of(KeyParser(), answer + "j") == ["j"]
    assert keys_of(KeyParser(), *answer, "j") == ["j"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("\x1b[A", "up"),
        ("\x1bOB", "down"),
        ("\x1b[5~", "pageup"),
        ("\x1b[1;5C", "ctrl+right"),
        ("\x1b[Z", "shift+tab"),
        ("\x1b[[A", "f1"),
        ("\x1bOP", "f1"),
        ("\x1b[106u", "j"),
        ("\x1a", "ctrl+z"),
    ],
)
def test_a_key_is_a_key(text: str, key: str) -> None:
    """Also one that a terminal spells with a control sequence, and after an answer that never ended."""
    assert keys_of(KeyParser(), text) == [key]
    assert keys_of(KeyParser(), *text) == [key]


def test_a_control_sequence_ends_an_answer_that_was_cut_off() -> None:
    """A key that begins with escape is not lost in it."""
    assert keys_of(KeyParser(), "\x1b]11;rgb:11", "\x1b[B", "j") == ["down", "j"]


def test_after_a_while_keys_are_keys_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that was cut off swallows nothing for long, and its beginning is no key either."""
    now = 100.0
    monkeypatch.setattr("tui.key_parser.time.monotonic", lambda: now)
    monkeypatch.setattr("textual._parser.get_time", lambda: now)
    parser = KeyParser()
    assert keys_of(parser, "\x1b]11;rgb:11") == []
    now += 1
    assert keys_of(parser, "j") == ["j"]
    assert keys_of(parser, "\x1b[?1;") == []
    now += 0.2
    assert not list(parser.tick())
    now += 0.5
    assert not list(parser.tick())
    assert keys_of(parser, "j") == ["j"]


def test_escape_alone_is_a_key_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the above makes it slower."""
    now = 100.0
    monkeypatch.setattr("textual._parser.get_time", lambda: now)
    parser = KeyParser()
    assert keys_of(parser, "\x1b") == []
    now += 0.11
    assert [event.key for event in parser.tick() if isinstance(event, events.Key)] == ["escape"]


def test_the_mouse_and_the_modes_that_were_asked_about_stay() -> None:
    """Control sequences that are no keys and mean something."""
    found = list(KeyParser().feed("\x1b[<0;10;5M\x1b[<0;10;5m\x1b[?2026;2$y"))
    assert [type(event) for event in found] == [
        events.MouseDown,
        events.MouseUp,
        messages.TerminalSupportsSynchronizedOutput,
    ]


def test_pasted_text_is_pasted() -> None:
    """Whatever it looks like."""
    (pasted,) = KeyParser().feed("\x1b[200~status:failed ?1;2c\x1b[201~")
    assert isinstance(pasted, events.Paste)
    assert pasted.text == "status:failed ?1;2c"
