"""A process that writes runs, to be killed: `python -m tests.store.engine_process DB RUNS EVENTS`. Says what was acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from store.writer import open_writer
from tests.store.building import chain_built, creation, ended, settled, starting

if TYPE_CHECKING:
    from store.writer import Writer


async def one_run(writer: Writer, steps: int) -> None:
    """One run with its acknowledgements on standard output, a line each: run and seq."""
    made = creation(writer.engine_id)
    await writer.create_run(made)
    say(made.run_id, 1)
    await writer.append(made.run_id, [chain_built(steps)])
    say(made.run_id, 2)
    for place in range(steps):
        await writer.append(made.run_id, [starting(place)])
        say(made.run_id, 3 + 3 * place)
        await writer.append(made.run_id, [ended(place), settled(place)])
        say(made.run_id, 5 + 3 * place)


def say(run_id: str, seq: int) -> None:
    """One write, so that a line is there or not."""
    sys.stdout.write(f"{run_id} {seq}\n")
    sys.stdout.flush()


async def main(path: Path, runs: int, steps: int) -> None:
    """Write `runs` runs at once."""
    async with open_writer(path) as writer, asyncio.TaskGroup() as group:
        for _ in range(runs):
            group.create_task(one_run(writer, steps))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
