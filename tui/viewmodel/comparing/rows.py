"""What every section of a comparison is: rows that are made when they are seen, each with what is behind it. No section's own content."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from tui.viewmodel.comparing.folding import folded_line
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.regression.parts import PartKey


class View(Enum):
    """A section of the screen: its key and its name."""

    VERDICT = (1, "Verdict")
    EVIDENCE = (2, "Evidence")
    DIFFERENCES = (3, "Differences")
    DATA = (4, "Data")
    RUNS = (5, "Runs")

    def __init__(self, key: int, title: str) -> None:
        self.key = key
        self.title = title


LABEL: Final = 11
"""Cells of a fact's name in a detail."""


_INDENT: Final = 7
"""Cells before what did not fit on a row."""


class Rows(ABC):
    """One section. Rows have a `key` by which the cursor finds them again when they were made anew."""

    empty: str = ""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def line(self, index: int, cells: int) -> Line:
        """A row in `cells` cells."""

    @abstractmethod
    def key(self, index: int) -> str:
        """What the row is."""

    def header(self, cells: int) -> Line:  # noqa: ARG002
        """Titles of the columns; nothing where there are none."""
        return ()

    @property
    def first(self) -> int:
        """Where the cursor begins."""
        return 0

    def is_title(self, index: int) -> bool:
        """True for a row that only names what follows, or keeps it apart."""
        return self.key(index).startswith("#")

    def title(self, index: int) -> str:
        """What the heading of the detail names."""
        return self.key(index)

    @abstractmethod
    def detail(self, index: int, cells: int) -> list[Line]:
        """All that is known of the row."""

    def part(self, index: int) -> PartKey | None:  # noqa: ARG002
        """The place in a run that the row is about."""
        return None

    @abstractmethod
    def sentence(self, index: int) -> str:
        """The row as one says it to a colleague."""

    def folded(self, cells: int, most: int) -> Rows:  # noqa: ARG002
        """The rows with those that are wider broken into several, where that makes no more than `most` of them."""
        return self

    def place_of(self, key: str) -> int:
        """Where the row with a key stands; where the cursor begins if it is gone."""
        return next((index for index in range(len(self)) if self.key(index) == key), self.first)


@dataclass(frozen=True, slots=True)
class Told:
    """A row whose words are known already; `detail` folds what is behind it to a width."""

    key: str
    row: Line
    title: str
    detail: Callable[[int], list[Line]]
    sentence: str
    part: PartKey | None = None
    suspect: int | None = None


class ToldRows(Rows):
    """A short section, whose rows are all there from the start."""

    def __init__(self, told: list[Told], empty: str = "") -> None:
        self.told = told
        self.empty = empty

    def __len__(self) -> int:
        return len(self.told)

    def folded(self, cells: int, most: int) -> Rows:
        """With what does not fit in rows of their own that cannot be chosen."""
        told: list[Told] = []
        for one in self.told:
            first, *others = folded_line(one.row, cells, _INDENT)
            told.append(replace(one, row=first))
            told += [
                Told(f"#{one.key} {number}", row, "", one.detail, one.sentence) for number, row in enumerate(others)
            ]
        return self if len(told) > most else ToldRows(told, self.empty)

    def line(self, index: int, cells: int) -> Line:  # noqa: ARG002
        """As it was told."""
        return self.told[index].row

    def key(self, index: int) -> str:
        """As it was told."""
        return self.told[index].key

    def title(self, index: int) -> str:
        """As it was told."""
        return self.told[index].title

    def detail(self, index: int, cells: int) -> list[Line]:
        """Folded to the width."""
        return self.told[index].detail(cells)

    def part(self, index: int) -> PartKey | None:
        """As it was told."""
        return self.told[index].part

    def sentence(self, index: int) -> str:
        """As it was told."""
        return self.told[index].sentence


def saying(*texts: str) -> Callable[[int], list[Line]]:
    """Sentences, folded to the width."""
    return lambda cells: [(Span(f" {part}"),) for text in texts for part in wrapped(text, max(10, cells - 2))]


def listing(*pairs: tuple[str, str]) -> Callable[[int], list[Line]]:
    """Names with what is said of them."""
    return lambda cells: [line for name, said in pairs for line in facts(name, said, cells)]


def fact(name: str, *said: Span | str) -> Line:
    """` q          .0038`: a name in its column, then what is said."""
    return (
        Span(f" {name:<{LABEL}}", Role.DIM),
        *(span(piece) if isinstance(piece, str) else piece for piece in said),
    )


def facts(name: str, said: str, cells: int, role: Role = Role.TEXT) -> list[Line]:
    """The same for a sentence, folded beside its name."""
    parts = wrapped(said, max(12, cells - LABEL - 2))
    return [fact(name if number == 0 else "", span(part, role)) for number, part in enumerate(parts)]


def heading(text: str, note: str = "") -> Line:
    """A row that names what follows."""
    return (Span(f" {text}", Role.STRONG, bold=True), span(f"  {note}" if note else "", Role.DIM))
