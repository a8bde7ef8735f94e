"""The one way out: safe text, colours by what the terminal takes, JSON that loses nothing."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest

from tui.commands.output import Depth, Output, colour_depth, open_output
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

NASTY = [
    "\x1b]52;c;aGk=\x07",
    "\x1b[2J",
    "\x9b31m",
    "bell\x07 back\x08",
    "\u202eabc\u2066",
    "[@click=app.quit]x[/]",
    "[/nope]",
    "\ud800 lone",
    "tag \U000e0041",
    "filler \u3164",
    "soft\u00adhyphen",
    "line\u2028separator\x85",
    "del \x7f",
    "a\rb",
]


def is_safe(text: str) -> bool:
    return all(
        unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\u115f\u1160\u3164\uffa0"
        for c in text
    )


@pytest.mark.parametrize("nasty", NASTY)
def test_no_control_character_leaves_by_line_text_or_json(nasty: str) -> None:
    stream = io.StringIO()
    out = Output(stream, width=80)
    out.line(nasty, Span(nasty, Role.FAILED))
    out.text(f"one\n{nasty}\ntwo")
    out.json({nasty: [nasty]})
    out.json({nasty: nasty}, indent=None)
    assert is_safe(stream.getvalue().replace("\n", "")), repr(stream.getvalue())


@pytest.mark.parametrize("nasty", NASTY)
def test_json_means_the_same_after_it(nasty: str) -> None:
    for ascii_only in (False, True):
        stream = io.StringIO()
        Output(stream, ascii_only=ascii_only).json({"key " + nasty: nasty})
        assert json.loads(stream.getvalue()) == {"key " + nasty: nasty}
        assert stream.getvalue().isascii() or not ascii_only


def test_markup_is_text() -> None:
    stream = io.StringIO()
    Output(stream, width=80, depth=Depth.TRUE).line("[bold]x[/] [@click=app.quit]y[/] [/nope]")
    assert stream.getvalue() == "[bold]x[/] [@click=app.quit]y[/] [/nope]\n"


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (Depth.NONE, "x"),
        (Depth.SIXTEEN, "\x1b[32mx\x1b[0m"),
        (Depth.CUBE, "\x1b[38;5;72mx\x1b[0m"),
        (Depth.TRUE, "\x1b[38;2;76;195;138mx\x1b[0m"),
    ],
)
def test_a_role_has_its_colour_at_every_depth(depth: Depth, expected: str) -> None:
    stream = io.StringIO()
    Output(stream, depth=depth).line(Span("x", Role.SUCCEEDED))
    assert stream.getvalue() == expected + "\n"


def test_plain_text_has_no_codes_and_bold_has_one() -> None:
    stream = io.StringIO()
    out = Output(stream, depth=Depth.TRUE)
    out.line("plain", Span("text", Role.TEXT), Span("bold", Role.TEXT, bold=True))
    assert stream.getvalue() == "plaintext\x1b[1mbold\x1b[0m\n"


@pytest.mark.parametrize(
    ("env", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Depth.TRUE),
        ({"TERM": "xterm-256color"}, Depth.CUBE),
        ({"TERM": "linux"}, Depth.SIXTEEN),
        ({"TERM": "dumb"}, Depth.NONE),
        ({}, Depth.NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, Depth.NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, Depth.CUBE),
    ],
)
def test_how_many_colours_a_terminal_takes(env: dict[str, str], depth: Depth) -> None:
    assert colour_depth(env) is depth


def test_ascii_only_leaves_nothing_else() -> None:
    stream = io.StringIO()
    Output(stream, ascii_only=True).line("✓ ✗ ● – … › grün 日本")
    assert stream.getvalue() == "+ x * - ~ > gr\\xfcn \\u65e5\\u672c\n"


def test_what_is_no_terminal_has_no_colour_and_no_width() -> None:
    out = open_output(io.StringIO(), {"TERM": "xterm-256color"}, no_color=False, ascii_only=False)
    assert not out.is_terminal
    out.line(Span("x", Role.FAILED))


def test_a_stream_that_cannot_say_everything_gets_ascii() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")
    out = open_output(stream, {}, no_color=False, ascii_only=False)
    out.line("✓ 日本")
    out.flush()
    assert raw.getvalue() == b"+ \\u65e5\\u672c\n"


def test_a_stream_that_was_closed_takes_everything() -> None:
    open_output(None, {}, no_color=False, ascii_only=False).line("x")
