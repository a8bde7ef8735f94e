"""Which options of `opscope compare` go together. None is without effect: what would be is refused, with what it goes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import InputError

if TYPE_CHECKING:
    import argparse

MODES: Final = {
    "candidates": "--with",
    "list": "--list",
    "show": "--show",
    "confirm": "--confirm",
    "put_back": "--put-back",
    "bisect": "--bisect",
    "history": "--history",
    "predictions": "--predictions",
}
"""What can be asked for, one of them at a time, by the name that argparse keeps it under."""

_RERUNNING: Final = ("--confirm", "--put-back", "--bisect")
_ANALYSES: Final = ("--with", "--show", *_RERUNNING)
_LISTS: Final = ("--list", "--history", "--predictions")


@dataclass(frozen=True, slots=True)
class _Option:
    """An option as it is typed, and with what it does anything."""

    name: str
    modes: tuple[str, ...]


_OPTIONS: Final = {
    "base": _Option("BASE", ("--with",)),
    "baseline": _Option("--baseline", ("--with",)),
    "stage": _Option("--stage", ("--with",)),
    "floor": _Option("--floor", ("--with",)),
    "save": _Option("--save", ("--with",)),
    "fail_over": _Option("--fail-over", _ANALYSES),
    "fail_undecided": _Option("--fail-undecided", _ANALYSES),
    "runs": _Option("--runs", ("--confirm",)),
    "step": _Option("--step", ("--history",)),
    "limit": _Option("--limit", _LISTS),
}


def check_options(arguments: argparse.Namespace) -> None:
    """Raise InputError for options that say nothing together. `--json` becomes the format of that name."""
    mode = _mode(arguments)
    for dest, option in _OPTIONS.items():
        if getattr(arguments, dest) in (None, []) or mode in option.modes:
            continue
        name = "--no-save" if arguments.save is False and dest == "save" else option.name
        if dest == "save" and mode in _RERUNNING:
            raise InputError(f"{name} does nothing with {mode}", hint="what reruns came to is kept in any case")
        raise InputError(f"{name} does nothing with {mode}", hint=f"it goes with {_listed(option.modes)}")
    if arguments.base and arguments.baseline is not None:
        raise InputError("--baseline chooses the runs that BASE names", hint="give one of them")
    arguments.format = _format(arguments, mode)


def _mode(arguments: argparse.Namespace) -> str:
    asked = [name for dest, name in MODES.items() if getattr(arguments, dest) not in (None, [], False)]
    if len(asked) > 1:
        raise InputError(
            f"{_listed(asked)} are {'two' if len(asked) == 2 else 'several'} things", hint="give one of them"
        )
    if asked:
        return asked[0]
    if arguments.base:
        raise InputError("a baseline alone says nothing", hint="name the runs in question with --with")
    raise InputError(
        "one of --with CAND, --list, --show ID, --confirm ID, --put-back ID N, --bisect ID, --history PLAN and "
        "--predictions PLAN is needed",
        hint="for example: opscope compare --with last",
    )


def _format(arguments: argparse.Namespace, mode: str) -> str:
    if arguments.json and arguments.format not in (None, "json"):
        raise InputError(f"--json and --format {arguments.format} are two things", hint="give one of them")
    form = "json" if arguments.json else str(arguments.format or "text")
    if mode in _LISTS and form not in ("text", "json"):
        hint = f"{mode} goes with --format text or json; an analysis has {form}: --with, --show"
        raise InputError(f"--format {form} does nothing with {mode}", hint=hint)
    return form


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
