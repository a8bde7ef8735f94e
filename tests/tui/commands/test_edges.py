"""The real program in real processes: pipes, signals, dead engines, what is imported. Few of them, since each start costs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tui.commands.conftest import FAILING_PLAN, GOOD_PLAN
from tui.commands.registry import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tui.commands.conftest import Cli

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)

PROGRAM = [sys.executable, "-c", "import sys; from tui.commands import main; sys.exit(main())"]
ROOT = Path(__file__).parents[3]
NAP = """\
plan_id: nap
steps:
  - {id: nap, command: sh, args: [-c, 'echo up > "$DOOR"; exec sleep 600'], env: {DOOR: "{params.door}"}}
params: {door: {required: true}}
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@contextmanager
def napping(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A run whose only step is surely under way."""
    (home / "nap.yaml").write_text(NAP)
    door = home / "door"
    os.mkfifo(door)
    words = ["run", "nap.yaml", "-p", f"door={door}"]
    with subprocess.Popen(
        [*PROGRAM, *words], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            with door.open() as opened:
                assert opened.read() == "up\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGTERM, 143)])
def test_the_first_signal_cancels(cli: Cli, home: Path, number: signal.Signals, code: int) -> None:
    with napping(home) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert out == ""
    assert "! cancel asked by operator:" in err
    assert "⊘ CANCELED" in err
    assert "Traceback" not in err
    (head,) = json.loads(cli("runs", "--json").out)
    assert head["status"] == "canceled"


def test_a_run_whose_engine_is_dead_is_engine_lost_everywhere(cli: Cli, home: Path) -> None:
    with napping(home) as process:
        assert "● RUNNING" in cli("runs").out
        assert "engine alive" in cli("doctor").out
        process.kill()
        process.wait(timeout=30)
    events = [json.loads(line) for line in cli("events", "last", "--json").out.splitlines()]
    pid = next(event["data"]["process"]["pid"] for event in events if event["kind"] == "attempt.started")
    try:
        assert "✗ ENGINE LOST" in cli("runs").out
        assert "✗ ENGINE LOST" in cli("show", "last").out
        (head,) = json.loads(cli("runs", "--json").out)
        assert (head["status"], head["engine_lost"]) == ("running", True)
        assert json.loads(cli("show", "last", "--json").out)["engine_lost"] is True
        # Following ends, since nothing more can come.
        for command in ("events", "logs"):
            followed = cli(command, "last", "-f")
            assert followed.code == 0
            assert "✗ ENGINE LOST" in followed.err
        assert "x ENGINE LOST" in cli("runs", "--ascii").out
    finally:
        os.killpg(pid, signal.SIGKILL)


def test_following_ends_with_the_run(cli: Cli, home: Path) -> None:
    with (
        napping(home) as process,
        subprocess.Popen(
            [*PROGRAM, "events", "last", "-f"], env=environment(), stdout=subprocess.PIPE, text=True
        ) as follower,
    ):
        assert follower.stdout is not None
        for line in follower.stdout:
            if "attempt.started" in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = follower.stdout.read()
    assert follower.returncode == 0
    assert "run.canceled" in rest.splitlines()[-1]


@pytest.mark.parametrize("words", [["runs"], ["show", "last", "--json"], ["--help"], ["completion", "bash"]])
def test_a_reader_that_goes_away_is_no_error(home: Path, recorded: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, *words], env=environment(), stdout=writing, stderr=subprocess.PIPE, check=False, timeout=30
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize(("plan", "code"), [(GOOD_PLAN, 0), (FAILING_PLAN, 1)])
def test_a_run_ends_as_it_ends_when_nobody_reads_its_answer(cli: Cli, home: Path, plan: str, code: int) -> None:
    (home / "works.yaml").write_text(plan)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, "run", "works.yaml"], env=environment(), stdout=writing, stderr=writing, check=False, timeout=30
    )
    os.close(writing)
    assert done.returncode == code
    (head,) = json.loads(cli("runs", "--json").out)
    assert head["status"] == ("failed" if code else "succeeded")


def test_bad_input_as_a_script_sees_it(home: Path) -> None:
    (home / "bad.yaml").write_text("plan_id: p\nsteps: [{id: a, comand: x}]\n")
    done = subprocess.run(
        [*PROGRAM, "run", "bad.yaml"], env=environment(), capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("opscope: ")
    assert "bad.yaml:2:" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_without_a_screen_import_none_and_help_imports_nothing_heavy(home: Path, recorded: Path) -> None:
    """W: the boundary. Each command is called in one process, the light ones first, and what they pulled in is looked at."""
    (home / "works.yaml").write_text(GOOD_PLAN)
    light = [["--help"], ["--version"], ["runs"], ["show", "last"], ["logs", "last"], ["events", "last"], ["doctor"]]
    heavy = [
        ["completion", "zsh"],
        ["schema", "plan"],
        ["validate", "works.yaml"],
        ["run", "works.yaml"],
        ["demo"],
        [],
        *([name, "--help"] for name in COMMANDS),
    ]
    script = f"""
import sys
from tui.commands import main
def loaded(*names):
    return sorted(name for name in sys.modules if name.split(".")[0] in names)
for words in {light!r}:
    assert main(words) == 0, words
    assert not loaded("textual", "pydantic", "networkx", "yaml"), (words, loaded("textual", "pydantic", "networkx", "yaml"))
    assert "rich.console" not in sys.modules, words
for words in {heavy!r}:
    assert main(words) == 0, words
    assert not loaded("textual"), words
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
