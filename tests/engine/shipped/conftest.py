"""A home for each test of a shipped plan, and engine hosts of that home."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.engine.shipped.support import Home
from tests.tui.commands.hosts import Hosts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class HostsAtHome(Hosts):
    """With a folder for temporary files that can be looked at."""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "TMPDIR": os.environ["TMPDIR"]}


@pytest.fixture
def own_home(tmp_path: Path) -> Home:
    """An empty home with a file of runs that is made when the first run begins."""
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder)


@pytest.fixture
def hosts(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """Engine hosts of this home, as the command line starts them; whatever is left of them is ended after the test."""
    own_home.scratch.mkdir()
    for name, value in own_home.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(own_home.folder / "state"))
    made = HostsAtHome(own_home.folder, own_home.database)
    try:
        yield made
    finally:
        made.end_everything()
