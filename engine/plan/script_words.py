"""Which words of sed and make are program text: programs that seem to have none, and run what a value brings along.

All others are in interpreters.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SEDS = frozenset(["sed", "gsed"])
MAKES = frozenset(["make", "gmake", "remake"])
_MAKE_VALUES = frozenset(
    ["-C", "--directory", "-f", "--file", "--makefile", "-I", "--include-dir", "-o", "--old-file", "-W", "--what-if"]
)


def sed_scripts(words: Sequence[str], at: int) -> dict[int, str]:
    """What `-e` gives, else the first word that is no option, unless `-f` names a file; options may follow it, too.

    A script counts as program text whether it has the command or the flag `e` or not: a value can bring either along, as
    in `x/e` or `x/;1e ...`. Only `--sandbox` takes them from it.
    """
    found: dict[int, str] = {}
    plain: list[int] = []
    has_script = False
    index = at + 1
    while index < len(words):
        word = words[index]
        if word == "--":
            plain += range(index + 1, len(words))
            break
        if not word.startswith("-") or word == "-":
            plain.append(index)
            index += 1
            continue
        flag, text = _sed_flag(word)
        if flag == "sandbox":
            return {}
        has_script = has_script or flag in ("e", "f")
        if flag == "e":
            found[index + 1 if text is None else index] = "sed"
        index += 2 if flag in ("e", "f", "l") and text is None else 1
    if not has_script and plain:
        found[plain[0]] = "sed"
    return {index: language for index, language in found.items() if index < len(words)}


def _sed_flag(word: str) -> tuple[str, str | None]:
    """The flag in a word that takes a value, or `sandbox`, and the value where it stands in the same word."""
    if word.startswith("--"):
        name, equals, text = word.partition("=")
        # As getopt has it, a long option may be shortened.
        for long, least in (("--expression", 3), ("--file", 4), ("--line-length", 3), ("--sandbox", 4)):
            if len(name) >= least and long.startswith(name):
                return "sandbox" if long == "--sandbox" else long[2], text if equals else None
        return "", None
    for place, char in enumerate(word):
        if place and char in "efli":
            rest = word[place + 1 :]
            return char, rest or None
    return "", None


def make_variables(words: Sequence[str], at: int) -> dict[int, str]:
    """Variables, which it expands as lines of its file, `$(shell ...)` included, and `--eval`. Targets are only names."""
    found: dict[int, str] = {}
    index = at + 1
    while index < len(words):
        word = words[index]
        if word in ("-E", "--eval"):
            found[index + 1] = "make"
            index += 1
        elif word in _MAKE_VALUES:
            index += 1
        elif word.startswith(("--eval=", "-E")) or (not word.startswith("-") and "=" in word):
            found[index] = "make"
        index += 1
    return {index: language for index, language in found.items() if index < len(words)}
