"""What every test may ask for: the lane's size, a frozen clock, a clean environment. No domain objects here."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable

# Textual reads these when it is first imported, so a test run must not inherit them from whoever started it.
# TEXTUAL_SNAPSHOT_ is the snapshot plugin's own: it tells its workers where they meet.
for _name in list(os.environ):
    if _name == "NO_COLOR" or (_name.startswith(("TEXTUAL_", "OPSCOPE_")) and "_SNAPSHOT_" not in _name):
        del os.environ[_name]
# Without bytecode every process that a test starts would compile the whole product anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# As the inspector itself does: by Python's own numbers a quarter of the time of a test of a screen is the collector's.
gc.set_threshold(20_000, 20, 20)
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TZ"] = "UTC"
# How long an example takes says how busy the machine is; what has to be quick is measured where that is the subject.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long` runs every count in full."""
    parser.addoption("--long", action="store_true", help="run large counts and long waits in full")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that only make sense in full wait for the long lane, and of those that are sampled most cases do."""
    if config.getoption("--long"):
        return
    cases: dict[str, list[pytest.Item]] = {}
    left_out: list[pytest.Item] = []
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="runs in the long lane: ./dev test --long"))
        elif marker := item.get_closest_marker("sampled"):
            # A mark of a whole file draws among the tests of the file, one of a test among its cases.
            of_file = marker.kwargs.get("of_file", False)
            cases.setdefault(item.nodeid.partition("::" if of_file else "[")[0], []).append(item)
    for name, drawn_from in cases.items():
        one_in = drawn_from[0].get_closest_marker("sampled").kwargs["one_in"]  # type: ignore[union-attr]
        # Which ones is drawn from the name, so that it is the same in every process and changes with no other test.
        kept = Random(name).sample(range(len(drawn_from)), ceil(len(drawn_from) / one_in))
        left_out += [item for place, item in enumerate(drawn_from) if place not in kept]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(map(id, left_out))
        items[:] = [item for item in items if id(item) not in gone]


def pytest_collection_finish() -> None:
    """Thousands of tests are no garbage: tests that look for what was forgotten need not go through them each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def scaled(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """`scaled(200)` is 200 in the long lane and 20 otherwise, never less than 1."""
    full = bool(request.config.getoption("--long"))
    return lambda count: count if full else max(1, count // 10)


@dataclass
class FrozenClock:
    """A clock that moves only when told to. Implements `engine.ports.Clock`."""

    at_us: int = 1_767_268_800_000_000
    seconds: float = 0.0

    def now_us(self) -> int:
        """The frozen wall clock, microseconds UTC."""
        return self.at_us

    def monotonic(self) -> float:
        """The frozen monotonic clock, seconds."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Move both clocks on."""
        self.seconds += seconds
        self.at_us += round(seconds * 1_000_000)


@pytest.fixture
def frozen_clock() -> FrozenClock:
    """2026-01-01T12:00:00Z, standing still."""
    return FrozenClock()
