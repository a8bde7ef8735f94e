"""What a file says of an asset's impact: counted by SQLite, the same as counted by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from engine.model.asset import AssetStatus, parse_reference
from engine.model.states import RunStatus
from engine.regression.impact_risk import RiskLevel
from engine.regression.verdict import Verdict
from store.assets.reading import AssetLibrary
from store.impact import pair_of, read_impact, read_record
from store.queries.impact import newest_uses, runs_of_version, tallies_of, timeline_of, used_together
from store.reader import Reader
from tests.tui.impact_samples import ASSET, GATES, write_uses
from tests.tui.samples import NOW_US

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = parse_reference(ASSET).name


@pytest.fixture(scope="module")
def uses_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("impact") / "runs.db"
    asyncio.run(write_uses(path))
    return path


@pytest.fixture
def reader(uses_file: Path) -> Iterator[Reader]:
    with Reader.open(uses_file) as reader:
        yield reader


def test_runs_are_counted_by_version_and_plan(reader: Reader) -> None:
    found = reader.run(tallies_of(ASSET, recent_since_us=NOW_US - 3 * 86_400 * 1_000_000))
    assert [(one.version, one.plan_id, one.runs, one.succeeded, one.failed, one.recent) for one in found] == [
        (1, "ci_lookup", 24, 22, 2, 0),
        (2, "ci_lookup", 30, 30, 0, 0),
        (2, "inventory_report", 12, 12, 0, 0),
        (3, "ci_lookup", 9, 8, 1, 9),
    ]
    assert reader.run(tallies_of("query/fin", recent_since_us=0)) == []


def test_the_newest_of_each_version_are_looked_at_closely(reader: Reader) -> None:
    found = reader.run(newest_uses(ASSET, each=10))
    assert [sum(one.version == version for one in found) for version in (1, 2, 3)] == [10, 10, 9]
    assert [one.created_at_us for one in found] == sorted((one.created_at_us for one in found), reverse=True)
    third = [one for one in found if one.version == 3]
    assert (sum(one.is_empty is True for one in third), sum(one.status is RunStatus.FAILED for one in third)) == (1, 1)
    everything = reader.run(newest_uses(ASSET))
    assert sum(one.retries for one in everything) == 2
    assert [one.run_id for one in reader.run(runs_of_version(f"{ASSET}@3"))] == [one.run_id for one in third]


def test_the_timeline_has_every_run_once(reader: Reader) -> None:
    found = reader.run(timeline_of(ASSET, places=30))
    assert found is not None
    assert sum(slot.succeeded + slot.failed + slot.others for slot in found.slots) == 75
    assert {slot.place for slot in found.slots} <= set(range(30))
    assert (min(slot.place for slot in found.slots), max(slot.place for slot in found.slots)) == (0, 29)
    assert reader.run(timeline_of("query/none")) is None


def test_what_was_used_beside_it(reader: Reader) -> None:
    found = reader.run(used_together(ASSET))
    assert [(one.version, one.other, one.other_version, one.runs) for one in found] == [
        (1, GATES, 1, 24),
        (2, GATES, 1, 42),
        (3, GATES, 2, 9),
    ]


def test_the_whole(reader: Reader, uses_file: Path) -> None:
    with AssetLibrary(uses_file) as library:
        record = read_record(reader, library, NAME, now_us=NOW_US)
    assert record.statuses[4] is AssetStatus.DRAFT
    heard: list[tuple[int, int]] = []
    found = read_impact(reader, record, on_run=lambda done, of: heard.append((done, of)))
    assert heard[-1] == (39, 39)
    assert [one.version for one in found.versions] == [4, 3, 2, 1]
    assert found.pair is not None
    assert found.pair.analysis is not None
    assert (found.pair.analysis.verdict, found.pair.risk.level) == (Verdict.REGRESSED, RiskLevel.HIGH)
    assert (found.related[0].asset, found.related[0].steps, found.related[0].separates) == (GATES, ("fetch",), True)
    assert found.pair.alias == "lookup"
    again = read_impact(reader, record, (2, 3), known=found)
    assert again.pair is not None
    assert again.pair.analysis is found.pair.analysis
    turned = read_impact(reader, record, (3, 2), known=found)
    assert turned.pair is not None
    assert turned.pair.analysis is not None
    assert turned.pair.analysis.verdict is Verdict.IMPROVED


def test_what_cannot_be_told(reader: Reader, uses_file: Path) -> None:
    with AssetLibrary(uses_file) as library:
        with pytest.raises(InputError) as error:
            read_record(reader, library, parse_reference("query/fnd").name, now_us=NOW_US)
        assert error.value.hint == "did you mean query/find?"
        record = read_record(reader, library, NAME, now_us=NOW_US)
    with pytest.raises(InputError) as error:
        pair_of(record, (1, 4))
    assert (error.value.cause, error.value.hint) == ("no run has used query/find@4", "used were @1, @2, @3")
    with pytest.raises(InputError):
        pair_of(record, (1, 1))
