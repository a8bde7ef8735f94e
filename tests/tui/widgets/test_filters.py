"""The line filters behind all widgets."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from tests.tui.corpus import EVIL
from tui.terminal import is_clean, visible
from tui.viewmodel.palette import DARK, LIGHT, Role
from tui.widgets.filters import AsciiFilter, ColourlessFilter, VisibleFilter

BLACK = Color(0, 0, 0)


@pytest.mark.parametrize("evil", EVIL)
def test_lines_become_clean_and_stay_as_wide_as_they_were(evil: str) -> None:
    """Whatever a widget draws."""
    line = [Segment("left "), Segment(evil, Style(bold=True, link="http://evil.example")), Segment(" right" * 20)]
    filtered = VisibleFilter().apply(line, BLACK)
    assert all(is_clean(text) for text, _, _ in filtered)
    assert not any(style and style.link for _, style, _ in filtered)
    assert Segment.get_line_length(filtered) == Segment.get_line_length(line)


def test_a_clean_line_is_not_touched() -> None:
    """The usual case costs nothing."""
    line = [Segment("✓ SUCCEEDED", Style(bold=True)), Segment("日本")]
    assert VisibleFilter().apply(line, BLACK) is line


def test_ascii_stand_ins_are_as_wide() -> None:
    """Every sign the inspector draws with has one."""
    line = [Segment("✓●✗◆‖·↷⊘▸▾…–›│─━▎")]
    (filtered,) = AsciiFilter().apply(line, BLACK)
    assert filtered.text.isascii()
    assert len(filtered.text) == len(line[0].text)


@pytest.mark.parametrize(
    ("data", "drawn"),
    [
        ("café Müller Łódź", "cafe Muller ?odz"),
        ("日本", "????"),
        ("5 µs … →", "5 ?s ~ >"),
        ("e\u0301", "e"),
        ("👨‍👩‍👧 ok", None),
        ("½ ﬁ", None),
    ],
)
def test_data_in_ascii_is_as_wide_and_as_readable_as_it_can_be(data: str, drawn: str | None) -> None:
    """Accents go, what is no letter becomes a question mark a cell."""
    (filtered,) = AsciiFilter().apply([Segment(data)], BLACK)
    assert filtered.text.isascii()
    assert len(filtered.text) == cell_len(data)
    assert drawn is None or filtered.text == drawn


@pytest.mark.parametrize("evil", EVIL)
def test_whatever_comes_is_ascii_and_as_wide(evil: str) -> None:
    (filtered,) = AsciiFilter().apply([Segment(visible(evil))], BLACK)
    assert filtered.text.isascii()
    assert len(filtered.text) == cell_len(visible(evil))


def test_without_colour_the_chosen_row_is_reversed_and_dim_stays_dim() -> None:
    """Meaning survives, colours do not."""
    line = [
        Segment("chosen", Style(color=DARK.roles[Role.FAILED], bgcolor=DARK.cursor, bold=True)),
        Segment("dim", Style(color=DARK.roles[Role.DIM], bgcolor=DARK.background)),
    ]
    chosen, dim = ColourlessFilter((DARK, LIGHT)).apply(line, BLACK)
    assert chosen.style is not None
    assert dim.style is not None
    assert all(style.color is None and style.bgcolor is None for style in (chosen.style, dim.style))
    assert chosen.style.reverse
    assert chosen.style.bold
    assert dim.style.dim
    assert not dim.style.reverse
