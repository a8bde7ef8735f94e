"""Which arguments of a command line are program text."""

from __future__ import annotations

import shlex
import time

import pytest

from engine.plan.interpreters import code_arguments, option_argument
from tests.engine.plan.support import only, plan_faults


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
        "ssh host CODE",
        "ssh -p 22 -o BatchMode=yes me@host CODE",
        "ssh host -vp 22 -- CODE",
        "ssh -- host CODE",
        "/usr/bin/ssh -tt host -l me uptime CODE",
        "sudo -u app timeout 5 ssh host CODE",
        "sshpass -p x ssh host CODE",
        "ssh host -c aes128-ctr CODE",
        "ssh host uptime CODE",
        "watch CODE",
        "sed CODE file",
        "sed -n CODE file",
        "/usr/bin/sed -E -i.bak CODE file",
        "gsed -i -e CODE file",
        "sed -ne CODE file",
        "sed -nEe p -e CODE file",
        "sed --expression CODE file",
        "sed file -e CODE",
        "sed -l 70 CODE",
        "sed -- CODE file",
        "xargs -0 sed -i CODE",
        "busybox sed CODE",
        "make -E CODE all",
        "gmake -j4 --eval CODE",
    ],
)
def test_program_text_is_found(line: str) -> None:
    """However the flag is written and whatever stands before the interpreter."""
    assert "CODE" in code_words(line)


@pytest.mark.parametrize(
    "line",
    [
        "ssh -oProxyCommand=CODE host",
        "ssh -oLocalCommand=CODE host",
        "node --eval=CODE",
        "perl -eCODE",
        "python3 -cCODE",
        "fish --command=CODE",
        "psql --command=CODE",
        "sed --expression=CODE",
        "sed --expr=CODE",
        "sed -ne1CODE",
        "make X=CODE",
        "make CODE=1",
        "make X:=CODE",
        "gmake X+=CODE",
        "make --eval=CODE",
    ],
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
        "ssh host",
        "ssh -p 22 -i key -o Port=22 -J jump me@host",
        "sudo systemctl restart ssh word",
        "kubectl -n ssh get word",
        "cat /etc/ssh word",
        "sed -f script.sed word",
        "sed -nf script.sed word",
        "sed --file=script.sed word",
        "sed --sandbox s/a/word/ file",
        "sed -n --sandbox -e s/a/word/ file",
        "sed",
        "make word",
        "make -j4 -C word -f a=word word",
        "make --directory word --file=word",
    ],
)
def test_words_that_are_no_program_text_are_left_alone(line: str) -> None:
    """A false alarm would have no way round it."""
    assert code_words(line) == []


def test_arguments_after_the_program_text_are_the_way_in() -> None:
    """`sh -c 'echo "$1"' x VALUE` is what the hint recommends."""
    assert code_words("sh -c CODE name value") == ["CODE"]
    assert code_words("python -c CODE value") == ["CODE"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("ssh HOST uptime", "HOST"),
        ("ssh -p 22 -vi key HOST", "HOST"),
        ("ssh -oPort=22 HOST -- uptime", "HOST"),
        ("timeout 5 ssh HOST uptime", "HOST"),
        ("env A=b /usr/bin/ssh HOST", "HOST"),
        ("ssh -- HOST uptime", None),
        ("ssh -p 22 -- HOST", None),
        ("ssh", None),
        ("ping HOST", None),
        ("sudo systemctl restart ssh HOST", None),
    ],
)
def test_the_host_of_ssh_may_be_read_as_an_option(line: str, word: str | None) -> None:
    """Unless `--` ended the options before it. Other programs are left alone: they run nothing for an option."""
    command, *args = shlex.split(line)
    found = option_argument(command, args)
    assert (None if found is None else args[found]) == word


def test_a_command_line_of_interpreters_only_is_looked_at_in_no_time() -> None:
    """Each of them would go through all the others."""
    started = time.process_time()
    code_arguments("env", ["{a.data}", *["watch"] * 100_000])
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["{params.x}", "uptime"], "the reference {params.x} stands where ssh takes options"),
        (["-v", "{params.x}@host"], "the reference {params.x} stands where ssh takes options"),
        (["host", "restart {params.x}"], "the reference {params.x} stands in shell code for another host"),
        (["-o", "{params.x}", "host"], "the reference {params.x} stands in shell code"),
        (["-o", "ProxyCommand=nc {params.x} 22", "host"], "the reference {params.x} stands in shell code"),
    ],
)
def test_a_reference_that_ssh_would_run_is_a_fault_with_the_way_out(args: list[str], message: str) -> None:
    """As an option here, or as code there."""
    fault = only(plan_faults({"id": "a", "command": "ssh", "args": args}, params={"x": {"default": "x"}}))
    assert fault.message.startswith(message)
    assert fault.hint


@pytest.mark.parametrize(
    "args",
    [
        ["--", "{params.x}", "uptime"],
        ["me@{params.x}", "uptime"],
        ["-p", "{params.x}", "host"],
        ["-oPort={params.x}", "h"],
    ],
)
def test_a_reference_that_ssh_takes_as_a_word_is_none(args: list[str]) -> None:
    """A host, a port, a name."""
    assert plan_faults({"id": "a", "command": "ssh", "args": args}, params={"x": {"default": "x"}}) == ()


def test_the_way_to_a_remote_shell_that_the_hint_gives_is_one() -> None:
    """The value is an argument of a script here, which quotes it."""
    args = ["-c", 'ssh HOST "COMMAND ${1@Q}"', "bash", "{params.x}"]
    assert plan_faults({"id": "a", "command": "bash", "args": args}, params={"x": {"default": "x"}}) == ()


def test_the_files_of_sed_and_the_targets_of_make_are_no_program_text() -> None:
    """Only the script is, and what is given to a variable: make expands it like a line of its file."""
    assert code_words("sed -n SCRIPT one two") == ["SCRIPT"]
    assert code_words("sed -e ONE -e TWO three") == ["ONE", "TWO"]
    assert code_words("sed -ie SCRIPT file") == ["SCRIPT"], "what follows -i in its word is the ending of a copy"
    assert code_words("make -C folder all X=CODE check") == ["X=CODE"]


@pytest.mark.parametrize(
    ("command", "args", "language"),
    [
        ("sed", ["s/x/{params.x}/e", "f"], "sed"),
        ("sed", ["1e {params.x}", "f"], "sed"),
        ("sed", ["-e", "s/a/{params.x}/", "f"], "sed"),
        ("make", ["NAME={params.x}", "all"], "make"),
        ("make", ["--eval", "x:; {params.x}"], "make"),
    ],
)
def test_a_reference_in_a_script_of_sed_or_a_variable_of_make_is_a_fault(
    command: str, args: list[str], language: str
) -> None:
    """Without the flag e as well: a value such as `x/e` brings it along, as one in an awk program may bring `system`."""
    fault = only(plan_faults({"id": "a", "command": command, "args": args}, params={"x": {"default": "x"}}))
    assert fault.message.startswith(f"the reference {{params.x}} stands in {language} code")
    assert fault.hint


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("sed", ["--sandbox", "s/a/{params.x}/", "f"]),
        ("sed", ["s/a/b/", "{params.x}"]),
        ("sed", ["-f", "{params.x}", "f"]),
        ("make", ["-C", "{params.x}", "all"]),
        ("make", ["{params.x}"]),
    ],
)
def test_the_ways_in_for_sed_and_make_are_none(command: str, args: list[str]) -> None:
    """A script in a sandbox can run nothing; files, folders and targets are only names."""
    assert plan_faults({"id": "a", "command": command, "args": args}, params={"x": {"default": "x"}}) == ()
