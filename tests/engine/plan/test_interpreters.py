"""Which arguments of a command line are program text."""

from __future__ import annotations

import shlex

import pytest

from engine.plan.interpreters import code_arguments


def code_words(line: str) -> list[str]:
    """The words of a command line that are program text."""
    command, *args = shlex.split(line)
    return [args[found.index] for found in code_arguments(command, args)]


@pytest.mark.parametrize(
    "line",
    [
        "sh -c CODE",
        "/bin/sh -c CODE name arg",
        "/usr/local/bin/bash -lc CODE",
        "bash -euxc CODE arg",
        "bash -euo pipefail -c CODE",
        "bash -c -e CODE",
        "bash --norc -c CODE",
        "bash --rcfile x -c CODE",
        "bash +x -c -- CODE",
        "dash -c CODE",
        "zsh -fc CODE",
        "ksh -c CODE",
        "fish -c CODE",
        "busybox sh -c CODE",
        "env sh -c CODE",
        "env -i A=1 /bin/bash -c CODE",
        "env -S CODE",
        "sudo -u nobody sh -c CODE",
        "timeout 5 nice -n 3 bash -c CODE",
        "xargs -0 sh -c CODE",
        "find . -exec sh -c CODE {} +",
        "docker exec box sh -c CODE",
        "ssh host sh -c CODE",
        "python -c CODE arg",
        "python3.11 -Ic CODE",
        "/venv/bin/python3 -W error -X dev -c CODE",
        "pypy3 -c CODE",
        "perl -e CODE arg",
        "perl -lane CODE",
        "ruby -e CODE",
        "node -e CODE",
        "node --eval CODE",
        "node -pe CODE",
        "php -r CODE",
        "lua5.4 -e CODE",
        "deno eval CODE",
        "pwsh -Command CODE",
        "pwsh -NoProfile -c CODE",
        "powershell.exe -NonInteractive -comm CODE",
        "cmd.exe /c CODE",
        "awk CODE file",
        "gawk -F : -v a=1 CODE file",
        "psql -X -c CODE db",
        "mysql -e CODE",
        "sqlite3 file.db CODE",
        "su -c CODE root",
        "watch CODE",
    ],
)
def test_program_text_is_found(line: str) -> None:
    """However the flag is written and whatever stands before the interpreter."""
    assert "CODE" in code_words(line)


@pytest.mark.parametrize(
    "line", ["node --eval=CODE", "perl -eCODE", "python3 -cCODE", "fish --command=CODE", "psql --command=CODE"]
)
def test_program_text_in_the_same_word_is_found(line: str) -> None:
    """Attached to its flag."""
    assert code_words(line) == [shlex.split(line)[1]]


def test_everything_after_a_powershell_command_is_program_text() -> None:
    """It joins the words."""
    assert code_words("pwsh -NoLogo -Command a b c") == ["a", "b", "c"]
    assert code_words("pwsh -cwa CODE a b") == ["CODE"]


@pytest.mark.parametrize(
    "line",
    [
        "echo -c hello",
        "grep -rc word .",
        "sh script.sh -c word",
        "bash -eu script.sh word",
        "sh -- -c word",
        "python script.py -c word",
        "python -m module -c word",
        "python3 -X dev script.py -c word",
        "perl script.pl word",
        "pwsh -File x.ps1 -Command word",
        "awk -f program.awk file",
        "ping -c 1 host",
        "curl -e referer https://example.org",
        "git -c user.name=x commit",
        "echo sh -c word",
        "psql -d db -f file.sql",
        "sqlite3 file.db",
    ],
)
def test_words_that_are_no_program_text_are_left_alone(line: str) -> None:
    """A false alarm would have no way round it."""
    assert code_words(line) == []


def test_arguments_after_the_program_text_are_the_way_in() -> None:
    """`sh -c 'echo "$1"' x VALUE` is what the hint recommends."""
    assert code_words("sh -c CODE name value") == ["CODE"]
    assert code_words("python -c CODE value") == ["CODE"]
