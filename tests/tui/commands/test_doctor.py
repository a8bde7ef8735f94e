"""What `doctor` answers, question by question, and as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tui.clipboard import TmuxSettings, route
from tui.commands.checks import State
from tui.commands.checkup import has_wal_fix, kills_user_processes, sqlite_check
from tui.commands.terminal_checks import clipboard_check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ((3, 33, 0), State.FAILED),
        ((3, 34, 0), State.NOTE),
        ((3, 40, 1), State.NOTE),
        ((3, 44, 5), State.NOTE),
        ((3, 44, 6), State.OK),
        ((3, 45, 0), State.NOTE),
        ((3, 50, 7), State.OK),
        ((3, 51, 2), State.NOTE),
        ((3, 51, 3), State.OK),
        ((3, 52, 0), State.OK),
    ],
)
def test_which_sqlite_is_good(version: tuple[int, ...], state: State) -> None:
    assert sqlite_check(version).state is state
    assert has_wal_fix(version) is (state is State.OK)


@pytest.mark.parametrize(
    ("texts", "kills"),
    [
        ([], False),
        (["[Login]\n#KillUserProcesses=yes\n"], False),
        (["[Login]\nKillUserProcesses=yes\n"], True),
        (["[Login]\nKillUserProcesses = true\n"], True),
        (["KillUserProcesses=yes\n", "KillUserProcesses=no\n"], False),
        (["NoKillUserProcesses=yes"], False),
    ],
)
def test_what_logind_does_at_logout(texts: list[str], kills: bool) -> None:
    assert kills_user_processes(texts) is kills


def test_doctor_on_a_fresh_host_changes_nothing(cli: Cli, database: Path) -> None:
    answer = cli("doctor")
    assert answer.code == 0
    assert f"{database} is not there yet" in answer.out
    assert not database.parent.exists()


def test_doctor_reads_the_configuration(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> dict[str, str]:
        checks = json.loads(cli("doctor", "--json").out)["checks"]
        check: dict[str, str] = next(check for check in checks if check["name"] == "configuration")
        return check

    assert (found()["state"], found()["finding"]) == ("ok", "the defaults")
    config = home / "config.toml"
    config.write_text('[on]\npaused = ["notify"]\n')
    monkeypatch.setenv("OPSCOPE_CONFIG", str(config))
    assert (found()["state"], found()["finding"]) == ("ok", str(config))
    config.write_text("[on]\npaused = 1\n")
    assert found()["state"] == "failed"
    assert found()["finding"].startswith(f"1 fault in the configuration: {config}:2: expected a list of texts")
    assert "OPSCOPE_CONFIG=/dev/null" in found()["advice"]
    assert cli("doctor").code == 4


def test_doctor_looks_at_the_database(cli: Cli, recorded: Path) -> None:
    recorded.chmod(0o644)
    answer = cli("doctor", "--json")
    assert answer.code == 0
    document = json.loads(answer.out)
    found = {check["name"]: check for check in document["checks"]}
    assert document["ok"] is True
    assert {"python", "sqlite", "textual", "terminal", "encoding", "database", "file system", "free space"} <= set(
        found
    )
    assert found["permissions"]["state"] == "warning"
    assert found["permissions"]["advice"] == f"chmod 600 {recorded}"
    assert found["engines"]["finding"] == "0 engines alive"


def _found(cli: Cli) -> dict[str, dict[str, str]]:
    checks: list[dict[str, str]] = json.loads(cli("doctor", "--json").out)["checks"]
    return {check["name"]: check for check in checks}


def test_doctor_says_what_the_terminal_can_do(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every question has an answer where there is no terminal to ask, and none waits."""
    for name in ("TMUX", "STY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "DISPLAY", "WAYLAND_DISPLAY", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    found = _found(cli)
    assert {
        "colours",
        "encoding",
        "wide characters",
        "multiplexer",
        "clipboard",
        "mouse",
        "whole frames",
        "theme",
    } <= set(found)
    assert found["clipboard"]["finding"] == "OSC 52 to the terminal, up to 56 KB, more goes to a file"
    assert found["multiplexer"]["finding"] == "none"
    monkeypatch.setenv("SSH_TTY", "/dev/pts/7")
    monkeypatch.setenv("STY", "1.pts")
    assert _found(cli)["multiplexer"]["finding"] == "GNU screen, SSH"
    assert _found(cli)["clipboard"]["finding"].startswith("OSC 52 through GNU screen")


@pytest.mark.parametrize(
    ("settings", "state", "advice"),
    [
        (TmuxSettings("on", "off"), State.OK, ""),
        (TmuxSettings("off", "on"), State.OK, ""),
        (TmuxSettings("off", "off"), State.WARNING, "tmux set -s set-clipboard on"),
    ],
)
def test_doctor_says_what_tmux_has_to_be_told(settings: TmuxSettings, state: State, advice: str) -> None:
    """Its settings are named with what they are."""
    check = clipboard_check(settings, route({"TERM": "tmux-256color", "TMUX": "/tmp/t,1,0", "PATH": ""}, settings))
    assert (check.state, check.advice) == (state, advice)
    assert f"set-clipboard {settings.set_clipboard}, allow-passthrough {settings.allow_passthrough}" in check.finding
