"""The values of the filter of runs: bounds such as `>10s`, `1m..5m` and `2026-11-20`, as numbers. What they bound is not here."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tui.viewmodel.runs import Moment

_SECOND: Final = 1_000_000
_UNITS: Final = {
    "ms": 1000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "min": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "d": 86_400 * _SECOND,
    "w": 7 * 86_400 * _SECOND,
}
_SPAN: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,6})?(?:ms|min|s|m|h|d|w))+")
_PIECE: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|min|s|m|h|d|w)")
_SIGNS: Final = (">=", "<=", ">", "<", "=")


class NotUnderstoodError(ValueError):
    """A value that means nothing; its text says what would."""


class Bounds(NamedTuple):
    """What stands in a value: a low and a high end, None where there is none, and whether each belongs to it.

    `is_bare` means that one value stands there alone, as both.
    """

    low: str | None
    high: str | None
    with_low: bool = True
    with_high: bool = True
    is_bare: bool = False


def bounds_of(value: str) -> Bounds:
    """`>10s`, `<=2m`, `1m..5m`, `1m..`, `..5m`, `=3` or `3`. Raises NotUnderstoodError for a sign without a value."""
    low, dots, high = value.partition("..")
    if dots:
        if not low and not high:
            raise NotUnderstoodError("from where to where?")
        return Bounds(low or None, high or None)
    sign = next((sign for sign in _SIGNS if value.startswith(sign)), "")
    rest = value.removeprefix(sign)
    if not rest:
        raise NotUnderstoodError(f"{sign} what?")
    match sign:
        case ">" | ">=":
            return Bounds(rest, None, with_low=sign == ">=")
        case "<" | "<=":
            return Bounds(None, rest, with_high=sign == "<=")
        case _:
            return Bounds(rest, rest, is_bare=not sign)


def wholes_of(bounds: Bounds) -> tuple[int | None, int | None]:
    """The least and the largest whole number within the bounds. Raises NotUnderstoodError."""
    return _closed(bounds, _whole(bounds.low), _whole(bounds.high))


def spans_of(bounds: Bounds) -> tuple[int | None, int | None]:
    """The same of durations, in microseconds. A duration alone is hardly ever met, so a direction is asked for."""
    if bounds.is_bare:
        span_us(bounds.low or "")
        raise NotUnderstoodError(f"longer or shorter? >{bounds.low} or <{bounds.low}")
    low, high = (None if text is None else span_us(text) for text in (bounds.low, bounds.high))
    return _closed(bounds, low, high)


def moments_of(bounds: Bounds, moment: Moment) -> tuple[int | None, int | None]:
    """The first and the last moment within the bounds, in microseconds. A day or a minute is all of it; an age alone is since then."""
    low = None if bounds.low is None else _moment(bounds.low, moment)
    high = None if bounds.high is None else _moment(bounds.high, moment)
    if bounds.is_bare and low is not None and low[0] == low[1]:
        return low[0], None
    least = None if low is None else (low[0] if bounds.with_low else low[1] + 1)
    most = None if high is None else (high[1] if bounds.with_high else high[0] - 1)
    return least, most


def span_us(text: str) -> int:
    """`90s`, `1m30s`, `1.5h` or plain seconds, in microseconds. Raises NotUnderstoodError."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        return round(float(text) * _SECOND)
    if not _SPAN.fullmatch(text):
        raise NotUnderstoodError(f"{text} is no time such as 10s, 2m or 1h30m")
    return sum(round(float(number) * _UNITS[unit]) for number, unit in _PIECE.findall(text))


def _whole(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,15}", text):
        raise NotUnderstoodError(f"{text} is no whole number")
    return int(text)


def _closed(bounds: Bounds, low: int | None, high: int | None) -> tuple[int | None, int | None]:
    least = None if low is None else low + (not bounds.with_low)
    most = None if high is None else high - (not bounds.with_high)
    if bounds.low is not None and bounds.high is not None and low is not None and high is not None and low > high:
        raise NotUnderstoodError(f"{bounds.low} is more than {bounds.high}")
    return least, most


def _moment(text: str, moment: Moment) -> tuple[int, int]:
    """The first and the last microsecond that a text names."""
    today = datetime.fromtimestamp(moment.now_us // _SECOND, tz=UTC).astimezone(moment.zone).date()
    try:
        if _SPAN.fullmatch(text):
            at = moment.now_us - span_us(text)
            return at, at
        if text in ("today", "yesterday"):
            return _day(today - timedelta(days=text == "yesterday"), moment)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return _day(date.fromisoformat(text), moment)
        if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", text):
            return _clock(time.fromisoformat(text.rjust(5 if text.count(":") == 1 else 8, "0")), text, today, moment)
        at = _us(datetime.fromisoformat(text.upper()), moment)
        return at, at + _width(text)
    except (ValueError, OverflowError) as error:
        raise NotUnderstoodError(f"{text} is no moment such as 2h, 10:42, today or 2026-11-20") from error


def _day(day: date, moment: Moment) -> tuple[int, int]:
    first, after = (_us(datetime.combine(d, time()), moment) for d in (day, day + timedelta(days=1)))
    return first, after - 1


def _clock(at: time, text: str, today: date, moment: Moment) -> tuple[int, int]:
    first = _us(datetime.combine(today, at), moment)
    if first > moment.now_us:
        # Nothing has started in the future: 22:00 at three in the morning was yesterday.
        first = _us(datetime.combine(today - timedelta(days=1), at), moment)
    return first, first + _width(text)


def _width(text: str) -> int:
    """How long the minute or the second is that a time names, less the last microsecond."""
    return (60 * _SECOND if text.count(":") == 1 else _SECOND) - 1


def _us(at: datetime, moment: Moment) -> int:
    if at.tzinfo is None:
        at = at.replace(tzinfo=moment.zone) if moment.zone is not None else at.astimezone()
    return round(at.timestamp()) * _SECOND
