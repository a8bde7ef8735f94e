"""Which arguments of a command are program text for a shell, a language or a database. It knows command lines, not plans.

A value that is filled into program text becomes program text; so references have no business there. The same holds for a
word that a program may take for an option which runs something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.plan.script_words import MAKES, SEDS, make_variables, sed_scripts

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHELLS = frozenset(
    [
        "sh",
        "bash",
        "dash",
        "zsh",
        "ksh",
        "ksh93",
        "mksh",
        "ash",
        "fish",
        "csh",
        "tcsh",
        "yash",
        "rbash",
        "busybox-sh",
        "osh",
        "nu",
    ]
)
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*[a-z]?")
_POWERSHELLS = frozenset(["pwsh", "powershell", "pwsh-preview"])
_AWKS = frozenset(["awk", "gawk", "mawk", "nawk"])
_VERSION = re.compile(r"-?[0-9.]+$")

_RUNS_OTHERS = frozenset(
    [
        "env", "sudo", "doas", "nice", "ionice", "nohup", "timeout", "stdbuf", "setsid", "setpriv", "time", "xargs", "find",
        "busybox", "toybox", "chroot", "unshare", "nsenter", "flock", "chrt", "taskset", "strace", "ltrace", "systemd-run",
        "systemd-inhibit", "docker", "podman", "kubectl", "nerdctl", "lxc", "ssh", "runuser", "su", "script", "watch", "parallel",
        "prlimit", "firejail", "bwrap", "uv", "poetry", "pipenv", "npx", "wsl", "command", "exec", "unbuffer", "catchsegv", "sshpass",
    ]
)  # fmt: skip
"""Programs that start the program named in their arguments."""

_PREFIXES = frozenset(
    ["env", "sudo", "doas", "nice", "ionice", "nohup", "timeout", "stdbuf", "setsid", "time", "xargs", "sshpass"]
)
"""Those of them that have only options and values before that program. `ssh` is a word of many other command lines."""

_REMOTE_SHELLS = frozenset(["ssh", "slogin", "autossh"])
_SSH_VALUES = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
_SSH_COMMANDS = re.compile(r"(?:\{|(?:proxy|local|remote|knownhosts)command\b)", re.IGNORECASE)
_MAX_INTERPRETERS = 20
REMOTE_SHELL = "remote shell"
"""The language of words that are joined and read by the shell of another host."""

_LETTER_FLAGS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "perl": ("eE", (), "Perl"),
    "ruby": ("e", (), "Ruby"),
    "node": ("ep", ("--eval", "--print"), "JavaScript"),
    "nodejs": ("ep", ("--eval", "--print"), "JavaScript"),
    "bun": ("ep", ("--eval", "--print"), "JavaScript"),
    "php": ("rBRE", ("--run", "--process-begin", "--process-code", "--process-end"), "PHP"),
    "lua": ("e", (), "Lua"),
    "luajit": ("e", (), "Lua"),
    "Rscript": ("e", (), "R"),
    "expect": ("c", (), "Tcl"),
    "osascript": ("e", (), "AppleScript"),
    "groovy": ("e", (), "Groovy"),
    "psql": ("c", ("--command",), "SQL"),
    "mysql": ("e", ("--execute",), "SQL"),
    "mariadb": ("e", ("--execute",), "SQL"),
    "su": ("c", ("--command", "--session-command"), "shell"),
    "runuser": ("c", ("--command", "--session-command"), "shell"),
    "script": ("c", ("--command",), "shell"),
    "flock": ("c", ("--command",), "shell"),
    "env": ("S", ("--split-string",), "command line"),
}


@dataclass(frozen=True, slots=True)
class CodeArgument:
    """An argument that is program text: its index (-1 is the command itself) and the language."""

    index: int
    language: str


def program_name(command: str) -> str:
    """`/usr/bin/Bash.exe` as `bash`: the last part of the path, as the tables spell it."""
    name = re.split(r"[\\/]", command)[-1]
    if name.lower().endswith(".exe"):
        name = name[:-4]
    return name if name in _LETTER_FLAGS else name.lower()


def code_arguments(command: str, args: Sequence[str]) -> list[CodeArgument]:
    """Every argument that some interpreter on this command line takes as program text."""
    words = [command, *args]
    found: dict[int, str] = {}
    runs_others = program_name(command) in _RUNS_OTHERS
    remote = _remote_at(words)
    interpreters = 0
    for at, word in enumerate(words):
        if (at and not runs_others) or interpreters == _MAX_INTERPRETERS:
            break
        after = _remote(words, at)[1] if at == remote else _code_after(program_name(word), words, at)
        interpreters += after is not None
        found.update(after or {})
    return [CodeArgument(index - 1, language) for index, language in sorted(found.items())]


def _code_after(name: str, words: Sequence[str], at: int) -> dict[int, str] | None:
    """The program text among the words after an interpreter, or None where the name is that of no interpreter."""
    if name in _SHELLS:
        return _shell(words, at, "shell")
    if _PYTHON.fullmatch(name):
        return _letters(words, at, "c", (), "Python", takes_value="WXm")
    if name in _POWERSHELLS:
        return _powershell(words, at)
    if name in _AWKS:
        return _awk(words, at)
    if name in SEDS:
        return sed_scripts(words, at)
    if name in MAKES:
        return make_variables(words, at)
    if name == "cmd":
        return _cmd(words, at)
    if name in ("sqlite3", "watch", "parallel", "deno", "eval"):
        return _positional(name, words, at)
    flags = _LETTER_FLAGS.get(name) or _LETTER_FLAGS.get(_VERSION.sub("", name))
    if flags is not None:
        return _letters(words, at, flags[0], flags[1], flags[2])
    return None


def option_argument(command: str, args: Sequence[str]) -> int | None:
    """The argument that names the host to ssh, if a value that begins with `-` would be an option there.

    One of ssh's options runs a command on this host.
    """
    words = [command, *args]
    at = _remote_at(words)
    destination = None if at is None else _remote(words, at)[0]
    return None if destination is None else destination - 1


def _remote_at(words: Sequence[str]) -> int | None:
    """Where ssh stands: the command itself, or the program that prefixes such as `timeout 5` start."""
    for at, word in enumerate(words):
        name = program_name(word)
        if name in _REMOTE_SHELLS:
            return at
        belongs_to_prefix = at > 0 and (
            word.startswith("-") or "=" in word or word[:1].isdigit() or words[at - 1].startswith("-")
        )
        if name not in _PREFIXES and not belongs_to_prefix:
            return None
    return None


def _remote(words: Sequence[str], at: int) -> tuple[int | None, dict[int, str]]:
    """The destination, unless `--` stands before it, and what is code: everything after it, and options that are commands."""
    found: dict[int, str] = {}
    destination: int | None = None
    index = at + 1
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1 if destination is not None else 2
            break
        if not word.startswith("-") or word == "-":
            if destination is not None:
                break
            destination = index  # options may follow the destination, too
            index += 1
            continue
        place = next((n for n, char in enumerate(word) if n and char in _SSH_VALUES), len(word))
        value = index + 1 if place == len(word) - 1 else index
        text = words[value] if value > index and value < len(words) else word[place + 1 :]
        if word[place : place + 1] == "o" and _SSH_COMMANDS.match(text):
            found[min(value, len(words) - 1)] = "shell"
        index = value + 1
    found.update(dict.fromkeys(range(index, len(words)), REMOTE_SHELL))
    return destination, found


def _shell(words: Sequence[str], at: int, language: str) -> dict[int, str]:
    """`-c` may hide in a cluster (`-euxc`) and the text is the first word that is no option, wherever `-c` stood."""
    takes_text = False
    index = at + 1
    found: dict[int, str] = {}
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
            break
        if word.startswith("--"):
            if word.startswith("--command="):
                found[index] = language
            takes_text = takes_text or word == "--command"
            index += 2 if word in ("--rcfile", "--init-file") else 1
        elif len(word) > 1 and word[0] in "-+":
            takes_text = takes_text or (word[0] == "-" and ("c" in word or "C" in word))
            index += 2 if word[-1] in "oO" else 1
        else:
            break
    if takes_text and index < len(words):
        found[index] = language
    return found


def _letters(
    words: Sequence[str], at: int, letters: str, long: Sequence[str], language: str, *, takes_value: str = ""
) -> dict[int, str]:
    """Flags of one letter, in clusters (`-ne`), with the text attached (`-eprint`) or in the next word; and long flags."""
    found: dict[int, str] = {}
    index = at + 1
    while index < len(words):
        word = words[index]
        flag, equals, _ = word.partition("=")
        if flag in long:
            if equals:
                found[index] = language
            else:
                found[index + 1] = language
                index += 1
        elif word.startswith("-") and not word.startswith("--") and len(word) > 1:
            place = next((n for n, char in enumerate(word) if n and (char in letters or char in takes_value)), 0)
            if place and word[place] in letters:
                target = index if place < len(word) - 1 and not set(word[place + 1 :]) <= set(letters) else index + 1
                found[target] = language
                index = max(index, target)
            elif place and word[place] == "m":
                break  # python -m: what follows belongs to the module
            elif place and place == len(word) - 1:
                index += 1
        elif takes_value:
            break
        index += 1
    return {index: language for index, language in found.items() if index < len(words)}


def _powershell(words: Sequence[str], at: int) -> dict[int, str]:
    """Everything after -Command, which may be shortened, is one script."""
    for index in range(at + 1, len(words)):
        word = words[index].lower()
        if word in ("-commandwithargs", "-cwa"):
            return {index + 1: "PowerShell"} if index + 1 < len(words) else {}
        if (
            len(word) > 1
            and word[0] in "-/"
            and ("command".startswith(word[1:]) or word[1:] in ("encodedcommand", "e", "ec", "enc"))
        ):
            return dict.fromkeys(range(index + 1, len(words)), "PowerShell")
        if word in ("-file", "-f"):
            return {}
    return {}


def _cmd(words: Sequence[str], at: int) -> dict[int, str]:
    for index in range(at + 1, len(words)):
        if words[index].lower() in ("/c", "/k", "/r"):
            return dict.fromkeys(range(index + 1, len(words)), "shell")
    return {}


def _awk(words: Sequence[str], at: int) -> dict[int, str]:
    """The first word that is no option is the program, unless -f names a file."""
    index = at + 1
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
            break
        if word.startswith(("-f", "--file")):
            return {}
        if not word.startswith("-"):
            break
        if word in ("-e", "--source"):
            return {index + 1: "awk"} if index + 1 < len(words) else {}
        index += 2 if word in ("-v", "-F", "--assign", "--field-separator") else 1
    return {index: "awk"} if index < len(words) else {}


def _positional(name: str, words: Sequence[str], at: int) -> dict[int, str]:
    """Programs that take their text as an ordinary word."""
    plain = [index for index in range(at + 1, len(words)) if not words[index].startswith("-")]
    match name:
        case "sqlite3":
            return dict.fromkeys(plain[1:], "SQL") | {
                index + 1: "SQL" for index in range(at + 1, len(words) - 1) if words[index] in ("-cmd", "--cmd")
            }
        case "deno":
            return dict.fromkeys(plain[1:], "JavaScript") if plain and words[plain[0]] == "eval" else {}
        case _:
            return dict.fromkeys(plain, "shell")
