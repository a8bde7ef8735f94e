"""Writing the trace of a run to a file for a screen: off the loop that draws, with progress, to be stopped. The document is the store's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import InputError
from tui.files import buffered, whole_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from store.exchange.exporting import Exported


class AlreadyThereError(InputError):
    """There is a file of that name, which is not replaced unasked."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written, with its bytes and what of the run is in it."""

    path: Path
    size_bytes: int
    exported: Exported


class _StoppedError(Exception):
    """The place where the thread learns that nobody waits any more."""


async def export_to(
    database: Path, run_id: str, target: Path, *, replaces: bool, tell: Callable[[int], None]
) -> Written:
    """Write the trace of a run. `tell` hears, in another thread, how many bytes there are.

    Cancelled, it leaves nothing behind. Raises AlreadyThereError, InputError for a place that cannot be written, StoreError.
    """
    stopped = False

    def work() -> Written:
        from store.exchange.exporting import export_run, snapshot

        done = 0
        try:
            with (
                snapshot(database) as reader,
                whole_file(target, replaces=replaces) as take,
                buffered(take) as write,
            ):

                def counted(piece: str) -> None:
                    nonlocal done
                    if stopped:
                        raise _StoppedError
                    write(piece)
                    done += len(piece)
                    tell(done)

                exported = export_run(reader, run_id, counted)
        except FileExistsError as error:
            raise AlreadyThereError("there is a file already", place=str(target)) from error
        except OSError as error:
            raise InputError(
                f"the trace cannot be written: {error.strerror}", place=str(target), hint="choose another file"
            ) from error
        return Written(target, target.stat().st_size, exported)

    try:
        return await asyncio.to_thread(work)
    finally:
        stopped = True
