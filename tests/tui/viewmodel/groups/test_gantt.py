"""The Gantt as text: bars, tries and waits, time that is left out, the other run, and what decided the end."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from engine.model.states import StepStatus
from engine.regression.critical_path import Ran
from engine.regression.critical_path import critical_path as slack_of
from store.queries import Try
from tests.tui.corpus import EVIL
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.groups.plans import START_US, Made, picture
from tui.terminal import is_clean
from tui.viewmodel.groups.critical_path import critical_path, figures
from tui.viewmodel.groups.gantt import Gantt, Ghost
from tui.viewmodel.groups.picture import GroupsPicture
from tui.viewmodel.groups.relations import relate
from tui.viewmodel.groups.time_scale import ruler, scale, tick_text
from tui.viewmodel.text import plain, width

HOUR = 3600 * SECOND


def tried(*times: tuple[float, float | None], ends: StepStatus = StepStatus.SUCCEEDED) -> list[Try]:
    """Attempts at these seconds; all but the last failed."""
    return [
        Try(
            number,
            ends if number == len(times) else StepStatus.FAILED,
            START_US + round(start * SECOND),
            None if stop is None else START_US + round(stop * SECOND),
        )
        for number, (start, stop) in enumerate(times, 1)
    ]


def chart(found: GroupsPicture, cells: int = 64, now_us: int = NOW_US, ghost: Ghost | None = None) -> list[str]:
    """The ruler and every line."""
    relations = relate(found.steps, {})
    path = critical_path(found, relations, now_us)
    gantt = Gantt(found, cells, now_us, path=path, ghost=ghost, parents=relations.parents)
    return [plain(line).rstrip() for line in (gantt.header(), *(gantt.line(n) for n in range(len(gantt.rows))))]


def test_bars_tries_waits_and_a_long_rest_that_is_left_out() -> None:
    """A step that tried three times shows each; two hours of nothing take three cells and are named; the last bar ends in eighths."""
    found = picture(
        [
            Made("primary", (), ran=(0, 3.1)),
            Made("ping", ("primary",), StepStatus.FAILED, (3.1, 13.4)),
            Made("lookup", ("primary",), ran=(3.1, 9.25), attempts=3),
            Made("late", ("ping",), ran=(7213.4, 7220)),
            Made("todo", ("late",), StepStatus.PENDING, None),
        ],
        tries={"lookup": tried((3.1, 4.6), (6, 7), (8, 9.25))},
    )
    lines = chart(found)
    assert lines == [
        "                0                10s    ┊2h 00m",
        " ▾ GROUP 0      ━━━━━            │      ┊    │        │ 3.1s",
        " ┃ ✓ primary    █████▍           │      ┊    │        │ 3.1s",
        " ▾ GROUP 1      │    ━━━━━━━━━━━━━━━━━━ ┊    │        │ 10.3s",
        " ┃ ✗ ping       │    ██████████████████▏┊    │        │ 10.3s",
        "   ✓ lookup     │    ▒▒▒╌╌▒▒╌▐██ │      ┊    │        │ 6.1s",
        " ▾ GROUP 2      │                │      ┊ ━━━━━━━━━━━━━ 6.6s",
        " ┃ ✓ late       │                │     ┈┊┈████████████▉ 6.6s",
        " ▾ GROUP 3      │                │      ┊    │        │",
        "   · todo       │                │      ┊    │        │",
    ]


def test_bars_of_what_runs_grow_with_the_clock() -> None:
    """The ended bar keeps its time while the live one gets longer; nothing changes its line."""
    found = picture([Made("done", (), ran=(0, 20)), Made("live", ("done",), StepStatus.RUNNING, (20, None))])
    early, late = chart(found, now_us=START_US + 24 * SECOND), chart(found, now_us=START_US + 50 * SECOND)
    assert [line.split()[-1] for line in (early[4], late[4])] == ["4.0s", "30.0s"]
    assert [line.split()[-1] for line in (early[2], late[2])] == ["20.0s", "20.0s"]
    assert early[4].count("█") < late[4].count("█")
    assert early[2].count("█") > late[2].count("█")
    waiting = picture(
        [Made("retry", (), StepStatus.WAITING, (0, None), attempts=2)],
        tries={"retry": tried((0, 10), ends=StepStatus.FAILED)},
    )
    assert "▒╌" in chart(waiting, now_us=START_US + 20 * SECOND)[2]
    assert "█" not in chart(waiting, now_us=START_US + 20 * SECOND)[2]


def test_while_a_bar_grows_the_others_stay_where_they_are() -> None:
    """There is room at the end for it to grow into; only when that is used up, all of them move together."""
    found = picture([Made("done", (), ran=(0, 20)), Made("live", ("done",), StepStatus.RUNNING, (20, None))])
    seen = [chart(found, cells=120, now_us=START_US + at * SECOND) for at in range(40, 80)]
    moves = sum(before[2] != after[2] or before[0] != after[0] for before, after in pairwise(seen))
    assert moves <= 4
    assert all(before[4] != after[4] for before, after in pairwise(seen))
    ended = picture([Made("done", (), ran=(0, 20)), Made("live", ("done",), ran=(20, 80))])
    assert chart(ended, cells=120)[4].rstrip().endswith("█ 1m 00s")


def test_nothing_grows_after_the_engine_is_gone() -> None:
    """A step that ran then is lost, and nobody says how long it took."""
    live = picture([Made("live", (), StepStatus.RUNNING, (0, None))])
    lost = GroupsPicture(live.run, live.steps, 1, live.shape, engine_lost=True)
    assert "✗ live" in chart(lost)[2]
    assert chart(lost)[2].rstrip().endswith("–")


def test_the_other_run_lies_under_each_step() -> None:
    """With how much more or less the step took; a step that the other run did not have stands alone."""
    found = picture(
        [Made("one", (), ran=(0, 10)), Made("two", ("one",), ran=(10, 12)), Made("new", ("two",), ran=(12, 13))]
    )
    ghost = Ghost("g" * 32, {"one": (0, 5 * SECOND), "two": (5 * SECOND, 9 * SECOND)})
    lines = chart(found, ghost=ghost)
    assert [line.split()[-1] for line in lines if "before" in line] == ["+5.0s", "–2.0s"]
    assert [line.count("░") > 3 for line in lines if "before" in line] == [True, True]
    assert len(lines) == 1 + 3 + 3 + 2


def test_the_path_goes_back_to_who_was_waited_for_longest() -> None:
    """Over a step that was left out, and not to what was done long before; what runs at the end waited for all of it."""
    found = picture(
        [
            Made("quick", (), ran=(0, 1)),
            Made("slow", (), ran=(0, 8)),
            Made("left_out", ("slow",), StepStatus.SKIPPED, None),
            Made("last", ("quick", "left_out"), ran=(8, 9)),
            Made("tidy", (), ran=(9, 30)),
        ],
        at_the_end=["tidy"],
    )
    path = critical_path(found, relate(found.steps, {}), NOW_US)
    assert [found.steps[at].step_id for at in path] == ["slow", "last", "tidy"]
    told = figures(found, path, NOW_US)
    assert (told.path_us, told.total_us, told.busy_us) == (30 * SECOND, 30 * SECOND, 31 * SECOND)
    assert (told.slowest, told.slowest_us) == (4, 21 * SECOND)
    nothing = picture([Made("todo", (), StepStatus.PENDING, None)])
    assert critical_path(nothing, relate(nothing.steps, {}), NOW_US) == []


def test_ticks_are_round_and_never_run_into_each_other() -> None:
    """From milliseconds to days."""
    for length in (8_000, 40_000, 3 * SECOND, 70 * SECOND, HOUR, 30 * HOUR, 900 * HOUR):
        found = scale([(0, length)], 60)
        text = plain(ruler(found))
        assert text.startswith("0")
        assert len(text) <= 60
        assert len(text.split("  ")) >= 2
    assert [tick_text(at) for at in (0, 1500, 1_500_000, 60_000_000, HOUR + HOUR // 2)] == [
        "0",
        "1ms",
        "1.5s",
        "1m",
        "1h 30m",
    ]


def test_ten_thousand_lines_are_built_one_by_one_and_hold_any_name() -> None:
    """Names that try to be more are text; every line has the width of the others."""
    found = picture([Made(f"{n}{evil}", (), ran=(n, n + 1)) for n, evil in enumerate(EVIL)])
    gantt = Gantt(found, 70, NOW_US)
    for number in range(len(gantt.rows)):
        line = gantt.line(number)
        assert is_clean(plain(line))
        assert width(line) <= 70


@pytest.mark.parametrize("seed", range(20))
def test_the_path_is_the_one_that_comparisons_name(seed: int) -> None:
    """Plans drawn at random, run on few slots: every step on it is one without slack there, and it leads to the end of the run."""
    random = Random(seed)
    made: list[Made] = []
    free = [0.0] * random.randint(1, 4)
    ended: dict[str, float] = {}
    for number in range(random.randint(1, 40)):
        needs = tuple(random.sample(sorted(ended), min(len(ended), random.randint(0, 2))))
        slot = min(range(len(free)), key=lambda at: free[at])
        begin = max([free[slot], *(ended[need] for need in needs)])
        end = begin + round(random.uniform(1, 9), 6)  # two that end at once could both be named
        free[slot] = ended[f"s{number}"] = end
        made.append(Made(f"s{number}", needs, ran=(begin, end)))
    found = picture(made)
    relations = relate(found.steps, {})
    path = critical_path(found, relations, NOW_US)
    ran = {
        at: Ran(step.started_at_us, step.finished_at_us, relations.parents[at])
        for at, step in enumerate(found.steps)
        if step.started_at_us is not None and step.finished_at_us is not None
    }
    standing = slack_of(ran)
    assert all(standing[at].slack_us == 0 for at in path)
    assert max(one.end_us for one in ran.values()) == ran[path[-1]].end_us
    assert min(one.begin_us for one in ran.values()) == ran[path[0]].begin_us
