"""The engine host: a process of its own that carries out one run, out of reach of every terminal. `python -m tui.commands.host`.

It is started by `tui.commands.launching` with a socket as its standard input: the order comes in as one JSON line,
`{"note": ...}` lines go back, and at last `{"run_id": ...}` when the run is on its way, or `{"error": ...}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.model.states import StepType
from engine.model.step_defs import DecisionDef

if TYPE_CHECKING:
    from engine.errors import OpscopeError
    from engine.model.json import JsonObject
    from engine.plan.compiled import CompiledPlan

NEEDED: Final = (
    "concurrent.futures.thread",
    "encodings.ascii",
    "importlib.readers",
    "store.migration",
    "store.rankings",
    "store.reader",
    "store.trace",
    "tui.commands.orders",
    "tui.commands.performing",
    "tui.commands.ranking",
    "tui.commands.taking_up",
    "tui.configuration",
    "tui.hooks",
)
"""All that any run may come to need, with what these import: the program may be upgraded or removed while it runs."""

NEEDED_BY: Final[dict[StepType, tuple[str, ...]]] = {
    StepType.COMMAND: (),
    StepType.POWERSHELL: ("engine.steps.powershell",),
    StepType.PYTHON: ("engine.steps.python",),
    StepType.HTTP: (
        "engine.steps.http",
        "httpx",
        "anyio._backends._asyncio",
        "httpcore._backends.anyio",
        "encodings.idna",
        "encodings.punycode",
    ),
    StepType.SQL: ("engine.steps.sql",),
    StepType.FILE: ("engine.steps.file",),
    StepType.TOOL: ("engine.steps.tool", "importlib.metadata"),
    StepType.PLAN: (
        "engine.pipeline.policies",
        "engine.pipeline.sub_plans",
        "engine.pipeline.resume",
        "store.sub_plans",
        "yaml",
    ),
    StepType.DECISION: ("engine.steps.decision",),
}
"""What steps of a kind need beyond that. A sub-plan may have steps of every kind."""


def main() -> int:
    """Detach from whoever started this, then carry out the order. The exit status is for nobody."""
    channel = _Channel(_taken_from_stdin())
    if os.fork():
        # Who started it has a child that has ended, and nothing to wait for; the host belongs to nobody.
        os._exit(0)
    return serve(channel)


def serve(channel: _Channel) -> int:
    """Carry out the order that comes through the channel."""
    # A handler that does nothing, rather than ignoring it: what is ignored, the steps' processes would ignore as well.
    signal.signal(signal.SIGHUP, lambda *_: None)
    document = channel.order()
    if document is None:
        return 1
    from engine.errors import OpscopeError

    try:
        for name in NEEDED:
            import_module(name)
        _carry_out(document, channel)
    except OpscopeError as error:
        if not channel.fail(error):
            sys.stderr.write(f"{error}\n")
        return error.exit_code
    except Exception:  # noqa: BLE001  (the last place there is; whoever started this reads the log)
        traceback.print_exc()
        return 4
    finally:
        channel.close()
        _remove_if_empty(Path(str(document["database"])), str(document["run_id"]))
    return 0


def _carry_out(document: JsonObject, channel: _Channel) -> None:
    from tui.commands.orders import from_json
    from tui.commands.performing import Onlooker, Order, perform
    from tui.commands.ranking import prepare_ranking

    task, database = from_json(document, os.environ)
    plan = task.plan.compiled if isinstance(task, Order) else task.plan
    prepare_for(plan)
    prepare_ranking(database, plan.plan.plan_id)
    channel.watch()
    perform(
        task,
        database,
        Onlooker(note=channel.note, exists=channel.exists),
        signals=(signal.SIGINT, signal.SIGTERM),
        # Whoever sees that the engine is dead finds nothing here that is still being tidied up.
        alive_to_the_end=True,
    )


def prepare_for(plan: CompiledPlan) -> None:
    """Import what the steps of the plan need."""
    kinds = {step.step.type for step in plan.all_steps.values()}
    for kind in StepType if StepType.PLAN in kinds else kinds:
        for name in NEEDED_BY[kind]:
            import_module(name)
    definitions = [step.step.step_def for step in plan.all_steps.values()]
    if StepType.PLAN in kinds or any(isinstance(one, DecisionDef) and one.ask is not None for one in definitions):
        for name in ("engine.routing.advisor", *NEEDED_BY[StepType.HTTP]):
            import_module(name)


def _remove_if_empty(database: Path, run_id: str) -> None:
    """A log in which nothing stands is not worth keeping."""
    from store.location import Neighbours

    log = Neighbours.of(database).host_log(run_id)
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        if log.stat().st_size == 0:
            log.unlink()


def _taken_from_stdin() -> socket.socket:
    """The socket that is the standard input, which is then an empty one like that of every process without a terminal."""
    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return connection


class _Channel:
    """The way back to whoever started this, for as long as the run is not on its way. After that nobody listens."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection: socket.socket | None = connection
        self._mutex = threading.Lock()

    def order(self) -> JsonObject | None:
        """The order, or None if it never came whole."""
        assert self._connection is not None
        with self._connection.makefile("rb") as file:
            line = file.readline()
        if not line.endswith(b"\n"):
            return None
        document: JsonObject = json.loads(line)
        return document

    def watch(self) -> None:
        """From now on: should the other side go before the run is on its way, the run is canceled."""
        threading.Thread(target=self._wait_for_the_end, name="channel", daemon=True).start()

    def note(self, text: str) -> None:
        """Pass on what is waited for; into the log once the run is on its way."""
        if not self._say({"note": text}):
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def exists(self, run_id: str) -> None:
        """The run is in the file and on its way. From here on nobody's going is of any importance to it."""
        self._take_leave({"run_id": run_id})

    def fail(self, error: OpscopeError) -> bool:
        """There will be no run, or none that goes on; False if there is nobody to tell."""
        return self._say(
            {
                "error": {
                    "cause": error.cause,
                    "place": error.place,
                    "hint": error.hint,
                    "exit_code": int(error.exit_code),
                }
            }
        )

    def close(self) -> None:
        """Nobody is told anything any more."""
        self._take_leave(None)

    def _take_leave(self, last: JsonObject | None) -> None:
        # Let go of before the last word is said: who has heard it hangs up, and that must not count as giving up.
        with self._mutex:
            connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                if last is not None:
                    connection.sendall(json.dumps(last).encode() + b"\n")
                # Wakes the thread that waits for the other side; a mere close would not.
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _say(self, document: JsonObject) -> bool:
        with self._mutex:
            if self._connection is None:
                return False
            with contextlib.suppress(OSError):
                self._connection.sendall(json.dumps(document).encode() + b"\n")
            return True

    def _wait_for_the_end(self) -> None:
        connection = self._connection
        if connection is None:
            return
        with contextlib.suppress(OSError):
            connection.recv(1)
        with self._mutex:
            if self._connection is not None:
                os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
