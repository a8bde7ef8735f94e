"""Starts an engine host and waits until its run is on its way. What the host does is host.py's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, InfrastructureError, OpscopeError
from engine.pipeline.defaults import pass_on
from store.database import require_short
from store.location import Neighbours
from tui.commands.orders import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.model.json import JsonObject
    from tui.commands.performing import Order, Resumption

COMMAND: Final = (sys.executable, "-P", "-m", "tui.commands.host")
"""-P: a folder called `tui` where the person stands is not meant."""

_LAST_WORD_SEC: Final = 2.0


class HostError(OpscopeError):
    """What a host could not do, as it told it; `exit_code` is that of the error it had."""


def launch(
    task: Order | Resumption,
    database: Path,
    *,
    note: Callable[[str], None] = pass_on,
    patience_sec: float | None = None,
    command: tuple[str, ...] = COMMAND,
) -> None:
    """Start a host for the task; returns when the run is in the file and on its way.

    `note` is told what it waits for meanwhile. Raises HostError with what the host says, InfrastructureError when it ends
    without a word or is not ready after `patience_sec`; no run is left behind then but one that is canceled. StoreError
    for a database whose path is too long.
    """
    neighbours = Neighbours.of(database)
    require_short(neighbours.database)  # before a folder is made for it
    log = neighbours.host_log(task.run_id)
    try:
        log.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.parent.mkdir(mode=0o700, exist_ok=True)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = "its folder is beside the database: see that you may write there, or choose another with --db"
        raise InfrastructureError(f"cannot write there: {error.strerror}", place=str(log), hint=hint) from error
    ours, theirs = socket.socketpair()
    with ours:
        try:
            with theirs:
                process = subprocess.Popen(
                    command, stdin=theirs.fileno(), stdout=output, stderr=output, start_new_session=True, env=task.env
                )
        except OSError as error:
            hint = "opscope run --no-ui needs no host; opscope doctor looks at what there is"
            raise InfrastructureError(
                f"cannot start the engine host: {error.strerror}", place=command[0], hint=hint
            ) from error
        finally:
            os.close(output)
        _hand_over(ours, to_json(task, database))
        process.wait()  # it has made its own way by then: what it started goes on without it
        try:
            _await(ours, log, note, patience_sec)
        except KeyboardInterrupt:
            # The host hears it too and gives up, unless the run was on its way in this very moment.
            ours.shutdown(socket.SHUT_WR)
            with suppress(OpscopeError):
                _await(ours, log, pass_on, _LAST_WORD_SEC)
                note(f"run {task.run_id} had begun and goes on; opscope cancel {task.run_id[:6]} ends it")
            raise


def _hand_over(connection: socket.socket, order: JsonObject) -> None:
    with suppress(OSError):  # it has ended: what it said last is told after this
        connection.sendall(json.dumps(order).encode() + b"\n")


def _await(connection: socket.socket, log: Path, note: Callable[[str], None], patience_sec: float | None) -> None:
    deadline = None if patience_sec is None else time.monotonic() + patience_sec
    received = bytearray()
    while True:
        line, newline, rest = received.partition(b"\n")
        if newline:
            received = rest
            if _is_on_its_way(json.loads(line), note):
                return
            continue
        try:
            connection.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
            piece = connection.recv(65536)
        except TimeoutError:
            raise InfrastructureError(
                f"gave up after {patience_sec:g} s: the engine host is not ready",
                place=str(log),
                hint="nothing is run; try again when the file is free",
            ) from None
        except ConnectionError:
            piece = b""
        if not piece:
            raise InfrastructureError(
                "the engine host ended before the run began", place=str(log), hint=_last_line(log)
            )
        received += piece


def _is_on_its_way(document: JsonObject, note: Callable[[str], None]) -> bool:
    error = document.get("error")
    if isinstance(error, dict):
        raised = HostError(str(error.get("cause")), place=str(error.get("place")), hint=str(error.get("hint")))
        code = error.get("exit_code")
        raised.exit_code = ExitCode(code) if isinstance(code, int) else ExitCode.INFRASTRUCTURE
        raise raised
    if "note" in document:
        note(str(document["note"]))
    return "run_id" in document


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="backslashreplace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
