"""The versions to choose from, as text."""

from __future__ import annotations

from datetime import UTC

import pytest

from tests.tui.samples import NOW_US
from tests.tui.viewmodel.override.samples import ASSETS, HEADS
from tui.viewmodel.override.versions import folded, no_versions, version_facts, version_line
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import Span, plain, width

NOON = Moment(NOW_US, UTC)


def lines(cells: int, chosen: int | None = None) -> list[str]:
    return [plain(version_line(ASSETS[0], one, chosen, NOON, cells)).rstrip() for one in ASSETS[0].versions]


def test_the_newest_comes_first_with_what_is_special_about_each() -> None:
    shas = [one.sha256[:8] for one in reversed(HEADS)]
    assert lines(78) == [
        f"   @3   · DRAFT                           05:00:00      {shas[0]}  slow",
        f"   @2   ✓ PUBLISHED   used here, newest   04:00:00      {shas[1]}  any case",
        f"   @1   ✓ PUBLISHED                       03:00:00      {shas[2]}",
    ]
    assert lines(110, chosen=1)[2] == f" • @1   ✓ PUBLISHED   chosen              ana         03:00:00      {shas[2]}"
    assert lines(60) == [
        "   @3   · DRAFT                           slow",
        "   @2   ✓ PUBLISHED   used here, newest   any case",
        "   @1   ✓ PUBLISHED",
    ]


@pytest.mark.parametrize("cells", [20, 40, 76, 92, 160])
def test_no_line_is_longer_than_there_is_room(cells: int) -> None:
    assert all(width(version_line(ASSETS[0], one, 3, NOON, cells)) <= cells for one in HEADS)


def test_what_is_known_of_a_version_and_of_an_asset_that_is_not_here() -> None:
    facts = [plain(line) for line in version_facts(HEADS[2], NOON, 90)]
    assert facts == [f" by ana, 05:00:00, sha256 {HEADS[2].sha256[:8]}, application/sql, used by 2 runs", " slow"]
    assert no_versions(ASSETS[2]) == "query/below is not in this file: take it in with opscope asset import"


def test_a_long_line_goes_on_below() -> None:
    line = (Span(" "), Span("-" + "a" * 25))
    assert [plain(part) for part in folded(line, 12)] == [f" -{'a' * 10}", f" {'a' * 11}", " aaaa"]
    assert folded(line, 40) == [line]
