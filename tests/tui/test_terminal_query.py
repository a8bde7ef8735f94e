"""Asking the terminal: a real pseudo-terminal at whose other end somebody answers, answers late or does not answer at all."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tui.terminal_query import Answers, ask_terminal, read_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASKS = "from tui.terminal_query import ask_terminal\nprint('said', ask_terminal(%s), flush=True)\nprint('then', repr(input()))"


def asked(answer: bytes, seconds: float) -> str:
    """What a program that asks prints, when the terminal answers with these bytes; then a line is typed."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execve(
            sys.executable, [sys.executable, "-c", _ASKS % seconds], {"PYTHONPATH": str(Path.cwd()), "TERM": "xterm"}
        )
    seen = b""
    try:
        for chunk in _chunks(descriptor):
            seen += chunk
            if b"\x1b[c" in chunk and answer:
                os.write(descriptor, answer)
            if b"said" in chunk:
                os.write(descriptor, b"typed\n")
    finally:
        os.waitpid(pid, 0)
        os.close(descriptor)
    return seen.decode()


def _chunks(descriptor: int) -> Iterator[bytes]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if select.select([descriptor], [], [], 1)[0]:
            try:
                chunk = os.read(descriptor, 65536)
            except OSError:
                return
            yield chunk


def test_a_terminal_that_answers_is_understood() -> None:
    """Whole frames, mouse, the width of wide characters; what is typed after it is still there."""
    seen = asked(b"\x1b[?2026;2$y\x1b[?1006;0$y\x1b[1;3R\x1b[?64;1;2c", 20)
    assert "Answers(answered=True, synchronised=True, mouse=False, wide_cells=2)" in seen
    assert "then 'typed'" in seen


def test_a_terminal_that_says_nothing_is_not_waited_for() -> None:
    """After the time that was given there is no answer, and the terminal is as it was."""
    seen = asked(b"", 0.1)
    assert "said Answers(answered=False, synchronised=None, mouse=None, wide_cells=None)" in seen
    assert "then 'typed'" in seen


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (b"", Answers()),
        (b"\x1b[?2026;0$y\x1b[?62c", Answers(True, synchronised=False)),
        (b"\x1b[?2026;4$y", Answers(True, synchronised=False)),
        (b"keys\x1b[5;2Rkeys", Answers(True, wide_cells=1)),
        (b"\xff\x1b[?;$y\x1b[R\x1b]52;c;x\x07", Answers()),
    ],
)
def test_answers_are_read_among_other_bytes(answer: bytes, known: Answers) -> None:
    """Half answers and keys say nothing."""
    assert read_answers(answer) == known


def test_without_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe cannot answer."""
    read, write = os.pipe()
    with os.fdopen(read) as stdin:
        monkeypatch.setattr(sys, "__stdin__", stdin)
        assert ask_terminal() is None
    os.close(write)
