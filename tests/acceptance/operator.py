"""An operator's hands and eyes: the installed command in a clean environment, on a pipe or in a terminal."""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import sys
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.tui.pseudo_terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = Path(sys.executable).with_name("opscope")
REPOSITORY = Path(__file__).parents[2]
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True)
class Answer:
    """What a command left behind. `seconds` are those of the processor, which other work on the machine does not lengthen."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def out(self) -> str:
        return self.stdout.decode("utf-8", "surrogateescape")

    @property
    def err(self) -> str:
        return self.stderr.decode("utf-8", "surrogateescape")

    def one_clear_message(self) -> None:
        """Assert that a failure is told plainly: nothing unforeseen, no traceback, no control character."""
        assert "Traceback" not in self.err
        assert "unexpected error" not in self.err
        assert harmful(self.out + self.err) == set()
        assert len([line for line in self.err.splitlines() if line.startswith("opscope: ")]) == 1, self.err


def harmful(text: str) -> set[str]:
    """The characters of a text that could do something to a terminal."""
    return {ascii(mark) for mark in text if mark not in "\n\t" and unicodedata.category(mark) in _HARMFUL}


@dataclass(frozen=True)
class Operator:
    """A person in a folder, with a home and a file of runs of their own."""

    folder: Path
    database: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "OPSCOPE_DB": str(self.database),
        }

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command and do not wait for it."""
        options.setdefault("env", self.environment)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen([COMMAND, *words], cwd=self.folder, **options)

    def run(
        self, *words: str, env: Mapping[str, str] | None = None, within: float = 30, prefix: tuple[str, ...] = ()
    ) -> Answer:
        """Type a command on a pipe and wait for its end."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [*prefix, COMMAND, *words],
            cwd=self.folder,
            env=self.environment if env is None else env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Answer(done.returncode, done.stdout, done.stderr, spent)

    def json(self, *words: str) -> Any:
        """Type a command with --json and read its answer."""
        answer = self.run(*words, "--json")
        assert answer.code == 0, answer.err
        return json.loads(answer.stdout)

    def terminal(self, *words: str, columns: int = 80, rows: int = 24) -> Terminal:
        """Type a command in a terminal."""
        environment = {**self.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        return Terminal([str(COMMAND), *words], columns, rows, environment)

    def plan(self, name: str, **content: Any) -> str:
        """Write a plan and return what to type for it."""
        (self.folder / name).write_text(json.dumps({"plan_id": Path(name).stem, **content}), encoding="utf-8")
        return f"./{name}"


def click(column: int, row: int, times: int = 1) -> str:
    """What a terminal sends when a person clicks there, counted from 1."""
    return f"\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m" * times


def read_until(stream: Any, text: str, seconds: float = 20) -> str:
    """What a process wrote up to a text; waits for the text, never for time."""
    seen = b""
    until = time.monotonic() + seconds
    while text.encode() not in seen:
        left = until - time.monotonic()
        assert left > 0, f"{text!r} was never written:\n{seen.decode()}"
        if select.select([stream], [], [], left)[0]:
            piece = os.read(stream.fileno(), 65536)
            assert piece, f"the process ended before {text!r}:\n{seen.decode()}"
            seen += piece
    return seen.decode()
