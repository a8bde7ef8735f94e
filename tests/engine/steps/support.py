"""What the tests of steps share: attempts to run, an observer that remembers, and looks at what processes and descriptors there are."""

from __future__ import annotations

import gc
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.bound import BoundCommand, BoundSql
from engine.model.states import OutputFormat, Stream
from engine.ports import AttemptSpec
from engine.steps.census import find_by_cookie

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.bound import BoundDef, BoundText
    from engine.ports import ProcessIdentity

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


class RunningClock:
    """The clocks of this machine. Implements `engine.ports.Clock`."""

    def now_us(self) -> int:
        """Microseconds UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()


@dataclass
class RecordingObserver:
    """Remembers what it was told, in order."""

    processes: list[ProcessIdentity | None] = field(default_factory=list)
    pieces: list[tuple[Stream, int, bytes]] = field(default_factory=list)

    async def started(self, process: ProcessIdentity | None) -> None:
        """Remember the process; output must not have come before it."""
        assert not self.pieces
        self.processes.append(process)

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        """Remember the piece."""
        assert self.processes
        self.pieces.append((stream, offset, content))

    def text(self, stream: Stream) -> bytes:
        """All of a stream, checked to be without gaps."""
        joined = b""
        for piece_stream, offset, content in self.pieces:
            if piece_stream is stream:
                assert offset == len(joined)
                joined += content
        return joined


def attempt(
    definition: BoundDef,
    folder: Path,
    *,
    output: OutputFormat = OutputFormat.TEXT,
    timeout_sec: float = 30.0,
    environment: Mapping[str, BoundText] | None = None,
    max_output_bytes: int | None = None,
) -> AttemptSpec:
    """An attempt in `folder`, with a cookie of its own."""
    return AttemptSpec(
        run_id="0" * 32,
        pass_index=0,
        step_id="step",
        item_index=None,
        attempt=1,
        definition=definition,
        environment=PATH if environment is None else environment,
        workdir=folder,
        plan_folder=folder,
        timeout_sec=timeout_sec,
        output=output,
        idempotency_key="key-of-the-step",
        cookie=secrets.token_hex(16),
        max_output_bytes=max_output_bytes,
    )


def shell(
    script: str,
    folder: Path,
    *,
    output: OutputFormat = OutputFormat.TEXT,
    timeout_sec: float = 30.0,
    environment: Mapping[str, BoundText] | None = None,
) -> AttemptSpec:
    """An attempt that runs a shell script."""
    definition = BoundCommand("sh", ("-c", script))
    return attempt(definition, folder, output=output, timeout_sec=timeout_sec, environment=environment)


def query(
    text: str,
    database: Path,
    *,
    output: OutputFormat = OutputFormat.JSON,
    timeout_sec: float = 30.0,
    read_only: bool = True,
    **binds: object,
) -> AttemptSpec:
    """An attempt that runs a query."""
    definition = BoundSql(str(database), text, binds, read_only)  # type: ignore[arg-type]
    return attempt(definition, database.parent, output=output, timeout_sec=timeout_sec)


def open_descriptors() -> int:
    """How many descriptors this process has open, those of forgotten objects left out."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - without a descriptor per entry


def own_children() -> list[int]:
    """The children of this process, zombies too."""
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        found += [int(pid) for pid in path.read_text().split()]
    return found


def assert_nothing_left(spec: AttemptSpec, descriptors: int) -> None:
    """No process of the attempt, no child that was not reaped, no descriptor more than before."""
    assert find_by_cookie(spec.cookie) == []
    assert own_children() == []
    assert open_descriptors() == descriptors
