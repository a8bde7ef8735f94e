"""Typed text: measured in cells, cut where it must be, always safe."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, crop, fit, flowed, joined, marked, plain, span, spread, width, wrapped


@given(st.text(), st.integers(0, 40), st.booleans())
def test_fit_takes_exactly_its_cells(text: str, cells: int, right: bool) -> None:
    """Whatever the text, wide characters included."""
    assert cell_len(fit(text, cells, right=right)) == cells


@given(st.lists(st.text(max_size=12), max_size=5), st.integers(1, 30))
def test_a_cropped_line_is_never_too_wide(texts: list[str], cells: int) -> None:
    """And one that fits is not touched."""
    line = tuple(span(text) for text in texts)
    assert width(crop(line, cells)) <= cells
    if width(line) <= cells:
        assert crop(line, cells) == line


def test_both_ends_stay_at_the_ends() -> None:
    """The right end is whole, the left one gives way."""
    line = spread((Span("a long beginning"),), (Span("end"),), 12)
    assert plain(line) == "a long … end"
    assert width(line) == 12


def test_control_characters_cannot_become_a_span() -> None:
    """`span` is the only door."""
    assert span("\x1b[31mred\n").text == "\\x1b[31mred\\n"


def test_what_is_searched_is_marked_in_any_case() -> None:
    """Each place, and nothing else."""
    line = marked((Span("Host db01 and HOST db02"),), "host")
    assert [piece.text for piece in line if piece.role is Role.MATCH] == ["Host", "HOST"]
    assert plain(line) == "Host db01 and HOST db02"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(4, 40))
def test_wrapped_text_loses_no_letter(text: str, cells: int) -> None:
    """Blanks at the breaks may go, letters may not."""
    lines = wrapped(text, cells)
    assert all(cell_len(line) <= cells for line in lines)
    from tui.terminal import visible

    expected = "".join(visible(part) for part in text.split("\n")).replace(" ", "")
    assert "".join(lines).replace(" ", "") == expected


def test_joined_leaves_out_what_is_empty() -> None:
    """No double gaps."""
    assert plain(joined([(Span("a"),), (), (Span("b"),)])) == "a  b"


def test_pieces_flow_onto_as_many_lines_as_they_need() -> None:
    """None is broken, none is lost."""
    lines = flowed([(Span("one"),), (), (Span("two"),), (Span("three"),)], 9)
    assert [plain(line) for line in lines] == ["one  two", "three"]
    assert flowed([], 9) == []
