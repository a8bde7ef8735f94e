"""The language of the filter of runs: what each word means, what is not understood, and what may be typed next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import RunStatus
from store.queries import Among, Between, RunField, RunFilter, RunNumber
from tests.tui.samples import NOW_US, SECOND
from tui.viewmodel.runs import Moment
from tui.viewmodel.runs_filter import parse_filter, tokens
from tui.viewmodel.runs_hints import Known, completed, faults_line, hints
from tui.viewmodel.text import plain, width

NOW = Moment(NOW_US, UTC)
HOUR = 3600 * SECOND


def us(text: str) -> int:
    """A moment in microseconds."""
    return round(datetime.fromisoformat(text + "+00:00").timestamp()) * SECOND


def terms(text: str) -> tuple[Among | Between, ...]:
    """What is asked for beyond statuses, plans and words, everything understood."""
    typed = parse_filter(text, NOW)
    assert typed.faults == ()
    return typed.chosen.terms


def faults(text: str) -> list[str]:
    """What is not understood."""
    return [str(fault) for fault in parse_filter(text, NOW).faults]


def test_statuses_plans_and_words() -> None:
    """A status may be shortened, a plan is meant from its beginning on, words may be quoted; case does not matter."""
    typed = parse_filter('status:fail,QUA plan:Safe* plan:ci db01 "two words"', NOW)
    assert typed.chosen == RunFilter(
        frozenset([RunStatus.FAILED, RunStatus.QUARANTINED]), ("safe*", "ci*"), ("db01", "two words")
    )
    assert parse_filter('plan:"ci lookup"', NOW).chosen.plans == ("ci lookup",)
    assert parse_filter("status:failed status:running", NOW).chosen.statuses == {RunStatus.FAILED, RunStatus.RUNNING}
    assert parse_filter("  - ! ", NOW).is_empty
    assert parse_filter('"10:42"', NOW).chosen.words == ("10:42",)


def test_what_is_not_wanted_is_left_out() -> None:
    """With - or ! before it, whatever it is."""
    assert terms("-status:failed,canceled !plan:x -words") == (
        Among(RunField.STATUS, ("failed", "canceled"), negated=True),
        Among(RunField.PLAN, ("x*",), negated=True),
        Among(RunField.WORD, ("words",), negated=True),
    )
    assert terms("-steps:>9") == (Between(RunNumber.STEPS, 10, None, negated=True),)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("dur:>10s", 10 * SECOND + 1, None),
        ("dur:>=10s", 10 * SECOND, None),
        ("dur:<2m", None, 120 * SECOND - 1),
        ("dur:1m..5m", 60 * SECOND, 300 * SECOND),
        ("took:1m30s..", 90 * SECOND, None),
        ("duration:..1.5h", None, HOUR * 3 // 2),
        ("dur:>500ms", 500_001, None),
        ("dur:>10", 10 * SECOND + 1, None),
    ],
)
def test_durations(text: str, least: int | None, most: int | None) -> None:
    """With a unit or in seconds; what goes on counts until now."""
    assert terms(text) == (Between(RunNumber.DURATION, least, most, now_us=NOW_US),)


@pytest.mark.parametrize(
    ("text", "number", "least", "most"),
    [
        ("steps:>100", RunNumber.STEPS, 101, None),
        ("steps:7", RunNumber.STEPS, 7, 7),
        ("replans:>0", RunNumber.REPLANS, 1, None),
        ("replans:=0", RunNumber.REPLANS, 0, 0),
        ("score:<60", RunNumber.SCORE, None, 59),
        ("score:90..", RunNumber.SCORE, 90, None),
    ],
)
def test_numbers(text: str, number: RunNumber, least: int | None, most: int | None) -> None:
    """Compared, between, or just this one."""
    assert terms(text) == (Between(number, least, most),)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("since:2h", NOW_US - 2 * HOUR, None),
        ("started:2h", NOW_US - 2 * HOUR, None),
        ("started:>2h", NOW_US - 2 * HOUR + 1, None),
        ("before:2h", None, NOW_US - 2 * HOUR - 1),
        ("since:2025-11-20", us("2025-11-20T00:00"), None),
        ("started:2025-11-20", us("2025-11-20T00:00"), us("2025-11-21T00:00") - 1),
        ("started:>2025-11-20", us("2025-11-21T00:00"), None),
        ("started:<=2025-11-20", None, us("2025-11-21T00:00") - 1),
        ("started:2025-11-20..2025-11-21", us("2025-11-20T00:00"), us("2025-11-22T00:00") - 1),
        ("started:today", us("2026-01-01T00:00"), us("2026-01-02T00:00") - 1),
        ("started:yesterday", us("2025-12-31T00:00"), us("2026-01-01T00:00") - 1),
        ("since:10:42", us("2026-01-01T10:42"), None),
        ("since:22:00", us("2025-12-31T22:00"), None),
        ("started:9:05", us("2026-01-01T09:05"), us("2026-01-01T09:06") - 1),
        ("since:2025-11-20T10:42", us("2025-11-20T10:42"), None),
    ],
)
def test_moments(text: str, least: int | None, most: int | None) -> None:
    """An age, a time of today or of last night, a day, both."""
    assert terms(text) == (Between(RunNumber.STARTED, least, most),)


def test_assets_ids_routes_and_modes() -> None:
    """Each with several values."""
    assert terms("asset:query/ci-lookup@3 id:7F3A,7f39 route:plan mode:te") == (
        Among(RunField.ID, ("7f3a", "7f39")),
        Among(RunField.ROUTE, ("plan",)),
        Among(RunField.MODE, ("test",)),
        Among(RunField.ASSET, ("query/ci-lookup@3",)),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status:lost", "status: there is no lost; there are pending, running, paused, quarantined, succeeded, failed"),
        ("status:faild", "status: there is no faild; did you mean 'failed'?"),
        ("statsu:failed", "no field statsu; did you mean 'status'?"),
        ("owner:me", "no field owner; there are status, plan, dur"),
        ("plan:", "plan: what?"),
        ("plan:,", "plan: what?"),
        ("-plan:,", "plan: what?"),
        ("id:,", "id: what?"),
        ("asset:,,", "asset: what?"),
        ("status:,", "status: what?"),
        ("x" * 201, "xxxxxxxxxxxx… is longer than 200 characters"),
        ("dur:10s", "dur: longer or shorter? >10s or <10s"),
        ("OR", "OR joins nothing: all words must hold; one of several is status:failed,running"),
        ("AND", "AND joins nothing: all words must hold; one of several is status:failed,running"),
        ("NOT", "NOT joins nothing: what must not hold has a dash before it, as -status:failed"),
        ("dur:>soon", "dur: soon is no time such as 10s, 2m or 1h30m"),
        ("dur:>", "dur: > what?"),
        ("dur:5m..1m", "dur: 5m is more than 1m"),
        ("dur:..", "dur: from where to where?"),
        ("steps:many", "steps: many is no whole number"),
        ("score:>-1", "score: -1 is no whole number"),
        ("since:tomorrow", "since: tomorrow is no moment such as 2h, 10:42, today or 2026-11-20"),
        ("since:2025-13-01", "since: 2025-13-01 is no moment"),
        ("started:25:99", "started: 25:99 is no moment"),
    ],
)
def test_what_is_not_understood_is_said_and_the_rest_applies(text: str, said: str) -> None:
    """With what there is, or what was probably meant."""
    typed = parse_filter(f"{text} replans:1", NOW)
    (fault,) = typed.faults
    assert str(fault).startswith(said)
    assert typed.chosen == parse_filter("replans:1", NOW).chosen
    assert plain(faults_line(typed)).startswith(f" ! {said}")
    assert plain(faults_line(typed)).endswith("the rest applies")


def test_only_so_many_words_are_taken() -> None:
    """A thousand of them are more than the database takes; the first hundred apply."""
    typed = parse_filter(" ".join(f"w{number}" for number in range(1000)), NOW)
    assert [str(fault) for fault in typed.faults] == ["more than 100 words"]
    assert typed.chosen.words == tuple(f"w{number}" for number in range(100))


@given(st.text())
def test_nothing_that_is_typed_is_an_error(text: str) -> None:
    """And every word has its place."""
    parse_filter(text, NOW)
    for token in tokens(text):
        assert 0 <= token.start < token.stop <= len(text)
    assert plain(hints(text, len(text), parse_filter(text, NOW), KNOWN, 80))
    completed(text, len(text), KNOWN)


KNOWN = Known(["ci_lookup", "nightly run", "safe_merge"], ["query/ci-lookup@1", "query/ci-lookup@2"])


def hint(text: str, cells: int = 80) -> str:
    """The line under the filter while its end is typed."""
    line = hints(text, len(text), parse_filter(text, NOW), KNOWN, cells)
    assert width(line) <= cells or "!" in plain(line)
    return plain(line)


def test_what_can_be_typed_is_named() -> None:
    """Fields first, then the values of those that have a list, examples of the others."""
    assert hint("").startswith(" status  plan  dur  steps  replans  score  route  mode  started")
    assert hint("").rstrip().endswith("tab completes")
    assert hint("st").split() == ["status", "steps", "started", "tab", "completes"]
    assert hint("status:").split()[:3] == ["pending", "running", "paused"]
    assert hint("-status:failed,su").split() == ["failed,succeeded", "tab", "completes"]
    assert hint("plan:").startswith(" ci_lookup")
    assert hint("asset:").startswith(" query/ci-lookup  query/ci-lookup@1")
    assert hint("dur:>") == " such as dur:>10s  dur:<2m  dur:1m..5m"
    assert "looked for" in hint("db01")


def test_a_word_that_is_being_typed_is_not_called_wrong() -> None:
    """One that is behind it is."""
    assert "!" not in hint("dur:")
    assert hint("dur: ").startswith(" ! dur: what?")
    assert hint("staus:x plan:ci").startswith(" ! no field staus; did you mean 'status'?")
    assert hint("status:faild").startswith(" ! status: there is no faild; did you mean 'failed'?")


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("", "status:"),
        ("sc", "score:"),
        ("status:f", "status:failed "),
        ("-sta", "-status:"),
        ("status:failed,su", "status:failed,succeeded "),
        ("db01 plan:sa", "db01 plan:safe_merge "),
        ("plan:ni", 'plan:"nightly run" '),
        ("asset:query/ci-lookup@", "asset:query/ci-lookup@1 "),
        ("status:failed", None),
        ("db01", None),
        ("dur:>", None),
    ],
)
def test_tab_takes_the_first(text: str, becomes: str | None) -> None:
    """With a blank behind what is whole."""
    found = completed(text, len(text), KNOWN)
    assert (None if found is None else found.text) == becomes
    if found is not None:
        assert found.cursor == len(found.text)


def test_a_word_in_the_middle_is_completed_in_its_place() -> None:
    """What stands behind it stays."""
    found = completed("status:f db01", 8, KNOWN)
    assert found is not None
    assert (found.text, found.cursor) == ("status:failed db01", 13)
