"""Python's collector of cycles, and when it is only in the way. Nothing is collected here."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def collector_paused() -> Iterator[None]:
    """For work that makes many objects and no cycles: the collector would go through all of them again and again for nothing.

    A third of the time of reading a plan of 100,000 steps, and a fifth of comparing two documents with thousands of changes.
    Objects in cycles, of other threads too, wait until it is over.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def collector_spared() -> Iterator[None]:
    """For work whose many objects all stay, and are in no cycles: they are old from the beginning.

    When the collector goes on after `collector_paused`, it begins with all that is new, and for a document of 10 MB that
    takes as long as reading it did.
    """
    with collector_paused():
        yield
        # All that is alive joins the oldest generation, which is rarely looked through, without being looked at now.
        gc.freeze()
        gc.unfreeze()
