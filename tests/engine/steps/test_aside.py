"""Work that takes long is done beside the event loop, and all else where it is."""

from __future__ import annotations

import threading

import pytest

from engine.steps.aside import LARGE_BYTES, aside
from engine.steps.outputs import OutputError


@pytest.mark.parametrize(("size", "is_aside"), [(0, False), (LARGE_BYTES - 1, False), (LARGE_BYTES, True)])
async def test_only_much_of_it_goes_to_a_thread(size: int, is_aside: bool) -> None:
    own = threading.get_ident()
    assert (await aside(size, threading.get_ident) != own) is is_aside


@pytest.mark.parametrize("size", [0, LARGE_BYTES])
async def test_what_it_raises_is_raised(size: int) -> None:
    def fail() -> None:
        raise OutputError("no JSON")

    with pytest.raises(OutputError, match="no JSON"):
        await aside(size, fail)
