"""A process with runs that take locks: `python -m tests.store.lock_process DB hold|rounds ...`. Says what happens, a line each."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from engine.pipeline.clock import SystemClock
from store.locks import Locks
from store.writer import Writer, open_writer
from tests.store.building import creation, run_finished

NAMES = ("a", "b", "c", "d")


async def hold(writer: Writer, names: list[str]) -> None:
    """One run that takes these locks, says so, and keeps them until standard input ends."""
    made = creation(writer.engine_id)
    await writer.create_run(made)
    say("run", made.run_id)
    await Locks(writer, SystemClock()).acquire(made.run_id, names, lambda sentence: say("waits"))
    say("held")
    await asyncio.to_thread(sys.stdin.read)


async def rounds(writer: Writer, folder: Path, count: int, seed: int) -> None:
    """Run after run with some of four locks each; while one is held, a file of its name must not be there already."""
    chance = random.Random(seed)
    locks = Locks(writer, SystemClock())
    for _ in range(count):
        made = creation(writer.engine_id)
        names = chance.sample(NAMES, chance.randint(1, len(NAMES)))
        await writer.create_run(made)
        await locks.acquire(made.run_id, names, lambda sentence: None)
        for name in names:
            os.close(os.open(folder / name, os.O_CREAT | os.O_EXCL))
        for name in names:
            (folder / name).unlink()
        await writer.append(made.run_id, [run_finished()])
        await locks.release(made.run_id)
    say("done")


def say(*words: object) -> None:
    """One line in one write."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def main(path: Path, what: str, arguments: list[str]) -> None:
    """Do what was asked for on one writer."""
    async with open_writer(path) as writer:
        if what == "hold":
            await hold(writer, arguments)
        else:
            async with asyncio.TaskGroup() as group:
                for line in range(3):
                    seed = int(arguments[2]) * 10 + line
                    group.create_task(rounds(writer, Path(arguments[0]), int(arguments[1]), seed))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
