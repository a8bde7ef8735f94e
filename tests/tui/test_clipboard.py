"""The clipboard: real programs on PATH, a real pseudo-terminal, a real tmux, and the bytes that come out."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import pytest

from tests.tui.corpus import EVIL
from tests.tui.pseudo_terminal import Terminal
from tui.clipboard import (
    MOST_BASE64,
    TmuxSettings,
    Wrap,
    base64_length,
    native_tool,
    put,
    route,
    run_tool,
    sequence,
    tmux_settings,
)
from tui.terminal import is_clean

_OSC = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
XTERM = {"TERM": "xterm-256color"}


def unwrapped(written: str) -> str:
    """What a terminal behind tmux or screen is given."""
    if written.startswith("\x1bPtmux;"):
        return written.removeprefix("\x1bPtmux;").removesuffix("\x1b\\").replace("\x1b\x1b", "\x1b")
    return re.sub(r"\x1bP(.*?)\x1b\\", r"\1", written, flags=re.DOTALL)


def program(folder: Path, name: str, body: str) -> Path:
    """A stand-in for a program on PATH."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def copied(text: str, env: dict[str, str]) -> tuple[str, str]:
    """What is said, and what went to the terminal."""
    written: list[str] = []
    done = asyncio.run(put(text, "value", env, written.append))
    assert done.reached == ("written to" not in done.words)
    return done.words, "".join(written)


@pytest.mark.parametrize("wrap", list(Wrap))
@pytest.mark.parametrize("text", ["", "db01", "zwölf ☃ 日本", "x" * 5000, *EVIL])
def test_the_terminal_gets_base64_and_nothing_else(wrap: Wrap, text: str) -> None:
    """Whatever the text is, one OSC 52 comes out behind the wrapping, and it holds the text."""
    found = _OSC.fullmatch(unwrapped(sequence(text, wrap)))
    assert found is not None
    assert b64decode(found[1]) == text.encode("utf-8", "backslashreplace")
    assert is_clean(found[1])


def test_screen_gets_small_pieces() -> None:
    """None of them is longer than an old screen takes."""
    pieces = sequence("x" * 5000, Wrap.SCREEN).split("\x1b\\")
    assert max(map(len, pieces)) <= 256 - 2
    assert all(piece.startswith("\x1bP") for piece in pieces if piece)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "wl-copy"),
        ({"DISPLAY": ":0"}, "xclip"),
        ({"WSL_DISTRO_NAME": "Debian"}, "clip.exe"),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, None),
        ({}, None),
    ],
)
def test_a_tool_is_used_where_one_sits_at_the_machine(tmp_path: Path, env: dict[str, str], name: str | None) -> None:
    """Wayland before X, none over SSH, none without a display."""
    for tool in ("wl-copy", "xclip", "xsel", "clip.exe"):
        program(tmp_path, tool, "cat")
    found = native_tool({**env, "PATH": str(tmp_path)})
    assert (found.name if found else None) == name


def test_a_tool_gets_the_text_and_is_named(tmp_path: Path) -> None:
    """What it was given is the text; nothing goes to the terminal."""
    program(tmp_path, "wl-copy", f"exec cat > {tmp_path}/got")
    env = {**XTERM, "WAYLAND_DISPLAY": "w", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert copied("zwölf\n", env) == ("value copied with wl-copy", "")
    assert (tmp_path / "got").read_text() == "zwölf\n"


def test_a_tool_that_fails_leaves_it_to_the_terminal(tmp_path: Path) -> None:
    """And it is not called copied."""
    program(tmp_path, "xclip", "exit 1")
    said, written = copied("db01", {**XTERM, "DISPLAY": ":9", "PATH": str(tmp_path)})
    assert said == "value sent to the terminal's clipboard"
    assert _OSC.fullmatch(written)


def test_a_tool_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """It is not waited for, and nothing of it is left."""
    program(tmp_path, "xclip", f"sleep 600 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/self; wait")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert run_tool(("xclip",), b"db01", env, seconds=0.5) is None
    for name in ("self", "child"):
        _until_gone(int((tmp_path / name).read_text()))


def _until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        os.sched_yield()
    raise AssertionError(pid)


def test_a_tool_that_stays_in_the_background_is_no_hang(tmp_path: Path) -> None:
    """As xclip and wl-copy do: the program returns, what serves the clipboard goes on."""
    program(tmp_path, "xclip", f"cat > /dev/null; sleep 600 & echo $! > {tmp_path}/child")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert run_tool(("xclip",), b"db01", env, seconds=5) == b""
    child = int((tmp_path / "child").read_text())
    os.kill(child, 9)


def test_what_is_too_long_goes_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its path is said, only its owner can read it, and the terminal gets nothing."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text = "x" * MOST_BASE64
    said, written = copied(text, dict(XTERM))
    path = Path(said.rpartition(" ")[2])
    assert said.startswith("value is long (75 KB): written to /")
    assert path.read_text() == text
    assert path.stat().st_mode & 0o077 == 0
    assert written == ""
    just = "x" * (MOST_BASE64 * 3 // 4)
    assert base64_length(just) <= MOST_BASE64
    assert copied(just, dict(XTERM))[0] == "value sent to the terminal's clipboard"


@pytest.mark.parametrize("env", [{"TERM": "linux"}, {}, {"TERM": "xterm", "TERM_PROGRAM": "Apple_Terminal"}])
def test_a_terminal_that_cannot_copy_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: dict[str, str]
) -> None:
    """A file is the way out."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said, written = copied("db01", env)
    assert said.startswith("value cannot go to this terminal: written to ")
    assert written == ""


@pytest.mark.parametrize(
    ("settings", "wrap", "tool"),
    [
        (TmuxSettings("on", "off"), Wrap.PLAIN, None),
        (TmuxSettings("off", "on"), Wrap.TMUX, None),
        (TmuxSettings("external", "all"), Wrap.TMUX, None),
        (TmuxSettings("external", "off"), Wrap.TMUX, "tmux"),
        (TmuxSettings(), Wrap.TMUX, None),
    ],
)
def test_in_tmux_its_settings_decide(tmp_path: Path, settings: TmuxSettings, wrap: Wrap, tool: str | None) -> None:
    """What it passes on by itself, what it lets through, and what only it can hand on."""
    program(tmp_path, "tmux", "exit 1")
    way = route({"TERM": "tmux-256color", "TMUX": "/tmp/t,1,0", "PATH": str(tmp_path)}, settings)
    assert (way.wrap, way.tool.name if way.tool else None) == (wrap, tool)


def test_a_tmux_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """Its settings are unknown then."""
    program(tmp_path, "tmux", "sleep 600")
    env = {"TMUX": "/tmp/t,1,0", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert tmux_settings(env) == TmuxSettings()


def test_it_comes_out_of_a_real_terminal(tmp_path: Path) -> None:
    """A program that copies in a pseudo-terminal: what the terminal is given, decoded, is the text."""
    script = (
        "import asyncio, os, sys\nfrom tui.clipboard import put\n"
        "print(asyncio.run(put('zwölf\\n\\x1b]0;EVIL\\x07', 'value', os.environ, sys.stdout.write)).words)\n"
    )
    env = {**XTERM, "PATH": str(tmp_path), "PYTHONPATH": str(Path.cwd()), "LC_ALL": "C.UTF-8"}
    with Terminal([sys.executable, "-c", script], 80, 24, env) as terminal:
        terminal.wait_for("sent to the terminal's clipboard")
        found = _OSC.search(bytes(terminal.raw).decode())
        assert found is not None
        assert b64decode(found[1]).decode() == "zwölf\n\x1b]0;EVIL\x07"
        assert b"\x1b]0;" not in terminal.raw


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not on this machine")
@pytest.mark.parametrize("settings", [("on", "off"), ("external", "off"), ("off", "on")])
def test_it_comes_out_of_a_real_tmux(tmp_path: Path, settings: tuple[str, str]) -> None:
    """Whether it passes on, hands on or lets through: the terminal around tmux is given the text."""
    env = {
        **XTERM,
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TMUX_TMPDIR": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }
    (tmp_path / "conf").write_text(
        f"set -s set-clipboard {settings[0]}\nset -g allow-passthrough {settings[1]}\nset -g status off\n"
        "set -as terminal-features ',xterm*:clipboard'\n"
    )
    script = tmp_path / "sends.py"
    script.write_text(
        f"import asyncio, os, sys\nsys.path.insert(0, {str(Path.cwd())!r})\nfrom tui.clipboard import put\n"
        "print(asyncio.run(put('db01 in tmux', 'value', os.environ, sys.stdout.write)).words, flush=True)\nsys.stdin.read()\n"
    )
    argv = ["tmux", "-f", str(tmp_path / "conf"), "new-session", f"{sys.executable} {script}"]
    try:
        with Terminal(argv, 80, 24, env) as terminal:
            terminal.wait_for("sent to the terminal")
            terminal.press("enter", "\x04")
            terminal.wait_for_end()
            assert _found_in(bytes(terminal.raw)) == "db01 in tmux"
    finally:
        subprocess.run(["tmux", "kill-server"], env=env, check=False, capture_output=True, timeout=10)


def _found_in(raw: bytes) -> str:
    found = re.search(rb"\x1b\]52;c?;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)", raw)
    return b64decode(found[1]).decode() if found else ""
