"""The layered graph as text: what a person sees of handmade plans, and where the cursor goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.states import Reason, StepStatus
from tests.tui.corpus import EVIL
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.groups.plans import Made, graph_of, picture, text_of
from tui.terminal import is_clean
from tui.viewmodel.glyphs import TO_ASCII
from tui.viewmodel.groups.marks import Height
from tui.viewmodel.groups.relations import relate
from tui.viewmodel.palette import Role
from tui.viewmodel.text import plain, width

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.viewmodel.groups.picture import GroupsPicture


def diamond() -> GroupsPicture:
    """One, two beside each other of which one failed, and one that was left out for it."""
    return picture(
        [
            Made("fetch"),
            Made("left", ("fetch",)),
            Made("right", ("fetch",), StepStatus.FAILED),
            Made("join", ("left", "right"), StepStatus.SKIPPED, None, reason=Reason.DEPENDENCY_FAILED),
        ]
    )


def fan(number: int) -> GroupsPicture:
    """One, many beside each other, one."""
    names = tuple(f"part_{n}" for n in range(number))
    return picture([Made("source"), *(Made(name, ("source",)) for name in names), Made("report", names)])


def _lines(*lines: str) -> str:
    return "\n".join(lines)


def test_a_diamond_in_boxes_where_there_is_room() -> None:
    """Sign, name, word and time in a box each; the group, its time and its steps at the left; lines that part and meet."""
    found = diamond()
    assert text_of(graph_of(found), found, 2) == _lines(
        " group 0                         ╭────────────────────╮",
        " 1.0s                            │ ✓ fetch            │",
        " 1 step                          │ SUCCEEDED 1.0s     │",
        "                                 ╰─────────┬──────────╯",
        "                               ╭───────────┴────────────╮",
        " group 1             ╭─────────┴──────────╮   ┏━━━━━━━━━┷━━━━━━━━━━┓",
        " 1.0s                │ ✓ left             │   ┃ ✗ right            ┃",
        " 2 steps             │ SUCCEEDED 1.0s     │   ┃ FAILED 1.0s        ┃",
        "                     ╰─────────┬──────────╯   ┗━━━━━━━━━┯━━━━━━━━━━┛",
        "                               ╰───────────┬────────────╯",
        " group 2                         ╭─────────┴──────────╮",
        " –                               │ ↷ join             │",
        " 1 step                          │ SKIPPED            │",
        "                                 ╰────────────────────╯",
    )


def test_the_same_in_lines_where_there_is_less_room() -> None:
    """One line a step, the chosen one in brackets; nothing is folded, and the steps stand where they stood."""
    found = diamond()
    assert text_of(graph_of(found, lines=6), found, 2) == _lines(
        "  0    1.0s                          ✓ fetch 1.0s",
        "                              ╭─────────┴─────────╮",
        "  1    1.0s                ✓ left 1.0s        [✗ right FAILED  ]",
        "                              ╰─────────┬─────────╯",
        "  2       –                          ↷ join SKIPPED",
    )


def test_a_long_time_keeps_a_blank_from_the_number_before_and_the_mark_behind() -> None:
    """However long a group takes, its number can be read, also where the chosen mark stands right beside it."""
    found = picture([Made("a_step_with_a_long_name", ran=(0, 832)), Made("end", ("a_step_with_a_long_name",))])
    lines = text_of(graph_of(found, cells=30, lines=6), found, 0).split("\n")
    assert lines[0].startswith("  0 13m 52s [✓ a_step")


def test_what_was_not_run_here_says_so_and_takes_no_time() -> None:
    """A result of an earlier run: the step says that it is reused, and its group has no time of its own."""
    found = picture([Made("fetch", reason=Reason.REUSED, ran=(-800, -1)), Made("join", ("fetch",), ran=(0, 2))])
    text = text_of(graph_of(found, lines=6), found)
    assert "✓ fetch reused" in text
    assert text.split("\n")[0].startswith("  0       –")
    assert "13m" not in text_of(graph_of(found), found)


def test_a_fan_of_fifty_is_folded_until_somebody_wants_all_of_it() -> None:
    """A few rows and a mark for the rest, which says how many; a failed step is never in it; unfolded, all fifty are there."""
    found = fan(50)
    graph = graph_of(found, lines=12)
    text = text_of(graph, found)
    assert graph.height is Height.BARE
    assert graph.cells <= 80
    shown = text.count("part_")
    assert f"+{50 - shown} more" in text
    assert text.count("\n") < 20
    failing = [
        Made(step.step_id, step.depends_on, StepStatus.FAILED if step.step_id == "part_48" else step.status)
        for step in found.steps
    ]
    assert "✗ part_48" in text_of(graph_of(picture(failing), lines=12), picture(failing))
    unfolded = text_of(graph_of(found, lines=12, unfolded=frozenset({1})), found)
    assert all(f"part_{n} " in f"{unfolded} " or f"part_{n}\n" in unfolded for n in range(50))
    assert "more" not in unfolded
    assert "part_49" in text_of(graph_of(found, lines=12, pinned=frozenset({50})), found)


def test_a_chain_is_a_straight_line() -> None:
    """Thirty steps below each other, one line between each two."""
    steps = [Made("s0"), *(Made(f"s{n}", (f"s{n - 1}",)) for n in range(1, 30))]
    found = picture(steps)
    lines = text_of(graph_of(found, lines=12), found).split("\n")
    assert len(lines) == 59
    assert {line.strip() for line in lines[1::2]} == {"│"}
    assert len({line.index("│") for line in lines[1::2]}) == 1


def test_a_long_edge_runs_in_a_lane_beside_what_it_passes() -> None:
    """From the first group to the last; what another way says already is not drawn; a fallback is dashed; the end comes last."""
    found = picture(
        [
            Made("a"),
            Made("x"),
            Made("b", ("a",)),
            Made("c", ("a", "b")),
            Made("spare", ("c",)),
            Made("d", ("c", "x")),
            Made("note"),
        ],
        fallback_of={"c": "spare"},
        at_the_end=["note"],
        items={"b": {StepStatus.SUCCEEDED: 11, StepStatus.FAILED: 1}},
    )
    assert text_of(graph_of(found, lines=14), found) == _lines(
        "  0    1.0s                       ✓ a 1.0s         ✓ x 1.0s",
        "                                   │                │",
        "  1    1.0s                     ✓ b ×12 1.0s        │",
        "                                   │                │",
        "  2    1.0s                       ✓ c 1.0s          │",
        "                              ╭╌╌╌╌┤                │",
        "                              ╎    ╰─────────────┬──╯",
        "  3    1.0s                ✓ spare 1.0s         ✓ d 1.0s",
        "",
        " ╌╌ at the end, whatever happened ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌",
        "end    1.0s               ✓ note 1.0s",
    )


def test_the_lines_of_the_chosen_step_are_brighter() -> None:
    """From it and to it as far as the marks at their other ends, past lanes; other lines stay dim."""
    found = picture([Made("a"), Made("q"), Made("b", ("a",)), Made("d", ("b", "q"))])
    graph = graph_of(found, lines=5)
    lit = graph.lit(1)
    bright = {
        n
        for n in range(graph.line_count)
        for span in graph.line(n, found, NOW_US, lit=lit)
        if span.role is Role.TEXT and set(span.text) & set("│╯╰├┤╭╮─┬┴")
    }
    assert bright == {1, 2, 3}


def test_the_cursor_follows_the_lines() -> None:
    """Down and up along an edge where there is one, left and right in reading order, to every step."""
    found = diamond()
    graph = graph_of(found, lines=6)
    assert graph.first() == 0
    assert graph.move(0, "right") == 1
    assert graph.move(1, "down") == 3
    assert graph.move(3, "up") in (1, 2)
    assert graph.move(2, "left") == 1
    assert graph.move(3, "right") == 3
    spot = graph.spot(2)
    assert spot is not None
    assert graph.key_at(spot.left + 3, spot.top) == 2
    assert graph.key_at(0, 1) is None


def test_focus_leaves_what_the_step_hangs_on_and_what_hangs_on_it() -> None:
    """Everything else is gone, and what was folded is there."""
    found = fan(50)
    relations = relate(found.steps, {})
    only = frozenset({33, *relations.before(33), *relations.after(33)})
    text = text_of(graph_of(found, lines=12, only=only), found)
    assert [word for word in text.split() if word[0] in "spr"] == ["source", "part_32", "report"]


@pytest.mark.parametrize("number", [1, 10_000])
def test_from_one_step_to_ten_thousand(number: int, scaled: Callable[[int], int]) -> None:
    """As wide as the room, and bounded in height: what is folded is counted."""
    number = number if number == 1 else scaled(number)
    wide = 50
    steps = [
        Made(f"s{n}", () if n < wide else (f"s{n - wide}", f"s{(n // wide - 1) * wide + (n + 7) % wide}"))
        for n in range(number)
    ]
    found = picture(steps)
    graph = graph_of(found, lines=12)
    assert graph.cells <= 80
    assert graph.line_count <= 4 + 5 * (number // wide)
    drawn = [graph.line(n, found, NOW_US, chosen=0, lit=graph.lit(0)) for n in range(min(graph.line_count, 40))]
    assert all(width(line) <= 80 for line in drawn)
    assert ("more" in "".join(map(plain, drawn))) == (number > 1)


@pytest.mark.parametrize("height", [4, 40])
def test_names_that_try_to_be_more_than_names(height: int) -> None:
    """Shown as text, and every line as wide as it would be with other names."""
    found = picture(
        [Made(f"{n}{evil}", (), items) for n, (evil, items) in enumerate(zip(EVIL, StepStatus, strict=False))]
    )
    graph = graph_of(found, lines=height)
    for number in range(graph.line_count):
        line = graph.line(number, found, NOW_US)
        assert is_clean(plain(line))
        assert width(line) <= graph.cells


def test_ascii_has_a_sign_for_every_sign() -> None:
    """What is drawn can be drawn in ASCII, one cell each."""
    found = diamond()
    for lines in (6, 40):
        assert text_of(graph_of(found, lines=lines), found, 2).translate(TO_ASCII).isascii()
