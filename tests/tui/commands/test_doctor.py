"""What `doctor` answers, question by question, and as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tui.commands.checkup import State, has_wal_fix, kills_user_processes, sqlite_check

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
