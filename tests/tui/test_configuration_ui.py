"""The sections [ui] and [keymap]: what they say, and everything that can be wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.theme import BUILTIN_THEMES

from tui.actions import ACTIONS, Keymap
from tui.configuration import ConfigurationError, configuration_schema, parse_configuration
from tui.preferences import LIBRARY_THEMES, RUN_COLUMNS, Preferences
from tui.viewmodel.runs_columns import COLUMN_NAMES

PATH = Path("/etc/config.toml")


def faults(text: str) -> list[tuple[str, str, int | None, str]]:
    with pytest.raises(ConfigurationError) as refused:
        parse_configuration(text.encode(), PATH)
    return [(fault.message, fault.path, fault.line, fault.hint) for fault in refused.value.faults]


def test_what_a_user_may_want_another_way() -> None:
    text = """
[ui]
theme = "nord"
columns = ["status", "run", "plan"]
follow_rate = 1
database = "~/ops/runs.db"
readonly = true

[keymap]
quit = "ctrl+q"
next_match = ["n", "F3"]
wrap = []
"""
    settings = parse_configuration(text.encode(), PATH)
    keymap = Keymap({"quit": ("ctrl+q",), "next_match": ("n", "f3"), "wrap": ()})
    assert settings.preferences == Preferences("nord", ("status", "run", "plan"), 1.0, keymap)
    assert (settings.ui.database, settings.ui.readonly) == ("~/ops/runs.db", True)
    assert parse_configuration(b"", PATH).preferences == Preferences()


def test_the_names_are_those_that_exist() -> None:
    """Columns as the table has them, themes as the library has them."""
    assert COLUMN_NAMES == RUN_COLUMNS
    assert set(BUILTIN_THEMES) - set(LIBRARY_THEMES) == {"ansi-dark", "ansi-light"}
    assert set(LIBRARY_THEMES) <= set(BUILTIN_THEMES)


_COLUMNS = f"there are {', '.join(RUN_COLUMNS)}"
_KEYS = 'write "x", or ["x", "ctrl+x"], or [] for no key'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[ui]\ntheme = 'drakula'", ("there is no theme 'drakula'", "ui.theme", 2, "did you mean 'dracula'?")),
        ("[ui]\ntheme = 3", ("expected a text, found the number 3", "ui.theme", 2, "")),
        ("[ui]\nthema = 'x'", ("unknown key 'thema'", "ui.thema", 2, "did you mean 'theme'?")),
        (
            "ui = 3",
            ("expected a table, found the number 3", "ui", 1, 'write [ui] and below it theme = "opscope-light"'),
        ),
        (
            "[ui]\n\ncolumns = ['run', 'plann']",
            ("there is no column 'plann'", "ui.columns[1]", 3, "did you mean 'plan'?"),
        ),
        ("[ui]\ncolumns = []", ("expected a list of columns, found an empty list", "ui.columns", 2, _COLUMNS)),
        (
            "[ui]\ncolumns = 'run'",
            ("expected a list of columns, found the text 'run'", "ui.columns", 2, _COLUMNS),
        ),
        (
            "[ui]\ncolumns = ['run', 'run']",
            ("the column 'run' stands there twice", "ui.columns", 2, "take one out"),
        ),
        (
            "[ui]\nfollow_rate = 60",
            ("expected a number from 0.1 to 10, found the number 60", "ui.follow_rate", 2, "4 is four times a second"),
        ),
        (
            "[ui]\nfollow_rate = nan",
            ("expected a number from 0.1 to 10, found the number nan", "ui.follow_rate", 2, "4 is four times a second"),
        ),
        (
            "[ui]\ndatabase = ' '",
            ("expected the path of a file, found the text ' '", "ui.database", 2, 'write database = "~/runs.db"'),
        ),
        ("[ui]\nreadonly = 1", ("expected true or false, found the number 1", "ui.readonly", 2, "")),
        (
            "keymap = 3",
            ("expected a table, found the number 3", "keymap", 1, 'write [keymap] and below it quit = "ctrl+q"'),
        ),
        ("[keymap]\nquitt = 'x'", ("there is no action 'quitt'", "keymap.quitt", 2, "did you mean 'quit'?")),
        (
            "[keymap]\nzzz = 'x'",
            (
                "there is no action 'zzz'",
                "keymap.zzz",
                2,
                "docs/keys.md and opscope schema config list the actions",
            ),
        ),
        ("[keymap]\nquit = []", ("quit needs a key", "keymap.quit", 2, "give it one, or leave the line out")),
        ("[keymap]\nhelp = []", ("help needs a key", "keymap.help", 2, "give it one, or leave the line out")),
        (
            "[keymap]\nwrap = ['w', 'ctlr+w']",
            ("there is no key 'ctlr+w'", "keymap.wrap[1]", 2, 'write "x", "ctrl+x", "f5" or "space"'),
        ),
        ("[keymap]\nwrap = 4", ("expected a key or a list of keys, found the number 4", "keymap.wrap", 2, _KEYS)),
        (
            "[keymap]\nwrap = [4]",
            ("expected a key or a list of keys, found the number 4", "keymap.wrap[0]", 2, _KEYS),
        ),
        (
            "[keymap]\nwrap = 'x'",
            (
                "x would mean wrap and cancel in one place",
                "keymap.wrap",
                2,
                "wrap: Break long lines, or cut them. cancel: Cancel the run; once more forces it. "
                "Give one of them another key",
            ),
        ),
    ],
)
def test_a_fault(text: str, fault: tuple[str, str, int | None, str]) -> None:
    assert faults(text) == [fault]


def test_all_faults_of_all_sections_at_once_by_line() -> None:
    text = "[keymap]\nquit = []\nwrap = 'ctrl+i'\n[on]\nfaild = ['x']\n[ui]\ntheme = 'x'\ncolumns = ['x', 'y']\n"
    assert [(path, line) for _, path, line, _ in faults(text)] == [
        ("keymap.quit", 2),
        ("keymap.wrap[0]", 3),
        ("on.faild", 5),
        ("ui.theme", 7),
        ("ui.columns[0]", 8),
        ("ui.columns[1]", 8),
    ]


def test_keys_that_change_places_are_no_fault() -> None:
    parse_configuration(b"[keymap]\nnext_line = 'N'\nprevious_line = 'n'\n", PATH)
    assert faults("[keymap]\nnext_line = 'N'\n")[0][0] == "N would mean next_line and previous_line in one place"


def test_the_schema_lists_themes_columns_and_actions_with_what_they_do() -> None:
    known = configuration_schema()["$defs"]
    assert set(known["KeymapSection"]["properties"]) == {action.id for action in ACTIONS}
    assert known["KeymapSection"]["additionalProperties"] is False
    assert known["KeymapSection"]["properties"]["quit"]["description"] == "Leave; runs go on"
    assert "nord" in str(known["Ui"]["properties"]["theme"])
    assert known["Ui"]["properties"]["columns"]["anyOf"][0]["items"]["enum"] == [*RUN_COLUMNS]
    assert set(known["Ui"]["properties"]) == {"theme", "columns", "follow_rate", "database", "readonly"}


def test_the_example_of_the_readme_is_a_configuration() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    example = text.partition("## Configuration")[2].partition("```toml\n")[2].partition("```")[0]
    settings = parse_configuration(example.encode(), PATH)
    assert settings.ui.theme == "opscope-light"
    assert settings.keymap.keymap.changes["quit"] == ("ctrl+q",)
