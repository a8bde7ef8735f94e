"""Amounts of bytes as the store's sentences say them."""

from __future__ import annotations

import pytest

from store.amounts import readable


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (34_567_890, "35 MB"),
        (2_000_000_000, "2.0 GB"),
        (4 << 30, "4.3 GB"),
        (7 * 10**12, "7.0 TB"),
    ],
)
def test_bytes(number: int, text: str) -> None:
    assert readable(number) == text
