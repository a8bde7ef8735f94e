"""Plain code that takes long for much output, called beside the event loop. What it does with the output is its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LARGE_BYTES: Final = 1 << 20
"""From here on reading a result takes longer than other steps should have to wait; below it a thread costs more than it gives."""


async def aside(size_bytes: int, work: Callable[[], T]) -> T:
    """What `work` returns, or raises; in a thread if it has much to go through."""
    return work() if size_bytes < LARGE_BYTES else await asyncio.to_thread(work)
