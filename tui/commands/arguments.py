"""The command line as argparse sees it: strict options, errors as our own, help with examples and exit codes."""

from __future__ import annotations

import argparse
import sys
import textwrap
from typing import TYPE_CHECKING, Final, NoReturn

from engine.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PROGRAM: Final = "opscope"
EXIT_CODES: Final[Mapping[int, str]] = {
    0: "succeeded",
    1: "the run failed",
    2: "bad input: an unknown run, option or plan, or a plan with faults",
    3: "a run waits for a person, or goes on without this terminal",
    4: "the database or the system under it failed",
    129: "canceled by a hang-up",
    130: "canceled by Ctrl-C",
    143: "canceled by SIGTERM",
}
READING_CODES: Final = (0, 2, 4)


class HelpRequestedError(Exception):
    """The help of the command was asked for; `text` is it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class CommandParser(argparse.ArgumentParser):
    """A parser that raises instead of printing and exiting, and takes no abbreviation."""

    def __init__(self, command: str | None = None) -> None:
        super().__init__(
            prog=f"{PROGRAM} {command}" if command else PROGRAM,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if sys.version_info >= (3, 14):
            self.color = False
        common = self.add_argument_group("everywhere")
        common.add_argument("--db", metavar="PATH", help="the database of runs (default: $OPSCOPE_DB, else the user's)")
        common.add_argument("--no-color", action="store_true", help="no colours, as NO_COLOR=1 does")
        common.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")

    def error(self, message: str) -> NoReturn:
        """What argparse found wrong, as bad input."""
        raise InputError(message, hint=f"see {self.prog} --help")

    def print_help(self, file: object = None) -> NoReturn:  # noqa: ARG002  # the signature is argparse's
        """The help goes out where every text does."""
        raise HelpRequestedError(self.format_help())


def describe(
    parser: argparse.ArgumentParser,
    description: str,
    *,
    examples: Sequence[tuple[str, str]],
    exit_codes: Iterable[int] = READING_CODES,
    meanings: Mapping[int, str] = EXIT_CODES,
) -> None:
    """Give a command its description, its examples as (command line, what it does) and its exit codes.

    `meanings` are those of exit codes that mean something else here than everywhere.
    """
    width = max(len(line) for line, _ in examples)
    shown = "\n".join(f"  {line:<{width}}  {meaning}" for line, meaning in examples)
    if width > 44:
        shown = "\n".join(f"  {meaning}:\n    {line}" for line, meaning in examples)
    codes = "\n".join(f"  {code:>3}  {meanings.get(code) or EXIT_CODES[code]}" for code in exit_codes)
    parser.description = textwrap.fill(description, 80)
    parser.epilog = f"examples:\n{shown}\n\nexit codes:\n{codes}"


def add_run_argument(parser: argparse.ArgumentParser, *, optional: bool = False, is_whole: bool = False) -> None:
    """The argument RUN. `is_whole` where a part of a run would be refused."""
    id_text, example = "the beginning of a run's id (4 characters or more)", "7f3a91/stage/execute?step=ping"
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?" if optional else None,
        help=f"{id_text}, or `last`" if is_whole else f"{id_text}, `last`, or a permalink such as {example}",
    )


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or not text.strip("0"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    if len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text[:20]} is more than 999999999")
    return int(text)


def joined(words: Sequence[str]) -> list[str]:
    """The words, --filter and a value such as -plan:x in one: alone, argparse takes that value for an option."""
    found: list[str] = []
    for word in words:
        if found and found[-1] == "--filter" and word.startswith("-") and not word.startswith("--"):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def item_number(text: str) -> int:
    """The index of an item of a step, from 0."""
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not the number of an item, counted from 0")
    return int(text)


def closest(word: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, if one is near."""
    import difflib

    found = difflib.get_close_matches(word.lower(), list(names), n=1, cutoff=0.7)
    return found[0] if found else None
