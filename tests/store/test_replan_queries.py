"""The queries for the replans of a run and for the stages that used its assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import Stage
from store.queries.replans import asset_uses_of, replans_of
from store.reader import Reader
from tests.tui.replan_samples import DECIDED, PLAIN, WAITING, write_replans
from tests.tui.stories import id_of

if TYPE_CHECKING:
    from pathlib import Path


async def test_replans_come_whole_and_in_order(tmp_path: Path) -> None:
    """What was asked and what was decided apart; nothing is decided of one that waits."""
    path = tmp_path / "runs.db"
    await write_replans(path)
    with Reader.open(path) as reader:
        found = reader.run(replans_of(id_of(DECIDED)))
        assert [(one.event_id, one.pass_index, one.step_id) for one in found] == [
            ("r0.1", 0, "ci"),
            ("r1.1", 1, "ping"),
            ("r1.2", 1, None),
        ]
        assert [one.decided["decision"] for one in found] == ["auto_approved", "denied", "approved"]
        assert found[1].requested["after"] == {"ping": {"timeout_sec": 60}}
        assert found[1].decided_at_us == found[1].requested_at_us + 20_000_000
        assert found[0].stage is Stage.EXECUTE
        (waits,) = reader.run(replans_of(id_of(WAITING)))
        assert (waits.decided, waits.decided_at_us) == ({}, None)
        assert reader.run(replans_of(id_of(PLAIN))) == []
        assert reader.run(replans_of(id_of(DECIDED), limit=1)) == found[:1]


async def test_the_stages_of_a_pass_that_were_given_an_asset(tmp_path: Path) -> None:
    """By alias; a stage without assets, and a pass that there is not, give nothing."""
    path = tmp_path / "runs.db"
    await write_replans(path)
    with Reader.open(path) as reader:
        given = [("lookup", Stage.EXECUTE), ("replan", Stage.EXECUTE)]
        assert [reader.run(asset_uses_of(id_of(DECIDED), index)) for index in (0, 2, 3)] == [given, given, []]
