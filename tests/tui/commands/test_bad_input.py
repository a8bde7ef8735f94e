"""Bad input: one clear message with its place, exit 2 (4 for the database), in less than 2 s, and nothing is written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tui.commands.conftest import GOOD_PLAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.tui.commands.conftest import Cli

NOBODY = 65534
STEP = "steps:\n  - {id: a, command: 'true'}\n"
BOMB = "a: &a [x, x]\n" + "\n".join(
    f"{b}: &{b} [*{a}, *{a}]" for a, b in zip("abcdefghijklmnopq", "bcdefghijklmnopqr", strict=True)
)

PLANS = {
    "empty": b"",
    "binary": bytes(range(256)) * 40,
    "spaces": b"  \n\n",
    "a list": b"- 1\n- 2\n",
    "a word": b"hello",
    "not yaml": b"plan_id: [p\nsteps: }\n",
    "bomb": BOMB.encode() + b"\n" + STEP.encode(),
    "merge keys": b"plan_id: p\nx: &x {a: 1}\ny: {<<: *x}\n" + STEP.encode(),
    "a tag": b"plan_id: !!python/object/apply:os.system ['touch pwned']\n" + STEP.encode(),
    "deep": b"plan_id: p\nx: " + b"[" * 50_000 + b"]" * 50_000,
    "duplicate keys": b"plan_id: p\nplan_id: q\n" + STEP.encode(),
    "a cycle": b"plan_id: p\nsteps:\n  - {id: a, command: x, depends_on: [b]}\n  - {id: b, command: x, depends_on: [a]}\n",
    "an unknown step": b"plan_id: p\nsteps: [{id: a, command: x, depends_on: [nope]}]\n",
    "an unknown field": b"plan_id: p\nsteps: [{id: a, comand: x}]\n",
    "a wrong type": b"plan_id: p\nsteps: [{id: a, command: x, retries: many}]\n",
    "no steps": b"plan_id: p\n",
    "code in a condition": b"plan_id: p\nsteps: [{id: a, command: x, condition: \"__import__('os').system('touch pwned')\"}]\n",
    "an attribute in a condition": b"plan_id: p\nsteps: [{id: a, command: x, condition: 'params.x.__class__.__mro__[0]()'}]\n",
    "a reference in a shell": b"plan_id: p\nparams: {n: {}}\nsteps: [{id: a, command: sh, args: [-c, 'echo {params.n}']}]\n",
    "later features": b"plan_id: p\nsteps: [{id: a, command: x, for_each: '{params.n}'}]\n",
    "control characters": b"plan_id: \"p\\e[31m\"\nsteps: [{id: \"a\\e]0;x\\a\", command: x, \"\\u202ekey\": 1}]\n",
}  # fmt: skip


@pytest.fixture(params=PLANS)
def bad_plan(request: pytest.FixtureRequest, home: Path) -> Path:
    path = home / "bad.yaml"
    path.write_bytes(PLANS[request.param])
    return path


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Two seconds of this process's own time: how busy the host is does not count."""
    before = time.process_time()
    yield
    assert time.process_time() - before < 2


def written(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if path.is_file()}


def test_a_bad_plan_is_refused_with_place_and_hint(cli: Cli, home: Path, bad_plan: Path) -> None:
    before = written(home)
    for words in (["run", "bad.yaml"], ["validate", "bad.yaml"], ["validate", "--json", "bad.yaml"]):
        answer = cli(*words)
        assert answer.code == 2, answer
        said = answer.err if words[0] == "run" else answer.out
        assert "bad.yaml" in said
        assert "Traceback" not in answer.out + answer.err
        assert "\x1b" not in said
        assert len(said.splitlines()) < 60
    assert written(home) == before


def test_every_fault_stands_on_its_line(cli: Cli, home: Path) -> None:
    (home / "bad.yaml").write_text(
        "plan_id: p\nsteps:\n  - {id: a, comand: x}\n  - {id: a, command: x, depends_on: [b]}\n"
    )
    answer = cli("validate", "./bad.yaml")
    faults = [line for line in answer.out.splitlines() if line.startswith("bad.yaml:")]
    assert len(faults) >= 2
    assert any(line.startswith("bad.yaml:3:") for line in faults)
    assert answer.out.splitlines()[-1] == "1 plan checked, with faults"


@pytest.mark.parametrize("text", ["./nothing.yaml", "no/such/folder/x.yaml", ".yaml/"])
def test_a_file_that_is_not_there(cli: Cli, home: Path, text: str) -> None:
    for command in ("run", "validate"):
        answer = cli(command, text)
        assert answer.code == 2
        assert "nothing has been run" not in answer.err
    assert written(home) == set()


def test_a_folder_is_no_plan_and_an_empty_folder_has_none(cli: Cli, home: Path) -> None:
    (home / "folder.yaml").mkdir()
    assert cli("run", "./folder.yaml").code == 2
    answer = cli("validate", "folder.yaml")
    assert answer.code == 2
    assert (
        answer.err == "opscope: there is no plan in this folder\n  folder.yaml\n  plans end in .yaml, .yml or .json\n"
    )


@pytest.fixture
def powerless(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own, which is its home, and no rights beyond those of its owner: root, whom nothing is refused, becomes nobody."""
    assert cli("run", "host_triage", "-q").code == 0  # imports everything while it still may
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setenv("HOME", str(folder))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@pytest.fixture
def recorded_bytes(recorded_file: Path) -> bytes:
    """The recorded database, read before the rights are gone."""
    return recorded_file.read_bytes()


def test_a_file_that_may_not_be_read(cli: Cli, powerless: Path) -> None:
    shut = powerless / "shut.yaml"
    shut.write_text(STEP)
    shut.chmod(0)
    for command in ("run", "validate"):
        answer = cli(command, str(shut))
        assert answer.code == 2
        assert str(shut) in answer.out + answer.err
        assert "the file may not be read" in answer.out + answer.err


def test_a_read_only_database_can_be_read_and_is_not_written(cli: Cli, recorded_bytes: bytes, powerless: Path) -> None:
    (powerless / "runs.db").write_bytes(recorded_bytes)
    (powerless / "runs.db").chmod(0o400)
    powerless.chmod(0o500)
    listed = cli("--db", str(powerless / "runs.db"), "runs")
    assert listed.code == 0, listed
    assert "works" in listed.out
    for name in ("runs.db", "new.db"):
        answer = cli("--db", str(powerless / name), "run", "host_triage", "-q")
        assert (answer.code, answer.out) == (4, "")
        assert answer.err.startswith("opscope: cannot ")
        assert str(powerless) in answer.err
    assert [path.name for path in powerless.iterdir()] == ["runs.db"]


def not_a_database(path: Path) -> None:
    path.write_text("this is not a database, but it is longer than the head of one would be " * 20)


def a_foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()


def a_newer_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()


def a_short_database(path: Path) -> None:
    os.truncate(path, 5000)


DATABASES: dict[str, tuple[Callable[[Path], None], bool]] = {
    "no database": (not_a_database, False),
    "a foreign one": (a_foreign_database, False),
    "a newer one": (a_newer_database, True),
    "a cut one": (a_short_database, True),
    "a folder": (Path.mkdir, False),
    "an empty file": (Path.touch, False),
}


@pytest.mark.parametrize("kind", DATABASES)
def test_a_bad_database_is_exit_4_in_one_message(cli: Cli, home: Path, recorded_file: Path, kind: str) -> None:
    make, from_ours = DATABASES[kind]
    path = home / "bad.db"
    if from_ours:
        shutil.copy(recorded_file, path)
    make(path)
    before = path.read_bytes() if path.is_file() else None
    commands: tuple[list[str], ...] = (
        ["runs"],
        ["show", "last"],
        ["logs", "last"],
        ["events", "last", "-f"],
        ["run", "host_triage", "-q"],
        ["screenshot", "last"],
        ["doctor"],
        [],
    )
    for words in commands:
        answer = cli("--db", str(path), *words)
        assert answer.code == 4, (words, answer)
        said = answer.out if words == ["doctor"] else answer.err
        assert str(path) in said
        if words != ["doctor"]:
            assert answer.out == ""
            assert said.startswith("opscope: ")
            assert len(said.splitlines()) == 3, said
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize(
    "words",
    [
        ["runs"],
        ["run", "-q", "host_triage"],
        ["run", "--detach", "host_triage"],
        ["locks"],
        ["breakers"],
        ["unlock", "a", "--reason", "b"],
    ],
)
def test_a_database_path_that_is_too_long_is_exit_4_and_nothing_is_made(cli: Cli, home: Path, words: list[str]) -> None:
    path = home / "/".join(["d" * 100] * 5)
    answer = cli("--db", str(path), *words)
    assert (answer.code, answer.out) == (4, "")
    assert "the file's path is too long" in answer.err
    assert answer.err.count("opscope: ") == 1
    assert not list(home.iterdir())


@pytest.mark.parametrize(
    "words", [["run", "-q", "host_triage"], ["run", "--detach", "host_triage"], ["demo", "--no-ui"], ["resume", "last"]]
)
def test_a_configuration_with_faults_is_refused_before_a_run(
    cli: Cli, home: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = home / "config.toml"
    config.write_text('[on]\nfaild = ["x"]\npaused = 1\n')
    monkeypatch.setenv("OPSCOPE_CONFIG", str(config))
    answer = cli(*words)
    assert (answer.code, answer.out) == (2, "")
    lines = [line.strip() for line in answer.err.splitlines()]
    assert lines == [
        "opscope: 2 faults in the configuration",
        f"{config}:2: unknown key 'faild'  [on.faild]",
        "did you mean 'failed'?",
        f"{config}:3: expected a list of texts, found the number 1  [on.paused]",
        'write ["program", "argument"]',
        "mend the file, or leave it out for once: OPSCOPE_CONFIG=/dev/null",
    ]
    assert [path.name for path in home.iterdir()] == ["config.toml"]
    monkeypatch.setenv("OPSCOPE_CONFIG", "/dev/null")
    (home / "works.yaml").write_text(GOOD_PLAN)
    assert cli("run", "-q", "./works.yaml").code == 0


def test_what_only_looks_or_steers_does_without_the_configuration(
    cli: Cli, recorded: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = home / "config.toml"
    config.write_text("[on]\npaused = 1\n")
    monkeypatch.setenv("OPSCOPE_CONFIG", str(config))
    assert cli("runs").code == cli("show", "last").code == cli("verify").code == 0
    assert "is over" in cli("cancel", "last").err


@pytest.mark.parametrize("words", [["runs"], ["run", "-q", "host_triage"], ["doctor"], ["validate", "host_triage"]])
def test_a_relative_home_is_one_clear_error(
    cli: Cli, home: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "rel")
    monkeypatch.delenv("XDG_STATE_HOME")
    answer = cli(*words)
    assert (answer.code, answer.out) == (2, "")
    assert [line.strip() for line in answer.err.splitlines()] == [
        "opscope: HOME is 'rel', which is no absolute path",
        "set HOME to the full path of your home folder",
    ]
    assert not list(home.iterdir())


@pytest.mark.parametrize("words", [["runs"], ["run", "-q", "host_triage"], ["run", "--detach", "host_triage"]])
def test_a_file_of_an_earlier_build_is_exit_4_with_a_hint(
    cli: Cli, home: Path, recorded_file: Path, words: list[str]
) -> None:
    path = home / "early.db"
    shutil.copy(recorded_file, path)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE imports")
    connection.commit()
    connection.close()
    answer = cli("--db", str(path), *words)
    assert (answer.code, answer.out) == (4, "")
    assert "the file lacks a part of its schema" in answer.err
    assert "another build of opscope" in answer.err


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["screenshot", "--size", "80"], "argument --size: '80' is not a size such as 80x24"),
        (["screenshot", "--size", "9999x9999"], "argument --size: 9999x9999 is not between 20x5 and 500x300"),
        (["logs", "last", "--stdout", "--stderr"], "argument --stderr: not allowed with argument --stdout"),
    ],
)
def test_options_that_make_no_sense(cli: Cli, words: list[str], cause: str) -> None:
    answer = cli(*words)
    assert answer.code == 2
    assert answer.err.startswith(f"opscope: {cause}\n")
