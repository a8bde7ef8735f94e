"""Runs that go on while they are watched: a home of its own for each test, and the end of every process that came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tui.commands.hosts import Hosts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """Engine hosts of this home; whatever is left of them is ended after the test."""
    for name in ("NO_COLOR", "OPSCOPE_DB", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    made = Hosts(tmp_path, tmp_path / "runs.db")
    try:
        yield made
    finally:
        made.end_everything()
