"""What tests of engine hosts share: the program in a terminal or a process, waiting for what the file says, ending what is left."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from engine.errors import StoreError
from engine.steps.census import find_by_cookie
from store.liveness import engine_pid
from store.queries import events_page, last_run, run_by_id, runs_page
from store.reader import Reader
from tests.tui.pseudo_terminal import Terminal
from tui.commands import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from store.rows import EventRow, RunRow

READS = frozenset({"asset", "runs", "show", "waiting", "why"})
"""Commands that touch no engine: starting Python for each of them takes longer than all that they do."""
ROOT = Path(__file__).parents[3]
PROGRAM = (sys.executable, "-c", "import sys; from tui.commands import main; sys.exit(main())")
GATED = """\
plan_id: gated
steps:
  - {id: before, command: echo, args: [one]}
  - id: wait
    depends_on: [before]
    command: sh
    args: [-c, 'read line < "$GATE"; echo "$line"']
    env: {GATE: "{params.gate}"}
    timeout_sec: 600
  - {id: after, depends_on: [wait], command: echo, args: ["{wait.stdout}"]}
finally:
  - {id: clean, command: echo, args: [cleaned]}
params: {gate: {required: true}}
compose: {said: "{after.stdout}", cleaned: "{clean.stdout}"}
present:
  - {type: markdown, text: "said {compose.said}"}
"""
STUBBORN = """\
plan_id: stubborn
steps:
  - id: hold
    command: sh
    args:
      - -c
      - |
        trap "" TERM INT HUP
        sleep 600 &
        setsid sleep 601 &
        echo up > "$DOOR"
        while :; do sleep 602; done
    env: {DOOR: "{params.door}"}
    timeout_sec: 600
finally:
  - {id: clean, command: echo, args: [cleaned]}
params: {door: {required: true}}
"""
"""Ignores SIGTERM, forks, one of them into a session of its own, and all keep the pipes open."""


def until(look: Callable[[], object], what: str, seconds: float = 30.0) -> Any:
    """What `look` returns once that is true; fails when it does not come to it."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (found := look()):
        assert time.monotonic() < deadline, f"it did not come to it: {what}"
        pause.wait(0.01)
    return found


@dataclass
class Hosts:
    """A home with a database, and every process that comes to be because of it. Nothing of it outlives the test."""

    home: Path
    database: Path

    @property
    def environment(self) -> dict[str, str]:
        """For a process with this home."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_STATE_HOME") if name in os.environ}
        kept["OPSCOPE_DB"] = str(self.database)
        return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "TZ": "UTC", "LANG": "C.UTF-8"}

    def plan(self, text: str, name: str = "plan.yaml") -> str:
        """A plan's file, as the command line takes it."""
        (self.home / name).write_text(text)
        return f"./{name}"

    def fifo(self, name: str) -> Path:
        """A named pipe: a gate that a step waits at, or a door through which it says that it is there."""
        path = self.home / name
        os.mkfifo(path)
        return path

    def open_gate(self, gate: Path, line: str = "go") -> None:
        """Let the step go on that waits there; waits for it to be there."""
        gate.write_text(f"{line}\n")

    def terminal(self, *words: str, columns: int = 100, rows: int = 30) -> Terminal:
        """The program on a terminal."""
        return Terminal([*PROGRAM, *words], columns, rows, self.environment)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The program in a process with pipes."""
        return subprocess.Popen(
            [*PROGRAM, *words], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The program to its end. What only reads does so in this process: the engines are in others all the same."""
        if words[0] in READS:
            return self._read(words)
        return subprocess.run(
            [*PROGRAM, *words], env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )

    def _read(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with patch.dict(os.environ, self.environment), redirect_stdout(out), redirect_stderr(err):
            code = main(words)
        said = [_text_of(stream) for stream in (out, err)]
        return subprocess.CompletedProcess(list(words), code, *said)

    def detached(self, *words: str) -> str:
        """A run of its own host; its id."""
        done = self.call("run", "--detach", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, run_id: str | None = None) -> RunRow | None:
        """How a run stands, the last one if none is given; None while there is none."""
        if not self.database.exists():
            return None
        with Reader.open(self.database) as reader:
            return reader.run(last_run() if run_id is None else run_by_id(run_id))

    def wait_for(self, what: Callable[[RunRow], bool], run_id: str | None = None, seconds: float = 30.0) -> RunRow:
        """The run, once it is so."""

        def look() -> RunRow | None:
            row = self.run(run_id)
            return row if row is not None and what(row) else None

        try:
            row: RunRow = until(look, f"run {run_id} as it was to be", seconds)
        except AssertionError as error:
            logs = [path.read_text() for path in self.database.with_name(f"{self.database.name}.d").glob("*.log")]
            raise AssertionError(f"{error}; it is {self.run(run_id)}; hosts said {logs}") from None
        return row

    def wait_for_end(self, run_id: str | None = None, seconds: float = 30.0) -> RunRow:
        """The run, once it is over."""
        return self.wait_for(lambda row: row.status.is_final, run_id, seconds)

    def pid(self, run_id: str | None = None) -> int | None:
        """The process of the run's engine, None if that is dead."""
        row = self.run(run_id)
        assert row is not None
        return engine_pid(self.database, row.owner_engine)

    def kill(self, run_id: str | None = None) -> None:
        """SIGKILL for the run's engine; returns when it is dead."""
        pid = self.pid(run_id)
        assert pid, "it has no engine"
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.pid(run_id) is None, "the engine is dead")

    def events(self, run_id: str) -> list[EventRow]:
        """All events of a run."""
        with Reader.open(self.database) as reader:
            return reader.run(events_page(run_id, limit=10_000))

    def cookies(self) -> list[str]:
        """The cookies of all attempts that ever began."""
        with Reader.open(self.database) as reader:
            runs = reader.run(runs_page(limit=10_000))
        return [
            json.loads(event.data)["cookie"]
            for run in runs
            for event in self.events(run.run_id)
            if event.kind.value == "attempt.starting"
        ]

    def left_running(self) -> list[int]:
        """Processes that some attempt has left behind."""
        return [process.pid for cookie in self.cookies() for process in find_by_cookie(cookie)]

    def end_everything(self) -> None:
        """Engines first, then what they leave."""
        try:
            with Reader.open(self.database) as reader:
                runs = reader.run(runs_page(limit=10_000))
        except StoreError:  # there is none, or the test has spoilt it: then nothing can have been run with it
            return
        for run in runs:
            pid = engine_pid(self.database, run.owner_engine)
            if pid and pid != os.getpid():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for pid in self.left_running():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _text_of(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextmanager
def holding_the_file(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the write lock for as long as the block lasts."""
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+'); fcntl.lockf(file, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    lock = database.with_name(database.name + ".write.lock")
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.stdin.close()
