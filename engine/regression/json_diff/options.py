"""What a person may ask of a diff, and the rules this makes at each place of a document. No document is looked at here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from engine.regression.json_diff.paths import Pattern, Wild, parse_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

IDENTITY_KEYS: Final = ("id", "key", "name", "stage")


class ArrayMode(Enum):
    """How the elements of an array find their partners."""

    ORDERED = auto()
    """By identity key where there is one, else by position in a sequence."""
    SET = auto()
    """By equality; order and repetition mean nothing."""
    MULTISET = auto()
    """By equality; order means nothing."""
    KEYED = auto()
    """By the given keys; order means nothing."""


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """Exceptions from plain JSON equality, each for the places a pattern names (see `paths.parse_pattern`).

    `ignore`: the value and all below it is not compared at all. `precision`: numbers at or below the place are equal if
    they differ by no more than this; it does not decide who is a member of a set. `sets`, `multisets`, `set_keys`: how
    the array at the place is read. `volatile`: what is known to differ every time; such a change is found and counted,
    and stands apart. `identity_keys` are tried in this order on arrays of objects.
    """

    ignore: tuple[str, ...] = ()
    precision: Mapping[str, float] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    multisets: tuple[str, ...] = ()
    set_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    identity_keys: tuple[str, ...] = IDENTITY_KEYS


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: Pattern
    ignored: bool = False
    volatile: bool = False
    precision: float | None = None
    mode: ArrayMode | None = None
    keys: tuple[str, ...] = ()


class Rules:
    """The rules in force at one place. `step` leads to those of a child, None where none can apply from there on.

    A lazily built automaton: its states are sets of (rule, how much of its pattern has been read).
    """

    __slots__ = ("_known", "_next", "_positions", "_rules", "ignored", "keys", "mode", "precision", "volatile")

    def __init__(
        self,
        rules: tuple[_Rule, ...],
        positions: frozenset[tuple[int, int]],
        precision: float | None,
        known: dict[tuple[frozenset[tuple[int, int]], float | None], Rules],
    ) -> None:
        here = [rules[rule] for rule, read in sorted(positions) if read == len(rules[rule].pattern)]
        known[positions, precision] = self
        self._rules = rules
        self._positions = positions
        self._known = known
        self._next: dict[str | int, Rules | None] = {}
        self.ignored = any(rule.ignored for rule in here)
        self.volatile = any(rule.volatile for rule in here)
        self.precision = max((rule.precision for rule in here if rule.precision is not None), default=precision)
        self.mode = next((rule.mode for rule in here if rule.mode is not None), ArrayMode.ORDERED)
        self.keys = next((rule.keys for rule in here if rule.keys), ())

    def step(self, part: str | int) -> Rules | None:
        """The rules at the child under this key or index."""
        try:
            return self._next[part]
        except KeyError:
            found = self._next[part] = self._stepped(part)
            return found

    def _stepped(self, part: str | int) -> Rules | None:
        positions: set[tuple[int, int]] = set()
        for rule, read in self._positions:
            pattern = self._rules[rule].pattern
            if read == len(pattern):
                continue
            wanted = pattern[read]
            if wanted is Wild.DEEP:
                positions.add((rule, read))
            elif wanted is Wild.ONE or (wanted == part and type(wanted) is type(part)):
                positions.add((rule, read + 1))
        closed = _closed(self._rules, positions)
        if not closed and self.precision is None:
            return None
        return self._known.get((closed, self.precision)) or Rules(self._rules, closed, self.precision, self._known)


def rules_of(options: DiffOptions) -> Rules | None:
    """The rules at the root, None where plain equality is all that is asked. Raises InputError on a bad pattern."""
    rules = (
        *(_Rule(parse_pattern(text), ignored=True) for text in options.ignore),
        *(_Rule(parse_pattern(text), volatile=True) for text in options.volatile),
        *(_Rule(parse_pattern(text), precision=value) for text, value in options.precision.items()),
        *(_Rule(parse_pattern(text), mode=ArrayMode.SET) for text in options.sets),
        *(_Rule(parse_pattern(text), mode=ArrayMode.MULTISET) for text in options.multisets),
        *(_Rule(parse_pattern(text), mode=ArrayMode.KEYED, keys=keys) for text, keys in options.set_keys.items()),
    )
    if not rules:
        return None
    return Rules(rules, _closed(rules, {(rule, 0) for rule in range(len(rules))}), None, {})


def _closed(rules: tuple[_Rule, ...], positions: set[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    """With what a `**` that stands for nothing lets one read."""
    waiting = list(positions)
    while waiting:
        rule, read = waiting.pop()
        pattern = rules[rule].pattern
        if read < len(pattern) and pattern[read] is Wild.DEEP and (rule, read + 1) not in positions:
            positions.add((rule, read + 1))
            waiting.append((rule, read + 1))
    return frozenset(positions)
