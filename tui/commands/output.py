"""The one way out: every command writes through `Output`, which makes text safe for a terminal and colours it there."""

from __future__ import annotations

import errno
import io
import json
import os
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

from engine.errors import InfrastructureError
from tui.terminal import is_clean, visible
from tui.viewmodel.palette import DARK, LIGHT, Palette, Role
from tui.viewmodel.text import Span, wrapped
from tui.viewmodel.words import ascii_glyph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PUNCTUATION: Final = {"–": "-", "…": "~", "›": ">", "─": "-", "│": "|", "→": ">"}
_SIXTEEN: Final = {
    Role.DIM: "2",
    Role.STRONG: "1",
    Role.SUCCEEDED: "32",
    Role.RUNNING: "36",
    Role.WARNING: "33",
    Role.FAILED: "31",
    Role.QUARANTINED: "35",
    Role.ROUTE_PLAN: "94",
    Role.VALIDATE: "36",
    Role.EXECUTE: "33",
    Role.COMPOSE: "35",
    Role.PRESENT: "95",
    Role.MATCH: "33",
}


class ReaderGoneError(Exception):
    """Nobody reads the stream any more: the pipe is broken or the terminal has gone. No fault of anyone's."""


class Depth(Enum):
    """How many colours a stream takes."""

    NONE = 0
    SIXTEEN = 16
    CUBE = 256
    TRUE = 1 << 24


Piece: TypeAlias = str | Span


class Output:
    """A stream for people and programs. Control, format and bidi characters never leave it; nothing is read as markup.

    `width` is None where there is no terminal: then nothing is cut off.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        depth: Depth = Depth.NONE,
        palette: Palette = DARK,
        ascii_only: bool = False,
        width: int | None = None,
    ) -> None:
        self._stream = stream
        self._depth = depth
        self._palette = palette
        self.ascii_only = ascii_only
        self.width = width

    @property
    def is_terminal(self) -> bool:
        """True when a person looks at it."""
        return self.width is not None

    def clean(self, text: str) -> str:
        """`text` as it will stand on the line: visible escapes, tabs as spaces, ASCII where asked for."""
        safe = visible(text.expandtabs(8) if "\t" in text else text)
        if not self.ascii_only or safe.isascii():
            return safe
        plain = "".join(_PUNCTUATION.get(character) or ascii_glyph(character) for character in safe)
        return plain.encode("ascii", "backslashreplace").decode("ascii")

    def line(self, *pieces: Piece) -> None:
        """Write one line. A newline inside a piece is shown as `\\n`: see `text` for text of several lines."""
        self._write("".join(map(self._piece, pieces)).rstrip(" ") + "\n")

    def text(self, text: str, *, role: Role = Role.TEXT, indent: str = "") -> None:
        """Write text of any number of lines, each made safe by itself."""
        for line in text.split("\n"):
            self.line(indent, Span(line.rstrip("\r"), role))

    def paragraph(self, text: str, *, role: Role = Role.TEXT, indent: str = "") -> None:
        """Write text that is folded at blanks to the terminal's width; elsewhere its lines are left as they are."""
        if self.width is None:
            self.text(text, role=role, indent=indent)
            return
        for line in wrapped(self.clean_lines(text), max(20, self.width - len(indent))):
            self.line(indent, Span(line, role))

    def clean_lines(self, text: str) -> str:
        """`clean`, with the ends of lines kept."""
        return "\n".join(self.clean(line.rstrip("\r")) for line in text.split("\n"))

    def json(self, value: object, *, indent: int | None = 2) -> None:
        """Write a value as JSON. What a terminal must not see is a JSON escape, so nothing is lost."""
        self.json_text(json.dumps(value, ensure_ascii=self.ascii_only, indent=indent, allow_nan=False) + "\n")

    def json_text(self, text: str) -> None:
        """Write a piece of JSON that is text already, made safe for a terminal in the same way."""
        self._write("\n".join(map(_json_escaped, text.split("\n"))))

    def bytes(self, content: bytes) -> None:
        """Write bytes as they are. Only for a stream that is not a terminal: the caller has made sure of it."""
        with _telling_gone():
            self._stream.flush()
            self._stream.buffer.write(content)

    def flush(self) -> None:
        """Hand everything on."""
        with _telling_gone():
            self._stream.flush()

    def discard(self) -> None:
        """Nobody reads any more: let what is still held, and the interpreter's own last flush, go nowhere."""
        devnull = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(devnull, self._stream.fileno())
        except (OSError, ValueError):  # not a stream of the process, so nothing will flush it either
            pass
        finally:
            os.close(devnull)

    def _write(self, text: str) -> None:
        with _telling_gone():
            self._stream.write(text)

    def _piece(self, piece: Piece) -> str:
        if isinstance(piece, str):
            return self.clean(piece)
        text = self.clean(piece.text)
        codes = (
            [*(["1"] if piece.bold else []), self._code(piece.role)] if text and self._depth is not Depth.NONE else []
        )
        code = ";".join(filter(None, codes))
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    def _code(self, role: Role) -> str:
        if role is Role.TEXT:
            return ""
        if self._depth is Depth.SIXTEEN or role is Role.STRONG:
            return _SIXTEEN.get(role, "")
        colour = self._palette.colour(role)
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        if self._depth is Depth.TRUE:
            return f"38;2;{red};{green};{blue}"
        return f"38;5;{16 + 36 * _level(red) + 6 * _level(green) + _level(blue)}"


@contextmanager
def _telling_gone() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EIO):
            raise ReaderGoneError from error
        raise InfrastructureError(
            f"the output cannot be written: {error.strerror}", hint="what has been recorded is not touched by this"
        ) from error


def _level(channel: int) -> int:
    """The nearest of the six levels of the colour cube."""
    return min(range(6), key=lambda level: abs((55 + 40 * level if level else 0) - channel))


def _json_escaped(line: str) -> str:
    """A line of JSON with the characters that `visible` would replace written as `\\uXXXX`, which means the same."""
    if is_clean(line):
        return line
    return "".join(character if visible(character) == character else _json_escape(character) for character in line)


def _json_escape(character: str) -> str:
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


def open_output(stream: TextIO | None, env: Mapping[str, str], *, no_color: bool, ascii_only: bool) -> Output:
    """The output for one of this process's streams, by what the stream is and what the environment says."""
    if stream is None:  # closed by whoever started us
        stream = io.StringIO()
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    width = _terminal_width(stream, env)
    return Output(
        stream,
        depth=Depth.NONE if no_color or width is None else colour_depth(env),
        palette=LIGHT if is_light(env) else DARK,
        ascii_only=ascii_only or encoding not in ("utf8", "utf8sig"),
        width=width,
    )


def is_light(env: Mapping[str, str]) -> bool:
    """True where the terminal says that it writes dark on light."""
    return env.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")


def colour_depth(env: Mapping[str, str]) -> Depth:
    """How many colours a terminal with this environment shows; none where `NO_COLOR` asks for none."""
    terminal = env.get("TERM", "")
    if env.get("NO_COLOR") or terminal in ("", "dumb"):
        return Depth.NONE
    if env.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Depth.TRUE
    return Depth.CUBE if "256color" in terminal else Depth.SIXTEEN


def _terminal_width(stream: TextIO, env: Mapping[str, str]) -> int | None:
    try:
        if not stream.isatty():
            return None
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None
    given = env.get("COLUMNS", "")
    return int(given) if given.isdecimal() and int(given) > 0 else width or 80
