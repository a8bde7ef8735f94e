"""The section of inputs and outputs: the parts of two runs, which of them gave something else, and what of it differs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from engine.regression.json_diff import JsonDiff, summary_lines
from tui.viewmodel.comparing.rows import Rows, facts
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import Line, Span, fit, span
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.regression.parts import PartKey


class Flow(Enum):
    """What of a part is compared."""

    OUTPUT = "output"
    INPUT = "input"


class Alike(Enum):
    """What is known of the outputs of a part without having compared them value by value."""

    SAME = ("=", "same", Role.DIM)
    VARIES = ("~", "varies anyway", Role.DIM)
    OTHER = ("~", "differs", Role.WARNING)
    BEFORE_ONLY = ("-", "baseline only", Role.FAILED)
    AFTER_ONLY = ("+", "candidate only", Role.SUCCEEDED)
    UNKNOWN = ("·", "large", Role.DIM)

    def __init__(self, glyph: str, word: str, role: Role) -> None:
        self.glyph = glyph
        self.word = word
        self.role = role


@dataclass(frozen=True, slots=True)
class Pair:
    """The two runs whose data are compared; empty where a side has none."""

    before: str = ""
    after: str = ""

    @property
    def is_whole(self) -> bool:
        """True where both are there."""
        return bool(self.before and self.after)


@dataclass(frozen=True, slots=True)
class DataPart:
    """A part of either run; the words are how it ended in each, empty where it is not there."""

    part: PartKey
    alike: Alike
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """The diff of one part with its lines, or why there is none.

    `learnt` is from how many pairs of runs of the baseline the places come that differ every time.
    """

    diff: JsonDiff | None = None
    lines: tuple[Line, ...] = ()
    why: str = ""
    learnt: int = 0


_WORD: Final = 16


class DataRows(Rows):
    """The parts of both runs, in the order in which they run. `found` is filled as it is read, by the row's key."""

    empty = "neither run has data"

    def __init__(
        self,
        parts: Sequence[DataPart],
        pair: Pair,
        flow: Flow,
        found: Mapping[tuple[str, Flow], Compared] | None = None,
    ) -> None:
        self.parts = parts
        self._pair = pair
        self._flow = flow
        self._found = found if found is not None else {}
        self._word = max([_WORD, *(len(_ends(one)) for one in parts)])

    def __len__(self) -> int:
        return len(self.parts)

    @property
    def first(self) -> int:
        """Where the cursor begins: at what ended otherwise, a step before its stage, else at what differs, likewise."""
        others = (Alike.OTHER, Alike.BEFORE_ONLY, Alike.AFTER_ONLY)
        order = [
            (not _ends(one), not _ends(one) and one.alike not in others, not one.part.step_id, index)
            for index, one in enumerate(self.parts)
        ]
        return min(order)[-1] if order else 0

    def key(self, index: int) -> str:
        """The part."""
        return f"data {self.parts[index].part}"

    def title(self, index: int) -> str:
        """The part and what of it."""
        return f"{self._flow.value} of {self.parts[index].part}"

    def part(self, index: int) -> PartKey:
        """The part."""
        return self.parts[index].part

    def sentence(self, index: int) -> str:
        """Which runs, and the summary of what differs."""
        head = f"{self.title(index)}, {short_id(self._pair.after)} against {short_id(self._pair.before)}"
        found = self._found.get((self.key(index), self._flow))
        if found is None or found.diff is None:
            return f"{head}: {self.parts[index].alike.word}."
        return f"{head}: {'; '.join(summary_lines(found.diff, 5))}."

    def line(self, index: int, cells: int) -> Line:
        """A part, and whether it gave something else."""
        one = self.parts[index]
        alike = one.alike
        known = self._found.get((self.key(index), Flow.OUTPUT))
        if _ends(one):
            alike = Alike.OTHER
        elif known is not None and known.diff is not None:
            # What differs every time is no difference.
            alike = Alike.SAME if known.diff.is_empty else Alike.OTHER
        is_step = bool(one.part.step_id)
        name = str(one.part)
        if is_step and not one.part.pass_index:
            name = f"  {name.partition('/')[2]}"
        word = min(self._word, max(_WORD, cells // 2))
        room = max(8, cells - 6 - word)
        return (
            Span(f" {alike.glyph} ", alike.role, bold=alike is Alike.OTHER),
            span(fit(name, room), Role.TEXT if is_step else STAGE_ROLES[one.part.stage]),
            Span("  "),
            Span(fit(_ends(one) or alike.word, word), Role.FAILED if _ends(one) else alike.role),
        )

    def detail(self, index: int, cells: int) -> list[Line]:
        """What differs in it."""
        key = self.key(index)
        found = self._found.get((key, self._flow))
        if found is None:
            return [(Span(" reading…", Role.DIM),)]
        if found.diff is None:
            return facts("", found.why, cells, Role.DIM)
        return [*found.lines]


def _ends(one: DataPart) -> str:
    """How it ended, where that is not the same."""
    return f"{one.before} → {one.after}" if one.before and one.after and one.before != one.after else ""
