"""Makes a file of today's schema with one finished run: `python -m tests.store.make_fixture OUT`. schema-1.db was made so."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from store.writer import open_writer
from tests.store.building import creation, log_chunk, whole_run

RUN_ID = "7f3a91c0d5e24b6f8a1b2c3d4e5f6071"
ENGINE_ID = "e0e1e2e3e4e5e6e7e8e9eaebecedeeef"


async def make(path: Path) -> None:
    """Write the run and close the file, so that nothing is left in a log."""
    async with open_writer(path, engine_id=ENGINE_ID) as writer:
        await writer.create_run(creation(writer.engine_id, RUN_ID, plan_id="ci-lookup"))
        await writer.append_logs(RUN_ID, [log_chunk(b"first line\nsecond line\n")])
        for portion in whole_run(3, failing=1):
            await writer.append(RUN_ID, portion)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(make(Path(folder, "made.db")))
        shutil.copyfile(Path(folder, "made.db"), sys.argv[1])
