"""How a living engine is spoken to: one JSON line each way over a Unix socket of its own. What a request does is its handler's."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from engine.errors import InfrastructureError
from store.liveness import is_engine_alive
from store.location import Neighbours
from store.unix_sockets import connect, listen, peer_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import TracebackType

    from engine.model.json import Json, JsonObject
    from store.unix_sockets import Peer

MOST_REQUEST_BYTES: Final = 64 * 1024
MOST_ANSWER_BYTES: Final = 1024 * 1024
REQUEST_SEC: Final = 5.0
"""How long a client may take to send its line, and to read the answer."""
HANDLER_SEC: Final = 10.0
MOST_CLIENTS: Final = 256
"""Connections at a time; who comes later is told so at once."""

_PARTING_SEC: Final = 2.0
_SWALLOW_SEC: Final = 0.05
_PREFIX, _SUFFIX = "engine-", ".sock"


class UnreachableEngineError(InfrastructureError):
    """No engine answers: it has ended, it is too busy, or it may not be asked from here."""


class Verb(StrEnum):
    """What can be asked of a living engine."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    APPROVE = "approve"
    DENY = "deny"
    REPLAN = "replan"
    UNLOCK = "unlock"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was understood. `peer` is who asked, by the kernel's word; an empty `run_id` means any run.

    `asked_at` is when the person asked, by the monotonic clock that all processes of the host share; None if it was not said.
    """

    verb: Verb
    run_id: str
    peer: Peer
    force: bool = False
    arguments: JsonObject = field(default_factory=dict)
    asked_at: float | None = None


class ControlServer:
    """Listens for one engine, for as long as the `async with` block lasts.

    `handler` acts on a request and gives the answer, `{"ok": true, ...}` or what `refusal` makes; it is awaited for ten
    seconds at most. Only the user of this process and root are heard. `path` is the database. Raises OSError where no
    socket can be made.
    """

    def __init__(self, path: Path, engine_id: str, handler: Callable[[Asked], Awaitable[JsonObject]]) -> None:
        self._path = path
        self._place = Neighbours.of(path).engine_socket(engine_id)
        self._handler = handler
        self._clients: set[asyncio.Task[None]] = set()
        self._silent: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        remove_stale_sockets(self._path)
        listener = listen(self._place)
        try:
            if sys.version_info >= (3, 13):
                self._server = await asyncio.start_unix_server(
                    self._serve, sock=listener, limit=MOST_REQUEST_BYTES, cleanup_socket=False
                )
            else:
                self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MOST_REQUEST_BYTES)
        except BaseException:
            listener.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        with suppress(OSError):
            self._place.unlink()
        # Who has been heard is still answered; who only holds the line is not waited for.
        for client in self._silent:
            client.cancel()
        if self._clients:
            _, late = await asyncio.wait(self._clients, timeout=_PARTING_SEC)
            for client in late:
                client.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        self._silent.add(task)
        try:
            answer = await self._answer(task, reader, writer)
            with suppress(TimeoutError):
                async with asyncio.timeout(REQUEST_SEC):
                    writer.write(_line(answer))
                    await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass  # who asked has gone, or the engine goes: the file says how the run stands
        finally:
            self._silent.discard(task)
            self._clients.discard(task)
            writer.close()

    async def _answer(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> JsonObject:
        # The line is read in any case: an answer to one who is still sending would be lost.
        try:
            async with asyncio.timeout(REQUEST_SEC):
                line = await reader.readline()
        except TimeoutError:
            return refusal(f"no request came within {REQUEST_SEC:g} s")
        except ValueError:
            await _swallow(reader)
            return refusal(f"the request is longer than {MOST_REQUEST_BYTES} bytes")
        self._silent.discard(task)
        connection: socket.socket = writer.get_extra_info("socket")
        peer = peer_of(connection)
        if peer.uid not in (0, os.geteuid()):
            return refusal("this engine belongs to another user", "ask as the user who started the run, or as root")
        if len(self._clients) > MOST_CLIENTS:
            return refusal("too many ask this engine at once", "ask again in a moment")
        asked = _understood(line, peer)
        if isinstance(asked, str):
            return refusal(asked, 'a request is one line: {"verb": "status", "run_id": "..."}')
        try:
            async with asyncio.timeout(HANDLER_SEC):
                return await self._handler(asked)
        except TimeoutError:
            return refusal(f"the engine did not come to it within {HANDLER_SEC:g} s", "ask again")


async def _swallow(reader: asyncio.StreamReader) -> None:
    """Take what comes at once, up to a bound."""
    taken = 0
    with suppress(TimeoutError):
        while taken < MOST_ANSWER_BYTES:
            async with asyncio.timeout(_SWALLOW_SEC):
                piece = await reader.read(MOST_REQUEST_BYTES)
            if not piece:
                return
            taken += len(piece)


def _understood(line: bytes, peer: Peer) -> Asked | str:
    """The request in a line, or what is wrong with it."""
    try:
        request: Json = json.loads(line)
    except (ValueError, RecursionError):
        return "the request is not JSON"
    if not isinstance(request, dict):
        return "the request is not an object"
    verb, run_id = request.get("verb"), request.get("run_id") or ""
    force, arguments = request.get("force") or False, request.get("arguments") or {}
    if not isinstance(verb, str) or verb not in set(Verb):
        return f"there is nothing called {str(verb)[:40]!r} to ask; there is {', '.join(Verb)}"
    if not isinstance(run_id, str) or not isinstance(force, bool) or not isinstance(arguments, dict):
        return "run_id is a text, force true or false, arguments an object"
    asked_at = request.get("asked_at")
    if asked_at is not None and (isinstance(asked_at, bool) or not isinstance(asked_at, int | float)):
        return "asked_at is a number of seconds"
    return Asked(Verb(verb), run_id, peer, force, arguments, asked_at)


def refusal(error: str, hint: str = "") -> JsonObject:
    """The answer that says no, and why."""
    return {"ok": False, "error": error, "hint": hint}


def _line(document: JsonObject) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


def remove_stale_sockets(path: Path) -> None:
    """Remove the sockets of engines that are dead: a killed one leaves its own behind."""
    for place in Neighbours.of(path).folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        # One that cannot be asked about, or removed, belongs to another user and is none of ours.
        with suppress(OSError, InfrastructureError):
            if not is_engine_alive(path, place.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)):
                place.unlink(missing_ok=True)


def send(path: Path, engine_id: str, request: JsonObject, timeout_sec: float = HANDLER_SEC + REQUEST_SEC) -> JsonObject:
    """Ask an engine of the database at `path` and return its answer. Blocks for `timeout_sec` at most.

    The answer has `ok`; where it is false, `error` and `hint`. Raises UnreachableEngineError if none comes.
    """
    place = Neighbours.of(path).engine_socket(engine_id)
    deadline = time.monotonic() + timeout_sec
    try:
        with connect(place, timeout_sec) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(_line(request))
            answer = _read_line(connection, deadline)
    except (FileNotFoundError, ConnectionError) as error:
        raise UnreachableEngineError("the engine has ended", place=str(place)) from error
    except PermissionError as error:
        raise UnreachableEngineError(
            "this engine belongs to another user",
            place=str(place),
            hint="ask as the user who started the run, or as root",
        ) from error
    except (TimeoutError, BlockingIOError) as error:
        raise UnreachableEngineError(
            f"the engine gave no answer within {timeout_sec:g} s", place=str(place), hint="ask again"
        ) from error
    except OSError as error:
        raise UnreachableEngineError(f"the engine cannot be asked: {error.strerror}", place=str(place)) from error
    return answer


def _read_line(connection: socket.socket, deadline: float) -> JsonObject:
    content = bytearray()
    while not content.endswith(b"\n"):
        connection.settimeout(_left(deadline))
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError
        content += piece
        if len(content) > MOST_ANSWER_BYTES:
            raise UnreachableEngineError("the engine's answer is too long to be one")
    try:
        answer: Json = json.loads(content)
    except ValueError as error:
        raise UnreachableEngineError("what answered is no engine of ours") from error
    if not isinstance(answer, dict):
        raise UnreachableEngineError("what answered is no engine of ours")
    return answer


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
