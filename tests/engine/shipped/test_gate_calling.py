"""How test_gate calls the tools of a project, and ends those that do not end. What their output means is not here."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

from engine.shipped.test_gate.calling import watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDLESS = """
import sys, time
try:
    time.sleep(60)
finally:
    open(sys.argv[1], "w").write(sys.exc_info()[0].__name__)
"""


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["Ctrl-C is heard", "Ctrl-C is ignored"])
def _interrupts(request: pytest.FixtureRequest) -> Iterator[None]:
    """As a terminal starts a program, and as a shell without job control does in the background."""
    before = signal.signal(signal.SIGINT, request.param)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
def test_what_does_not_end_is_interrupted_and_clears_up(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with pytest.raises(SystemExit, match="the tests did not end within 1 s"):
        watch([sys.executable, "-S", "-E", "-c", ENDLESS, str(told)], str(tmp_path), 1.0)
    assert told.read_text() == "KeyboardInterrupt"
