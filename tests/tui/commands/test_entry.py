"""From a command line to an exit code: finding commands, options in any place, errors as one line."""

from __future__ import annotations

import argparse
import itertools
import shlex
from typing import TYPE_CHECKING

import pytest

from engine.errors import InputError
from tui.commands.arguments import CommandParser, HelpRequestedError
from tui.commands.entry import split_command
from tui.commands.registry import COMMANDS, load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.commands.conftest import Cli


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        (["runs", "--json"], "runs", ["--json"]),
        (["--db", "x.db", "runs"], "runs", ["--db", "x.db"]),
        (["--db=x.db", "runs", "--db", "y"], "runs", ["--db=x.db", "--db", "y"]),
        (["--ascii", "--no-color", "show", "last"], "show", ["--ascii", "--no-color", "last"]),
        (["--db", "runs"], None, ["--db", "runs"]),
        (["--version"], None, ["--version"]),
        ([], None, []),
    ],
)
def test_the_command_is_found_behind_options_that_hold_everywhere(
    words: list[str], name: str | None, rest: list[str]
) -> None:
    assert split_command(words) == (name, rest)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples_and_exit_codes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    module, parser = load(name), CommandParser(name)
    module.configure(parser)
    assert callable(module.execute)
    with pytest.raises(HelpRequestedError) as asked:
        parser.parse_args(["--help"])
    assert f"opscope {name}" in asked.value.text
    assert "examples:\n" in asked.value.text
    assert "exit codes:\n" in asked.value.text
    assert max(map(len, asked.value.text.splitlines())) <= 80
    described = {action.dest: action.help for action in parser._actions if action.help is not argparse.SUPPRESS}
    assert all(described.values()), f"an argument without help: {described}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_of_the_help_is_a_command_line_that_parses(name: str) -> None:
    """W4: man-like help with examples, none of them stale."""
    module, parser = load(name), CommandParser(name)
    module.configure(parser)
    assert parser.epilog is not None
    lines = [line.strip() for line in parser.epilog.splitlines() if "opscope" in line]
    assert lines
    for line in lines:
        command = line.split("  ")[0].split("$(")[-1]
        words = _first_command(command)
        found, rest = split_command(words[words.index("opscope") + 1 :])
        assert found == name
        parser.parse_args(rest)


def _first_command(line: str) -> list[str]:
    """The words up to a pipe, a redirection or a bracket of the shell; those in quotes are part of a word."""
    reader = shlex.shlex(line, posix=True, punctuation_chars="|>)")
    reader.whitespace_split, reader.commenters = True, ""
    return list(itertools.takewhile(lambda word: not word or not set(word) <= set("|>)"), reader))


def test_the_overview_names_every_command_and_stays_within_80_columns(cli: Cli) -> None:
    answer = cli("--help")
    assert answer.code == 0
    assert answer.err == ""
    for name, entry in COMMANDS.items():
        assert f"  {name} " in answer.out
        assert entry.summary in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80
    assert cli("help").out == answer.out


def test_help_of_a_command_in_three_spellings(cli: Cli) -> None:
    first = cli("runs", "--help")
    assert first.code == 0
    assert first.out == cli("runs", "-h").out == cli("help", "runs").out


def test_the_version(cli: Cli) -> None:
    assert cli("--version").out.startswith("opscope 0.")


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        (["rnus"], "there is no command 'rnus'", "did you mean opscope runs?"),
        (["xyzzy"], "there is no command 'xyzzy'", "see opscope --help"),
        (["runs", "--jsno"], "unrecognized arguments: --jsno", "see opscope runs --help"),
        (["runs", "--js"], "unrecognized arguments: --js", "see opscope runs --help"),
        (["--wat"], "unrecognized arguments: --wat", "see opscope --help"),
        (["show"], "the following arguments are required: RUN", "see opscope show --help"),
        (["runs", "--limit", "0"], "argument --limit: '0' is not a whole number from 1", "see opscope runs --help"),
        (["runs", "--limit", "x"], "argument --limit: 'x' is not a whole number from 1", "see opscope runs --help"),
        (
            ["runs", "--limit", "9" * 20],
            f"argument --limit: {'9' * 20} is more than 999999999",
            "see opscope runs --help",
        ),
        (["runs", "--filter"], "argument --filter: expected one argument", "see opscope runs --help"),
        (["runs", "--filter", "--json"], "argument --filter: expected one argument", "see opscope runs --help"),
        (["runs", "--db"], "argument --db: expected one argument", "see opscope runs --help"),
        (["runs", "--db", ""], "--db needs the path of a file", "for example --db /srv/runs.db"),
    ],
)
def test_a_wrong_command_line_is_one_clear_error(cli: Cli, words: list[str], cause: str, hint: str) -> None:
    answer = cli(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err == f"opscope: {cause}\n" + (f"  {hint}\n" if hint else "")


def test_alone_on_a_pipe_it_lists_the_runs(cli: Cli, recorded: Path) -> None:
    answer = cli()
    assert answer.code == 0
    assert "breaks" in answer.out
    assert "works" in answer.out
    assert cli("--db", str(recorded)).out.split("DURATION")[0] == answer.out.split("DURATION")[0]


def test_an_error_nobody_foresaw_is_one_line_and_a_file(
    cli: Cli, home: Path, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom \x1b[31m")

    monkeypatch.setattr("tui.commands.runs.print_runs", broken)
    answer = cli("runs")
    assert answer.code == 4
    assert answer.err.startswith("opscope: an unexpected error: RuntimeError: boom \\x1b[31m\n")
    (kept,) = (home / "state" / "opscope" / "crashes").iterdir()
    assert str(kept) in answer.err
    assert "Traceback" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("OPSCOPE_DEBUG", "1")
    with pytest.raises(RuntimeError):
        cli("runs")


def test_a_keyboard_interrupt_is_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tui.commands.runs.print_runs", interrupted)
    assert cli("runs").code == 130


def test_a_parser_never_exits() -> None:
    with pytest.raises(InputError):
        CommandParser("x").parse_args(["--nope"])
