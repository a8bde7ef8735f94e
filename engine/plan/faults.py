"""Collecting what is wrong with a plan, in words for a person: paths, what was found, did-you-mean. It decides nothing itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from engine.errors import Fault

if TYPE_CHECKING:
    from engine.plan.document import Document

Path: TypeAlias = "tuple[str | int, ...]"

FAULTS_LISTED = 200
"""More than this helps nobody; the rest is only counted, which also bounds the time that a hostile file can take."""

_SUGGESTION_POOL = 200
_SHOWN_CHARS = 60


def path_text(path: Path) -> str:
    """`("steps", 2, "args", 0)` as `steps[2].args[0]`; names that are no plain words are quoted."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        elif part.replace("-", "_").isidentifier():
            out += f".{part}" if out else part
        else:
            out += f"['{shorten(part)}']"
    return out


def shorten(text: str, limit: int = _SHOWN_CHARS) -> str:
    """The text on one line, cut so that a message stays a sentence."""
    flat = text[: limit + 1].replace("\n", " ")
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def describe(value: object) -> str:
    """What a value is, for "found ...": `the text 'no'`, `the number 3`, `a list of 2`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text '{shorten(value)}'" if value else "an empty text"
        case Mapping():
            return f"an object of {len(value)}" if value else "an empty object"
        case Sequence():
            return f"a list of {len(value)}" if value else "an empty list"
        case _:
            return "something else"


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`did you mean 'host'?`, or nothing. Looks at no more than a few hundred candidates of about the word's length."""
    if len(word) > 100:
        return ""
    near = islice((c for c in candidates if abs(len(c) - len(word)) <= 3), _SUGGESTION_POOL)
    lowered = {c.lower(): c for c in near}
    found = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return f"did you mean '{lowered[found[0]]}'?" if found else ""


class Faults:
    """The faults of one document, each with its place. Stops listing, but not counting, at `FAULTS_LISTED`."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[tuple[Path, bool, str, str]] = []
        self._seen: set[tuple[Path, str]] = set()
        self._places: set[Path] = set()
        self.unlisted = 0

    @property
    def full(self) -> bool:
        """True when nothing more will be listed, so that a checker may stop looking."""
        return len(self._found) >= FAULTS_LISTED

    def __bool__(self) -> bool:
        return bool(self._found)

    def number_texts(self, paths: list[Path]) -> list[str]:
        """How the numbers at these paths were written."""
        return self._document.number_texts(paths)

    def has(self, path: Path) -> bool:
        """True if something is already wrong at exactly this place."""
        return path in self._places

    def add(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Note a fault. `at_key` places it on the field's name instead of its value."""
        if (path, message) in self._seen:
            return
        if self.full:
            self.unlisted += 1
            return
        self._seen.add((path, message))
        self._places.add(path)
        self._found.append((path, at_key, message, hint))

    def listed(self) -> tuple[Fault, ...]:
        """Everything found, in the order of the text."""
        found = list(self._found)
        places = self._document.places({(path, at_key) for path, at_key, _, _ in found})
        faults = []
        for path, at_key, message, hint in found:
            line, column = places[path, at_key]
            faults.append(Fault(message, path_text(self._document.written(path)), line, column, hint))
        faults.sort(key=lambda fault: (fault.line or 0, fault.column or 0))
        if self.unlisted:
            faults.append(Fault(message=f"and {self.unlisted} or more further faults that are not listed"))
        elif self.full:
            faults.append(Fault(message="there may be further faults that are not listed"))
        return tuple(faults)
