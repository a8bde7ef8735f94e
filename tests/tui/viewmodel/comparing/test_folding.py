"""Lines of several spans broken at blanks: nothing is lost, nothing is wider, each piece keeps its role."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.viewmodel.comparing.folding import folded_line
from tui.viewmodel.comparing.rows import Told, ToldRows, saying
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, plain, width

WORDS = st.lists(st.text("abcdefgé漢", min_size=1, max_size=30), min_size=1, max_size=30)


@given(WORDS, st.integers(27, 90))
def test_no_letter_is_lost_and_no_line_is_wider(words: list[str], cells: int) -> None:
    line = (Span("   ! ", Role.WARNING), *(Span(f"{word} ", Role.DIM) for word in words))
    found = folded_line(line, cells, 7)
    assert all(width(one) <= cells for one in found)
    assert "".join(plain(one).replace(" ", "") for one in found) == plain(line).replace(" ", "")
    assert all(piece.role is Role.DIM for one in found[1:] for piece in one if piece.text.strip())


def test_what_fits_stays_and_what_does_not_is_broken_at_a_blank() -> None:
    line = (Span("    75.0", Role.FAILED), Span("  execute/hosts  446ms slower would cost all points"))
    assert folded_line(line, 80, 7) == [line]
    assert [plain(one) for one in folded_line(line, 40, 7)] == [
        "    75.0  execute/hosts  446ms slower",
        "       would cost all points",
    ]


def test_rows_are_broken_where_there_is_room_and_the_cursor_passes_over_the_rest() -> None:
    told = [
        Told(f"row {number}", (Span("   · word" + " word" * 20),), "title", saying("said"), "said")
        for number in range(3)
    ]
    rows = ToldRows(told)
    broken = rows.folded(60, 6)
    assert [broken.is_title(index) for index in range(len(broken))] == [False, True] * 3
    assert broken.place_of("row 2") == 4
    assert rows.folded(60, 5) is rows
