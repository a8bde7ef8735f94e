"""Copying text to the operator's own machine: which way there is, the sequences of each, and what is said of it. Nothing is drawn here."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from tui.viewmodel.words import size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST_BASE64: Final = 75_000
"""What every terminal that takes OSC 52 at all takes in one piece, in characters of base64."""
_MOST_OF: Final = {"kitty": 1_000_000, "WezTerm": 1_000_000, "foot": 1_000_000, "iTerm.app": 1_000_000}
_MOST_IN_TMUX: Final = 700_000
"""tmux drops a sequence of more than a megabyte."""
_SCREEN_PIECE: Final = 240
"""Bytes that GNU screen passes on at a time; older ones take no more than 256."""
_DEAF: Final = frozenset({"linux", "dumb", "vt100", "vt220"})
"""Terminals that do not know OSC 52."""
_TOOL_SECONDS: Final = 2.0
_TMUX_SECONDS: Final = 0.5


class Wrap(Enum):
    """How the sequence reaches the terminal."""

    PLAIN = auto()
    TMUX = auto()
    SCREEN = auto()


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that takes text on stdin. `settles` is False for one that only passes it on to the terminal."""

    argv: tuple[str, ...]
    encoding: str = "utf-8"
    settles: bool = True

    @property
    def name(self) -> str:
        """As it is called."""
        return os.path.basename(self.argv[0])  # noqa: PTH119  (a name on PATH, not a file)


@dataclass(frozen=True, slots=True)
class Route:
    """The ways there are, the best first: a tool, the terminal, and a file where nothing else is left."""

    tool: Tool | None
    wrap: Wrap | None
    most_base64: int
    why: str
    """Why it is this way, for whoever wonders."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was done with a text, in words. `reached` is False where it is in a file and in no clipboard."""

    words: str
    reached: bool = True


@dataclass(frozen=True, slots=True)
class TmuxSettings:
    """What tmux does with the clipboard; empty where it did not say."""

    set_clipboard: str = ""
    allow_passthrough: str = ""


def is_remote(env: Mapping[str, str]) -> bool:
    """True over SSH: a tool would copy to a machine at which nobody sits."""
    return any(env.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def native_tool(env: Mapping[str, str]) -> Tool | None:
    """The clipboard program of this machine, where one sits at it."""
    if is_remote(env):
        return None
    path = env.get("PATH", os.defpath)
    candidates: list[Tool] = []
    if sys.platform == "darwin":
        candidates.append(Tool(("pbcopy",)))
    if env.get("WSL_DISTRO_NAME") or env.get("WSL_INTEROP"):
        candidates.append(Tool(("clip.exe",), "utf-16"))
    if env.get("WAYLAND_DISPLAY"):
        candidates.append(Tool(("wl-copy",)))
    if env.get("DISPLAY"):
        candidates.append(Tool(("xclip", "-selection", "clipboard", "-in")))
        candidates.append(Tool(("xsel", "--clipboard", "--input")))
    return next((tool for tool in candidates if shutil.which(tool.argv[0], path=path)), None)


def route(env: Mapping[str, str], tmux: TmuxSettings | None = None) -> Route:
    """Which ways lead to the clipboard from here. `tmux` is what it said, where this runs in it."""
    term = env.get("TERM", "")
    tool = native_tool(env)
    most = _most(env)
    if tool is not None:
        return Route(tool, Wrap.PLAIN, most, f"{tool.name} is here, and this is no SSH session")
    if env.get("TMUX"):
        tmux = tmux or TmuxSettings()
        most = min(most, _MOST_IN_TMUX)
        if tmux.set_clipboard == "on":
            return Route(None, Wrap.PLAIN, most, "tmux passes it on: set-clipboard is on")
        if tmux.allow_passthrough in ("on", "all"):
            return Route(None, Wrap.TMUX, most, "tmux lets it through: allow-passthrough is on")
        if tmux.set_clipboard == "external" and shutil.which("tmux", path=env.get("PATH", os.defpath)):
            return Route(Tool(("tmux", "load-buffer", "-w", "-"), settles=False), Wrap.TMUX, most, "tmux hands it on")
        return Route(None, Wrap.TMUX, most, "it is in tmux, which has to let it through")
    if env.get("STY"):
        return Route(None, Wrap.SCREEN, MOST_BASE64, "GNU screen passes it on in pieces")
    if term in _DEAF or not term or env.get("TERM_PROGRAM") == "Apple_Terminal":
        return Route(None, None, 0, f"{env.get('TERM_PROGRAM') or term or 'this terminal'} takes nothing to copy")
    return Route(None, Wrap.PLAIN, most, "the terminal takes it, if it is set so")


def _most(env: Mapping[str, str]) -> int:
    kind = "kitty" if env.get("KITTY_WINDOW_ID") else env.get("TERM_PROGRAM", "")
    return _MOST_OF.get(kind, _MOST_OF.get(env.get("TERM", "").partition("-")[0], MOST_BASE64))


def base64_length(text: str) -> int:
    """Characters of base64 that a text becomes."""
    return (len(_bytes(text)) + 2) // 3 * 4


def sequence(text: str, wrap: Wrap) -> str:
    """What to write to the terminal. Of the text nothing but base64 is in it."""
    plain = f"\x1b]52;c;{b64encode(_bytes(text)).decode()}\x07"
    match wrap:
        case Wrap.PLAIN:
            return plain
        case Wrap.TMUX:
            return "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
        case Wrap.SCREEN:
            pieces = (plain[at : at + _SCREEN_PIECE] for at in range(0, len(plain), _SCREEN_PIECE))
            return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


def tmux_settings(env: Mapping[str, str]) -> TmuxSettings | None:
    """What tmux says of itself; None outside of it. Takes no longer than a second, whatever tmux does."""
    if not env.get("TMUX"):
        return None
    words = [
        run_tool(("tmux", *arguments), b"", env, seconds=_TMUX_SECONDS, wants_output=True) or b""
        for arguments in (("show-options", "-sv", "set-clipboard"), ("show-options", "-Apv", "allow-passthrough"))
    ]
    return TmuxSettings(*(word.decode("ascii", "replace").strip() for word in words))


def run_tool(
    argv: Sequence[str],
    text: bytes,
    env: Mapping[str, str],
    *,
    seconds: float = _TOOL_SECONDS,
    wants_output: bool = False,
) -> bytes | None:
    """Give a program text on stdin. What it wrote, nothing unless that is wanted; None if it failed or took too long."""
    program = shutil.which(argv[0], path=env.get("PATH", os.defpath))
    if program is None:
        return None
    output = subprocess.PIPE if wants_output else subprocess.DEVNULL
    try:
        # A session of its own: it can neither paint on the terminal nor be ended with our job, for it serves the clipboard.
        process = subprocess.Popen(
            [program, *argv[1:]],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env=dict(env),
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        written, _ = process.communicate(text, timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    return (written or b"") if process.returncode == 0 else None


async def put(
    text: str, what: str, env: Mapping[str, str], write: Callable[[str], object], *, may_write: bool = True
) -> Copied:
    """Copy a text and say what was done with it. `write` takes what goes to the terminal; `may_write` allows a file."""
    way = route(env, await asyncio.to_thread(tmux_settings, env))
    if way.tool is not None:
        done = await asyncio.to_thread(run_tool, way.tool.argv, text.encode(way.tool.encoding, "backslashreplace"), env)
        if done is not None:
            return Copied(
                f"{what} copied with {way.tool.name}" if way.tool.settles else f"{what} sent to the terminal by tmux"
            )
    if way.wrap is not None and base64_length(text) <= way.most_base64:
        write(sequence(text, way.wrap))
        return Copied(f"{what} sent to the terminal's clipboard")
    why = f"is long ({size(len(_bytes(text)))})" if way.wrap is not None else "cannot go to this terminal"
    if not may_write:
        return Copied(f"{what} {why}, and nothing is written to a file with --readonly", reached=False)
    path = await asyncio.to_thread(_to_file, text)
    return Copied(f"{what} {why}: written to {path}", reached=False)


def _to_file(text: str) -> str:
    with tempfile.NamedTemporaryFile("wb", prefix="opscope-", suffix=".txt", delete=False) as file:
        file.write(_bytes(text))
    return file.name


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
