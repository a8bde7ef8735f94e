"""What a check of the file finds, as data. How it is found lives beside this, how it is shown in the commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from engine.model.json import JsonObject

MOST_FINDINGS: Final = 100
"""Of one check; a flood is counted, not listed."""


class Check(StrEnum):
    """What was checked, in the order in which it is."""

    STRUCTURE = "structure"
    CHAIN = "chain"
    PLANS = "plans"
    ASSETS = "assets"
    BLOBS = "blobs"
    OUTPUT = "output"
    PROJECTIONS = "projections"
    TAIL = "tail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written. `place` is a run, a table or a file; a warning loses no event."""

    check: Check
    place: str
    message: str
    hint: str = ""
    is_warning: bool = False

    def to_json(self) -> JsonObject:
        """As `verify --json` prints it."""
        return {
            "check": self.check.value,
            "severity": "warning" if self.is_warning else "error",
            "place": self.place,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of the whole file came to. `unchecked` are the checks that what was found before made pointless."""

    runs: int = 0
    events: int = 0
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[Check, ...] = ()

    @property
    def is_sound(self) -> bool:
        """True when nothing but warnings was found."""
        return all(finding.is_warning for finding in self.findings)


@dataclass(slots=True)
class Progress:
    """Says now and then how far a long check has come."""

    tell: Callable[[str], None] | None = None
    every: int = 20_000
    _count: int = field(default=0, init=False)

    def step(self, doing: str) -> None:
        """A new part of the work begins."""
        self._count = 0
        if self.tell is not None:
            self.tell(doing)

    def counted(self, number: int, of: str) -> None:
        """So many more are done."""
        before, self._count = self._count, self._count + number
        if self.tell is not None and before // self.every != self._count // self.every:
            self.tell(f"{self._count:,} {of}")


def limited(findings: Iterable[Finding]) -> Iterator[Finding]:
    """At most MOST_FINDINGS of them, then one that counts the rest."""
    last: Finding | None = None
    more = 0
    for number, finding in enumerate(findings):
        if number < MOST_FINDINGS:
            yield finding
        else:
            last, more = finding, more + 1
    if last is not None:
        yield Finding(
            last.check, last.place, f"and {more:,} more of this kind, of which this is the last: {last.message}"
        )
