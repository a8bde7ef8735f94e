"""References to assets: what names one, and how a text that names none is refused."""

from __future__ import annotations

import pytest

from engine.model.asset import AssetName, AssetReference, AssetType, parse_reference


@pytest.mark.parametrize("text", ["query/ci-lookup", "policy/gates@2", "mapping/a.b_c-D@123456789"])
def test_a_reference_reads_back_as_it_was_written(text: str) -> None:
    assert str(parse_reference(text)) == text


def test_the_parts_of_a_reference() -> None:
    assert parse_reference("query/ci-lookup@3") == AssetReference(AssetName(AssetType.QUERY, "ci-lookup"), 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ci-lookup",
        "query/",
        "query/a@0",
        "query/a@",
        "query/a@01",
        "query/a@-1",
        "query/../b",
        "query/a/b",
        "query/ä",
    ],
)
def test_what_names_no_asset_is_told_so_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no asset; .*query/ci-lookup@3"):
        parse_reference(text)


def test_an_unknown_type_is_told_the_types_there_are() -> None:
    with pytest.raises(ValueError, match="no type of asset 'widget'; there are policy, query"):
        parse_reference("widget/a")
