"""docs/keys.md says what the registry says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tui.actions import ACTIONS, Scope
from tui.actions.guide import COMMAND, guide
from tui.actions.titles import TITLES
from tui.configuration import parse_configuration

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert written == guide(), f"docs/keys.md is not what the registry says now. Make it anew: {COMMAND}"


def test_the_command_it_names_makes_it() -> None:
    words = COMMAND.partition(" > ")[0].split()[1:]
    made = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert made.stdout == guide()


def test_every_action_stands_there_once() -> None:
    names = re.findall(r"\| `(\w+)` \|$", guide(), re.MULTILINE)
    assert sorted(names) == sorted(action.id for action in ACTIONS)
    assert set(TITLES) == set(Scope)


def test_its_example_is_a_configuration_that_works() -> None:
    example = guide().partition("```toml\n")[2].partition("```")[0]
    keymap = parse_configuration(example.encode(), Path("config.toml")).preferences.keymap
    assert keymap.changes == {"quit": ("ctrl+q",), "next_match": ("n", "f3"), "wrap": ()}
