"""The difference of two versions: what went is red, also where it looks like a heading."""

from __future__ import annotations

from engine.model.asset import AssetStatus, AssetType, AssetVersion
from tui.viewmodel.asset_diff import difference_lines, difference_of
from tui.viewmodel.palette import Role
from tui.viewmodel.text import plain


def version(number: int, content: str) -> AssetVersion:
    return AssetVersion(
        type=AssetType.QUERY,
        name="q",
        version=number,
        status=AssetStatus.PUBLISHED,
        media_type="application/sql",
        content=content,
        sha256="",
    )


def test_a_comment_that_went_is_no_heading() -> None:
    found = difference_of(version(1, "-- one\nselect 1\n"), version(2, "++ two\nselect 1\n"))
    assert found.amounts == (1, 1)
    assert [(plain(line), line[0].role) for line in difference_lines(found)] == [
        ("--- query/q@1", Role.DIM),
        ("+++ query/q@2", Role.DIM),
        ("@@ -1,2 +1,2 @@", Role.DIM),
        ("--- one", Role.FAILED),
        ("+++ two", Role.SUCCEEDED),
        (" select 1", Role.TEXT),
    ]


def test_the_same_content_is_said() -> None:
    found = difference_of(version(1, "select 1"), version(2, "select 1"))
    assert found.is_same
    assert [plain(line) for line in difference_lines(found)] == ["query/q@1 and query/q@2 have the same content"]
