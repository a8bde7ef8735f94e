"""Columns that hold: the events of a run line by line, and names that are near enough to be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import EventKind
from tui.viewmodel.words import short_kind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


def test_no_kind_of_event_moves_the_columns_behind_it(cli: Cli, recorded: Path) -> None:
    """Number, time, kind and place start at the same cells in every line."""
    assert recorded.exists()
    lines = cli("events", "last").out.splitlines()
    kind_at = lines[0].index("run.created")
    where_at = next(line.index("route_plan") for line in lines if "route_plan" in line)
    widest = max(len(short_kind(kind)) for kind in EventKind)
    assert where_at == kind_at + widest + 2
    names = {short_kind(kind) for kind in EventKind}
    for line in lines:
        assert line[kind_at:where_at].strip() in names
        assert len(line) < where_at or line[where_at - 1] == " "
    assert any("dependencies_extracted" in line for line in lines)


def test_only_a_name_that_is_near_is_suggested(cli: Cli) -> None:
    """Three letters in common are not enough."""
    assert "did you mean" not in cli("bogus").err
    assert "did you mean opscope events?" in cli("evnts").err
