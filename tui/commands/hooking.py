"""Has the configured hooks run at the turns of a run. What a hook is and how it runs is tui.hooks'."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from engine.errors import OpscopeError
from engine.model.states import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.model.event import Event
    from engine.model.json import JsonObject

TURNS: Final = frozenset({RunStatus.FAILED, RunStatus.PAUSED, RunStatus.QUARANTINED})


class HookCaller:
    """Calls hooks beside the run, which never waits for them. An `observing.Observer`; `note` hears what went wrong."""

    def __init__(self, run_id: str, database: Path, env: Mapping[str, str], note: Callable[[str], None]) -> None:
        self._run_id = run_id
        self._database = database
        self._env = env
        self._note = note
        self._calls: set[asyncio.Task[None]] = set()

    def came_to(self, status: RunStatus, event: Event) -> None:  # noqa: ARG002  (an Observer's signature)
        """Call the hook where the state is a turn."""
        if status in TURNS:
            self.call(status)

    def call(self, status: RunStatus) -> None:
        """Start the hook of this state, if there is one."""
        call = asyncio.create_task(self._call(status), name=f"hook on {status.value}")
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def finish(self) -> None:
        """Wait for the hooks that still run; each has ten seconds."""
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _call(self, status: RunStatus) -> None:
        try:
            for warning in await call_hooks(status, self._run_id, self._database, self._env):
                self._note(warning)
        except OpscopeError as error:
            self._note(f"the hooks were not run: {error}")


async def call_hooks(status: RunStatus, run_id: str, database: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Run the hook for a run that has come to `status`; a sentence for each that failed. Raises OpscopeError."""
    from tui.configuration import load_configuration
    from tui.hooks import run_hooks

    configuration = load_configuration(env)
    if configuration.settings.on.command_for(status) is None:
        return ()
    head = await asyncio.to_thread(_head, database, run_id)
    return await run_hooks(configuration, status, head, database=database, host_env=env)


def _head(database: Path, run_id: str) -> JsonObject:
    from store.queries import run_by_id
    from store.reader import Reader
    from store.trace import run_head

    with Reader.open(database) as reader:
        row = reader.run(run_by_id(run_id))
    return run_head(row) if row is not None else {"run_id": run_id}
