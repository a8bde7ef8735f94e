"""Amounts as they are typed: `2G`, `500M`, `30d`, `none`. How amounts are shown is tui.viewmodel.words."""

from __future__ import annotations

import argparse
import re
from typing import Final

_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?([KMGT]?)(I?)B?", re.IGNORECASE)
_HOUR_US: Final = 3_600_000_000
_AGES: Final = {"h": _HOUR_US, "d": 24 * _HOUR_US, "w": 7 * 24 * _HOUR_US}
_AGE: Final = re.compile(r"(\d{1,6})([hdw])")


def size(text: str) -> int:
    """Bytes: `2G` is 2,000,000,000 of them, `2GiB` is 2,147,483,648."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500M or 2G")
    unit = found[2].upper()
    factor = 1024 ** "KMGT".index(unit) * 1024 if found[3] and unit else _UNITS[unit]
    return int(float(found[1]) * factor)


def age(text: str) -> int:
    """Microseconds: `12h`, `30d`, `6w`."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age such as 12h, 30d or 6w")
    return int(found[1]) * _AGES[found[2]]


def size_or_none(text: str) -> int | None:
    """A size, or `none` for no limit."""
    return None if text.strip().lower() == "none" else size(text)


def age_or_none(text: str) -> int | None:
    """An age, or `none` for no limit."""
    return None if text.strip().lower() == "none" else age(text)
