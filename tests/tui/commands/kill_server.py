"""A process that becomes engine hosts, to be killed: `python -m tests.tui.commands.kill_server`. Forked, since each start costs.

A line on the input: {"order": {...}, "kill_at": "after_spawn:3" or null}. Lines on the output: {"pid": n} when the host
is there, {"acknowledged": n} for every n events that the sink has said are durable, {"status": n} when it has ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from engine.ports import FailurePoint
from tui.commands import host
from tui.commands.engine_room import EngineRoom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.event import Event, LogChunk
    from engine.model.json import JsonObject
    from engine.pipeline.request import Services
    from engine.ports import EventSink, RunCreation


def say(**document: object) -> None:
    """One write, so that a line is there or not, whatever kills the process next."""
    os.write(1, json.dumps(document).encode() + b"\n")


class TellingSink:
    """An EventSink that says what has been acknowledged."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink

    async def create_run(self, creation: RunCreation) -> None:
        await self._sink.create_run(creation)
        say(acknowledged=1)

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        await self._sink.append(run_id, events)
        say(acknowledged=len(events))

    async def append_logs(self, run_id: str, chunks: Sequence[LogChunk]) -> None:
        await self._sink.append_logs(run_id, chunks)


class Executioner:
    """Ends this process at the n-th time that the engine comes to a point."""

    def __init__(self, kill_at: str | None) -> None:
        name, _, number = (kill_at or "").partition(":")
        self._point = FailurePoint(name) if name else None
        self._left = int(number or 0)

    def __call__(self, point: FailurePoint) -> None:
        if point is self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def be_a_host(order: JsonObject, kill_at: str | None) -> int:
    """Carry out the order as a host does, through a channel of its own."""
    make_services = EngineRoom._services

    def services(self: EngineRoom) -> Services:
        made = make_services(self)
        return replace(made, sink=TellingSink(made.sink), checkpoint=Executioner(kill_at))

    EngineRoom._services = services  # type: ignore[method-assign]
    ours, theirs = socket.socketpair()
    ours.sendall(json.dumps(order).encode() + b"\n")
    return host.serve(host._Channel(theirs))


def main() -> None:
    """Fork a host for each line, see it to its end, say how it ended."""
    for name in host.NEEDED:
        import_module(name)
    say(ready=True)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.close(0)
            os._exit(be_a_host(asked["order"], asked["kill_at"]))
        say(pid=pid)
        _, status = os.waitpid(pid, 0)
        say(status=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
