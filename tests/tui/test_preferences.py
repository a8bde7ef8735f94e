"""What a user wants another way is so: theme, columns, pace, keys and the file, from the configuration to the screen."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
from rich.color import ColorSystem

from tests.tui.conftest import opened
from tests.tui.pseudo_terminal import Terminal
from tests.tui.screens.inspectors import inspector
from tests.tui.test_real_terminal import environment
from tui.frames import Frames
from tui.preferences import Preferences
from tui.viewmodel.palette import DARK, DARK_OF_16, LIGHT, LIGHT_OF_16, Role
from tui.widgets.painter import palette_named

if TYPE_CHECKING:
    from pathlib import Path

    from tui.app import Inspector
    from tui.viewmodel.palette import Palette

PROGRAM = [sys.executable, "-c", "import sys; from tui.commands import main; sys.exit(main())"]
_SIXTEEN = re.compile(r"0?|[1-9]|2[1-9]|[34][0-79]|9[0-7]|10[0-7]")


def sent(app: Inspector, system: ColorSystem) -> str:
    """What a terminal with these colours would be sent for the whole screen."""
    return Frames(system).whole(app._lines_in_sight(), app.size.width)


def codes(text: str) -> set[str]:
    """The codes of all colours and attributes in it."""
    return {code for found in re.findall(r"\x1b\[([\d;]*)m", text) for code in found.split(";")}


async def test_a_theme_of_the_library_is_the_whole_screen(database: Path) -> None:
    """What Textual draws itself, and our own roles on its background."""
    app = inspector(database, preferences=Preferences(theme="nord"))
    async with opened(app):
        nord = palette_named("nord")
        picture = app.export_screenshot()
        assert app.theme == "nord"
        assert f'fill="{nord.background}"' in picture
        assert nord.colour(Role.SUCCEEDED) in picture
        assert DARK.background not in picture


@pytest.mark.parametrize(
    ("first", "other"),
    [(None, LIGHT.name), (LIGHT.name, DARK.name), ("nord", LIGHT.name), ("solarized-light", DARK.name)],
)
async def test_the_other_theme_is_ours_of_the_other_kind_and_back(
    database: Path, first: str | None, other: str
) -> None:
    app = inspector(database, preferences=Preferences(theme=first))
    async with opened(app):
        before = app.theme
        app.perform_anywhere("theme")
        assert app.theme == other
        app.perform_anywhere("theme")
        assert app.theme == before == (first or DARK.name)


async def test_the_columns_are_those_that_were_chosen(database: Path) -> None:
    app = inspector(database, preferences=Preferences(columns=("run", "status", "score")))
    async with opened(app, size=(120, 30)):
        header = next(line for line in app.export_text().split("\n") if "STATUS" in line)
        assert "SCORE" in header
        assert not re.search("PLAN|STEPS|DURATION|NOTE", header)


@pytest.mark.parametrize("palette", [DARK_OF_16, LIGHT_OF_16])
async def test_16_colours_are_sent_as_such_and_tell_statuses_apart(database: Path, palette: Palette) -> None:
    """No status has the colour of another one, and none that of its background."""
    app = inspector(database, preferences=Preferences(theme=palette.name))
    async with opened(app):
        text = sent(app, ColorSystem.STANDARD)
    assert all(_SIXTEEN.fullmatch(code) for code in codes(text)), codes(text)
    expected = {DARK_OF_16.name: ("91", "92", "40"), LIGHT_OF_16.name: ("31", "30", "107")}
    failed, succeeded, background = expected[palette.name]
    assert {failed, succeeded, background} <= codes(text)


@pytest.mark.parametrize(
    ("term", "colours", "theme", "expected"),
    [
        ("xterm", "", "", DARK_OF_16),
        ("linux", "", 'theme = "solarized-light"', LIGHT_OF_16),
        ("xterm-256color", "truecolor", 'theme = "dracula"', None),
    ],
)
def test_in_a_real_terminal(
    database: Path, tmp_path: Path, term: str, colours: str, theme: str, expected: Palette | None
) -> None:
    """The command with a configuration: the theme by what the terminal can do, the key that leaves, the columns, the file."""
    configuration = tmp_path / "config.toml"
    configuration.write_text(
        f'[ui]\n{theme}\ndatabase = "{database}"\ncolumns = ["status", "run"]\nreadonly = true\n[keymap]\nquit = "Q"\n'
    )
    told = {**environment(), "TERM": term, "COLORTERM": colours, "OPSCOPE_CONFIG": str(configuration)}
    with Terminal(PROGRAM, 80, 24, told) as screen:
        screen.wait_for(r"opscope › runs +READ ONLY.*28 runs")
        screen.wait_for(r"STATUS +RUN *\n")
        screen.press("qx")
        screen.wait_for("opened with --readonly")
        screen.press("Q")
        assert screen.wait_for_end() == 0
    found = codes(screen.raw.decode())
    if expected is None:
        assert "38" in found
    else:
        assert "38" not in found
        assert ("40" if expected is DARK_OF_16 else "107") in found


def test_the_inspector_does_not_open_with_a_wrong_configuration(database: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "config.toml"
    configuration.write_text('[ui]\ntheme = "drakula"\n[keymap]\nquit = []\n')
    told = {**environment(), "OPSCOPE_CONFIG": str(configuration), "OPSCOPE_DB": str(database)}
    with Terminal(PROGRAM, 100, 24, told) as screen:
        assert screen.wait_for_end() == 2
        assert "2 faults in the configuration" in screen.text
        assert "did you mean 'dracula'?" in screen.text


def test_a_link_opens_the_part_it_names(database: Path) -> None:
    told = {**environment(), "OPSCOPE_CONFIG": "/dev/null", "OPSCOPE_DB": str(database)}
    with Terminal([*PROGRAM, "last/events", "--readonly"], 100, 30, told) as screen:
        screen.wait_for(r"\[5 Events\]")
        screen.wait_for("READ ONLY")
        screen.press("q")
        assert screen.wait_for_end() == 0
