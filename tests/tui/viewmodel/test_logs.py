"""The Logs tab as text: columns, one line, what is chosen, what is said where there is nothing."""

from __future__ import annotations

from engine.model.states import StepStatus, Stream
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.rows import step_row
from tests.tui.viewmodel.test_log_index import indexed, piece
from tui.viewmodel.logs import Choice, columns, facts, line_node, log_line, nothing, step_choices
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import plain, width

MOMENT = Moment(NOW_US)
ALL = Choice()


def test_the_name_gives_way_and_the_attempt_stays() -> None:
    """At 80 columns names have twelve cells, from 100 on twenty and each line its time."""
    index, content = indexed(
        piece(1, b"plain\n", "a_step_with_a_very_long_name", attempt=2), piece(2, b"bad\n", "b", Stream.STDERR)
    )
    names = [source.name for source in index.sources]
    narrow, wide = columns(80, names, ALL), columns(120, names, ALL)
    held = [index.line_bytes(line, content) for line in range(2)]
    assert plain(log_line(index, 0, held[0], narrow, MOMENT, row=None)) == " a_step_wi…#2 out plain"  # type: ignore[arg-type]
    assert plain(log_line(index, 1, held[1], narrow, MOMENT, row=None)) == " b            err bad"  # type: ignore[arg-type]
    assert " 00:00:00  a_step_with_a_ver…#2  out  plain" in plain(log_line(index, 0, held[0], wide, MOMENT, row=None))  # type: ignore[arg-type]
    assert columns(80, ["b"], Choice("b")).name == 0
    assert columns(80, ["b", "b#2"], Choice("b")).name > 0


def test_a_long_line_says_how_long_it_is_and_fits() -> None:
    """And a line that is still being read has its place already."""
    index, content = indexed(piece(1, b"x" * 5000 + b"\n"))
    plan = columns(80, ["one"], ALL)
    held = index.line_bytes(0, content)
    assert isinstance(held, bytes)
    line = log_line(index, 0, held, plan, MOMENT, row=None)
    assert plain(line).endswith("x… 5.0 KB")
    assert width(line) == 80
    assert plain(log_line(index, 0, None, plan, MOMENT, row=None)) == " one  out …"
    assert log_line(index, 0, held, plan, MOMENT, row=None, needle="xx")[-1].role is Role.DIM


def test_a_line_of_json_can_be_looked_into() -> None:
    """Text first where it is no JSON; nothing is left out of it."""
    index, _ = indexed(piece(1, b'{"a": [1]}\nno json \x1b[2J\n'))
    assert line_node(index, 0, b'{"a": [1]}', MOMENT)["json"] == {"a": [1]}
    assert list(line_node(index, 1, b"no json \x1b[2J", MOMENT)) == ["text", "step", "stream", "at", "bytes"]
    assert "json" not in line_node(index, 1, b"{broken", MOMENT)


def test_streams_are_chosen_in_turn_and_steps_from_a_list() -> None:
    """The list has the states, and the silent steps last."""
    assert [choice.stream for choice in (ALL, ALL.next_stream(), ALL.next_stream().next_stream())] == [
        None,
        Stream.STDOUT,
        Stream.STDERR,
    ]
    index, _ = indexed(piece(1, b"a\nb\n", "loud"), piece(2, b"c\n", "gone"))
    steps = [step_row("quiet", StepStatus.SKIPPED), step_row("loud", StepStatus.FAILED)]
    told = [(step_id, plain(left), plain(right)) for step_id, left, right in step_choices(steps, index)]
    assert told == [
        (None, "  all steps", "3"), ("loud", "✗ loud", "2"), ("gone", "  gone", "1"), ("quiet", "↷ quiet", "silent"),
    ]  # fmt: skip


def test_what_is_said_where_no_line_is() -> None:
    """Why, and what helps."""
    assert nothing(ALL, is_going_on=True, any_lines=False) == "nothing has been written yet"
    assert nothing(ALL, is_going_on=False, any_lines=False) == "the steps have written nothing"
    chosen = Choice("copy", Stream.STDERR)
    assert (
        nothing(chosen, is_going_on=True, any_lines=True) == "copy has written nothing to stderr; esc shows everything"
    )
    said = facts(chosen, 0, following=False, added=17, goes_on=True, is_read=True, wraps=True)
    assert plain(said) == "copy  stderr  wrapped  0 lines  +17 new, G to follow"
