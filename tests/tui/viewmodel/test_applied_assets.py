"""The assets of a run as lines."""

from __future__ import annotations

import pytest

from engine.model.asset import AssetName, AssetStatus, AssetType
from engine.model.states import Stage
from store.assets.reading import AssetHistory, VersionHead
from tests.tui.corpus import EVIL
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.replanning.replans import NOW
from tui.terminal import is_clean
from tui.viewmodel.applied_assets import (
    AppliedAsset,
    asset_header,
    asset_line,
    numbered,
    version_lines,
    why_this,
)
from tui.viewmodel.text import plain, width

_NAME = AssetName(AssetType.QUERY, "find")
_STATES = (AssetStatus.DEPRECATED, AssetStatus.PUBLISHED, AssetStatus.PUBLISHED, AssetStatus.DRAFT)


def history(note: str = "a note") -> AssetHistory:
    """Four versions: a deprecated one, two published ones and a draft."""
    heads = [
        VersionHead(_NAME, number, status, "application/sql", f"{number}" * 64, "ops", note, NOW_US, number)
        for number, status in enumerate(_STATES, 1)
    ]
    return AssetHistory(_NAME, tuple(heads))


def applied(
    version: int, source: str, *, known: bool = True, stages: tuple[Stage, ...] = (Stage.EXECUTE,)
) -> AppliedAsset:
    """A version that a run used."""
    return AppliedAsset(
        "lookup", f"query/find@{version}", f"{version}" * 64, source, stages, history() if known else None
    )


@pytest.mark.parametrize(
    ("version", "source", "said"),
    [
        (3, "published", "newest published"),
        (2, "published", "newest then, 3 is newer"),
        (1, "pin", "pinned, 3 is newer"),
        (3, "pin", "pinned by the plan"),
        (4, "override", "OVERRIDE"),
        (1, "override", "OVERRIDE, 3 is newer"),
    ],
)
def test_it_says_why_this_version_and_what_newer_there_is(version: int, source: str, said: str) -> None:
    """A draft is not newer: no run uses it that does not ask for it."""
    assert plain(why_this(applied(version, source))) == said


def test_columns_stay_under_their_titles_at_every_width() -> None:
    """Stages and hash where there is room."""
    assets = [applied(2, "published"), applied(9, "override", known=False, stages=())]
    assert plain(asset_header(assets, 78)).split() == ["ALIAS", "ASSET", "STATUS", "WHY", "THIS", "VERSION"]
    assert plain(asset_line(assets[1], assets, 78)).split() == ["lookup", "query/find@9", "not", "here", "OVERRIDE"]
    wide = plain(asset_line(assets[0], assets, 158))
    assert wide.split()[-2:] == ["execute", "2" * 12]
    assert wide.index("execute") == plain(asset_header(assets, 158)).index("USED BY")
    for cells in (60, 78, 126, 158):
        assert all(width(asset_line(asset, assets, cells)) <= cells for asset in assets)


def test_the_version_that_was_used_stands_out_among_all_of_them() -> None:
    """The newest first, with notes and how often each was used."""
    lines = [plain(line).rstrip() for line in version_lines(applied(2, "pin"), 60, NOW)]
    assert lines[0] == "   @4   · DRAFT  ops  12:00:00"
    assert " ▸ @2   ✓ PUBLISHED  used here  ops  12:00:00" in lines
    assert lines[-2:] == ["        a note", "        1 run used it"]


def test_contents_have_line_numbers_and_hold_no_command() -> None:
    """A long line goes on without a number; whatever is in it is text."""
    assert [plain(line) for line in numbered("a\n\n" + "b" * 20 + "\n", 16)] == [
        "  1  a", "  2  ", "  3  " + "b" * 11, "     " + "b" * 9
    ]  # fmt: skip
    for evil in EVIL:
        asset = AppliedAsset(evil, evil, evil, evil, (), history(evil))
        lines = [asset_line(asset, [asset], 78), *version_lines(asset, 40, NOW), *numbered(evil * 3, 40)]
        assert all(is_clean(piece.text) for line in lines for piece in line)
