"""Which file of runs a command takes, and what the program does with a link in the place of a command."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tui.commands.context import database_of
from tui.configuration import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


def configure(home: Path, text: str) -> Path:
    path = home / ".config" / "opscope" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("named", "found"), [("~/ops/my.db", "ops/my.db"), ("near.db", ".config/opscope/near.db"), ("~", "")]
)
def test_the_configuration_names_it(home: Path, named: str, found: str) -> None:
    configure(home, f'[ui]\ndatabase = "{named}"\n')
    assert database_of({"HOME": str(home)}) == home / found


def test_the_environment_and_the_option_win(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(home, '[ui]\ndatabase = "~/of-config.db"\n')
    assert "of-config.db" in cli("show", "last").err
    monkeypatch.setenv("OPSCOPE_DB", str(home / "of-env.db"))
    assert "of-env.db" in cli("show", "last").err
    assert "of-option.db" in cli("--db", "of-option.db", "show", "last").err


@pytest.mark.parametrize("text", ["", "[on]\n", "[ui]\n", "# no database here\n", '[ui]\ntheme = "nord"\n'])
def test_where_it_names_none_there_is_one_in_the_state_folder(home: Path, text: str) -> None:
    configure(home, text)
    assert database_of({"HOME": str(home)}) == home / ".local/state/opscope/opscope.db"
    assert database_of({"HOME": str(home), "OPSCOPE_CONFIG": "/dev/null"}).name == "opscope.db"


@pytest.mark.parametrize(
    "text", ["[ui]\ndatabase = 3\n", "[ui\ndatabase = 'x'\n", "ui = 3 # database\n", "[ui]\ndatabase = ''"]
)
def test_no_other_file_is_taken_because_the_configuration_is_wrong(cli: Cli, home: Path, text: str) -> None:
    configure(home, text)
    with pytest.raises(ConfigurationError):
        database_of({"HOME": str(home)})
    answer = cli("runs")
    assert answer.code == 2
    assert "fault in the configuration" in answer.err


def test_a_fault_elsewhere_keeps_nobody_from_looking(cli: Cli, home: Path, recorded: Path) -> None:
    configure(home, '[ui]\ntheme = "no such"\n')
    assert cli("runs").code == 0


def test_doctor_tells_of_a_configuration_that_hides_the_file(cli: Cli, home: Path) -> None:
    configure(home, "[ui\ndatabase = 'x'\n")
    answer = cli("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(answer.out)["checks"]}
    assert checks["configuration"]["state"] == "failed"
    assert checks["database"]["finding"] == "which one it is cannot be told before the configuration is right"


def test_a_configuration_without_a_database_costs_no_import(home: Path) -> None:
    """Every command asks for it, the quick ones too."""
    path = configure(home, '[ui]\ntheme = "nord"\n[keymap]\nquit = "Q"\n')
    script = (
        "import sys\nfrom tui.commands import main\nassert main(['show', 'last']) == 2\n"
        "print([name for name in ('tomllib', 'pydantic', 'textual', 'tui.configuration', 'tui.actions') if name in sys.modules])"
    )
    env = {"HOME": str(home), "OPSCOPE_CONFIG": str(path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_link_in_the_place_of_a_command_shows_the_part_it_names(cli: Cli, recorded: Path) -> None:
    """On a pipe; on a terminal the inspector opens there."""
    assert cli("last").out == cli("show", "last").out
    assert cli("last/stage/execute?step=greet").out == cli("show", "last/stage/execute?step=greet").out
    assert cli("--ascii", "last/logs").code == 0
    missing = cli("ffffff")
    assert (missing.code, missing.err.split("\n")[0]) == (2, "opscope: no run begins with ffffff")
    assert cli("last", "--wat").code == 2
    assert cli("last", "--help").out == cli("--help").out


def test_help_names_the_configuration_and_readonly(cli: Cli) -> None:
    told = cli("--help").out
    assert "--readonly" in told
    assert "opscope/config.toml" in told
    assert cli("runs", "--readonly").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_readonly(cli: Cli, shell: str) -> None:
    assert "--readonly" in cli("completion", shell).out
