"""Colours that can be read and told apart, in every theme and on terminals with fewer colours."""

from __future__ import annotations

from itertools import combinations

import pytest
from rich._palettes import STANDARD_PALETTE
from rich.color import Color, ColorSystem

from tui.preferences import LIBRARY_THEMES, OUR_THEMES
from tui.viewmodel.palette import DARK, DARK_OF_16, LIGHT, LIGHT_OF_16, Palette, Role, contrast, mixed
from tui.widgets.painter import palette_named

READ = sorted(set(Role) - {Role.BORDER})
STATUSES = (Role.SUCCEEDED, Role.RUNNING, Role.WARNING, Role.FAILED, Role.QUARANTINED, Role.DIM)


def test_contrast_is_that_of_the_guidelines() -> None:
    """WCAG 2: black on white 21, a grey of its examples 4.54, the same colour 1."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)
    assert contrast("#123456", "#123456") == 1
    assert (mixed("#000000", "#FFFFFF", 0.5), mixed("#112233", "#FFFFFF", 0)) == ("#808080", "#112233")


@pytest.mark.parametrize("name", [*OUR_THEMES, *LIBRARY_THEMES])
def test_everything_can_be_read_in_every_theme(name: str) -> None:
    """At least 5 on the background, dim text too; 4.5 on the chosen row, also where keys go elsewhere."""
    palette = palette_named(name)
    assert palette.name == name
    for role in READ:
        assert contrast(palette.colour(role), palette.background) >= 5, role
        assert contrast(palette.colour(role), palette.cursor) >= 4.5, role
        assert contrast(palette.colour(role), palette.cursor_blurred) >= 4.5, role
    assert contrast(palette.colour(Role.TEXT), palette.background) > contrast(
        palette.colour(Role.DIM), palette.background
    )
    assert contrast(palette.cursor, palette.background) > 1.1


@pytest.mark.parametrize("name", [*OUR_THEMES, *LIBRARY_THEMES, DARK_OF_16.name, LIGHT_OF_16.name])
def test_statuses_are_told_apart_in_every_theme(name: str) -> None:
    palette = palette_named(name)
    assert len({palette.colour(role) for role in STATUSES}) == len(STATUSES)


@pytest.mark.parametrize("palette", [DARK_OF_16, LIGHT_OF_16])
def test_with_16_colours_each_role_is_one_of_them_and_can_be_read(palette: Palette) -> None:
    """What the terminal is sent is the very colour, as a PC's console has it; others are near."""
    numbers = {}
    for role in Role:
        sent = Color.parse(palette.colour(role)).downgrade(ColorSystem.STANDARD)
        assert sent.number is not None
        assert STANDARD_PALETTE[sent.number].hex.upper() == palette.colour(role)
        numbers[role] = sent.number
    assert len({numbers[role] for role in STATUSES}) == len(STATUSES)
    for role in READ:
        assert contrast(palette.colour(role), palette.background) >= 5, role
        assert contrast(palette.colour(role), palette.cursor) >= 3, role


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_with_256_colours_everything_can_be_read_too(palette: Palette) -> None:
    def sent(colour: str) -> str:
        return Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex

    for role in READ:
        assert contrast(sent(palette.colour(role)), sent(palette.background)) >= 4.5, role
    for first, second in combinations(STATUSES, 2):
        assert sent(palette.colour(first)) != sent(palette.colour(second))
