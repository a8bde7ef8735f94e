"""The Gantt as text: bars, tries and waits, time that is left out, the other run, and what decided the end."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from engine.model.states import Reason, StepStatus
from engine.regression.critical_path import Ran
from engine.regression.critical_path import critical_path as slack_of
from store.queries import Source, Try
from tests.tui.corpus import EVIL
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.groups.plans import START_US, Made, picture
from tests.tui.viewmodel.rows import run_row
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


def test_a_reused_step_has_no_bar_and_no_part_in_the_figures() -> None:
    """Its result is another run's: the axis begins with what ran here, and the row says where the result comes from."""
    found = picture(
        [
            Made("build", (), ran=(-840, -9), reason=Reason.REUSED),
            Made("check", ("build",), ran=(-9, -8), reason=Reason.REUSED),
            Made("test", ("build", "check"), ran=(0, 1.5)),
            Made("report", ("test",), ran=(1.5, 1.7)),
        ],
        reused={"build": Source("7f3a91" + "0" * 26, 0), "check": Source("r" * 32, 1)},
        run=run_row(run_id="r" * 32),
    )
    lines = chart(found, cells=70)
    assert "build" in lines[2]
    assert "reused from 7f3a91   " in lines[2]
    assert "check  " in lines[4]
    assert "reused from pass 1" in lines[4]
    assert not any(sign in line for line in lines[1:5] for sign in "█━┈")
    assert "┈" not in lines[6]
    relations = relate(found.steps, {})
    path = critical_path(found, relations, NOW_US)
    assert [found.steps[at].step_id for at in path] == ["test", "report"]
    told = figures(found, path, NOW_US)
    assert (told.total_us, told.busy_us, told.path_us) == (1_700_000, 1_700_000, 1_700_000)
    assert told.slowest == 2
    assert told.parallelism == 1


def test_where_nothing_ran_there_are_no_figures() -> None:
    """Every result is another run's."""
    found = picture([Made("build", (), ran=(-840, -9), reason=Reason.REUSED)])
    assert figures(found, critical_path(found, relate(found.steps, {}), NOW_US), NOW_US).slowest is None
    assert chart(found)[2].split()[-1] == "reused"


def test_a_bar_is_as_long_as_it_says_and_ends_before_what_waited_for_it() -> None:
    """The end of a step is written down later than it was seen, and what waits for it may start before that."""
    found = picture([Made("ci", (), ran=(0, 7), took=2), Made("next", ("ci",), ran=(2.4, 6.4))])
    lines = chart(found, cells=64)
    assert [line.split()[-1] for line in lines[1:]] == ["2.0s", "2.0s", "4.0s", "4.0s"]
    first, second = lines[2], lines[4]
    assert 2 * first.count("█") - 1 <= second.count("█") <= 2 * first.count("█") + 1
    assert first.rindex("█") < second.index("█")


def test_a_wait_for_its_turn_that_belongs_to_a_step_is_in_its_bar() -> None:
    """A step that waited for its breaker took longer than from its first attempt on."""
    found = picture([Made("one", (), ran=(0, 2)), Made("held", ("one",), ran=(8, 10), took=8)])
    lines = chart(found)
    assert lines[4].split()[-1] == "8.0s"
    assert lines[4].count("█") > 3 * lines[2].count("█")


def test_what_another_engine_took_up_again_ends_where_it_ended() -> None:
    """The second engine measures from where it began; the last attempt is still drawn where it was."""
    found = picture([Made("lost", (), ran=(0, 40), took=10, attempts=2)], tries={"lost": tried((0, 5), (30, 40))})
    assert found.steps[0].finished_at_us == START_US + 40 * SECOND
    assert "█" in chart(found)[2]


def test_the_moment_in_which_a_start_is_written_down_is_no_rest_and_no_wait_for_a_slot() -> None:
    """Among steps of milliseconds: nothing of the axis is left out, and what a step depends on stays what it waited for."""
    found = picture(
        [
            Made("ci", ran=(0, 0.007)),
            Made("services", ("ci",), ran=(0.0095, 0.0174)),
            Made("brief", ("ci",), ran=(0.0095, 0.018)),
            Made("needs", ("services",), ran=(0.0197, 0.0224)),
        ]
    )
    assert not any("┊" in line for line in chart(found, cells=80))
    path = critical_path(found, relate(found.steps, {}), NOW_US)
    assert [found.steps[at].step_id for at in path] == ["ci", "services", "needs"]


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
