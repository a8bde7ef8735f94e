"""Inside a real tmux: started, resized, detached and attached again, and what is on the screen is what was there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.tui.pseudo_terminal import Terminal
from tests.tui.terminal.programs import OPSCOPE, RUNS, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed here"),
]


class Tmux:
    """A server of its own, that nobody else's sessions know of."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self._configuration = folder / "tmux.conf"
        self._configuration.write_text(
            "set -g status off\nset -g default-terminal tmux-256color\nset -g set-clipboard on\n"
        )

    def command(self, *words: str) -> list[str]:
        """A command line of tmux for this server."""
        return ["tmux", "-u", "-f", str(self._configuration), "-S", self._socket, *words]

    def call(self, *words: str) -> str:
        """Do something with the server; what it says."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, timeout=20, env=environment()
        )
        return done.stdout

    def attach(self, columns: int, rows: int) -> Terminal:
        """A terminal that shows the session."""
        return Terminal(self.command("attach"), columns, rows, environment())

    def end(self) -> None:
        """The server and all that runs in it."""
        pid = self.call("display-message", "-p", "#{pid}").strip()
        self.call("kill-server")
        if pid.isdigit():
            try:
                os.kill(int(pid), signal.SIGTERM)
            except ProcessLookupError:
                return


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """Ended with everything in it after the test."""
    made = Tmux(tmp_path)
    try:
        yield made
    finally:
        made.end()


def test_attached_resized_detached_and_attached_again(tmux: Tmux, database: Path) -> None:
    """The program lives on without a terminal, takes the size of the next one, and hears its keys."""
    tmux.call("new-session", "-d", "-x", "80", "-y", "24", *OPSCOPE, "--db", str(database))
    with tmux.attach(80, 24) as screen:
        screen.wait_for(r"28 runs(?s:.*)\? help")
        screen.press("j", "\r")
        screen.wait_for(r"runs › \w{6} ci_lookup")
        screen.resize(120, 40)
        screen.wait_for(r"(?s)\A opscope › runs › .*INPUT execute .*OUTPUT execute.*\? help\s*\Z")
        screen.press("\x02", "d")
        assert screen.wait_for_end() == 0
    with tmux.attach(100, 30) as screen:
        # The last of thirty rows: what was drawn for the terminal before has made room.
        screen.wait_for(r"\A opscope › runs › \w{6} ci_lookup[^\n]*\n(?:[^\n]*\n){28}[^\n]*\? help\Z")
        screen.press("\x1b")
        screen.wait_for(RUNS)
        screen.press("y")
        screen.wait_for(r"clipboard")
        screen.press("q")
        assert screen.wait_for_end() == 0
