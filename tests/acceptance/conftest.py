"""An operator for every test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operator import Operator

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """A person in an empty folder, with an empty home and no run yet."""
    (tmp_path / "home").mkdir()
    return Operator(tmp_path, tmp_path / "runs.db")
