"""A process that takes runs over: `python -m tests.store.takeover_process DB EPOCH RUN...`. Waits for a line, then says how each went."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from store.errors import OwnedElsewhereError
from store.writer import open_writer
from tests.store.building import NOW_US


async def main(path: Path, epoch: int, run_ids: list[str]) -> None:
    """Try each of them in order, and stay alive until standard input ends."""
    async with open_writer(path) as writer:
        say("ready", writer.engine_id)
        await asyncio.to_thread(sys.stdin.readline)
        for run_id in run_ids:
            try:
                taken = await writer.take_over(run_id, expected_epoch=epoch, at_us=NOW_US)
            except OwnedElsewhereError as error:
                say("lost", run_id, error.engine_id, error.pid)
            else:
                say("won", run_id, taken.seq, taken.epoch)
        say("done")
        await asyncio.to_thread(sys.stdin.read)


def say(*words: object) -> None:
    """One line in one write."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
